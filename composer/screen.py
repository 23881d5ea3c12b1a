"""Decides what of a serial line's output a person sees: nothing of the firmware's, everything from the kernel's banner on.

Gets bytes as they come; gives those to show. What was hidden is kept, bounded, for when no banner ever comes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

BANNERS = (b"munal ", b"munal: ", b"kernel panic: ")
"""How a line begins that is not the firmware's: the kernel's first message, why an image does not boot, a panic's words."""
PANIC, HALTED = b"kernel panic: ", b"the machine is halted"
"""How a panic's first line begins, and its last line where the machine then stands still (kernel/src/panic.rs)."""
LONGEST_LINE = 1 << 12
MOST_HIDDEN = 1 << 18
_ESCAPES = rb"(?:\x1b\[[0-9;=?]*[A-Za-z])*"


class Screen:
    """`open` is true once the guest's own first line began: from then on it listens to its serial line, too."""

    def __init__(self, banners: Sequence[bytes] = BANNERS, show_firmware: bool = False) -> None:
        self.open = False
        self._show_firmware = show_firmware
        self._waiting = b""
        self._banner = re.compile(rb"(?:\A|[\r\n])" + _ESCAPES + rb"(" + rb"|".join(map(re.escape, banners)) + rb")")

    def feed(self, data: bytes) -> bytes:
        """What to show now that `data` has come."""
        if self.open:
            return data
        self._waiting = (self._waiting + data)[-MOST_HIDDEN:]
        found = self._banner.search(self._waiting)
        self.open = found is not None
        if self._show_firmware:
            return data
        return self._waiting[found.start(1):] if found else b""

    def close(self) -> None:
        """The machine was reset: the firmware speaks next."""
        self.open, self._waiting = False, b""

    @property
    def silent(self) -> bool:
        """Nothing at all has come, not even the firmware's first words."""
        return not self.open and not self._waiting

    def hidden(self) -> bytes:
        """What came and was not shown because the banner did not come."""
        return b"" if self.open or self._show_firmware else self._waiting


class LastWords:
    """Watches for a kernel that panics and halts. Words are only words: who hears them asks the machine whether it is so."""

    def __init__(self) -> None:
        self.heard = False
        self._panics = False
        self._line = b""

    def feed(self, data: bytes) -> bool:
        """Whether `data` ended a panic's words."""
        *lines, self._line = (self._line + data).replace(b"\r", b"").split(b"\n")
        self._line = self._line[-LONGEST_LINE:]
        for line in lines:
            self._panics |= line.startswith(PANIC)
            if self._panics and line == HALTED:
                self._panics, self.heard = False, True
                return True
        return False
