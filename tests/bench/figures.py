"""What every benchmark shares: taking times of a command, and printing figures beside their goals and their peers'.

A figure is compared within one run, on one machine: with its goal, and as a ratio with what does a like job there.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `goal` in `unit`, less is better; `peer` is what `peer_value` was measured of, in the same unit."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    peer: str = ""
    peer_value: float | None = None

    @property
    def met(self) -> str:
        return "" if self.goal is None else "yes" if self.value < self.goal else "no"

    @property
    def cells(self) -> tuple[str, ...]:
        ratio = f"{self.value / self.peer_value:.1f} x {self.peer}" if self.peer_value else ""
        return self.name, _shown(self.value, self.unit), f"< {_shown(self.goal, self.unit)}" if self.goal is not None else "", self.met, ratio


HEADINGS = ("what", "here", "goal", "met", "beside")


def machine() -> str:
    """What else the machine did: times are worth little where more than its processors were wanted."""
    processors, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    busy = ": busy with other work, so that times are longer than they need be" if load > processors else ""
    return f"{processors} processors, {load:.1f} processes waiting for them in the last minute{busy}"


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text, in columns."""
    rows = [HEADINGS, *(f.cells for f in figures)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def seconds(command: Sequence[str | Path], *, runs: int = 9, before: Callable[[int], None] | None = None,
            env: Mapping[str, str] | None = None, cwd: Path | None = None) -> float:
    """The median time of `command`, process start included; `before` is called with each run's number, outside of the time."""
    times = []
    for number in range(runs):
        if before:
            before(number)
        start = time.perf_counter()
        done = subprocess.run([str(word) for word in command], env=env, cwd=cwd, capture_output=True, check=False)
        times.append(time.perf_counter() - start)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))} failed with status {done.returncode}:\n{(done.stdout + done.stderr).decode()}")
    return statistics.median(times)


def _shown(value: float, unit: str) -> str:
    return f"{value:.3f} {unit}" if value < 10 else f"{value:.1f} {unit}"
