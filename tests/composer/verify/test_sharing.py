"""The second decision, from an image's bytes: nothing of the composer in it, and no tampered table or certificate passes."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import struct
import sys
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import pe
from composer.certificate import EMERGENCY_LENGTH, SIZES, certify, seal
from composer.hardware import PAGE, Space
from composer.interfaces import load_interfaces
from composer.layout import HandleKind, make_layout
from composer.link import link
from composer.verify import sharing
from tests.composer.elves import READ, Elf, Part
from tests.composer.images import ORIGIN
from tests.composer.systems import TALKER, UART, app, instance, need, system, wire

ABI = load_interfaces().abi


def two_drivers():
    com1 = instance("com1", UART, regs={"base": 0x3F8}, line={"isa": 4})
    com2 = instance("com2", UART, regs={"base": 0x2F8}, line={"isa": 3})
    clock = instance("clock", app("cmos", need("port", "regs", length=2), need("port", "more", length=2)), regs={"base": 0x70}, more={"base": 0x71})
    hpet = app("hpet", need("mmio", "regs"), need("mmio", "more", length=0x1008))
    timer = instance("timer", hpet, regs={"base": 0xFED0_0000}, more={"base": 0xFED0_0800})
    hello = instance("hello", TALKER, console={"from": "com1.serial"})
    card = app("net", need("device", "card"))
    lan, wan = instance("lan", card, card={"slot": "00:03.0", "skip": 0}), instance("wan", card, card={"slot": "any", "skip": 0})
    made = system(com1, com2, clock, timer, hello, lan, wan, wires=(wire(hello, "console", com1, "serial"),), emergency_port=0x3F8)
    return replace(made, target="lab", settings=(("rate", "115200"),))


def linked(made):
    kernel = Elf()
    kernel.parts.append(Part(0x8000, ABI, READ))
    modules = {f"app/{a.name}": b"code" for a in made.apps} | {f"glue/{i.name}": b"glue" for i in made.instances}
    origin = replace(ORIGIN, settings=dict(made.settings), target=made.target)
    return link(kernel.build(), made, make_layout(made), modules, load_interfaces(), origin.record()).value


SYSTEM = two_drivers()
IMAGE = linked(SYSTEM)
CERTIFICATE = certify(IMAGE, SYSTEM).value
CLAIMS = {key: value for key, value in json.loads(CERTIFICATE).items() if key != "sha256"}
TABLE = cbor2.loads(IMAGE.table)


def image_of(table, abi=ABI, emergency=None):
    """An image with this table under a right digest, whatever the table says."""
    encoded = table if isinstance(table, bytes) else cbor2.dumps(table, canonical=True)
    port = emergency if emergency is not None else table[5] if isinstance(table, dict) and isinstance(table.get(5), int) else 0
    header = struct.pack("<8sIIQQ32s", b"MUNALSYS", 1, port & 0xFFFF_FFFF, 64, len(encoded), hashlib.sha256(encoded).digest())
    payload = header + encoded
    kernel = pe.Section(".text", 0x1000, len(abi), abi, pe.Use.CODE)
    return pe.write(0x1000, [kernel, pe.Section(".munal", 0x10000, len(payload), payload, pe.Use.CONSTANTS)])


def changed(change):
    table = copy.deepcopy(TABLE)
    change(table)
    return table


def failures(image, certificate):
    return [f"{check.name}: {check.text}" for check in sharing.recheck(image, certificate) if not check.ok]


def page(base, length=8):
    """A grant of device memory."""
    return {0: "page", 1: base, 2: length, 3: 1, 4: 4}


def holds(table, name, key=10):
    return next(i for i in table[7] if i[0] == name)[key]


def test_a_sound_image_passes_every_check():
    checks = sharing.recheck(IMAGE.data, CERTIFICATE)
    assert all(check.ok for check in checks), checks
    assert {check.name for check in checks} >= {"ports", "interrupts", "MMIO pages", "DMA pages", "kept hardware", "certificate: image",
                                                "certificate: spaces", "certificate: places"}
    assert next(c.text for c in checks if c.name == "ports").startswith("19 of 65536 held, by 3 instances, none by two; ")


def test_it_shares_no_code_with_what_it_checks():
    tree = ast.parse(Path(sharing.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= set(sys.stdlib_module_names) | {"cbor2"}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    assert not {"importlib", "import_module", "__import__", "exec", "eval", "runpy"} & (names | imported)


def test_its_numbers_are_those_of_the_interfaces():
    """It does not import them, so that a fault of theirs is not its own: here both are held side by side."""
    fields = {field.name: field for field in load_interfaces().capabilities["mmio"].need_fields}
    sizes = {Space.PORT: sharing.PORTS, Space.LINE: sharing.LINES, Space.MMIO: sharing.PAGES, Space.DMA: sharing.PAGES, Space.FUNCTION: sharing.FUNCTIONS}
    assert sharing.MOST_BYTES == fields["length"].max and sizes == SIZES
    assert (sharing.PAGE, sharing.EMERGENCY_PORTS, sharing.ISA_LINE, sharing.GLOBAL_LINE) == (
        PAGE, EMERGENCY_LENGTH, HandleKind.IRQ_ISA, HandleKind.IRQ_GLOBAL)


@pytest.mark.parametrize(("change", "says"), [
    (lambda t: holds(t, "com2")[0].update({1: 0x3FF}), "ports: port 0x3ff is held by `com1` and by `com2`"),
    (lambda t: holds(t, "com2", 11)[0].update({2: 4}), "interrupts: interrupt 4 is held by `com1` and by `com2`"),
    (lambda t: holds(t, "com2", 11)[0].update({1: 2, 2: 4}), "interrupts: interrupt 4 is held by `com1` and by `com2`"),
    (lambda t: holds(t, "com2", 11)[0].update({2: 2}), "interrupts: interrupt 2 is held by `com2`, and the kernel keeps it"),
    (lambda t: holds(t, "com2")[0].update({1: 0x19}), "ports: port 0x20 is held by `com2`, and the kernel keeps it"),
    (lambda t: holds(t, "com2")[0].update({1: 0xFFF9}), "hardware: `com2` would hold 8 of space `port` from 0xfff9 on"),
    (lambda t: holds(t, "com2")[0].update({2: 0}), "hardware: `com2` would hold 0"),
    (lambda t: holds(t, "com2")[0].update({1: -1}), "hardware: `com2` would hold 8"),
    (lambda t: holds(t, "com2")[0].update({1: "0x60"}), "hardware: the system table has not the form"),
    (lambda t: holds(t, "com2")[0].update({2: 1.5}), "hardware: the system table has not the form"),
    (lambda t: holds(t, "com2", 11)[0].update({2: 240}), "hardware: `com2` would hold 1 of space `interrupt`"),
    (lambda t: holds(t, "com2", 12).append(page(0xFED0_1FF8)), "MMIO pages: MMIO page 0xfed01000..0xfed01fff is held by `com2` and by `timer`"),
    (lambda t: holds(t, "timer", 12).append(page(0xFEE0_0FF8)), "MMIO pages: MMIO page 0xfee00000..0xfee00fff is held by `timer`, and the kernel keeps it"),
    (lambda t: holds(t, "com2", 12).append(page(1 << 52)), "hardware: `com2` would hold 1 of space `MMIO page` from 0x10000000000 on"),
    (lambda t: holds(t, "com2", 12).append(page(0, 1 << 40)), "hardware: `com2` would hold 1099511627776 bytes of device memory"),
    (lambda t: holds(t, "com2", 12).append(page(0, 0)), "hardware: `com2` would hold 0 bytes"),
    (lambda t: holds(t, "com2", 12).append(page(-8)), "hardware: `com2` would hold 8 bytes of device memory from -0x8 on"),
    (lambda t: next(i for i in t[7]).pop(12), "hardware: the system table has not the form"),
    (lambda t: t.update({5: 0x1C}), "emergency port: the emergency writer would use port 0x20"),
    (lambda t: t.update({5: 0xFFF9}), "emergency port: the emergency writer would use port 0x10000"),
    (lambda t: t.update({4: bytes(32)}), "hardware: the kernel in the image does not carry the interfaces"),
    (lambda t: t.update({7: 3}), "hardware: the system table has not the form"),
    (lambda t: t.pop(7), "hardware: the system table has not the form"),
])
def test_a_table_that_shares_hardware_is_found_whatever_its_digests_say(change, says):
    assert any(failure.startswith(says) for failure in failures(image_of(changed(change)), None))


def test_hands_made_images_pass_where_nothing_is_wrong():
    assert failures(image_of(TABLE), None) == ["certificate: there is none beside the image"]


def test_the_headers_emergency_port_is_the_tables():
    assert "emergency port: the image's header names 0x60, the system table 0x3f8" in failures(image_of(TABLE, emergency=0x60), None)


def test_a_kernel_that_keeps_less_than_it_should_is_found():
    abi = json.loads(ABI)
    abi["kept"]["ports"] = abi["kept"]["ports"][1:]
    other = json.dumps(abi, sort_keys=True, separators=(",", ":")).encode()
    table = changed(lambda t: t.update({4: hashlib.sha256(other).digest()}))
    assert "kept hardware: port 0x0 is kept by kept.toml alone" in failures(image_of(table, other), None)


@pytest.mark.parametrize("table", [b"", b"\xff", b"\x01", b"\xa1\x00", cbor2.dumps(TABLE, canonical=True) + b"\0", b"\x9b" + b"\xff" * 8, b"\xd9" * 400, b"\x81" * 4000])
def test_bytes_that_are_no_table_are_said_to_be_none(table):
    assert failures(image_of(table), None)[0] == "hardware: the system table is no map in deterministic CBOR"


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_bytes_make_it_fall_over(data):
    start = data.draw(st.integers(0, len(IMAGE.data) - 1))
    patch = data.draw(st.binary(min_size=1, max_size=8))
    harmed = IMAGE.data[:start] + patch + IMAGE.data[start + len(patch):]
    checks = sharing.recheck(harmed[:data.draw(st.integers(0, len(harmed)))], data.draw(st.binary(max_size=40)))
    assert checks and not all(check.ok for check in checks)
    assert not all(check.ok for check in sharing.recheck(harmed, CERTIFICATE)) or harmed == IMAGE.data


def places(value, path=()):
    """Every place in a table."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(-2**64, 2**64), st.floats(allow_nan=False), st.text(max_size=3), st.binary(max_size=3),
                     st.just([]), st.just({}), st.just([[7]]), st.just({0: {0: 0}}))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(places(TABLE))), ANYTHING)
def test_no_value_in_a_table_makes_it_fall_over(path, value):
    def change(table):
        for key in path[:-1]:
            table = table[key]
        table[path[-1]] = value

    checks = sharing.recheck(image_of(changed(change)), CERTIFICATE)
    assert checks and not all(check.ok for check in checks)


@pytest.mark.parametrize("record", [b"", b"3", b"{}", b"[" * 9999, b'{"composer": 3, "target": null, "settings": {}}', b"\xff"])
def test_no_record_of_its_making_makes_it_fall_over(record):
    modules = {f"app/{a.name}": b"code" for a in SYSTEM.apps} | {f"glue/{i.name}": b"glue" for i in SYSTEM.instances}
    kernel = Elf()
    kernel.parts.append(Part(0x8000, ABI, READ))
    image = link(kernel.build(), SYSTEM, make_layout(SYSTEM), modules, load_interfaces(), record).value
    assert failures(image.data, certify(image, SYSTEM).value) or record == b""


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(CERTIFICATE) - 1), st.integers(1, 255))
def test_no_byte_of_a_certificate_can_change(place, flip):
    harmed = bytearray(CERTIFICATE)
    harmed[place] ^= flip
    assert failures(IMAGE.data, bytes(harmed))


def parts(value, path=()):
    """Every place in the claims, but those in manifests, of which an image knows nothing."""
    if path and path[-1] == "at":
        return
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from parts(inner, (*path, key))


def changed_at(path, change):
    claims = copy.deepcopy(CLAIMS)
    around = claims
    for key in path[:-1]:
        around = around[key]
    change(around, path[-1])
    return claims


def other(value):
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int):
        return value + 1
    return value + "x" if isinstance(value, str) else []


CHANGES = {
    "otherwise": lambda around, key: around.__setitem__(key, other(around[key])),
    "gone": lambda around, key: around.pop(key),
    "nothing": lambda around, key: around.__setitem__(key, None),
    "a fraction": lambda around, key: around.__setitem__(key, float(around[key]) if isinstance(around[key], int) else 0.5),
    "twice": lambda around, key: around.insert(key, copy.deepcopy(around[key])) if isinstance(around, list) else around.update({f"{key} too": around[key]}),
    "exchanged": lambda around, key: around.__setitem__(slice(None), around[::-1]) if isinstance(around, list) else around.update({key: [around[key]]}),
}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(parts(CLAIMS))), st.sampled_from(sorted(CHANGES)))
def test_no_claim_can_change_even_under_a_new_seal(path, change):
    claims = changed_at(path, CHANGES[change])
    if claims != CLAIMS or repr(claims) != repr(CLAIMS):
        assert failures(IMAGE.data, seal(claims)), path


def test_holders_cannot_change_places():
    ports = next(k for k, s in enumerate(CLAIMS["spaces"]) if s["space"] == "port")
    claims = copy.deepcopy(CLAIMS)
    held = [e for e in claims["spaces"][ports]["ranges"] if e.get("holder") in ("com1", "com2")]
    held[0]["holder"], held[1]["holder"] = held[1]["holder"], held[0]["holder"]
    said = failures(IMAGE.data, seal(claims))
    assert len(said) == 1 and '.holder` is "com1" in the certificate, and should be "com2"' in said[0]


def test_an_image_without_a_record_of_its_making_leaves_that_to_the_certificate():
    modules = {f"app/{a.name}": b"code" for a in SYSTEM.apps} | {f"glue/{i.name}": b"glue" for i in SYSTEM.instances}
    kernel = Elf()
    kernel.parts.append(Part(0x8000, ABI, READ))
    image = link(kernel.build(), SYSTEM, make_layout(SYSTEM), modules, load_interfaces()).value
    sealed = certify(image, SYSTEM).value
    assert failures(image.data, sealed) == []
    claims = {key: value for key, value in json.loads(sealed).items() if key != "sha256"}
    assert failures(image.data, seal({**claims, "composer": 7})) == ["certificate: places: a place, or what the image was made of, is no text"]


def test_a_certificate_of_another_image_is_not_this_ones():
    assert any(f.startswith("certificate: image: it is about the image ") for f in failures(image_of(TABLE), CERTIFICATE))


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, CERTIFICATE[:-1], CERTIFICATE + b"\n", b" " + CERTIFICATE,
                                  json.dumps(json.loads(CERTIFICATE)).encode(), seal({}), seal({"spaces": 3, "system": None})])
def test_texts_that_are_no_certificate(text):
    said = failures(IMAGE.data, text)
    assert said and all(failure.startswith("certificate") for failure in said)
