"""What every benchmark shares: taking times of commands in turns, and printing figures beside their goals and their peers'.

A figure is compared within one run, on one machine: with its goal, and as a ratio with what does a like job there.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Job:
    """A command to be timed; `before` is called with each run's number, outside of the time."""

    command: Sequence[str | Path]
    before: Callable[[int], None] | None = None
    env: Mapping[str, str] | None = None
    cwd: Path | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Medians over all runs, in seconds: `wall` is what a person waits, `cpu` what processors worked for it, which another
    load of the machine changes less."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `goal` in `unit`, less is better; `peer` is what `peer_value` was measured of, in the same unit, or why there
    is none. `cpu` are seconds, where the value is a time."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    peer: str = ""
    peer_value: float | None = None
    cpu: float | None = None

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.value < self.goal

    @property
    def ratio(self) -> float | None:
        """How many times the peer's value this one is."""
        return self.value / self.peer_value if self.peer_value else None

    @property
    def cells(self) -> tuple[str, ...]:
        goal = f"< {_shown(self.goal, self.unit)}" if self.goal is not None else ""
        met = {None: "", True: "yes", False: "no"}[self.met]
        theirs = _shown(self.peer_value, self.unit) if self.peer_value else ""
        ratio = f"{self.ratio:.2f}" if self.ratio else ""
        return self.name, _shown(self.value, self.unit), _shown(self.cpu, "s") if self.cpu else "", goal, met, ratio, theirs, self.peer

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


HEADINGS = ("what", "here", "processor", "goal", "met", "ratio", "peer's", "peer")


def timed(name: str, taken: Taken, goal: float | None = None, peer: str = "", theirs: Taken | None = None) -> Figure:
    """A figure of a time, with its peer's from the same turns."""
    return Figure(name, taken.wall, "s", goal, peer, theirs.wall if theirs else None, taken.cpu)


def machine() -> str:
    """What else the machine did: times are worth little where more than its processors were wanted."""
    processors, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    busy = ": busy with other work, so that times are longer than they need be" if load > processors else ""
    return f"{processors} processors, {load:.1f} processes waiting for them in the last minute{busy}"


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text, in columns."""
    return columns([HEADINGS, *(f.cells for f in figures)])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of as many cells each as lines of text, as wide as the widest cell of a column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def data(figures: Sequence[Figure], notes: Sequence[str]) -> str:
    """The figures as JSON: `figures` with the keys of Figure, `met` and `ratio`; `notes` say what was compared."""
    return json.dumps({"figures": [figure.as_json() for figure in figures], "notes": list(notes)}, indent=2)


def in_turns(jobs: Sequence[Job], *, runs: int = 9) -> list[Taken]:
    """The median times of all jobs, process start included: one run of each in turn, so that all see the same machine."""
    times: list[list[Taken]] = [[] for _ in jobs]
    for number in range(runs):
        for job, taken in zip(jobs, times, strict=True):
            taken.append(_run(job, number))
    return [Taken(statistics.median(t.wall for t in taken), statistics.median(t.cpu for t in taken)) for taken in times]


def take(command: Sequence[str | Path], *, runs: int = 9, before: Callable[[int], None] | None = None,
         env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Taken:
    """The median times of one command."""
    return in_turns([Job(command, before, env, cwd)], runs=runs)[0]


def _run(job: Job, number: int) -> Taken:
    if job.before:
        job.before(number)
    worked, start = _processor_seconds(), time.perf_counter()
    done = subprocess.run([str(word) for word in job.command], env=job.env, cwd=job.cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    taken = Taken(time.perf_counter() - start, _processor_seconds() - worked)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, job.command))} failed with status {done.returncode}:\n{(done.stdout + done.stderr).decode()}")
    return taken


def _processor_seconds() -> float:
    """What all children that have ended worked."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _shown(value: float, unit: str) -> str:
    return f"{value:.3f} {unit}" if value < 10 else f"{value:.1f} {unit}"
