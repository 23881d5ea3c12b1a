"""What a driver may tell its device, by the device's model: the decisions of kernel/logic/src/device (rules.rs, address.rs), answer
for answer. kernel/logic/src/device/cases.txt has cases that both are tested by.

Gets what is written and the rules; gives the bytes that reach the device, with each address in the device's terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from composer.device import ADDRESS, Limit, Pointer, Rules, Table

STRIDE = 32
"""Tables come one after the other in a driver's addresses, 4 GiB each, after its memory."""


class Fault(Exception):
    """Why a write is none."""


class Refused(Fault):
    """The byte at `offset` may not be written, not with this value, or not without what belongs to it."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset

    def behind(self, start: int) -> Fault:
        """As a fault of the table, whose entry begins at `start`."""
        return type(self)(start + self.offset)


class Nowhere(Refused):
    """The address at `offset` leads nowhere that it may."""


class Apart(Fault):
    """The memory that an address leads to does not lie together."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an address asks for: `length` bytes from `offset` on, of the table of that number or, without one, of the driver's memory."""

    table: int | None
    offset: int
    length: int


Translate = Callable[[Reach], int]
"""Where a place is as the device sees it. Raises Nowhere or Apart."""


def place(address: int, length: int, to: int, tables: Sequence[Table]) -> Reach | None:
    """Where a driver's address leads, if `to` lets it: in a table to one whole entry, or to whole entries from the first on."""
    number, offset = (address >> STRIDE) - 1, address & (1 << STRIDE) - 1
    if number < 0:
        return Reach(None, offset, length) if to & 1 else None
    if number >= len(tables) or not to >> 1 >> number & 1:
        return None
    table = tables[number]
    every = table.entry * table.count
    one = offset % table.entry == 0 and length == table.entry and offset < every
    first = offset == 0 and 0 < length <= every and length % table.entry == 0
    return Reach(number, offset, length) if one or first else None


@dataclass(frozen=True, slots=True)
class _Write:
    """Bytes that are written from `start` on; `made` is what becomes of them."""

    start: int
    made: bytearray

    @property
    def end(self) -> int:
        return self.start + len(self.made)

    def meets(self, part: range) -> bool:
        return part.start < self.end and self.start < part.stop

    def number(self, part: range) -> int | None:
        """The number there, little-endian; None where it is not written whole."""
        if part.start < self.start or self.end < part.stop:
            return None
        return int.from_bytes(self.made[part.start - self.start:part.stop - self.start], "little")

    def put(self, part: range, number: int) -> None:
        self.made[part.start - self.start:part.stop - self.start] = number.to_bytes(len(part), "little")


def judge(rules: Rules, offset: int, data: bytes, tables: Sequence[Table], translate: Translate) -> bytes:
    """What a write of `data` at `offset` comes to, addresses translated. Raises Fault, the first that there is."""
    write = _Write(offset, bytearray(data))
    _cover(rules, write)
    for limit in rules.limits:
        for part in _met(write, [_bytes(limit)], limit.count, limit.stride):
            value = write.number(part[0])
            if value is None or value & ~limit.mask or not limit.least <= value <= limit.most:
                raise Refused(part[0].start)
    for pointer in rules.pointers:
        for parts in _met(write, list(_parts(pointer)), pointer.count, pointer.stride):
            _point(pointer, parts, write, tables, translate)
    return bytes(write.made)


def entries(table: Table, offset: int, data: bytes, tables: Sequence[Table], translate: Translate) -> bytes:
    """As `judge`, of bytes of a table, entry by entry."""
    if offset + len(data) > table.entry * table.count:
        raise Refused(offset)
    made, at = b"", offset
    while at < offset + len(data):
        inside, rest = at % table.entry, data[at - offset:]
        now = rest[:table.entry - inside]
        try:
            made += judge(table.rules, inside, now, tables, translate)
        except Refused as fault:
            raise fault.behind(at - inside) from None
        at += len(now)
    return made


def is_halved(rules: Rules, offset: int) -> bool:
    """Whether the register there is an address that is written as two halves."""
    return any(pointer.halves and offset in places(pointer) for pointer in rules.pointers)


def places(pointer: Pointer) -> range:
    """Where each of its repetitions begins."""
    return range(pointer.offset, pointer.offset + pointer.count * (pointer.stride or 1), pointer.stride or 1)


def at_rest(pointer: Pointer, tables: Sequence[Table]) -> int | None:
    """The table that a pointer leads to when nobody has written it: the first that it may lead to, where that has all the bytes which
    the device may reach from there on. None for one that leads to the driver's memory alone."""
    first = next((number for number in range(len(tables)) if pointer.to >> 1 >> number & 1), None)
    length = pointer.length.more if pointer.length else pointer.reach
    return None if first is None or place(first + 1 << STRIDE, length, pointer.to, tables) is None else first


def _cover(rules: Rules, write: _Write) -> None:
    """That each byte is named by a rule."""
    if write.end >= 1 << 32:
        raise Refused(write.start)
    groups = [([_bytes(limit)], limit.count, limit.stride) for limit in rules.limits]
    groups += [(list(_parts(pointer)), pointer.count, pointer.stride) for pointer in rules.pointers]
    named = [range(start, end) for start, end in rules.free]
    named += [part for group in groups for parts in _met(write, *group) for part in parts]
    at = write.start
    for part in sorted(named, key=lambda part: part.start):
        if part.start > at:
            break
        at = max(at, part.stop)
    if at < write.end:
        raise Refused(at)


def _bytes(limit: Limit) -> range:
    return range(limit.offset, limit.offset + limit.bytes)


def _parts(pointer: Pointer) -> Iterator[range]:
    """The bytes that are written together: an address, how long what it leads to is, and which way it goes."""
    yield range(pointer.offset, pointer.offset + ADDRESS)
    if pointer.length:
        yield range(pointer.length.offset, pointer.length.offset + pointer.length.bytes)
    if pointer.written:
        yield range(pointer.written.offset, pointer.written.offset + 1)


def _met(write: _Write, parts: list[range], count: int, stride: int) -> Iterator[list[range]]:
    """The parts of each of `count` repetitions, `stride` bytes apart, of which any byte is written."""
    first, last = min(part.start for part in parts), max(part.stop for part in parts)
    most = max(0, (write.start - last) // stride) if stride else 0
    for number in range(most, count):
        by = number * stride
        if first + by >= write.end:
            return
        moved = [range(part.start + by, part.stop + by) for part in parts]
        if any(write.meets(part) for part in moved):
            yield moved


def _point(pointer: Pointer, parts: list[range], write: _Write, tables: Sequence[Table], translate: Translate) -> None:
    """Put the address of one pointer in the device's terms."""
    numbers = [write.number(part) for part in parts]
    if None in numbers:
        raise Refused(parts[0].start)
    address, *beside = (number for number in numbers if number is not None)
    length = (beside[0] & pointer.length.mask) + pointer.length.more if pointer.length else pointer.reach
    if length >= 1 << 64:
        raise Refused(parts[0].start)
    to = pointer.written.to if pointer.written and beside[-1] >> pointer.written.bit & 1 else pointer.to
    reach = place(address, length, to, tables)
    if reach is None:
        raise Nowhere(parts[0].start)
    write.put(parts[0], translate(reach))
