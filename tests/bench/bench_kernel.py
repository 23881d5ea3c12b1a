"""How fast the kernel is, beside Linux on the same machine: `munal bench kernel`, or `python -m tests.bench.bench_kernel`.

Boots Munal and Debian's Linux in the same virtual machine, in turns, and compares what they measured by their own clocks. docs/bench.md says how, and what it is worth.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from composer import packages, progress, qemu
from composer.compile import WASMTIME
from tests.bench.kernel import command, linux, munal
from tests.bench.kernel.calls import OFTEN, call_rows, preempted_row
from tests.bench.kernel.compute import PEERS, compute_rows, unemulated_rows
from tests.bench.kernel.guests import Machine, Part, booted
from tests.bench.kernel.interpreted import interpreted_rows
from tests.bench.kernel.rows import Row
from tests.bench.kernel.start import here, size_row, slowdown, start_rows


@dataclass(frozen=True, slots=True)
class Effort:
    """How often guests are asked in turns, how many samples they take each time, and how often an interpreter runs a program."""

    turns: int
    samples: int
    races: int


FULL, QUICK = Effort(9, 4, 9), Effort(2, 2, 2)


def main(arguments: Sequence[str]) -> int:
    return command.run("kernel", __doc__, arguments, lambda quick: measure(QUICK if quick else FULL),
                       lambda notes: f"beside {notes['kernel']}, gcc -O2 and wasmtime {notes['wasmtime']}; {notes['load']}")


def measure(effort: Effort) -> tuple[list[Row], dict[str, str]]:
    """Boot all guests, and compare them; what they say of themselves comes with it. Raises ToolFailure where one fails."""
    packages.require_virtual_machine()
    with tempfile.TemporaryDirectory(prefix="munal-bench-") as name:
        folder = Path(name)
        built = munal.build(folder / "workspace")
        images = {"munal": (built.image, qemu.Machine()), "linux": linux.guest(folder, built.wasm)}
        with progress.task("measuring"), booted(images) as guests:
            rows = [*make_rows(guests, effort), size_row(built.smallest, *linux.sizes())]
            notes = {**guests["linux"].notes, "wasmtime": WASMTIME}
        with progress.task("measuring an interpreter"):
            rows += interpreted_rows(built.wasm, effort.races)
        with progress.task("measuring without emulation"):
            rows += unemulated(folder, built.wasm, effort)
        return rows, notes


def make_rows(guests: Mapping[str, Machine], effort: Effort) -> Iterator[Row]:
    """All comparisons."""
    peers = {peer: Part(guests["linux"], peer) for peer in PEERS}
    ours, system = guests["munal"], Part(guests["linux"], "calls")
    ours.ask("waker-off", 1, 1)
    yield from compute_rows(ours, peers, effort.turns, effort.samples)
    yield from call_rows(ours, system, effort.turns, effort.samples)
    yield preempted_row(ours, OFTEN * effort.turns, effort.samples)
    with here(linux.native()) as machine:
        yield from start_rows(int(ours.notes["started"]) * ours.share, slowdown(peers["native"], machine, effort.turns, effort.samples))


def unemulated(folder: Path, wasm: bytes, effort: Effort) -> list[Row]:
    """The programs on this machine itself."""
    module, library = folder / "app.wasm", linux.find_wasmtime()
    module.write_bytes(wasm)
    with here(linux.runner(library), module, libraries=library.parent) as compiled, here(linux.native()) as native:
        return list(unemulated_rows(compiled, native, effort.turns, effort.samples))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
