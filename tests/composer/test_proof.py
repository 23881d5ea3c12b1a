"""What is proved of an instance: exactly what its binary cannot do otherwise, and every doubt with its place."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from composer.check.proof import check_proofs
from composer.proof import Proof, Verdict, joined, prove, worst
from composer.report_proof import to_data, to_text
from composer.system import Access, Demand, Range
from composer.wasm.facts import AppFacts
from composer.wasm.gather import gather
from tests.composer.systems import SPAN, app, instance, need, provide, system, wire
from tests.composer.wasm.encode import driver, wat

MEMORY = '(memory (export "memory") 1)'
ANYTHING = "(i32.load (i32.const 0))"


def facts(body: str, more: str = "", name: str = "uart") -> dict[str, AppFacts]:
    return {name: gather(name, f"{name}.wasm", driver(body, MEMORY + more), traced=True)}


def proof(body: str, more: str = "", **fields) -> Proof:
    """The proof of one driver at port 0x3f8 whose `_start` is `body`."""
    uart = app("uart", need("port", "regs", **fields))
    (found,) = prove(system(instance("com1", uart, regs={"base": 0x3F8})), facts(body, more))
    return found


@pytest.mark.parametrize(("offset", "verdict"), [
    ("(i32.const 7)", Verdict.PROVED),
    ("(i32.const 8)", Verdict.REFUSED),
    (f"(i32.and {ANYTHING} (i32.const 7))", Verdict.PROVED),
    (f"(i32.and {ANYTHING} (i32.const 15))", Verdict.CHECKED),
    (f"(i32.or (i32.and {ANYTHING} (i32.const 7)) (i32.const 8))", Verdict.REFUSED),
    (f"(select (i32.const 1) (i32.const 7) {ANYTHING})", Verdict.PROVED),
    (f"(select (i32.const 1) (i32.const 8) {ANYTHING})", Verdict.REFUSED),
    (ANYTHING, Verdict.CHECKED),
])
def test_the_verdict_on_an_offset(offset: str, verdict: Verdict) -> None:
    (operation,) = proof(f"(drop (call $read8 {offset}))").operations
    assert (operation.name, operation.verdict) == ("port.regs read8", verdict)
    assert [use.place.function for use in operation.uses] == ["_start"]


def test_one_doubt_among_many_calls_is_a_doubt() -> None:
    (operation,) = proof(f"(drop (call $read8 (i32.const 1))) (drop (call $read8 {ANYTHING})) (drop (call $read8 (i32.const 2)))").operations
    assert [use.verdict for use in operation.uses] == [Verdict.PROVED, Verdict.CHECKED, Verdict.PROVED]
    assert operation.verdict is Verdict.CHECKED


def test_the_ports_that_code_can_reach_are_named() -> None:
    found = proof("(drop (call $read8 (i32.const 5))) (drop (call $read8 (i32.const 0))) (call $write8 (i32.const 1) (i32.const 0)) "
                  f"(call $write8 (i32.and {ANYTHING} (i32.const 1)) (i32.const 0))")
    assert (found.ports("r"), found.ports("w")) == ((Range(0x3F8, 1), Range(0x3FD, 1)), (Range(0x3F8, 2),))


def test_a_wide_access_reaches_as_many_ports_as_it_has_bytes() -> None:
    data = wat('(module (import "munal:port/regs" "read16" (func $r (param i32) (result i32))) '
               '(func (export "_start") (drop (call $r (i32.const 2)))))')
    uart = app("uart", need("port", "regs", length=4, widths=(16,)))
    (found,) = prove(system(instance("com1", uart, regs={"base": 0x60})), {"uart": gather("uart", "uart.wasm", data, traced=True)})
    assert found.ports("r") == (Range(0x62, 2),)


def test_what_is_unknown_reaches_all_that_is_granted() -> None:
    assert proof(f"(drop (call $read8 {ANYTHING}))").ports("r") == (Range(0x3F8, 8),)


def test_each_instance_has_ports_of_its_own() -> None:
    uart = app("uart", need("port", "regs"))
    two = system(instance("com1", uart, regs={"base": 0x3F8}), instance("com2", uart, regs={"base": 0x2F8}))
    assert [p.ports("r") for p in prove(two, facts("(drop (call $read8 (i32.const 5)))"))] == [(Range(0x3FD, 1),), (Range(0x2FD, 1),)]


def test_an_escape_hides_calls_and_is_never_proved() -> None:
    (operation,) = proof("(drop (call $read8 (i32.const 1)))", "(table 1 funcref) (elem (i32.const 0) $read8)").operations
    assert operation.verdict is Verdict.CHECKED
    assert [(use.escapes, use.verdict) for use in operation.uses] == [(False, Verdict.PROVED), (True, Verdict.CHECKED)]
    assert "a table" in operation.uses[1].why and operation.reach == (Range(0x3F8, 8),)


def test_what_no_code_reaches_is_not_listed() -> None:
    assert [o.name for o in proof("(drop (call $read8 (i32.const 1)))").operations] == ["port.regs read8"]
    assert proof("(return) (drop (call $read8 (i32.const 1)))").operations == ()


def test_what_was_not_granted_reaches_nothing() -> None:
    bare = system(instance("com1", app("uart", need("port", "regs", optional=True)), regs=None))
    (found,) = prove(bare, facts("(drop (call $read8 (i32.const 1)))"))
    assert found.operations == ()


def test_what_the_manifest_does_not_ask_for_is_refused() -> None:
    (operation,) = proof("(drop (call $read8 (i32.const 1)))", access=Access.WRITE).operations
    assert operation.verdict is Verdict.REFUSED and operation.refusal == "the manifest does not ask for this access"
    (operation,) = proof("(drop (call $read8 (i32.const 1)))", widths=(16,)).operations
    assert operation.refusal == "the manifest does not list this width"


def test_a_function_with_another_type_is_refused() -> None:
    data = wat('(module (import "munal:port/regs" "read8" (func $r (param i32 i32) (result i32))) (func (export "_start") '
               '(drop (call $r (i32.const 2) (i32.const 2)))))')
    uart = system(instance("com1", app("uart", need("port", "regs")), regs={"base": 0x3F8}))
    (found,) = prove(uart, {"uart": gather("uart", "uart.wasm", data, traced=True)})
    assert found.verdict is Verdict.REFUSED


STREAMS = """(module
  (import "munal:stream-server/serial" "count" (func $count (result i32)))
  (import "munal:stream-server/serial" "try_read" (func $try_read (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32) %s))"""


def connections(body: str, clients: int):
    server = app("server", provide("stream", "serial"))
    client = app("client", need("stream", "console"))
    first = instance("server", server)
    others = [instance(f"client-{n}", client, console={"from": "server.serial"}) for n in range(clients)]
    whole = system(first, *others, wires=tuple(wire(other, "console", first, "serial") for other in others))
    found = {"server": gather("server", "server.wasm", wat(STREAMS % body), traced=True)}
    (made,) = prove(whole, found)
    return made.operations


def test_a_connection_has_to_be_one_that_is_there() -> None:
    body = "(drop (call $try_read (i32.const 1) (i32.const 0) (i32.const 1)))"
    assert connections(body, 0) == ()
    assert [[o.verdict for o in connections(body, clients)] for clients in (1, 2)] == [[Verdict.CHECKED], [Verdict.PROVED]]


def test_functions_that_take_a_handle_are_proved_by_construction() -> None:
    talker = app("talker", need("stream", "console"))
    data = wat('(module (import "munal:stream/console" "write" (func $w (param i32 i32) (result i32))) (memory (export "memory") 1) '
               f'(func (export "_start") (drop (call $w {ANYTHING} {ANYTHING}))))')
    whole = system(instance("talker", talker, console={"from": "kernel.log"}))
    (found,) = prove(whole, {"talker": gather("talker", "talker.wasm", data, traced=False)})
    assert [(o.name, o.verdict, o.uses) for o in found.operations] == [("stream.console write", Verdict.PROVED, ())]


def test_a_binary_with_a_fault_has_no_proof() -> None:
    whole = system(instance("com1", app("uart", need("port", "regs")), regs={"base": 0x3F8}))
    assert prove(whole, {"uart": gather("uart", "uart.wasm", b"no wasm", traced=True)}) == ()
    assert prove(whole, {}) == ()


def test_ranges_join_where_they_touch() -> None:
    assert joined([Range(3, 1), Range(0, 2), Range(1, 1), Range(2, 1), Range(9, 4), Range(10, 1)]) == (Range(0, 4), Range(9, 4))
    assert joined([]) == ()
    assert worst([]) is Verdict.PROVED


# The rule

def demanding(body: str, more: str = ""):
    uart = app("uart", need("port", "regs"))
    plain = instance("com1", uart, regs={"base": 0x3F8})
    whole = system(replace(plain, proof=Demand(SPAN)))
    return [d.code for d in check_proofs(whole, facts(body, more))], [d.code for d in check_proofs(system(plain), facts(body, more))]


@pytest.mark.parametrize(("body", "codes"), [
    ("(drop (call $read8 (i32.const 7)))", []),
    (f"(drop (call $read8 {ANYTHING}))", ["M0325"]),
    (f"(drop (call $read8 {ANYTHING})) (drop (call $read8 {ANYTHING})) (call $write8 {ANYTHING} (i32.const 0))", ["M0325", "M0325"]),
    ("(drop (call $read8 (i32.const 8)))", []),
])
def test_only_a_demanded_proof_can_be_missing(body: str, codes: list[str]) -> None:
    assert demanding(body) == (codes, [])


# What is printed

def test_the_text_names_ports_verdicts_and_doubts() -> None:
    text = to_text("main", [proof(f"(drop (call $read8 (i32.const 5))) (call $write8 {ANYTHING} (i32.const 0))")])
    assert "ports: reads 0x3fd; writes 0x3f8..0x3ff" in text
    assert "port.regs read8   port_in8   proved               reaches 0x3fd, 1 call" in text
    assert "function `_start`, offset " in text and text.count("offset unknown; it is computed") == 1
    assert "1 instance, 2 operations: 1 proved, 1 checked at run time" in text


def test_all_places_are_shown_where_they_are_asked_for() -> None:
    made = [proof("(drop (call $read8 (i32.const 5)))")]
    assert "offset 0x5" not in to_text("main", made) and "offset 0x5" in to_text("main", made, sites=True)


def test_colours_are_for_terminals() -> None:
    made = [proof("(drop (call $read8 (i32.const 5)))")]
    assert "\x1b" not in to_text("main", made) and "\x1b[32m" in to_text("main", made, color=True)


def test_the_data_is_plain_and_has_every_place() -> None:
    data = json.loads(json.dumps(to_data("main", [proof(f"(drop (call $read8 (i32.const 5))) (call $write8 {ANYTHING} (i32.const 0))")])))
    (com1,) = data["instances"]
    assert com1["ports"] == {"reads": [{"base": 0x3FD, "length": 1}], "writes": [{"base": 0x3F8, "length": 8}]}
    assert [(o["function"], o["raw"], o["verdict"], len(o["uses"])) for o in com1["operations"]] == [
        ("read8", "port_in8", "proved", 1), ("write8", "port_out8", "checked at run time", 1)]


def test_a_received_handle_is_checked_and_its_closing_is_not() -> None:
    data = wat('(module (import "munal:handle" "stream_write" (func $w (param i32 i32 i32) (result i32))) '
               '(import "munal:handle" "close" (func $c (param i32) (result i32))) (memory (export "memory") 1) '
               '(func (export "_start") (drop (call $w (i32.const 7) (i32.const 0) (i32.const 1))) (drop (call $c (i32.const 7)))))')
    envoy = app("envoy", need("channel", "jobs"))
    (found,) = prove(system(instance("envoy", envoy, jobs={"from": "broker.jobs"})), {"envoy": gather("envoy", "envoy.wasm", data, traced=True)})
    assert [(each.name, each.verdict) for each in found.operations] == [
        ("handle close", Verdict.PROVED), ("handle stream_write", Verdict.CHECKED)]
    assert "the kernel looks up whether it holds it" in to_text("made", (found,), sites=True)
