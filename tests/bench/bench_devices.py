"""How fast drivers are, beside Linux's of the same devices: `munal bench devices`, or `python -m tests.bench.bench_devices`.

Boots Munal and Debian's Linux in the same virtual machine, with the same devices of QEMU's, in turns. docs/bench.md says how, and
what it is worth.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from composer import packages, progress, qemu
from composer.peripherals import BESIDE_SATA
from tests.bench.devices import linux, machines, munal, work
from tests.bench.devices.keys import Pressed
from tests.bench.kernel import command
from tests.bench.kernel.guests import SILENCE, Machine, Part, booted
from tests.bench.kernel.rows import Row


@dataclass(frozen=True, slots=True)
class Effort:
    """How often guests are asked in turns, how many samples they take each time, and how many keys are pressed and let go."""

    turns: int
    samples: int
    keys: int


FULL, QUICK = Effort(9, 8, 60), Effort(2, 2, 6)
KEYBOARDS = {"ps2": "", "virtio-keyboard": "-virtio"}
"""What ends the names of guests whose keys come by this keyboard: where there is a virtio one, the PC's gets none."""


def main(arguments: Sequence[str]) -> int:
    return command.run("devices", __doc__, arguments, lambda quick: measure(QUICK if quick else FULL),
                       lambda notes: f"beside {notes['kernel']}; {notes['load']}")


def measure(effort: Effort) -> command.Measured:
    """Boot all guests, and compare them; what they say of themselves comes with it. Raises ToolFailure where one fails."""
    packages.require_virtual_machine()
    with tempfile.TemporaryDirectory(prefix="munal-bench-", dir=shared_memory()) as name:
        folder = Path(name)
        images = make_images(folder)
        with progress.task("measuring"), booted(images) as guests:
            return list(make_rows(guests, folder, effort)), guests["linux"].notes


def make_images(folder: Path) -> dict[str, tuple[Path, qemu.Machine]]:
    """Both systems, each with a virtio keyboard and without one."""
    image, (kernel, words) = munal.build(folder / "workspace"), linux.guest(folder)
    boots = {"munal": (image, ()), "linux": (kernel, ("-kernel", str(kernel), *words))}
    made = {}
    for keyboard, suffix in KEYBOARDS.items():
        for system, (what, extra) in boots.items():
            devices = machines.devices(folder, system + suffix, keyboard)
            made[system + suffix] = what, qemu.Machine(reboot=False, boot_device=BESIDE_SATA, extra=(*extra, *devices))
    return made


def make_rows(guests: Mapping[str, Machine], folder: Path, effort: Effort) -> Iterator[Row]:
    """All comparisons."""
    ours, theirs = guests["munal"], Part(guests["linux"], linux.PROGRAM_NAME)
    yield from work.disk_rows(ours, theirs, effort.turns, effort.samples)
    yield work.network_row(ours, theirs, effort.turns, effort.samples)
    for keyboard in KEYBOARDS:
        yield keyboard_row(guests, folder, keyboard, effort)
    yield work.monitor_row(guests["munal"], effort.turns, effort.keys)


def keyboard_row(guests: Mapping[str, Machine], folder: Path, keyboard: str, effort: Effort) -> Row:
    """The keys of one keyboard, on the guests that have it."""
    with ExitStack() as stack:
        def pressed(system: str, question: str) -> Pressed:
            name = system + KEYBOARDS[keyboard]
            return Pressed(guests[name], stack.enter_context(machines.connect(folder, name, SILENCE)), question)

        return work.keyboard_row(pressed("munal", keyboard), pressed("linux", f"{linux.PROGRAM_NAME}/{keyboard}"), keyboard, effort.turns, effort.keys)


def shared_memory() -> Path | None:
    """Where files are in this machine's memory; None where there is no such place."""
    return machines.SHARED_MEMORY if machines.SHARED_MEMORY.is_dir() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
