"""Glue as it runs: every rendered module is compiled, linked with recording stand-ins for the kernel and called.

Offsets and connections are tried on both sides of every bound, and names that no model lets through are tried anyway.
"""

from __future__ import annotations

import dataclasses
import re

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import generate
from composer.generate import render_all, render_glue, wat_comment, wat_name, wat_string
from composer.interfaces import load_interfaces
from composer.layout import make_layout
from composer.spans import Source, Span
from composer.system import Access
from tests.composer.systems import UART, app, driver_and_client, instance, need, provide, system, wire

INTERFACES = load_interfaces()
ENGINE = wasmtime.Engine()
RAW_ANSWER = 77
U32 = 2**32


class Glue:
    """One instance's glue, running: `call` answers what the SIP would get, `calls` is what the kernel saw."""

    def __init__(self, made, name):
        self.text = render_glue(made, made.instance(name), make_layout(made), INTERFACES)
        self.calls = []
        self.store = wasmtime.Store(ENGINE)
        module = wasmtime.Module(ENGINE, self.text)
        self.imports = {(i.module, i.name) for i in module.imports}
        self.exports = wasmtime.Instance(self.store, module, [self._raw(i) for i in module.imports]).exports(self.store)

    def _raw(self, wanted):
        def record(*words):
            self.calls.append((wanted.name, *words))
            return RAW_ANSWER if wanted.type.results else None

        return wasmtime.Func(self.store, wanted.type, record)

    @property
    def names(self):
        return set(self.exports.keys())

    def call(self, name, *words):
        self.calls.clear()
        return self.exports[name](self.store, *words)

    def traps(self, name, *words):
        try:
            self.call(name, *words)
        except wasmtime.Trap as trap:
            assert trap.trap_code is wasmtime.TrapCode.UNREACHABLE
            return not self.calls
        return False


def signed(word):
    return word - U32 if word >= U32 // 2 else word


def port_glue(length=8, base=0x3F8, access=Access.BOTH, widths=(8, 16, 32)):
    made = app("d", need("port", "regs", length=length, access=access, widths=widths))
    return Glue(system(instance("d", made, regs={"base": base})), "d")


def around(*bounds):
    return st.sampled_from(sorted({(b + d) % U32 for b in (*bounds, 0, 0xFFFF, 2**31, U32) for d in (-2, -1, 0, 1, 2)}))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 256), st.integers(0, 0xFFFF))
def test_an_offset_passes_exactly_when_the_operand_fits_in_the_range(data, length, base):
    glue = port_glue(length, base)
    for width in (8, 16, 32):
        bytes_ = width // 8
        for offset in data.draw(st.lists(around(length - bytes_, length) | st.integers(0, U32 - 1), min_size=4, max_size=8)):
            if offset + bytes_ <= length:
                assert glue.call(f"munal:port/regs#read{width}", signed(offset)) == RAW_ANSWER
                assert glue.calls == [(f"port_in{width}", base + offset)]
                glue.call(f"munal:port/regs#write{width}", signed(offset), 0x5A)
                assert glue.calls == [(f"port_out{width}", base + offset, 0x5A)]
            else:
                assert glue.traps(f"munal:port/regs#read{width}", signed(offset))
                assert glue.traps(f"munal:port/regs#write{width}", signed(offset), 0)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 1 << 24), st.integers(0, (1 << 44) - (1 << 24)))
def test_an_offset_into_device_memory_is_extended_and_never_goes_round(data, length, base):
    made = app("d", need("mmio", "regs", length=length, widths=(8, 16, 32, 64)))
    glue = Glue(system(instance("d", made, regs={"base": base})), "d")
    for width in (8, 16, 32, 64):
        bytes_ = width // 8
        for offset in data.draw(st.lists(around(length - bytes_, length, -base) | st.integers(0, U32 - 1), min_size=4, max_size=8)):
            if offset + bytes_ <= length:
                assert glue.call(f"munal:mmio/regs#read{width}", signed(offset)) == RAW_ANSWER
                assert glue.calls == [(f"mmio_read{width}", base + offset)]
                glue.call(f"munal:mmio/regs#write{width}", signed(offset), 0x5A)
                assert glue.calls == [(f"mmio_write{width}", base + offset, 0x5A)]
            else:
                assert glue.traps(f"munal:mmio/regs#read{width}", signed(offset))
                assert glue.traps(f"munal:mmio/regs#write{width}", signed(offset), 0)
    assert glue.call("munal:mmio/regs#base") == base


@pytest.mark.parametrize(("length", "width", "last"), [(8, 8, 7), (8, 16, 6), (8, 32, 4), (1, 8, 0), (4, 32, 0), (256, 8, 255)])
def test_the_last_offset_passes_and_the_next_one_traps(length, width, last):
    glue = port_glue(length)
    assert glue.call(f"munal:port/regs#read{width}", last) == RAW_ANSWER
    for offset in (last + 1, length, 0xFFFF, signed(U32 - 1), signed(U32 - 0x3F8), signed(2**31)):
        assert glue.traps(f"munal:port/regs#read{width}", offset)


@pytest.mark.parametrize(("length", "width"), [(1, 16), (1, 32), (3, 32)])
def test_an_operand_wider_than_the_range_never_passes(length, width):
    glue = port_glue(length)
    assert all(glue.traps(f"munal:port/regs#read{width}", o) for o in (0, 1, signed(U32 - 1), signed(U32 - 2)))


@pytest.mark.parametrize(("access", "widths", "expected"), [
    (Access.READ, (8,), {"read8"}), (Access.WRITE, (16,), {"write16"}), (Access.BOTH, (8, 32), {"read8", "read32", "write8", "write32"}),
])
def test_only_what_access_and_widths_cover_is_there(access, widths, expected):
    glue = port_glue(access=access, widths=widths)
    prefix = "munal:port/regs#"
    assert {n.removeprefix(prefix) for n in glue.names if n.startswith(prefix)} == expected | {"base", "granted"}
    raw = {n for m, n in glue.imports if m == "munal:raw"}
    assert {n for n in raw if n.startswith("port_")} == {
        n.replace("read", "port_in").replace("write", "port_out") for n in expected}
    assert glue.call(prefix + "base") == 0x3F8


def test_every_sip_may_wait_yield_and_exit_and_everything_can_be_ended():
    glue = Glue(system(instance("bare", app("bare"))), "bare")
    assert glue.names == {"munal:sip#wait", "munal:sip#yield", "munal:sip#exit", "ended"}
    assert glue.call("munal:sip#wait", 64, 16, -1) == RAW_ANSWER
    assert glue.calls == [("sip_wait", 64, 16, -1)]
    assert glue.traps("ended")


def test_a_client_passes_its_handle_and_all_it_was_given():
    made = app("c", need("log", "log"), need("stream", "console"), need("clock", "clock"))
    client, server = instance("c", made, log={}, console={}, clock={}), instance("com1", UART, regs={"base": 0}, line={"isa": 4})
    glue = Glue(system(client, server, wires=(wire(client, "console", server, "serial"),)), "c")
    assert glue.call("munal:stream/console#write", 1000, 5) == RAW_ANSWER
    assert glue.calls == [("stream_write", 1, 1000, 5)]
    glue.call("munal:clock/clock#sleep", 2**40)
    assert glue.calls == [("clock_sleep", 2, 2**40)]
    glue.call("munal:log/log#write", 1, 2)
    assert glue.calls == [("log_write", 0, 1, 2)]
    assert glue.call("munal:stream/console#handle") == 1


def served_by(count):
    com1 = instance("com1", UART, regs={"base": 0x3F8}, line={"isa": 4})
    talker = app("t", need("stream", "console"))
    clients = [instance(f"t{k}", talker, console={}) for k in range(count)]
    return Glue(system(com1, *clients, wires=tuple(wire(c, "console", com1, "serial") for c in clients)), "com1")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_connection_is_answered_exactly_within_the_count(count):
    glue = served_by(count)
    prefix, invalid = "munal:stream-server/serial#", INTERFACES.errors["invalid"]
    assert glue.call(prefix + "count") == count
    for connection in {0, 1, count - 1, count, count + 1, 0xFFFF, 2**31, U32 - 2, U32 - 1} - {-1}:
        inside = connection < count
        first = glue.call(prefix + "handle", signed(connection))
        assert first == (1 + connection if inside else invalid)
        assert glue.call(prefix + "try_read", signed(connection), 8, 9) == (RAW_ANSWER if inside else invalid)
        assert glue.calls == ([("stream_try_read", 1 + connection, 8, 9)] if inside else [])
        assert glue.call(prefix + "try_write", signed(connection), 8, 9) == (RAW_ANSWER if inside else invalid)
        assert glue.calls == ([("stream_try_write", 1 + connection, 8, 9)] if inside else [])


def test_an_ungranted_need_answers_granted_and_traps_otherwise():
    made = app("o", need("port", "regs", optional=True), need("irq", "line", optional=True), need("clock", "clock"))
    glue = Glue(system(instance("o", made, clock={})), "o")
    assert glue.call("munal:port/regs#granted") == glue.call("munal:irq/line#granted") == 0
    assert glue.call("munal:clock/clock#granted") == 1
    for name, words in {"port/regs#read8": (0,), "port/regs#write8": (0, 0), "port/regs#base": (),
                        "irq/line#wait": (-1,), "irq/line#acknowledge": (), "irq/line#handle": ()}.items():
        assert glue.traps(f"munal:{name}", *words)
    assert {n for _, n in glue.imports} == {"clock_now", "clock_sleep", "sip_exit", "sip_wait", "sip_yield"}


def test_a_service_passes_its_handle_on_both_sides():
    rtc = instance("rtc", app("rtc", need("log", "log"), provide("service", "time")), log={})
    asker = instance("a", app("a", need("service", "time")), time={})
    made = system(rtc, asker, wires=(wire(asker, "time", rtc, "time"),))
    server, client = Glue(made, "rtc"), Glue(made, "a")
    server.call("munal:service-server/time#receive", 0, 64, -1)
    assert server.calls == [("service_receive", 1, 0, 64, -1)]
    assert server.call("munal:service-server/time#handle") == 1
    client.call("munal:service/time#call", 0, 4, 8, 12)
    assert client.calls == [("service_call", 0, 0, 4, 8, 12)]


def test_glue_imports_raw_primitives_and_nothing_else():
    assert {m for glue in (served_by(2), port_glue()) for m, _ in glue.imports} == {"munal:raw"}


def test_the_text_says_where_each_constant_was_written():
    source = Source("profiles/p.toml", "\nbase = 0x2f8\n")
    plain = driver_and_client()
    com1 = plain.instance("com1")
    grants = tuple(dataclasses.replace(g, spans={"base": Span(source, 1, 5)}) for g in com1.grants)
    made = dataclasses.replace(plain, instances=(dataclasses.replace(com1, grants=grants), plain.instances[1]))
    assert "base 0x3f8 at profiles/p.toml:2:1" in render_glue(made, made.instances[0], make_layout(made), INTERFACES)


def test_the_same_system_gives_the_same_text():
    made = driver_and_client()
    assert render_all(made, make_layout(made), INTERFACES) == render_all(made, make_layout(made), INTERFACES)


def test_what_was_rendered_before_is_rendered_no_more(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path))
    made = driver_and_client()
    rendered = render_all(made, make_layout(made), INTERFACES)
    monkeypatch.setattr(generate, "_template", lambda: pytest.fail("the template was asked for again"))
    assert render_all(made, make_layout(made), INTERFACES) == rendered


def _moved(made):
    com1 = made.instance("com1")
    return dataclasses.replace(made, instances=(dataclasses.replace(com1, grants=tuple(map(_elsewhere, com1.grants))), *made.instances[1:]))


def _elsewhere(grant):
    return dataclasses.replace(grant, value={**grant.value, "base": 0x2F8}) if "base" in (grant.value or {}) else grant


CHANGES = {
    "another port": _moved,
    "another profile": lambda made: dataclasses.replace(made, profile="other"),
    "another name": lambda made: dataclasses.replace(
        made, instances=(made.instances[0], dataclasses.replace(made.instances[1], name="elsewhere")), wires=()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_kept_answers_for_nothing_else(change, tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path))
    made = driver_and_client()
    before = render_all(made, make_layout(made), INTERFACES)
    other = change(made)
    layout = make_layout(other)
    found = render_all(other, layout, INTERFACES)
    assert found != before
    assert found == {i.name: render_glue(other, i, layout, INTERFACES) for i in other.instances}


HOSTILE = ['"', '")(unreachable)', "\n", "\r\n(import)", "(; ;)", ";)", ";; x", "\\", "\\00", "\x00", "\u2028", "é", "名", "\u202e",
           '") (import "munal:raw" "port_out8" (func (param i32 i32))) (export "', "$x", "{{ 7 * 7 }}", "{% endfor %}", "\x7f", "\ud800"]


@pytest.mark.parametrize("evil", HOSTILE)
def test_no_name_breaks_out_of_its_place(evil):
    """Every string that could reach the text is hostile: it still compiles, imports and exports what it should."""
    span = Span(Source(f"profiles/{evil}.toml", "x"), 0, 1)
    bad = app(evil, need("port", evil, span=span), need("stream", f"o{evil}", protocol=evil, optional=True), provide("stream", evil))
    made = system(dataclasses.replace(instance(evil, bad), span=span, grants=tuple(
        dataclasses.replace(g, value={"base": 16, "from": evil} if k == 0 else None, span=span, spans={"base": span})
        for k, g in enumerate(instance(evil, bad).grants))), profile=evil)
    text = render_glue(made, made.instances[0], make_layout(made), INTERFACES)
    assert re.fullmatch(r"[\n -~]*", text)
    if "\ud800" in evil:
        with pytest.raises(wasmtime.WasmtimeError):
            wasmtime.Module(ENGINE, text)
        return
    module = wasmtime.Module(ENGINE, text)
    raw = {"port_in8", "port_out8", "sip_exit", "sip_wait", "sip_yield"}
    assert {i.name for i in module.imports} == raw
    names = {e.name for e in module.exports}
    assert f"munal:port/{evil}#read8" in names and f"munal:stream-server/{evil}#count" in names
    plain = app("x", need("port", "x"), need("stream", "y", optional=True), provide("stream", "x"))
    assert len(names) == len(Glue(system(instance("x", plain, x={"base": 16})), "x").names)


@given(st.text())
def test_strings_and_comments_hold_only_harmless_characters(text):
    assert re.fullmatch(r"(?:[A-Za-z0-9 _./:#-]|\\[0-9a-f]{2})*", wat_string(text))
    assert re.fullmatch(r"[A-Za-z0-9 _./:#?-]*", wat_comment(text)) and len(wat_comment(text)) == len(text)
    assert re.fullmatch(r"[A-Za-z0-9_:/#.-]*", wat_name(text))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_wat_string_holds_the_bytes_of_its_text(text):
    escaped = wat_string(text)
    decoded = re.sub(rb"\\([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), escaped.encode())
    assert decoded == text.encode()


@given(st.text(max_size=8), st.text(max_size=8))
def test_different_names_stay_different(one, two):
    assert (wat_name(one) == wat_name(two)) == (one == two)


def test_a_constant_that_is_no_integer_is_never_written():
    made = app("d", need("port", "regs", length=8))
    evil = system(instance("d", made, regs={"base": True}))
    with pytest.raises(TypeError):
        render_glue(evil, evil.instances[0], make_layout(evil), INTERFACES)
