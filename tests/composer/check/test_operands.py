"""The rule about offsets: a number that is known and too large is refused, wherever it stands."""

from __future__ import annotations

from composer.check.operands import check_offsets
from composer.wasm.facts import AppFacts
from composer.wasm.gather import gather
from tests.composer.systems import app, instance, need, system
from tests.composer.wasm.encode import driver

UART = app("uart", need("port", "regs"))
SYSTEM = system(instance("com1", UART, regs={"base": 0x3F8}))
MEMORY = '(memory (export "memory") 1)'


def facts(body: str, more: str = "") -> dict[str, AppFacts]:
    return {"uart": gather("uart", "uart.wasm", driver(body, MEMORY + more), traced=True)}


def test_what_only_the_glue_can_judge_is_not_refused() -> None:
    for offset in ("(i32.load (i32.const 0))", "(i32.and (i32.load (i32.const 0)) (i32.const 15))"):
        assert list(check_offsets(SYSTEM, facts(f"(drop (call $read8 {offset}))"))) == []


def test_one_bad_number_of_a_set_is_refused() -> None:
    found = facts("(drop (call $read8 (select (i32.const 1) (i32.const 8) (i32.load (i32.const 0)))))")
    assert [d.code for d in check_offsets(SYSTEM, found)] == ["M0303"]


def test_each_call_with_a_bad_number_is_refused_once() -> None:
    found = facts("(drop (call $read8 (i32.const 8))) (drop (call $read8 (i32.const 9))) (call $write8 (i32.const 8) (i32.const 0))")
    assert [d.message for d in check_offsets(SYSTEM, found)] == [
        "`uart` reads port 0x400, offset 0x8, outside of the 8 ports of `port.regs`",
        "`uart` reads port 0x401, offset 0x9, outside of the 8 ports of `port.regs`",
        "`uart` writes port 0x400, offset 0x8, outside of the 8 ports of `port.regs`",
    ]


def test_without_a_grant_the_offset_is_judged_all_the_same() -> None:
    bare = system(instance("com1", app("uart", need("port", "regs", optional=True)), regs=None))
    (said,) = check_offsets(bare, facts("(drop (call $read8 (i32.const 8)))"))
    assert said.message == "`uart` reads offset 0x8, outside of the 8 ports of `port.regs`"
