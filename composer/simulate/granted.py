"""A device that an instance is granted, behind its model: what kernel/src/device does between a driver and a PCI function.

Registers and tables are judged by rules.py. A device that the machine has not reads as ones, and its tables are not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from composer.device import ADDRESS, Device, Rules, Step
from composer.simulate.cards import Card
from composer.simulate.clock import Clock
from composer.simulate.dma import TABLES_AT, Dma, Windowed
from composer.simulate.engine import Fault
from composer.simulate.links import Answer
from composer.simulate.objects import Interrupt
from composer.simulate.rules import Apart, Nowhere, Reach, at_rest, entries, is_halved, judge, places
from composer.simulate.rules import Fault as Unruly

RESET = 2_000_000_000
"""Nanoseconds for one step of a reset."""
LOOK = 10_000_000
"""Nanoseconds after which it is looked again whether a step is done."""
LONGEST_WRITE = 1 << 16
"""Bytes of the longest table."""
ONES = 0xFFFF_FFFF

Pause = Callable[[int], None]
"""Waits until a moment of the clock's; may come back earlier."""


class Granted:
    """One device of the layout's. `card` is None, and `regions` empty, where the machine has it not; a region is a base address
    register and an offset behind it. `notify` wakes those who wait for its interrupts."""

    def __init__(self, model: Device, dma: Dma, notify: Callable[[], None]) -> None:
        self.model, self.interrupt = model, Interrupt()
        self.card: Card | None = None
        self._regions: Sequence[tuple[int, int]] = ()
        self._space = b""
        self._dma, self._notify, self._is_open = dma, notify, False

    def plug(self, card: Card, regions: Sequence[tuple[int, int]]) -> None:
        """The machine has it: this card."""
        self.card, self._regions, self._space = card, regions, card.about.space()
        card.slot.wire(self._dma, self._interrupted)

    @property
    def present(self) -> bool:
        return self.card is not None

    def _interrupted(self) -> None:
        """The card interrupts."""
        if self._is_open:
            self.interrupt.count += 1
            self._notify()

    # A life of its driver

    def open(self, clock: Clock, pause: Pause) -> None:
        """Bring it to where it reaches no memory, and let it work. Raises Fault where its reset comes to no end."""
        if self.card is None:
            return
        self.card.begin()
        for step in self.model.reset:
            if not self._take(step, clock, pause):
                name = self.model.regions[step.region].name
                raise Fault(f"device `{self.model.need}` does not come out of its reset: {step.offset:#x} of `{name}`", trapped=False)
        self._forget()
        self.interrupt.take()
        self._is_open = True

    def close(self) -> None:
        """That life is over: it reaches nothing from now on, and its reset's writes are made."""
        self._is_open = False
        self._dma.forget()
        if self.card is not None:
            for step in self.model.reset:
                if step.mask is None:
                    self._store(step.region, step.offset, step.bytes, step.value)

    def _take(self, step: Step, clock: Clock, pause: Pause) -> bool:
        """One step of the reset; false where it is waited for in vain."""
        if step.mask is None:
            self._store(step.region, step.offset, step.bytes, step.value)
            return True
        end = clock.now() + RESET
        while self._load(step.region, step.offset, step.bytes) & step.mask != step.value:
            if clock.now() >= end:
                return False
            pause(clock.now() + LOOK)
        return True

    def _forget(self) -> None:
        """Tables that hold addresses are zeros again. What leads to a table, a register or an entry, leads to the first that it may, so
        that no card follows what nobody told it."""
        for memory, table in zip(self._dma.tables, self.model.tables, strict=True):
            if table.rules.pointers:
                memory[:] = bytes(len(memory))
            for offset, to in self._at_rest(table.rules):
                for entry in range(0, table.entry * table.count, table.entry):
                    memory[entry + offset:entry + offset + ADDRESS] = to.to_bytes(ADDRESS, "little")
        for number, region in enumerate(self.model.regions):
            for offset, to in self._at_rest(region.rules):
                self._store(number, offset, ADDRESS, to)

    def _at_rest(self, rules: Rules) -> Iterator[tuple[int, int]]:
        """Where addresses lead to tables when nobody has written them, and where those are as the device sees them."""
        for pointer in rules.pointers:
            table = at_rest(pointer, self.model.tables)
            if table is not None:
                yield from ((offset, TABLES_AT * (table + 1)) for offset in places(pointer))

    # What its driver calls

    def config(self, offset: int) -> int:
        """32 bits of its configuration space."""
        if self.card is None or self.card.gone:
            return ONES
        return int.from_bytes(self._space[offset & ~3:(offset & ~3) + 4], "little")

    def read(self, region: int, offset: int, width: int) -> int:
        """A register of `width` bits. Raises Fault where the model has no such."""
        regions, count = self.model.regions, width // 8
        if region >= len(regions) or offset + count > regions[region].length:
            raise Fault(f"read {count} bytes at {offset:#x} of region {region} of device `{self.model.need}`, which its model does not have")
        return self._load(region, offset, count)

    def write(self, region: int, offset: int, width: int, value: int, life: Windowed) -> None:
        """Write a register of `width` bits. Raises Fault where the model does not let it."""
        regions, count = self.model.regions, width // 8
        said = f"wrote {count} bytes at {offset:#x} of region {region} of device `{self.model.need}`"
        if region >= len(regions):
            raise Fault(f"{said}: its model has no such region")
        if self.card is None:
            return
        data = (value & (1 << width) - 1).to_bytes(count, "little")
        try:
            made = judge(regions[region].rules, offset, data, self.model.tables, self._translate(life))
        except Unruly as fault:
            raise Fault(f"{said}: {_words(fault)}") from None
        self._store(region, offset, count, int.from_bytes(made, "little"))

    def write_table(self, table: int, offset: int, data: bytes, life: Windowed) -> int:
        """How many bytes were written. Raises Answer, and Fault where the model does not let it."""
        said = f"wrote {len(data)} bytes at {offset:#x} of table {table} of device `{self.model.need}`"
        if table >= len(self.model.tables):
            raise Fault(f"{said}: its model has no such table")
        if self.card is None:
            raise Answer("not_found")
        if len(data) > LONGEST_WRITE:
            raise Fault(f"{said}: it is longer than a table")
        try:
            made = entries(self.model.tables[table], offset, data, self.model.tables, self._translate(life))
        except Apart:
            raise Answer("invalid") from None
        except Unruly as fault:
            raise Fault(f"{said}: {_words(fault)}") from None
        self._dma.tables[table][offset:offset + len(made)] = made
        return len(data)

    def read_table(self, table: int, offset: int, length: int) -> bytes:
        """At most `length` bytes as the device has them. Raises Answer, and Fault where the model has no such table."""
        if table >= len(self.model.tables):
            raise Fault(f"read table {table} of device `{self.model.need}`, which its model does not have")
        if self.card is None:
            raise Answer("not_found")
        return bytes(self._dma.tables[table][offset:offset + length])

    def _translate(self, life: Windowed) -> Callable[[Reach], int]:
        return lambda reach: self._dma.physical(life, reach)

    # The card's registers

    def _load(self, region: int, offset: int, count: int) -> int:
        if self.card is None or self.card.gone:
            return (1 << 8 * count) - 1
        bar, start = self._regions[region]
        return self.card.read(bar, start + offset, count * 8)

    def _store(self, region: int, offset: int, count: int, value: int) -> None:
        """An address that the model says is written as two halves is given to the card so, the lower one first."""
        if self.card is None or self.card.gone:
            return
        bar, start = self._regions[region]
        if count == ADDRESS and is_halved(self.model.regions[region].rules, offset):
            self.card.write(bar, start + offset, 32, value & ONES)
            self.card.write(bar, start + offset + 4, 32, value >> 32)
        else:
            self.card.write(bar, start + offset, count * 8, value)


def _words(fault: Unruly) -> str:
    if isinstance(fault, Nowhere):
        return "an address in it leads where its model or its memory has nothing for it"
    return "memory that an address in it is for does not lie together" if isinstance(fault, Apart) else "its model does not let it"
