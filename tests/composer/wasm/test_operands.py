"""What the rule about offsets leaves to the glue, for `explain` and reviews."""

from __future__ import annotations

import pytest

from composer.check.operands import check_offsets, unproved
from composer.wasm.facts import AppFacts, Escape
from composer.wasm.gather import gather
from tests.composer.systems import app, instance, need, system
from tests.composer.wasm.encode import driver

UART = app("uart", need("port", "regs"))
SYSTEM = system(instance("com1", UART, regs={"base": 0x3F8}))
MEMORY = '(memory (export "memory") 1)'


def facts(body: str, more: str = "") -> dict[str, AppFacts]:
    return {"uart": gather("uart", "uart.wasm", driver(body, MEMORY + more), traced=True)}


@pytest.mark.parametrize(("offset", "proved"), [
    ("(i32.const 7)", True),
    ("(i32.and (i32.load (i32.const 0)) (i32.const 7))", True),
    ("(select (i32.const 1) (i32.const 7) (i32.load (i32.const 0)))", True),
    ("(i32.and (i32.load (i32.const 0)) (i32.const 15))", False),
    ("(i32.load (i32.const 0))", False),
])
def test_what_is_known_to_fit_is_proved(offset: str, proved: bool) -> None:
    found = facts(f"(drop (call $read8 {offset}))")
    left = unproved(SYSTEM, found)
    assert ("uart" not in left) == proved
    assert list(check_offsets(SYSTEM, found)) == []


def test_what_is_not_proved_says_where() -> None:
    (use,) = unproved(SYSTEM, facts("(drop (call $read8 (i32.load (i32.const 0))))"))["uart"]
    assert (use.need.name, use.function.name, use.use.site.function) == ("regs", "read8", "_start")


def test_an_escape_hides_calls_and_is_never_proved() -> None:
    (use,) = unproved(SYSTEM, facts("(drop (call $read8 (i32.const 1)))", "(table 1 funcref) (elem (i32.const 0) $read8)"))["uart"]
    assert isinstance(use.use, Escape)
    assert use.use.how == "a table"


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
