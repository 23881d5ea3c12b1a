"""What a simulated card reaches of memory: its driver's, while a life of it lasts, and the kernel's tables for it.

Addresses as the device sees them: the driver's memory and each table have places of their own, far apart. The first page is nobody's
and reads as zeros. Two pages of a driver's memory never lie together here, as may be on any machine: a driver that splits at pages
works wherever its pages come to lie.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Protocol

from composer.device import Table
from composer.simulate.rules import Apart, Nowhere, Reach

PAGE = 4096
MEMORY_AT = 1 << 32
TABLES_AT = 1 << 40
"""Table n begins at (n + 1) times this."""


class Windowed(Protocol):
    """A life of a driver, as far as its memory goes: where that is in this process, and how many bytes it has."""

    @property
    def window(self) -> tuple[int, int]: ...


class Dma:
    """Memory behind one card. It reaches the driver's from the first address that it is told on, until `forget`."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = [bytearray(-(-table.entry * table.count // PAGE) * PAGE) for table in tables]
        self._start = self._length = 0

    def physical(self, life: Windowed, reach: Reach) -> int:
        """Where the device finds what a driver points to. Raises Nowhere or Apart."""
        if reach.table is not None:
            return TABLES_AT * (reach.table + 1) + reach.offset
        self._start, self._length = life.window
        end = reach.offset + max(1, reach.length)
        if end > self._length:
            raise Nowhere(0)
        if reach.offset // PAGE != (end - 1) // PAGE:
            raise Apart
        return MEMORY_AT + reach.offset

    def forget(self) -> None:
        """The driver's memory is not the card's any more."""
        self._start = self._length = 0

    def read(self, address: int, length: int) -> bytes:
        """Bytes as the card finds them; ones where nothing answers it."""
        if address >= TABLES_AT:
            number, offset = divmod(address, TABLES_AT)
            found = bytes(self.tables[number - 1][offset:offset + length]) if number <= len(self.tables) else b""
        elif address >= MEMORY_AT:
            at = address - MEMORY_AT
            found = ctypes.string_at(self._start + at, min(length, self._length - at)) if at < self._length else b""
        else:
            found = bytes(min(length, max(0, PAGE - address)))
        return found.ljust(length, b"\xff")

    def write(self, address: int, data: bytes) -> None:
        """Put bytes where the card says, in a table or in the driver's memory; nothing happens where that is nobody's."""
        at = address - MEMORY_AT
        if address >= TABLES_AT:
            number, offset = divmod(address, TABLES_AT)
            table = self.tables[number - 1] if number <= len(self.tables) else bytearray()
            if offset + len(data) <= len(table):
                table[offset:offset + len(data)] = data
        elif 0 <= at <= self._length - len(data):
            ctypes.memmove(self._start + at, data, len(data))
