"""A machine that a test talks to over its serial line: `munal run` or `munal simulate` as a person starts it, with pipes.

Nothing sleeps: a test waits for what the guest says. Time limits are bounds for slow computers, not expectations.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

from composer.guest import Guest
from composer.screen import Screen
from tests.boot.workspace import REPOSITORY

PATIENCE = 120.0
"""Seconds after which what was expected will not come."""
PROMPT = r"munal> "
SILENCE = 60.0
"""Seconds without a byte after which a machine is given up."""


class Machine:
    """One running machine. `heard` is everything that it said; `expect` goes on after what it found last."""

    def __init__(self, workspace: Path, profile: str, command: str = "run", *options: str) -> None:
        words = [sys.executable, "-P", "-m", "composer", command, "-C", str(workspace), profile, *options]
        words += ["--headless", "--accel", "tcg"] if command == "run" else []
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=workspace,
                                        env={**os.environ, "PYTHONPATH": str(REPOSITORY)})
        self.heard = ""
        self._from = 0

    def expect(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Wait until what comes after the last find matches `pattern` (a regular expression, `^` at lines); give the match."""
        wanted, until = re.compile(pattern, re.MULTILINE), time.monotonic() + timeout
        while (found := wanted.search(self.heard, self._from)) is None:
            assert self._hear(until - time.monotonic()), self._complaint(f"{pattern!r} did not come")
        self._from = found.end()
        return found

    def send(self, text: str) -> None:
        """Type `text`, as it is."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def ask(self, line: str) -> list[str]:
        """Type a line at the prompt; give the lines of its answer, up to the next prompt."""
        self.send(f"{line}\n")
        self.expect(rf"{re.escape(line)}\r?\n")
        start = self._from
        found = self.expect(rf"^{PROMPT}")
        return self.heard[start:found.start()].splitlines()

    def status(self, timeout: float = PATIENCE) -> int:
        """Wait for the machine's end; give the command's exit status."""
        until = time.monotonic() + timeout
        while self._hear(until - time.monotonic()):
            pass
        return self.process.wait(max(0.0, until - time.monotonic()))

    def close(self) -> None:
        """End what still runs, as Ctrl-C does, and leave nothing behind."""
        self.process.terminate()
        self.process.wait(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def _hear(self, seconds: float) -> bool:
        """Listen once; false at the end of the line, or of the time, however much there still is to hear."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, seconds))
        said = os.read(self.process.stdout.fileno(), 65536) if ready and seconds > 0 else b""
        self.heard += said.decode(errors="replace")
        return bool(said)

    def _complaint(self, what: str) -> str:
        self.process.terminate()
        errors = self.process.stderr.read().decode(errors="replace")
        return f"{what} after:\n{self.heard[-4000:]}\nstandard error:\n{errors[-2000:]}"


class Listener:
    """What the serial line of a machine shows that boots any image, without the firmware's part."""

    def __init__(self, guest: Guest) -> None:
        self.guest, self.screen, self.shown = guest, Screen(), ""

    def hear(self, seconds: float) -> bool:
        """Listen once; false when nothing came in time."""
        ready, _, _ = select.select([self.guest.serial], [], [], max(0.0, seconds))
        data = self.guest.serial.recv(4096) if ready else b""
        self.shown += self.screen.feed(data).decode(errors="replace")
        return bool(data)

    def line(self) -> str:
        """The first whole line."""
        while "\n" not in self.shown:
            assert self.hear(SILENCE), self.screen.hidden()
        return self.shown.splitlines()[0]

    def expect(self, pattern: str) -> None:
        """Listen until a line matches `pattern`."""
        wanted = re.compile(pattern, re.MULTILINE)
        while wanted.search(self.shown) is None:
            assert self.hear(SILENCE), f"{pattern!r} did not come after:\n{self.shown[-4000:]}"
