"""Runs the testsuite: what the composer answers here, what the kernel answers in one boot, and the sums of both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.lab import machine, spec
from tests.lab.pack import packed

_FAILED = re.compile(r"lab: failed: (\S+) step (\d+): (.*)")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one script's commands: how many were passed by composer and kernel, and skipped for which reason."""

    name: str
    passed: int
    skipped: Counter[str]


@dataclass(slots=True)
class Results:
    """What became of all of them. `failures` name the script and the line."""

    scripts: list[Result] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    rounds: int = 0

    @property
    def passed(self) -> int:
        return sum(each.passed for each in self.scripts)

    @property
    def skipped(self) -> Counter[str]:
        return sum((each.skipped for each in self.scripts), Counter())


def run(names: Sequence[str] = (), watch: Callable[[str], object] = lambda line: None) -> Results:
    """Run all scripts, or those whose name holds one of `names`, in one boot."""
    modules = spec.Modules()
    judged = [each for each in spec.read_all(modules, names)]
    report = machine.run(packed(modules.wasm), [each.unit for each in judged if each.steps], neighbour=machine.neighbour(), watch=watch)
    lines = {each.name: each.lines for each in judged}
    results = Results(failures=[failure for each in judged for failure in each.failures], rounds=report.rounds)
    results.failures += [_placed(line, lines) for line in report.failures]
    for each in judged:
        passed, _ = report.units.get(each.name, (0, 0))
        results.scripts.append(Result(each.name, each.passed + passed, each.skipped))
    return results


def _placed(line: str, lines: dict[str, list[int]]) -> str:
    """A failure of the kernel's with the line of the script that it is from."""
    if found := _FAILED.match(line):
        return f"{found[1]}.wast:{lines[found[1]][int(found[2])]}: {found[3]}"
    return line


def table(results: Results) -> str:
    """A line for each script and each reason for a skip in it, in the order of their names."""
    rows = []
    for each in results.scripts:
        rows.append(f"{each.name:<44} passed {each.passed:>6}")
        rows += [f"{'':<44} skipped {count:>5}  {reason}" for reason, count in sorted(each.skipped.items())]
    return "\n".join(rows) + "\n"


def summary(results: Results) -> str:
    """The sums, with all reasons."""
    reasons = [f"  {count:>6}  {reason}" for reason, count in results.skipped.most_common()]
    return "\n".join([f"passed {results.passed}, failed {len(results.failures)}, skipped {results.skipped.total()}:", *reasons,
                      f"rounds of the neighbour: {results.rounds}"])
