"""Waits beside a run until the machine that is to be debugged has come to the kernel's first instruction, and stops it there.

Gets a guest and what was prepared for gdb; the machine is found by looking at its processor a few times a second.
"""

from __future__ import annotations

import time

from composer.gdb import Prepared
from composer.guest import Guest
from composer.terminal import say

PAUSE = 0.2
"""Seconds between two looks."""


class Debugger:
    """`step` is called whenever something happened, and at `next_look`, which is None once the machine waits for gdb."""

    def __init__(self, guest: Guest, prepared: Prepared) -> None:
        self.guest, self.prepared = guest, prepared
        self.next_look: float | None = time.monotonic() + PAUSE

    def step(self) -> None:
        """Look at the processor if it is time to."""
        now = time.monotonic()
        if self.next_look is not None and now >= self.next_look:
            self.next_look = now + PAUSE
            self.guest.ask("info registers", self._look)

    def _look(self, registers: str) -> None:
        base = self.prepared.find(registers)
        if base is not None and self.next_look is not None:
            self.guest.ask(f"x /2xb {base:#x}", lambda words: self._found(base, words))

    def _found(self, base: int, words: str) -> None:
        """The firmware may stand at such an address too, but there no image starts."""
        if self.next_look is None or "0x4d 0x5a" not in words:
            return
        self.next_look = None
        self.guest.qmp.execute("stop")
        self.prepared.write_script(base)
        say(f"munal: the machine waits for gdb at the kernel's first instruction; in another terminal: {self.prepared.command}")
