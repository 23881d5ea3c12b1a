"""Boots a script of the lab in QEMU and reads what it says: a line for each unit and each failure, then the sums."""

from __future__ import annotations

import re
import select
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from composer import compile, packages
from composer.elf import Kernel
from composer.guest import Ending, started
from composer.interfaces import load_interfaces
from composer.kernel_build import build_kernel
from composer.link import open_kernel, write_image
from composer.qemu import Machine
from composer.screen import Screen
from tests.lab import script

NEIGHBOUR = Path(__file__).with_name("neighbour.wat")
SILENCE = 300.0
"""Seconds without a line after which a machine is given up: a bound for slow computers, not an expectation."""

_UNIT = re.compile(r"lab: (.+): (\d+) passed, (\d+) failed")
_FAILED = re.compile(r"lab: (?:failed: |the neighbour ended: )")
_DONE = re.compile(r"lab: done: (\d+) units, (\d+) passed, (\d+) failed, (\d+) rounds of the neighbour")
_RACED = re.compile(r"lab: raced: (.+) (\S+): (\d+) (\d+) (\d+) cycles compiled, (\d+) (\d+) (\d+) interpreted")
_MEASURED = re.compile(r"lab: measured: (.+) (\S+): (\d+) (\d+) (\d+) cycles")


class LabError(Exception):
    """The machine did not come to the script's end; the message holds what it said last."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How long one export took in one unit: cycles of the time stamp counter; the least, the median and the most."""

    unit: str
    name: str
    least: int
    median: int
    most: int


@dataclass(frozen=True, slots=True)
class Raced:
    """How long the same took compiled and interpreted: cycles as in Measured."""

    compiled: Measured
    interpreted: Measured


@dataclass(slots=True)
class Report:
    """What a script's run said. `units` are passed and failed steps by the unit's name; `failures` are whole lines."""

    units: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    raced: list[Raced] = field(default_factory=list)
    passed: int = 0
    failed: int = 0
    rounds: int = 0
    done: bool = False

    def hear(self, line: str) -> None:
        """Take note of one line."""
        if found := _DONE.match(line):
            _, self.passed, self.failed, self.rounds = map(int, found.groups())
            self.done = True
        elif _FAILED.match(line):
            self.failures.append(line)
        elif found := _RACED.match(line):
            cycles = list(map(int, found.groups()[2:]))
            self.raced.append(Raced(Measured(found[1], found[2], *cycles[:3]), Measured(found[1], found[2], *cycles[3:])))
        elif found := _MEASURED.match(line):
            self.measured.append(Measured(found[1], found[2], int(found[3]), int(found[4]), int(found[5])))
        elif found := _UNIT.match(line):
            self.units[found[1]] = (int(found[2]), int(found[3]))


@lru_cache(maxsize=1)
def lab_kernel() -> Kernel:
    """The kernel with the feature `lab`."""
    opened = open_kernel(build_kernel(("lab",)).read_bytes(), load_interfaces())
    assert opened.value is not None, opened.diagnostics
    return opened.value


def run(modules: Sequence[script.Module], units: Sequence[script.Unit], limits: script.Limits = script.Limits(), *,
        neighbour: bytes | None = None, memory_mib: int = 512, watch: Callable[[str], object] = lambda line: None) -> Report:
    """Boot the lab with a script; `neighbour` is machine code that goes on beside the steps. `watch` gets each line.

    Raises LabError where the machine ends or falls silent before the script's end, or panics.
    """
    packages.require_virtual_machine()
    beside = [] if neighbour is None else [script.Module.packed(neighbour)]
    payload = script.payload([*modules, *beside], units, limits, len(modules) if beside else None)
    with tempfile.TemporaryDirectory(prefix="munal-lab-") as folder:
        image = Path(folder, "lab.efi")
        image.write_bytes(write_image(lab_kernel(), payload))
        return _boot(image, Machine(debug_exit=True, reboot=False, memory_mib=memory_mib), watch)


def _boot(image: Path, machine: Machine, watch: Callable[[str], object]) -> Report:
    report, screen, pending = Report(), Screen(), ""
    with started(image, machine) as guest:
        while select.select([guest.serial], [], [], SILENCE)[0]:
            data = guest.serial.recv(65536)
            if not data:
                break
            pending += screen.feed(data).decode(errors="replace")
            *lines, pending = pending.split("\n")
            for line in (line.rstrip("\r") for line in lines):
                watch(line)
                report.hear(line)
                if line.startswith("kernel panic"):
                    raise LabError(line)
        said = screen.hidden().decode(errors="replace")[-2000:] if not report.units else f"after {len(report.units)} units"
        if not report.done:
            raise LabError(f"the script did not come to its end: {said} {pending}; {guest.outcome()}")
        outcome = guest.outcome()
    if outcome.ending is not Ending.DEBUG_EXIT or outcome.status != (1 if report.failures else 0):
        raise LabError(f"the machine ended otherwise than the lab ends it: {outcome}")
    return report


def compiled(modules: dict[str, bytes | str]) -> dict[str, bytes]:
    """Machine code by name, as the composer compiles an app's."""
    return compile.compile_modules(modules)


def neighbour() -> bytes:
    """Machine code of what notices when a switch between threads loses a register."""
    return compiled({"neighbour": NEIGHBOUR.read_text()})["neighbour"]
