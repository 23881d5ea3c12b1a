"""Guests that measure what they are asked to: booted machines, spoken to on their serial lines.

A guest says `munal-bench`, notes on itself, and `note ready`. Each line typed, NAME OPERATIONS SAMPLES, it answers with a line
`bench NAME OPERATIONS CHECKSUM NANOSECONDS...`, with one number a sample, by its own clock. While nobody asks, its processor is
halted, so that several guests can be asked in turns: what slows the machine down meanwhile slows all of them down alike.

A guest's clock goes on while its emulation waits for a processor of this machine. So the times that are compared are what the
thread worked that emulates the guest's processor, as this machine's kernel counts it: on a machine with nothing else to do, the
two are the same.
"""

from __future__ import annotations

import re
import select
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from composer import qemu
from composer.guest import Guest, started
from composer.tools import ToolFailure

READY, LAST_NOTE = "\nmunal-bench\n", "\nnote ready\n"
PROCESSOR = "CPU 0"
"""How QEMU calls the thread of a guest's first processor, where it is asked to call threads by names."""
NAMES = ("-name", "munal,debug-threads=on")
SILENCE = 150.0
"""Seconds without a byte after which a guest is given up."""
ANSWER = re.compile(r"^bench (\S+) (\d+) ([0-9a-f]{16})((?: \d+)+)\n", re.MULTILINE)


class Engine(Protocol):
    """Whatever measures."""

    def ask(self, name: str, operations: int, samples: int) -> Reading: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured of one thing: `samples` are the nanoseconds that `operations` took by the guest's clock, `worked` those
    of emulation for all samples and for understanding the question."""

    operations: int
    checksum: str
    samples: tuple[int, ...]
    worked: int


class Machine:
    """A booted guest that is ready. `notes` are what it said of itself, by name; `share` is which part of the time since its
    power-on its emulation had a processor: what its clock says passed while it started, passed that much slower."""

    def __init__(self, guest: Guest, name: str) -> None:
        self.guest, self.name, self.text = guest, name, ""
        self.notes: dict[str, str] = {}
        self.share, self._powered_on = 1.0, time.monotonic_ns()

    def wait_until_ready(self) -> None:
        """Raises ToolFailure where it fails, or falls silent."""
        self._wait(lambda: LAST_NOTE in self.text)
        self.share = min(1.0, self.worked() / (time.monotonic_ns() - self._powered_on))
        said = self.text[self.text.index(READY):].splitlines()
        pairs = (line.removeprefix("note ").partition(": ") for line in said if line.startswith("note ") and ": " in line)
        self.notes = {name: what for name, _, what in pairs}

    def ask(self, name: str, operations: int, samples: int) -> Reading:
        """Have it measure something. Raises ToolFailure where it fails, or falls silent."""
        before = self.begin(name, operations, samples)
        return self.finish(before)

    def begin(self, name: str, operations: int, samples: int) -> int:
        """Ask it to measure something that it needs help with, before `finish`; gives what that wants."""
        self.text, before = "", self.worked()
        self._type(f"{name} {operations} {samples}\n")
        return before

    def finish(self, before: int) -> Reading:
        """What was measured. Raises ToolFailure where it fails, or falls silent."""
        self._wait(lambda: ANSWER.search(self.text) is not None)
        found = ANSWER.search(self.text)
        assert found is not None
        return Reading(int(found[2]), found[3], tuple(map(int, found[4].split())), self.worked() - before)

    def worked(self) -> int:
        """Nanoseconds that the thread worked which emulates the guest's processor, since power-on."""
        for task in Path(f"/proc/{self.guest.process.pid}/task").iterdir():
            with suppress(FileNotFoundError):  # QEMU's other threads come and go
                if (task / "comm").read_text().startswith(PROCESSOR):
                    return int((task / "schedstat").read_text().split()[0])
        raise ToolFailure("bench", "QEMU has no thread for the guest's processor")

    def _wait(self, until: Callable[[], bool]) -> None:
        while not until():
            if "note failed" in self.text or not self._hear():
                raise ToolFailure("bench", f"the guest {self.name} does not do what it is asked to",
                                  f"{self.text[-2000:]}\n{self.guest.errors()}".strip())

    def _hear(self) -> bool:
        """Listen once; false when nothing came, or nothing ever will."""
        ready, _, _ = select.select([self.guest.serial], [], [], SILENCE)
        said = self.guest.serial.recv(65536) if ready else b""
        self.text += said.decode(errors="replace").replace("\r", "")
        return bool(said)

    def _type(self, text: str) -> None:
        """QEMU takes from the socket what its UART has room for."""
        waiting, until = text.encode(), time.monotonic() + SILENCE
        while waiting and time.monotonic() < until:
            select.select([], [self.guest.serial], [], SILENCE)
            waiting = waiting[self.guest.serial.send(waiting):]


@contextmanager
def booted(images: Mapping[str, tuple[Path, qemu.Machine]]) -> Iterator[dict[str, Machine]]:
    """Power on all of them at once, and wait until each is ready; when left, all are gone."""
    with ExitStack() as stack:
        guests = {name: started(image, replace(machine, extra=(*machine.extra, *NAMES))) for name, (image, machine) in images.items()}
        machines = {name: Machine(stack.enter_context(guest), name) for name, guest in guests.items()}
        for machine in machines.values():
            machine.wait_until_ready()
        yield machines


@dataclass(frozen=True, slots=True)
class Part:
    """One of several things that a machine measures: `ask` puts its name before a thing's."""

    machine: Engine
    name: str

    def ask(self, name: str, operations: int, samples: int) -> Reading:
        return self.machine.ask(f"{self.name}/{name}", operations, samples)


@dataclass(frozen=True, slots=True)
class Question:
    """What to have measured by whom, and how many operations a sample has."""

    engine: Engine
    name: str
    operations: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The median over all turns, and how far the middle half of them lies apart, as a part of it."""

    value: float
    spread: float


def summed_up(values: Sequence[float]) -> Taken:
    """Raises ToolFailure for a time of nothing."""
    if not values or min(values) <= 0:
        raise ToolFailure("bench", "a time of nothing was measured: the samples are too short")
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else (values[0],) * 3
    return Taken(middle, (high - low) / middle)


@dataclass(frozen=True, slots=True)
class Turns:
    """What was measured in turns, of each of several things: nanoseconds of an operation, a number for each turn."""

    times: tuple[tuple[float, ...], ...]
    checksums: tuple[str, ...]

    def of(self, number: int) -> Taken:
        return summed_up(self.times[number])

    def ratio(self, number: int, peer: int) -> Taken:
        """Of the time of `number` to that of `peer` within each turn, since what slows down one slows down both."""
        return summed_up([one / other for one, other in zip(self.times[number], self.times[peer], strict=True)])


def in_turns(questions: Sequence[Question], turns: int, samples: int, take: Callable[[Question, int, str], float] | None = None) -> Turns:
    """Ask all questions `turns` times, one after another, after one round that warms caches up and is not counted; `take` finds the
    time of each (`time_of`, unless another is wanted).

    Raises ToolFailure where one gives another result in a later turn.
    """
    take = take or time_of
    checksums = tuple(question.engine.ask(question.name, question.operations, 1).checksum for question in questions)
    times: list[list[float]] = [[] for _ in questions]
    for _ in range(turns):
        for question, checksum, into in zip(questions, checksums, times, strict=True):
            into.append(take(question, samples, checksum))
    return Turns(tuple(map(tuple, times)), checksums)


def time_of(question: Question, samples: int, checksum: str) -> float:
    """Nanoseconds of one operation: what more samples than one cost, so that understanding the question does not count. Where
    that is lost in what else this machine does, there are more of them."""
    for more in (samples, 4 * samples, 16 * samples):
        few, many = (question.engine.ask(question.name, question.operations, count) for count in (1, 1 + more))
        for reading in (few, many):
            require_checksum(question, reading, checksum)
        if (spent := many.worked - few.worked) > 0:
            break
    return spent / (more * question.operations)


def passed_of(question: Question, samples: int, checksum: str) -> float:
    """Nanoseconds that one operation took by the guest's own clock, where others than its processor work for it: the median."""
    reading = question.engine.ask(question.name, question.operations, samples)
    require_checksum(question, reading, checksum)
    return statistics.median(reading.samples) / question.operations


def require_checksum(question: Question, reading: Reading, checksum: str) -> None:
    """Raises ToolFailure where a reading has another."""
    if reading.checksum != checksum:
        raise ToolFailure("bench", f"`{question.name}` gave {checksum} first and {reading.checksum} later")
