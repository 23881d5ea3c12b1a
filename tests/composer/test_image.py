"""Images read back: what the composer wrote is found again, pefile agrees, and no bytes give more than a diagnostic."""

import dataclasses
import hashlib
import struct

import cbor2
import pefile
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer import pe
from composer.image import ImageView, read_image
from composer.link import HEADER
from composer.origin import read_record
from composer.table import decode
from tests.composer.images import MODULES, ORIGIN, small_image

IMAGE = small_image()
VIEW = read_image(IMAGE).value
PAYLOAD = next(s for s in VIEW.sections if s.name == ".munal")


def changed(at, content, image=IMAGE):
    return image[:at] + content + image[at + len(content):]


def faults(data):
    return [(d.code, d.message) for d in read_image(data).diagnostics]


def with_table(change):
    """The image with another table, its digest correct."""
    raw = cbor2.loads(VIEW.table_bytes)
    change(raw)
    return with_table_bytes(cbor2.dumps(raw, canonical=True))


def with_table_bytes(table):
    payload = bytearray(VIEW.section(".munal"))
    start = HEADER.unpack_from(payload)[3]
    payload[start:] = table
    struct.pack_into("<Q32s", payload, 24, len(table), hashlib.sha256(table).digest())
    sections = [pe.Section(s.name, s.address, s.size, IMAGE[s.offset:s.offset + s.file_size][:s.size], pe.Use(s.use)) for s in VIEW.sections]
    at = next(k for k, s in enumerate(sections) if s.name == ".munal")
    sections[at:] = [dataclasses.replace(sections[at], size=len(payload), data=bytes(payload))]
    return pe.write(0x2004, sections)


def test_what_was_linked_is_read_back():
    result = read_image(IMAGE)
    assert result.diagnostics == () and result.value.modules == MODULES
    assert result.value.table == decode(VIEW.table_bytes) and result.value.table["name"] == "munal"
    assert result.value.sha256 == hashlib.sha256(IMAGE).hexdigest()
    assert result.value.origin == read_record(ORIGIN.record())
    assert result.value.origin["settings"] == {"port": "3"}


def test_pefile_sees_the_same_sections():
    read = pefile.PE(data=IMAGE)
    assert [(s.name, s.address, s.size, s.offset, s.file_size) for s in VIEW.sections] == [
        (s.Name.rstrip(b"\0").decode(), s.VirtualAddress, s.Misc_VirtualSize, s.PointerToRawData, s.SizeOfRawData) for s in read.sections]


def test_the_parts_are_those_that_the_linker_counts():
    assert sum(VIEW.parts.values()) == len(IMAGE) and VIEW.parts["origin"] == len(ORIGIN.record())
    assert (VIEW.parts["apps"], VIEW.parts["glue"], VIEW.parts["table"]) == (8193, 11, len(VIEW.table_bytes))


def test_an_image_without_a_record_has_no_origin():
    view = read_image(small_image(origin=None)).value
    assert view.origin is None and "origin" not in view.parts


@pytest.mark.parametrize(("data", "says"), [
    (b"", "does not start with `MZ`"), (b"\x7fELF" + bytes(100), "does not start with `MZ`"), (b"MZ", "cut off"),
    (IMAGE[:100], "cut off"), (IMAGE[:600], "cut off"), (IMAGE[:-600], "cut off"),
    (changed(64, b"XX"), "another signature"), (changed(68, b"\x4c\x01"), "machine 0x14c"),
    (changed(88 + 68, b"\x02\0"), "no UEFI application"), (IMAGE.replace(b".munal\0", b".other\0"), "no section `.munal`"),
    (IMAGE.replace(b".origin\0", b".munal\0\0"), "more than one section `.munal`"), (IMAGE.replace(b".origin\0", b"\xff\xfe\0\0\0\0\0\0"), "readable name"),
])
def test_what_is_no_image_of_ours_is_told_in_words(data, says):
    assert [code for code, _ in faults(data)] == ["M0510"] and says in faults(data)[0][1]


def at_payload(offset, content):
    return changed(PAYLOAD.offset + offset, content)


@pytest.mark.parametrize(("data", "says"), [
    (at_payload(0, b"X"), "does not start as it must"), (at_payload(8, b"\2"), "layout 2"),
    (at_payload(16, b"\xff" * 8), "outside of the image"), (at_payload(24, b"\xff" * 8), "outside of the image"),
    (at_payload(12, b"\xf9"), "names 0x3f9 as emergency port"),
])
def test_a_header_that_lies_is_told_in_words(data, says):
    assert [code for code, _ in faults(data)] == ["M0511"] and says in faults(data)[0][1]


def grant(table):
    return table[7][0][10][0]


def handle(table):
    return table[7][0][11][0]


TABLES = {
    "version 1": lambda t: t.update({0: 1}), "`name` of the table": lambda t: t.update({1: 7}),
    "`profile` of the table": lambda t: t.update({3: "a\x1b[31m"}), "`abi` of the table": lambda t: t.update({4: b"short"}),
    "`emergency_port` of the table": lambda t: t.update({5: 65536}), "keys 0 to 13": lambda t: t.pop(9),
    "outside of the image's code": lambda t: t[6][-1].update({2: 1 << 40}), "shares its bytes": lambda t: t[6][1].update({1: 4096}),
    "order of their names": lambda t: t[6].reverse(), "instances are not in the order": lambda t: t[7][0].update({0: "zzz"}),
    "no list of at most 4096": lambda t: t.update({8: [t[8][0]] * 4097}), "joins an instance": lambda t: t[8][0].update({2: 9}),
    "holds 0 bytes": lambda t: t[8][0].update({3: 0}), "has no module": lambda t: t[7][0].update({3: 99}),
    "runs the code of another": lambda t: t[7][0].update({3: 0}), "1001 permille": lambda t: t[7][0].update({6: 1001}),
    "`kind` of instance 0": lambda t: t[7][0].update({2: 3}), "`restart` of instance 0": lambda t: t[7][0].update({7: True}),
    "leaves the 65,536 ports": lambda t: grant(t).update({1: 0xFFFF}), "`access` of port grant 0": lambda t: grant(t).update({3: 4}),
    "leaves the addresses that there are": lambda t: t[7][0][12].append({0: "x", 1: (1 << 52) - 8, 2: 9, 3: 1, 4: 1}),
    "`widths` of grant of device memory 0": lambda t: t[7][0][12].append({0: "x", 1: 0, 2: 8, 3: 1, 4: 16}),
    "`kind` of handle 0": lambda t: handle(t).update({1: 99}), "names object 16": lambda t: handle(t).update({2: 16}),
    "period of 999 microseconds": lambda t: t[7][0].update({14: 999}), "`priority` of instance 0": lambda t: t[7][0].update({13: 4}),
    "`handle_limit` of instance 0": lambda t: t[7][0].update({16: 4097}), "`panic` of the table": lambda t: t.update({11: 2}),
    "channel `x.y` joins": lambda t: t[10].append({0: "x.y", 1: 9, 2: 0, 3: 1, 4: 1, 5: 0}),
    "holds 257 messages": lambda t: t[10].append({0: "x.y", 1: 0, 2: 0, 3: 257, 4: 1, 5: 0}),
    "5 messages of 1048576 bytes": lambda t: t[10].append({0: "x.y", 1: 0, 2: 0, 3: 5, 4: 1 << 20, 5: 0}),
    "`carries` of channel 0": lambda t: t[10].append({0: "x.y", 1: 0, 2: 0, 3: 1, 4: 1, 5: 8}),
    "names an instance that is not there": lambda t: handle(t).update({4: [2]}), "`rights` of handle 0": lambda t: handle(t).update({3: -1}),
}


@pytest.mark.parametrize("says", TABLES)
def test_a_table_that_does_not_fit_is_told_in_words(says):
    found = faults(with_table(TABLES[says]))
    assert [code for code, _ in found] == ["M0511"] and says in found[0][1], found


def test_the_last_port_can_be_granted():
    assert faults(with_table(lambda t: grant(t).update({1: 0xFFF8}))) == []


@pytest.mark.parametrize("table", [b"", b"\xff", b"\x81" * 5000, b"\xc2\x41\x01", b"\xd8\x1c\x81\xd8\x1d\x00", b"\xbf\xff", b"\xf9\x7e\x00",
                                   b"\xa1\x80\x01", b"\x9b" + b"\xff" * 8, b"\xa2\0\1\0\1"])
def test_cbor_that_is_no_table_is_told_in_words(table):
    assert [code for code, _ in faults(with_table_bytes(table))] == ["M0511"]


def test_another_encoding_of_the_same_table_is_refused():
    longer = VIEW.table_bytes.replace(b"\x19\x03\xf8", b"\x1a\0\0\x03\xf8", 1)
    assert "deterministic" in faults(with_table_bytes(longer))[0][1]
    assert "deterministic" in faults(with_table_bytes(VIEW.table_bytes + b"\0"))[0][1]


def test_every_changed_module_is_named_with_both_digests():
    place = PAYLOAD.offset
    first, last = (VIEW.table["modules"][k]["offset"] for k in (0, -1))
    result = read_image(changed(place + last, b"!", changed(place + first, b"!")))
    assert [d.message.split("`")[1] for d in result.diagnostics] == ["app/talker", "glue/hello"]
    assert {d.code for d in result.diagnostics} == {"M0512"} and result.value is not None and not result.ok
    assert VIEW.table["modules"][0]["sha256"] in result.diagnostics[0].notes[0]


def test_a_table_that_is_not_what_its_digest_says_is_named():
    [only] = read_image(at_payload(32, bytes(32))).diagnostics
    assert only.code == "M0512" and "the system table" in only.message


def test_a_damaged_record_leaves_the_rest_to_show():
    at = next(s for s in VIEW.sections if s.name == ".origin").offset
    result = read_image(changed(at + 1, b"'"))
    assert [d.code for d in result.diagnostics] == ["M0511"] and result.value.origin is None and result.value.modules == MODULES


EDITS = st.lists(st.tuples(st.integers(0, len(IMAGE) - 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6)
INSIDE = st.sampled_from([(PAYLOAD.offset, 64), (0, 600), (PAYLOAD.offset + HEADER.unpack_from(VIEW.section(".munal"))[3], len(VIEW.table_bytes)),
                          (VIEW.sections[-1].offset, len(ORIGIN.record()))])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EDITS, INSIDE, st.integers(0, len(IMAGE)), st.booleans())
def test_no_change_of_an_image_gives_more_than_a_diagnostic(edits, place, cut, keep):
    start, length = place
    data = IMAGE
    for at, content in edits:
        data = changed(start + at % length, content, data)
    result = read_image(data if keep else data[:cut])
    assert result.value is None or isinstance(result.value, ImageView) and sum(result.value.parts.values()) == len(result.value.data)
    assert all(d.message and d.code.startswith("M051") for d in result.diagnostics)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_table_gives_more_than_a_diagnostic(table):
    result = read_image(with_table_bytes(table))
    assert result.value is None and result.diagnostics


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000).map(lambda rest: b"MZ" + rest) | st.binary(max_size=2000))
def test_no_bytes_give_more_than_a_diagnostic(data):
    result = read_image(data)
    assert result.value is None and [d.code for d in result.diagnostics] == ["M0510"]
