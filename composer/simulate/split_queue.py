"""Split virtqueues from the device's side (Virtual I/O Device 1.2, section 2.7): what a driver makes available is taken, what the
device is done with is put among what is used, as it should be or as a script of faults has it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from composer.simulate.dma import Dma
from composer.simulate.faults import Script

DESCRIPTOR = struct.Struct("<QIHH")
USED = struct.Struct("<II")
NEXT, WRITE, INDIRECT = 1, 2, 4
WRAP = 1 << 16

QUEUE_FAULTS = {
    "short": "it writes, and says that it wrote, `number` bytes of what it should, or none",
    "long": "it says that it wrote `number` bytes more than there is room for, or 1",
    "unknown-id": "it returns `number`, or 0xffffffff, which it was never given",
    "twice": "it returns something twice",
    "jump": "it says that it returned `number`, or 1000, things more than it did",
    "reorder": "it returns what it did at one go in the other order",
}
"""What can go wrong with what is used; each thing that is returned is one occasion."""


class Broken(Exception):
    """The driver made available what cannot be."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One request: pieces of memory that the device reads, and pieces that it writes."""

    head: int
    readable: tuple[tuple[int, int], ...]
    writable: tuple[tuple[int, int], ...]

    @property
    def room(self) -> int:
        """Bytes that the device may write."""
        return sum(length for _, length in self.writable)


class Queue:
    """One queue; `size` is the most descriptors at first, and what the driver chose then. Addresses are those of the device."""

    def __init__(self, most: int, dma: Dma, script: Script) -> None:
        self.most, self._dma, self._script = most, dma, script
        self.size, self.vector, self.enabled = most, 0xFFFF, False
        self.descriptors = self.driver = self.device = 0
        self._taken = self._used = 0
        self._done: list[tuple[int, int]] = []
        self._reordered = False
        self._ahead = 0

    def take(self) -> Chain | None:
        """The next request that is available. Raises Broken."""
        available = self._word(self.driver + 2)
        if not self.enabled or available == self._taken:
            return None
        if (available - self._taken) % WRAP > self.size:
            raise Broken
        head = self._word(self.driver + 4 + 2 * (self._taken % self.size))
        self._taken = (self._taken + 1) % WRAP
        pieces = list(self._chain(head))
        readable = tuple((at, length) for at, length, flags in pieces if not flags & WRITE)
        writable = tuple((at, length) for at, length, flags in pieces if flags & WRITE)
        if [flags & WRITE for _, _, flags in pieces] != [0] * len(readable) + [WRITE] * len(writable):
            raise Broken
        return Chain(head, readable, writable)

    def _chain(self, number: int) -> Iterator[tuple[int, int, int]]:
        for _ in range(self.size):
            if number >= self.size:
                raise Broken
            address, length, flags, following = DESCRIPTOR.unpack(self._dma.read(self.descriptors + DESCRIPTOR.size * number, DESCRIPTOR.size))
            if flags & INDIRECT:
                raise Broken
            yield address, length, flags
            if not flags & NEXT:
                return
            number = following
        raise Broken

    def read(self, chain: Chain) -> bytes:
        """All that a request has for the device."""
        return b"".join(self._dma.read(address, length) for address, length in chain.readable)

    def found(self, chain: Chain) -> bytes:
        """What is now where the device is to write."""
        return b"".join(self._dma.read(address, length) for address, length in chain.writable)

    def done(self, chain: Chain, answer: bytes = b"", says: int | None = None) -> None:
        """The device is done with a request, and writes this, or says that it wrote so many bytes; the driver finds it after `publish`."""
        short = self._script.number("short", 0) if chain.writable else None
        written = answer[:chain.room if short is None else short]
        rest = written
        for address, length in chain.writable:
            self._dma.write(address, rest[:length])
            rest = rest[length:]
        more = self._script.number("long", 1)
        told = chain.room + more if more is not None else len(written) if says is None else says
        wrong = self._script.number("unknown-id", 0xFFFF_FFFF)
        self._done.append((chain.head if wrong is None else wrong, told))
        if self._script.due("twice"):
            self._done.append((chain.head, told))
        self._ahead += self._script.number("jump", 1000) or 0
        self._reordered |= self._script.due("reorder") is not None

    def publish(self) -> bool:
        """Have the driver find what is done. Answers whether it may be interrupted for that."""
        done = self._done[::-1] if self._reordered else self._done
        self._done, self._reordered = [], False
        for element in done:
            self._dma.write(self.device + 4 + USED.size * (self._used % self.size), USED.pack(*element))
            self._used = (self._used + 1) % WRAP
        if done:
            self._dma.write(self.device + 2, struct.pack("<H", (self._used + self._ahead) % WRAP))
        return bool(done) and not self._word(self.driver) & 1

    def _word(self, address: int) -> int:
        return int.from_bytes(self._dma.read(address, 2), "little")


