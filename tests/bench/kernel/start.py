"""What starting costs: from the firmware's hand-over to an app, and bytes of an image."""

from __future__ import annotations

import math
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from composer.tools import ToolFailure
from tests.bench.kernel.compute import ROUNDS
from tests.bench.kernel.guests import ANSWER, Engine, Question, Reading, in_turns
from tests.bench.kernel.rows import Goal, Row

LIKE_BOOTING = ("hash", "sha256", "search", "sort")
"""Programs that do what booting does: integers, memory, digests. Floats cost emulation far more."""

MB = 1e6


class Here:
    """The programs as gcc compiled them, on this machine itself: an Engine."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, name: str, operations: int, samples: int) -> Reading:
        """Raises ToolFailure where it does not answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        before = self._worked()
        self.process.stdin.write(f"{name} {operations} {samples}\n")
        self.process.stdin.flush()
        found = next(filter(None, map(ANSWER.search, self.process.stdout)), None)  # past what it says before its first answer
        if found is None:
            raise ToolFailure("bench", f"`{name}` does not run on this machine")
        return Reading(operations, found[3], tuple(map(int, found[4].split())), self._worked() - before)

    def _worked(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0])


@contextmanager
def here(built: Path, *arguments: Path, libraries: Path | None = None) -> Iterator[Here]:
    """A program of the Linux guest, started on this machine; ended when left. `libraries` is a folder of what it is linked with."""
    env = {**os.environ, **({"LD_LIBRARY_PATH": str(libraries)} if libraries else {})}
    with tempfile.TemporaryDirectory(prefix="munal-bench-") as folder:
        program = Path(folder, built.name)
        program.write_bytes(built.read_bytes())
        program.chmod(0o700)  # what the cache holds is no program
        with subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
            try:
                yield Here(process)
            finally:
                process.kill()


def slowdown(guest: Engine, machine: Engine, turns: int, samples: int) -> float:
    """How many times longer than on this machine the same code takes in a guest: the geometric mean of some programs."""
    ratios = []
    for name in LIKE_BOOTING:
        measured = in_turns([Question(guest, name, ROUNDS[name]), Question(machine, name, ROUNDS[name])], turns, samples)
        ratios.append(measured.ratio(0, 1).value)
    return math.prod(ratios) ** (1 / len(ratios))


def start_rows(nanoseconds: float, slower: float) -> Iterator[Row]:
    """`nanoseconds` passed in the guest, emulated that many times slower than on this machine."""
    yield Row("emulation, beside this machine itself", slower, "times longer")
    yield Row("hand-over to an app's first instruction, not emulated", nanoseconds / slower / 1e6, "ms", goal=Goal("<=", 150, "value"))


def size_row(image: int, kernel: int, initramfs: int) -> Row:
    """Bytes of the smallest image beside those of a kernel and an initramfs with one program."""
    return Row("image of the profile `minimal`", image / MB, "MB", peer="Debian's kernel and a static init", peer_value=(kernel + initramfs) / MB,
               ratio=image / (kernel + initramfs), goal=Goal("<=", 1.5, "value"))
