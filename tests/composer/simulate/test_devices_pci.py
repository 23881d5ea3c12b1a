"""A granted device that the simulated machine has not: it reads as ones, and nothing else happens."""

from __future__ import annotations

import pytest

from composer.device import Match
from composer.interfaces import load_interfaces
from composer.simulate.sip import Status
from tests.composer.simulate.test_sips import EXIT, EXIT_AT, NEVER, exits_with, wat
from tests.composer.systems import app, instance, need, system

CARD = need("device", "card", matches=(Match(0, 0xFFFE_FFFE, 0xFFFF_FFFF),))
GRANT = {"slot": "any", "skip": 0}
FUNCTIONS = load_interfaces().capabilities["device"].client
ERRORS = load_interfaces().errors


def imported(name: str) -> str:
    function = FUNCTIONS[name]
    params = f"(param {' '.join(function.wasm_params)})" if function.wasm_params else ""
    result = f"(result {function.wasm_result})" if function.wasm_result else ""
    return f'(import "munal:device/card" "{name}" (func ${name} {params} {result}))'


def answered(run, name: str, *arguments: str, as_i32: str = "{}", before: str = "") -> int:
    call = as_i32.format(f"(call ${name} {' '.join(arguments)})")
    text = exits_with(f"(i32.and {call} (i32.const 0xff))", imported(name), before=before)
    status, _ = run(system(instance("net", app("net", EXIT, CARD), exit=EXIT_AT, card=GRANT)), {"net": text})
    return status


@pytest.mark.parametrize(("name", "arguments", "form", "answer"), [
    ("present", (), "{}", 0), ("granted", (), "{}", 1), ("config", ("(i32.const 0)",), "(i32.eq {} (i32.const -1))", 1),
    ("read8", ("(i32.const 0)", "(i32.const 0)"), "(i32.eq {} (i32.const 0xff))", 1),
    ("read16", ("(i32.const 0)", "(i32.const 0)"), "(i32.eq {} (i32.const 0xffff))", 1),
    ("read32", ("(i32.const 0)", "(i32.const 60)"), "(i32.eq {} (i32.const -1))", 1),
    ("read64", ("(i32.const 0)", "(i32.const 0)"), "(i64.eq {} (i64.const -1))", 1),
])
def test_it_reads_as_ones(run, name, arguments, form, answer):
    assert answered(run, name, *arguments, as_i32=form) == answer


@pytest.mark.parametrize(("name", "arguments", "error"), [
    ("write_table", ("(i32.const 0)", "(i32.const 0)", "(i32.const 0)", "(i32.const 16)"), "not_found"),
    ("read_table", ("(i32.const 0)", "(i32.const 0)", "(i32.const 0)", "(i32.const 16)"), "not_found"),
    ("wait", ("(i64.const 0)",), "timed_out"), ("wait", ("(i64.const 1000000)",), "timed_out"),
])
def test_tables_are_not_there_and_no_interrupt_comes(run, name, arguments, error):
    assert answered(run, name, *arguments) == ERRORS[error] & 0xFF


def test_what_is_written_or_acknowledged_changes_nothing(boot):
    names = ("write8", "write16", "write32", "write64", "acknowledge")
    calls = " ".join(f"(call ${name} {' '.join(f'({kind}.const {(0, -1, -1)[place]})' for place, kind in enumerate(FUNCTIONS[name].wasm_params))})"
                     for name in names)
    booted = boot(system(instance("net", app("net", CARD), restart=NEVER, card=GRANT)), {"net": wat(*map(imported, names), start=calls)})
    booted.until(lambda: not booted.sip("net").lives_on)
    assert booted.sip("net").status is Status.ENDED


@pytest.mark.parametrize("name", ["write_table", "read_table"])
@pytest.mark.parametrize(("at", "length"), [(65536, 1), (65535, 2), (-1, 1), (0, 65537)])
def test_what_lies_outside_of_memory_ends_the_life(boot, name, at, length):
    start = f"(drop (call ${name} (i32.const 0) (i32.const 0) (i32.const {at}) (i32.const {length})))"
    booted = boot(system(instance("net", app("net", CARD), restart=NEVER, card=GRANT)), {"net": wat(imported(name), start=start)})
    booted.until(lambda: not booted.sip("net").lives_on)
    assert booted.sip("net").status is Status.FAILED and "memory" in booted.sip("net").error


def test_its_handle_is_waited_for_and_never_ready(run):
    text = exits_with("(i32.and (call $sip_wait (i32.const 0) (i32.const 8) (i64.const 0)) (i32.const 0xff))", imported("handle"),
                      '(import "munal:sip" "wait" (func $sip_wait (param i32 i32 i64) (result i32)))',
                      before="(i32.store (i32.const 0) (call $handle)) (i32.store (i32.const 4) (i32.const -1))")
    made = system(instance("net", app("net", EXIT, CARD), exit=EXIT_AT, card=GRANT))
    assert run(made, {"net": text})[0] == ERRORS["timed_out"] & 0xFF


@pytest.mark.parametrize(("call", "says"), [
    ("(drop (call $read32 (i32.const 0) (i32.const 61)))", "read 4 bytes at 0x3d of region 0 of device `card`, which its model does not have"),
    ("(drop (call $read32 (i32.const 1) (i32.const 0)))", "read 4 bytes at 0x0 of region 1 of device `card`, which its model does not have"),
    ("(call $write8 (i32.const 1) (i32.const 0) (i32.const 0))", "wrote 1 bytes at 0x0 of region 1 of device `card`: its model has no such region"),
    ("(drop (call $write_table (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 16)))",
     "wrote 16 bytes at 0x0 of table 1 of device `card`: its model has no such table"),
    ("(drop (call $read_table (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 16)))",
     "read table 1 of device `card`, which its model does not have"),
])
def test_what_its_model_does_not_have_ends_the_life_all_the_same(boot, call, says):
    text = wat(*map(imported, ("read32", "write8", "write_table", "read_table")), start=call)
    booted = boot(system(instance("net", app("net", CARD), restart=NEVER, card=GRANT)), {"net": text})
    booted.until(lambda: not booted.sip("net").lives_on)
    assert booted.sip("net").error == says
