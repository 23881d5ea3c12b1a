"""Compiled code beside an interpreter in the same kernel: wasmi, in a kernel of the lab (docs/lab.md).

Nobody is asked here: one boot runs all programs, each in turns compiled and interpreted, a round at a time, and tells cycles of the
guest's time stamp counter.
"""

from __future__ import annotations

from collections.abc import Iterator

from composer.compile import compile_modules
from composer.tools import ToolFailure
from tests.bench.kernel.compute import ROUNDS
from tests.bench.kernel.rows import Goal, Row, together
from tests.lab import machine, script

PEER = "wasmi in the same kernel"
GOAL = Goal(">=", 100)
GIGA = 1e9


def interpreted_rows(wasm: bytes, times: int) -> Iterator[Row]:
    """A row for each program of the module, and one for all. Raises ToolFailure where the two computed different things."""
    rows = [_row(raced) for raced in race(wasm, times).raced]
    yield from [*rows, together("compute, geometric mean", rows, GOAL)]


def race(wasm: bytes, times: int) -> machine.Report:
    """One boot, with a unit for each program."""
    modules = [script.Module.packed(code) for code in (compile_modules({"measure": wasm})["measure"], wasm)]
    units = [script.Unit(name, [script.race(0, 1, "run", times, _arguments(number))]) for number, name in enumerate(ROUNDS)]
    try:
        report = machine.run(modules, units)
    except machine.LabError as error:
        raise ToolFailure("bench", "the lab did not come to its end", str(error)) from error
    if report.failures:
        raise ToolFailure("bench", "an interpreter disagrees with compiled code", "\n".join(report.failures))
    return report


def _arguments(program: int) -> list[script.Value]:
    """The program's number and one round, as the app's export `run` takes them."""
    return [[script.Type.I32, program], [script.Type.I32, 1]]


def _row(raced: machine.Raced) -> Row:
    ours, theirs = raced.compiled, raced.interpreted
    spread = (ours.median - ours.least) / ours.median + (theirs.median - theirs.least) / theirs.median
    return Row(f"compute, {ours.unit}", GIGA / ours.median, "rounds/Gcycle", spread, PEER, GIGA / theirs.median, theirs.median / ours.median)
