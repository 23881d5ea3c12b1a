"""A simulated educational device as QEMU has it (docs/specs/edu.rst in its source), without DMA: devices_pci.py grants it whole.

It is done with each factorial at once.
"""

from __future__ import annotations

from collections.abc import Callable

IDENTITY = 0x11E8_1234
CONFIGURATION = {0x00: IDENTITY, 0x08: 0x00FF_0010, 0x2C: 0x1100_1AF4}
"""Words of configuration space that are not 0: identity, class and revision, subsystem."""
IDENTIFICATION, LIVENESS, FACTORIAL, STATUS, CAUSE, RAISE, ACKNOWLEDGE, DMA = 0x00, 0x04, 0x08, 0x20, 0x24, 0x60, 0x64, 0x80
VERSION_1_0 = 0x0100_00ED
INTERRUPTS = 0x80
"""The bit of the status by which it interrupts when it is done."""
DONE = 0x01
"""The cause of such an interrupt."""
FULL = (1 << 32) - 1


class Edu:
    """Registers behind its first base address register; `interrupt` is called for each interrupt."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._liveness = self._factorial = self._status = self._cause = 0

    def config(self, offset: int) -> int:
        """32 bits of configuration space."""
        return CONFIGURATION.get(offset, 0)

    def read(self, offset: int, width: int) -> int:
        """A read of `width` bits; those that the device does not know answer all ones, and its DMA is at rest."""
        values = {IDENTIFICATION: VERSION_1_0, LIVENESS: self._liveness, FACTORIAL: self._factorial, STATUS: self._status, CAUSE: self._cause}
        known = width == 32 and offset in values
        return values[offset] if known else 0 if offset >= DMA and width in (32, 64) else (1 << width) - 1

    def write(self, offset: int, width: int, value: int) -> None:
        """A write of 32 bits; others are ignored, as is all that has to do with DMA."""
        value &= FULL
        if width != 32:
            return
        if offset == LIVENESS:
            self._liveness = value ^ FULL
        elif offset == FACTORIAL:
            self._compute(value)
        elif offset == STATUS:
            self._status = value & INTERRUPTS
        elif offset == RAISE:
            self._raise(value)
        elif offset == ACKNOWLEDGE:
            self._cause &= ~value

    def _compute(self, n: int) -> None:
        self._factorial = 1
        for factor in range(2, min(n, 34) + 1):  # 34! has 32 twos: from there on all is 0
            self._factorial = self._factorial * factor & FULL
        if self._status & INTERRUPTS:
            self._raise(DONE)

    def _raise(self, cause: int) -> None:
        self._cause |= cause
        if self._cause:
            self._interrupt()
