"""Runs random modules in the kernel, in one boot, and tells where it differs from this machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lab import machine, smith

ALL = 10_000
"""Seeds of the whole run."""
MEMORY_MIB = 1024
"""A whole run's image is some 50 MB, which the firmware has twice for a while."""
_SEED = re.compile(r"lab: failed: seed (\d+) ")


@dataclass(slots=True)
class Results:
    """`outcomes` counts what was expected of the steps: values, each kind of trap, an end state."""

    modules: int = 0
    passed: int = 0
    rounds: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def run(first: int, count: int, watch: Callable[[str], object] = lambda line: None) -> Results:
    """Run the modules of `count` seeds from `first` on."""
    modules, units = smith.modules_of(first, count)
    report = machine.run(modules, units, smith.LIMITS, neighbour=machine.neighbour(), memory_mib=MEMORY_MIB, watch=watch)
    results = Results(len(report.units), report.passed, report.rounds)
    results.outcomes = Counter(outcome(step) for unit in units for step in unit.steps)
    results.failures = [_with_hint(line) for line in report.failures]
    return results


def _with_hint(line: str) -> str:
    found = _SEED.match(line)
    return f"{line}\n  see it again: python -m tests.lab smith --seed {found[1]}" if found else line


def outcome(step: list) -> str:
    """What a step expects, in a word or the trap's words."""
    if step[0] == 4:
        return "state"
    kind, *rest = step[-1]
    what = "instance" if step[0] == 0 else "values"
    return f"{'no instance' if step[0] == 0 else 'trap'}: {re.sub(r'[0-9]+', 'N', rest[0][0])}" if kind == 2 else what


def summary(results: Results) -> str:
    """The sums, and how often each outcome was expected."""
    outcomes = [f"  {count:>6}  {what}" for what, count in results.outcomes.most_common()]
    return "\n".join([f"{results.modules} modules: {results.passed} steps passed, {len(results.failures)} failed; expected were", *outcomes,
                      f"rounds of the neighbour: {results.rounds}"])


def describe(seed: int) -> str:
    """Each step that a seed's module is taken through, with what is expected of it."""
    _, (unit,) = smith.modules_of(seed, 1)
    return "\n".join(f"{number:>4}  {step}" for number, step in enumerate(unit.steps))
