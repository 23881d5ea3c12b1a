"""How long a key takes from QEMU to a program in the guest.

Both ends are on this machine, and the same for all guests: a key is handed to QEMU by its monitor, and the program that waits for it
in the guest writes a byte to a port that QEMU passes on. What lies between, and is not the guest's, is the same for all.
"""

from __future__ import annotations

import select
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from composer.guest import Guest
from composer.tools import ToolFailure
from tests.bench.kernel.guests import SILENCE, Machine, Turns

READY, CAME = b"r", b"k"
KEY = "a"
REST = 0.005
"""Seconds after a key in which the guest comes to rest, as between keys that a person presses."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A guest whose keys are pressed, the connection to its debug console, and what it is asked to wait for."""

    machine: Machine
    signal: socket.socket
    question: str


def in_turns(guests: Sequence[Pressed], turns: int, keys: int) -> Turns:
    """The median nanoseconds of `keys` keys on each of the guests in turn, after one round that is not counted."""
    times: list[list[float]] = [[] for _ in guests]
    for turn in range(turns + 1):
        for guest, into in zip(guests, times, strict=True):
            taken = statistics.median(latencies(guest, keys))
            if turn:
                into.append(taken)
    return Turns(tuple(map(tuple, times)), ())


def latencies(guest: Pressed, keys: int) -> list[int]:
    """Nanoseconds from each of `keys` keys, which go down and up in turns, to the guest's byte. Raises ToolFailure where none comes."""
    before = guest.machine.begin(guest.question, keys, 1)
    _require(guest, READY)
    guest.machine.guest.watch()  # QEMU's monitor takes nothing until its greeting was answered
    taken = []
    for number in range(keys):
        time.sleep(REST)
        start = time.perf_counter_ns()
        _move(guest.machine.guest, down=number % 2 == 0)
        _require(guest, CAME)
        taken.append(time.perf_counter_ns() - start)
        guest.machine.guest.watch()
    reading = guest.machine.finish(before)
    if int(reading.checksum, 16) != keys:
        raise ToolFailure("bench", f"of {keys} keys of `{guest.question}`, the guest saw {int(reading.checksum, 16)}")
    return taken


def monitor_times(machine: Machine, questions: int) -> list[int]:
    """Nanoseconds in which QEMU's monitor answers each of so many questions that no guest takes part in."""
    qmp, taken = machine.guest.qmp, []
    machine.guest.watch()
    for _ in range(questions):
        time.sleep(REST)
        machine.guest.watch()  # nothing is left to be read
        start = time.perf_counter_ns()
        qmp.execute("query-name")
        if not select.select([qmp], [], [], SILENCE)[0]:
            raise ToolFailure("bench", "QEMU's monitor does not answer")
        taken.append(time.perf_counter_ns() - start)
    machine.guest.watch()
    return taken


def _move(guest: Guest, *, down: bool) -> None:
    guest.qmp.execute("input-send-event", events=[{"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": KEY}}}])


def _require(guest: Pressed, expected: bytes) -> None:
    try:
        came = guest.signal.recv(1)
    except TimeoutError as silence:
        raise ToolFailure("bench", f"a guest does not see the keys of `{guest.question}`", guest.machine.text[-2000:]) from silence
    if came != expected:
        raise ToolFailure("bench", f"a guest said {came!r} where {expected!r} was due, for the keys of `{guest.question}`")
