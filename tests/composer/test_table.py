"""The system table: the numbers of docs/formats.md, in the one encoding that RFC 8949 calls deterministic."""

import hashlib
import json
import re

import cbor2
import pytest

from composer.grant_words import grants
from composer.interfaces import load_interfaces
from composer.layout import make_layout
from composer.system import Access, Bounds, Kind, OnPanic, Priority, Restart
from composer.table import Module, decode, encode
from composer.table_fit import TableFault, fitting
from tests.composer.systems import UART, app, driver_and_client, instance, need, provide, system, wire

INTERFACES = load_interfaces()


def modules_of(made):
    names = sorted({f"app/{a.name}" for a in made.apps} | {f"glue/{i.name}" for i in made.instances})
    return [Module(n, 4096 * (k + 1), 100 + k, hashlib.sha256(n.encode()).digest()) for k, n in enumerate(names)]


def table_of(made):
    return encode(made, make_layout(made), modules_of(made), INTERFACES)


def test_every_key_of_a_table_is_where_the_formats_say():
    made = driver_and_client()
    modules = modules_of(made)
    raw = cbor2.loads(table_of(made))
    assert raw == {
        0: 5, 1: "munal", 2: "0.1.0", 3: "made", 4: INTERFACES.digest, 5: 0x3F8,
        6: [{0: m.name, 1: m.offset, 2: m.length, 3: m.sha256} for m in modules],
        7: [{0: "com1", 1: "uart", 2: 0, 3: 1, 4: 2, 5: 1 << 20, 6: 1000, 7: 1, 8: 100, 9: 10,
             10: [{0: "regs", 1: 0x3F8, 2: 8, 3: 3, 4: 1}],
             11: [{0: "line", 1: 1, 2: 4, 3: 3, 4: []}, {0: "serial", 1: 4, 2: 0, 3: 1, 4: []}], 12: [], 13: 1, 14: 50_000, 15: 0, 16: 64},
            {0: "hello", 1: "talker", 2: 2, 3: 0, 4: 3, 5: 1 << 20, 6: 1000, 7: 1, 8: 100, 9: 10, 10: [],
             11: [{0: "console", 1: 3, 2: 0, 3: 2, 4: []}], 12: [], 13: 1, 14: 50_000, 15: 0, 16: 64}],
        8: [{0: "com1.serial", 1: 0, 2: 1, 3: 4096}], 9: [], 10: [], 11: 0, 12: [], 13: [],
    }


def test_modules_are_sorted_by_name_whatever_order_they_came_in():
    made = driver_and_client()
    assert encode(made, make_layout(made), modules_of(made)[::-1], INTERFACES) == table_of(made)


@pytest.mark.parametrize(("policy", "number"), [("never", 0), ("on-failure", 1), ("always", 2)])
def test_restart_policies_are_numbers(policy, number):
    made = system(instance("a", app("a", kind=Kind.SERVICE), cpu_permille=200, restart=Restart(policy, 250, 3)))
    found = cbor2.loads(table_of(made))[7][0]
    assert [found[k] for k in (2, 6, 7, 8, 9)] == [1, 200, number, 250, 3]


def test_bounds_are_numbers():
    made = system(instance("a", app("a"), bounds=Bounds(Priority.URGENT, 10, 2500, 7)), panic=OnPanic.RESET)
    raw = cbor2.loads(table_of(made))
    assert [raw[7][0][k] for k in (13, 14, 15, 16)] == [3, 10_000, 2500, 7] and raw[11] == 1
    assert decode(table_of(made))["instances"][0]["priority"] == "urgent" and decode(table_of(made))["panic"] == "reset"


@pytest.mark.parametrize(("widths", "bits"), [((8,), 1), ((16,), 2), ((32,), 4), ((8, 32), 5), ((32, 16, 8), 7), ((8, 8), 1)])
def test_widths_become_bits(widths, bits):
    made = app("d", need("port", "regs", widths=widths, access=Access.READ))
    grant = cbor2.loads(table_of(system(instance("d", made, regs={"base": 7}))))[7][0][10][0]
    assert (grant[3], grant[4]) == (1, bits)


def test_no_emergency_port_is_null_and_an_ungranted_port_is_absent():
    made = system(instance("d", app("d", need("port", "regs", optional=True))))
    raw = cbor2.loads(table_of(made))
    assert raw[5] is None and raw[7][0][10] == []


def test_a_missing_module_is_an_error_and_not_a_guess():
    made = driver_and_client()
    with pytest.raises(KeyError):
        encode(made, make_layout(made), modules_of(made)[1:], INTERFACES)


def test_decoding_names_everything_and_is_fit_for_json():
    rtc = instance("rtc", app("rtc", provide("service", "time")))
    shell = app("shell", need("service", "time"), need("control", "all"), need("stream", "kernel", access=Access.READ))
    user = instance("shell", shell, time={}, all={"instances": ["*"]}, kernel={"from": "kernel.log"})
    com1 = instance("com1", UART, regs={"base": 0x3F8}, line={"gsi": 20})
    made = system(rtc, user, com1, wires=(wire(user, "time", rtc, "time"), wire(user, "kernel", None)))
    table = decode(table_of(made))
    assert json.loads(json.dumps(table)) == table
    assert table["instances"][2]["handles"] == [
        {"name": "time", "kind": "service client", "object": 0, "rights": "rw", "instances": []},
        {"name": "all", "kind": "control", "object": 0, "rights": "rw", "instances": [0, 1, 2]},
        {"name": "kernel", "kind": "kernel log", "object": 0, "rights": "r", "instances": []}]
    assert table["instances"][0]["ports"] == [{"need": "regs", "base": 0x3F8, "length": 8, "access": "rw", "widths": [8]}]
    assert table["services"] == [{"name": "rtc.time", "server": 1}]
    assert table["abi"] == INTERFACES.digest.hex()


def test_a_table_with_a_key_too_many_is_not_decoded():
    raw = cbor2.loads(table_of(driver_and_client()))
    with pytest.raises(ValueError, match="badges"):
        decode(cbor2.dumps({**raw, 14: 0}))


def test_the_encoding_is_the_shortest_and_sorted():
    """RFC 8949, section 4.2.1: encoding what was decoded again, with keys sorted, gives the same bytes."""
    table = table_of(driver_and_client())
    assert cbor2.dumps(cbor2.loads(table), canonical=True) == table
    assert table[:2] == b"\xae\x00"


def test_device_memory_needs_no_handle_and_has_addresses_beyond_32_bits():
    timer = app("timer", need("mmio", "regs", access=Access.READ, widths=(32, 64)), need("log", "log"))
    made = system(instance("timer", timer, regs={"base": 0x1_0000_0008}, log={}))
    (held,) = cbor2.loads(table_of(made))[7]
    assert held[12] == [{0: "regs", 1: 0x1_0000_0008, 2: 0x400, 3: 1, 4: 12}]
    assert [h[0] for h in held[11]] == ["log"] and held[10] == []
    assert decode(table_of(made))["instances"][0]["mmio"] == [{"need": "regs", "base": 0x1_0000_0008, "length": 0x400, "access": "r", "widths": [32, 64]}]


def test_a_device_is_listed_with_its_model_and_read_back():
    made = system(instance("net", app("net", need("device", "card")), card={"slot": "00:03.0", "skip": 0}))
    data = table_of(made)
    (listed,) = cbor2.loads(data)[12]
    assert listed == {
        0: "card", 1: 0, 2: [{0: 0, 1: 0x1044_1AF4, 2: 0xFFFF_FFFF}], 3: 0x18, 4: 0, 5: [{0: "common", 1: 0, 2: None, 3: 64, 4: {0: [[0, 16]], 1: [], 2: []}}],
        6: [{0: "ring", 1: 16, 2: 16, 3: {0: [], 1: [], 2: [{0: 0, 1: 1, 2: 0, 3: False, 4: 0, 5: {0: 8, 1: 4, 2: 0xFFFF_FFFF, 3: 0}, 6: 1, 7: {0: 12, 1: 1, 2: 1}}]}}],
        7: [{0: 0, 1: 4, 2: 1, 3: 0, 4: None}]}
    table = fitting(data, 1 << 30)
    assert table == decode(data) == json.loads(json.dumps(table))
    assert table["devices"][0]["tables"][0]["rules"]["pointers"][0]["length"]["mask"] == 0xFFFF_FFFF
    assert grants(table, table["instances"][0])[0] == "device card: 1af4:1044, at 00:03.0"


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda raw: raw[12][0].update({1: 1}), "device `card` is of nobody"), (lambda raw: raw[12][0][5][0].update({1: 6}), "device `card` has a region that is none"),
    (lambda raw: raw[12][0].update({3: -1}), "`devices` of the table"), (lambda raw: raw[12].clear(), "handle `card` of `net` names object 0"),
    (lambda raw: raw[12][0][6][0][3][2][0].update({6: 4}), "has a table that is none"), (lambda raw: raw[12][0][7][0].update({1: 64}), "has a reset that writes"),
])
def test_a_device_that_the_kernel_would_refuse_is_no_table(spoil, says):
    raw = cbor2.loads(table_of(system(instance("net", app("net", need("device", "card")), card={"slot": "any", "skip": 0}))))
    spoil(raw)
    with pytest.raises(TableFault, match=says):
        fitting(cbor2.dumps(raw, canonical=True), 1 << 30)


def with_files():
    store, user = app("store", provide("files", "tree")), app("user", need("files", "home", access=Access.BOTH))
    kept = instance("store", store)
    clients = [instance(name, user, home={"from": "store.tree", "path": f"/{name}", "quota": 1 << 20}) for name in ("ann", "bob")]
    return table_of(system(kept, *clients, wires=tuple(wire(client, "home", kept, "tree") for client in clients)))


def test_a_badge_is_listed_and_read_back():
    data = with_files()
    ann = bytes([1, 3, 3, 0, 4, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0]) + b"ann/ann"
    assert cbor2.loads(data)[13][0] == {0: 0, 1: ann, 2: "files", 3: "read and write /ann, at most 1 MiB"}
    table = fitting(data, 1 << 30)
    assert table == decode(data) == json.loads(json.dumps(table))
    assert table["badges"][0]["data"] == ann.hex()
    assert grants(table, table["instances"][1])[0] == "files home: asks store.tree, read and write /bob, at most 1 MiB"
    assert grants(table, table["instances"][2])[0] == "service tree: answers"


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda raw: raw[13][0].update({0: 1}), "badge 0 is for no service"),
    (lambda raw: raw[13].pop(), "handle `home` of `bob` names object 1"),
    (lambda raw: raw[7][1][11][0].update({2: 0}), "handle `home` of `bob` has the badge of `ann`"),
    (lambda raw: raw[13][1].update({3: "read /bob"}), "the badge of `home` of `bob` is not what its words say"),
    (lambda raw: raw[13][1].update({1: b""}), "the badge of `home` of `bob` cannot be read: it ends within its header"),
    (lambda raw: raw[13][1].update({1: bytes(2049)}), "`data` of badge 1 is none that can be"),
    (lambda raw: raw[13][1].update({3: "\x1b[31m"}), "`words` of badge 1 is none that can be"),
])
def test_a_badge_that_says_something_else_is_no_table(spoil, says):
    raw = cbor2.loads(with_files())
    spoil(raw)
    with pytest.raises(TableFault, match=re.escape(says)):
        fitting(cbor2.dumps(raw, canonical=True), 1 << 30)
