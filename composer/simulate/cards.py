"""Simulated cards: PCI functions that are granted whole. One file each in devices/, registered by what it is: a new one adds a file
and nothing else.

A card gets reads and writes of its registers under the machine's lock, and never blocks; `Slot` is all that it has of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from composer.simulate import pci
from composer.simulate.clock import Clock
from composer.simulate.dma import Dma
from composer.simulate.faults import Script

CARDS: dict[str, type[Card]] = {}
"""By `vendor:device`."""

COMMON_FAULTS = {
    "lost-interrupt": "it is done with something, and does not interrupt",
    "spurious-interrupt": "it interrupts once more than it has reason to",
    "stop": "it does nothing any more until it is reset",
    "gone": "it answers nothing any more, as if it had been pulled out",
    "stuck-reset": "it does not come out of its reset",
}
"""What any card can do wrong."""


class Slot:
    """Where a card is plugged in: the memory that it reaches, its interrupt, the time, and what it is to do wrong.

    `number` counts cards of one kind from 0 on; `disk` is the file of one that keeps something, or None for one that forgets it.
    """

    def __init__(self, clock: Clock, script: Script, number: int = 0, disk: Path | None = None) -> None:
        self.clock, self.script, self.number, self.disk = clock, script, number, disk
        self.dma = Dma(())
        self._interrupt: Callable[[], None] = lambda: None

    def wire(self, dma: Dma, interrupt: Callable[[], None]) -> None:
        """Somebody is granted the card."""
        self.dma, self._interrupt = dma, interrupt

    def interrupt(self) -> None:
        """Interrupt the driver."""
        if not self.script.due("lost-interrupt"):
            self._interrupt()
        if self.script.due("spurious-interrupt"):
            self._interrupt()


class Card:
    """One function. `about` is its configuration space, `FAULTS` what it can do wrong, each in words."""

    FAULTS: ClassVar[Mapping[str, str]] = COMMON_FAULTS
    PLACE: ClassVar[int | None] = None
    """The function that it is on this machine, where that is always the same one."""
    about: pci.Function

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.stopped = self.gone = self.stuck = False

    def begin(self) -> None:
        """A life of its driver begins; its reset follows."""
        self.stuck = self.slot.script.due("stuck-reset") is not None

    def read(self, bar: int, offset: int, width: int) -> int:
        """A read of `width` bits behind a base address register; all ones where nothing answers."""
        return (1 << width) - 1

    def write(self, bar: int, offset: int, width: int, value: int) -> None:
        """A write; ignored where nothing listens."""

    def close(self) -> None:
        """The machine goes off."""

    def works(self) -> bool:
        """Whether it is to do the next thing that it has to do: it may have been told to end before that."""
        if self.slot.script.due("gone"):
            self.gone = True
        if self.slot.script.due("stop"):
            self.stopped = True
        return not (self.stopped or self.gone)


def card(identity: str) -> Callable[[type[Any]], type[Any]]:
    """Have the simulated machine know a card by its `vendor:device`."""

    def register(made: type[Any]) -> type[Any]:
        CARDS[identity] = made
        return made

    return register


def all_cards() -> dict[str, type[Card]]:
    """Every card of the folder of devices."""
    from composer.simulate.devices import all_devices

    all_devices()
    return CARDS
