"""A simulated educational device as QEMU has it (docs/specs/edu.rst in its source), without DMA.

It is done with each factorial at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from composer.simulate.cards import COMMON_FAULTS, Card, Slot, card
from composer.simulate.pci import Function, Region

IDENTIFICATION, LIVENESS, FACTORIAL, STATUS, CAUSE, RAISE, ACKNOWLEDGE, DMA = 0x00, 0x04, 0x08, 0x20, 0x24, 0x60, 0x64, 0x80
VERSION_1_0 = 0x0100_00ED
COMPUTING = 0x01
INTERRUPTS = 0x80
"""The bit of the status by which it interrupts when it is done."""
DONE = 0x01
"""The cause of such an interrupt."""
FULL = (1 << 32) - 1


@card("1234:11e8")
class Edu(Card):
    """Registers behind its first base address register."""

    FAULTS: ClassVar[Mapping[str, str]] = COMMON_FAULTS | {"config": "it calls itself `number`, or 0xffffffff"}

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot)
        self.about = Function(0x1234, 0x11E8, 0x00FF00, {0: Region(0xFEA0_0000 + (slot.number << 20), 1 << 20)}, (b"\x05",), revision=0x10)
        self._liveness = self._factorial = self._status = self._cause = 0
        self._identity = VERSION_1_0

    def begin(self) -> None:
        super().begin()
        wrong = self.slot.script.number("config", FULL)
        self._identity = VERSION_1_0 if wrong is None else wrong
        self.stopped = False

    def read(self, bar: int, offset: int, width: int) -> int:
        """A read of `width` bits; those that the device does not know answer all ones, and its DMA is at rest."""
        status = self._status | (COMPUTING if self.stopped or self.stuck else 0)
        values = {IDENTIFICATION: self._identity, LIVENESS: self._liveness, FACTORIAL: self._factorial, STATUS: status, CAUSE: self._cause}
        known = width == 32 and offset in values
        return values[offset] if known else 0 if offset >= DMA and width in (32, 64) else (1 << width) - 1

    def write(self, bar: int, offset: int, width: int, value: int) -> None:
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
        if not self.works():
            return
        self._factorial = 1
        for factor in range(2, min(n, 34) + 1):  # 34! has 32 twos: from there on all is 0
            self._factorial = self._factorial * factor & FULL
        if self._status & INTERRUPTS:
            self._raise(DONE)

    def _raise(self, cause: int) -> None:
        self._cause |= cause
        if self._cause:
            self.slot.interrupt()
