"""The lab itself: it is in no ordinary kernel, what it expects can fail, and what runs in it is preempted as SIPs are."""

from __future__ import annotations

import hashlib
import struct

import pytest

from composer.kernel_build import build_kernel
from tests.lab import script
from tests.lab.machine import Report, compiled, neighbour, run
from tests.lab.script import MIB, Limits, Nan, Type, Unit, exactly, failure, invoke, nan, values

pytestmark = [pytest.mark.slow, pytest.mark.boot, pytest.mark.xdist_group("boot")]

MODULE = """
(module
  (import "spectest" "global_i32" (global $seen i32))
  (memory (export "memory") 1) (table (export "table") 4 funcref) (elem (i32.const 1) $add)
  (global (export "number") (mut i64) (i64.const -2))
  (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "seen") (result i32) (global.get $seen))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func $deeper (export "deeper") (call $deeper) (i32.const 1) (drop))
  (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "widen") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
  (func (export "spin") (param i32) (loop $on (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
"""
STRAYS = '(module (func (export "run") unreachable))'
LIMITS = Limits(memory=MIB, table=12)


def test_no_ordinary_kernel_has_any_of_the_lab() -> None:
    marks = (script.MAGIC.encode(), b"rounds of the neighbour", b"spectest")
    ordinary, lab = build_kernel().read_bytes(), build_kernel(("lab",)).read_bytes()
    assert [mark in ordinary for mark in marks] == [False] * 3
    assert [mark in lab for mark in marks] == [True] * 3


def i32(number: int) -> script.Value:
    return [Type.I32, number & 0xFFFF_FFFF]


def is_i32(number: int) -> script.Expected:
    return values([exactly(i32(number))])


RIGHT = [
    invoke("add", [i32(3), i32(-4)], is_i32(-1)), invoke("seen", [], is_i32(666)), invoke("divide", [i32(1), i32(0)], failure("integer divide by zero")),
    invoke("deeper", [], failure("call stack exhausted")), invoke("nan", [], values([nan(Nan.CANONICAL_F32)])),
    invoke("grow", [i32(15)], is_i32(1)), invoke("grow", [i32(1)], is_i32(-1)), invoke("widen", [i32(8)], is_i32(4)), invoke("widen", [i32(1)], is_i32(-1)),
    invoke("store", [i32(MIB - 4), i32(5)]), invoke("store", [i32(MIB - 3), i32(5)], failure("out of bounds memory access")),
    script.get("number", values([exactly([Type.I64, 2**64 - 2])])), invoke("spin", [i32(50_000_000)]), script.measure("add", 9, [i32(1), i32(2)]),
]
WRONG = [
    invoke("add", [i32(3), i32(4)], is_i32(8)), invoke("add", [i32(3), i32(4)], failure("integer overflow")), invoke("divide", [i32(1), i32(0)]),
    invoke("divide", [i32(1), i32(0)], failure("integer overflow")), invoke("gone"), script.get("gone", script.SUCCESS), script.state(bytes(32)),
    invoke("add", [i32(3), i32(4)], is_i32(7), instance="$other"), script.instantiate(1), invoke("nan", [], values([exactly([Type.F32, 0])])),
]


@pytest.fixture(scope="module")
def report() -> Report:
    code = compiled({"module": MODULE, "strays": STRAYS})
    whole, torn = script.Module.packed(code["module"]), script.Module.packed(code["strays"])
    units = [Unit("right", [script.instantiate(0), *RIGHT]), Unit("wrong", [script.instantiate(0), *WRONG]), Unit("state", _states())]
    return run([whole, script.Module(torn.data[:-1], torn.unpacked)], units, LIMITS, neighbour=neighbour())


def _states() -> list[script.Step]:
    """A module's state before and after a store, each step's digest made here as the format says it."""
    def digest(first_page: bytes | None) -> bytes:
        block = b"" if first_page is None else struct.pack("<Q", 0) + first_page.ljust(4096, b"\0")
        table = struct.pack("<Q", 4) + bytes([0, 1, 0, 0])
        return hashlib.sha256(struct.pack("<Q", 65536) + block + table + struct.pack("<QQ", 2**64 - 2, 0)).digest()

    return [script.instantiate(0), script.state(digest(None)), invoke("store", [i32(8), i32(0x0403_0201)]), script.state(digest(bytes(8) + bytes([1, 2, 3, 4])))]


def test_what_is_expected_and_comes_is_passed(report: Report) -> None:
    assert (report.units["right"], report.units["state"]) == ((1 + len(RIGHT), 0), (4, 0)), report.failures
    assert [(m.unit, m.name, 0 < m.least <= m.median <= m.most) for m in report.measured] == [("right", "add", True)]


def test_what_comes_otherwise_is_failed_and_told(report: Report) -> None:
    assert report.units["wrong"] == (1, len(WRONG))
    told = [line for line in report.failures if line.startswith("lab: failed: wrong step ")]
    assert len(told) == len(report.failures) == len(WRONG)
    assert "Is(I32(8))" in told[0] and "got [I32(7)]" in told[0]
    assert "module 1 cannot be unpacked" in told[8]


def test_the_neighbour_runs_between_the_steps_and_loses_no_register(report: Report) -> None:
    assert report.rounds > 0
    assert not any("neighbour" in line for line in report.failures)


def test_a_neighbour_that_ends_fails_the_run() -> None:
    code = compiled({"module": MODULE, "strays": STRAYS})
    done = run([script.Module.plain(code["module"])], [Unit("spin", [script.instantiate(0), invoke("spin", [i32(500_000_000)])])], neighbour=code["strays"])
    assert done.failures and "unreachable" in done.failures[0] and done.units == {"spin": (2, 0)}
