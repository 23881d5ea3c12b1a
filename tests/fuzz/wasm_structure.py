"""Damages a wasm binary where it has structure: sections, entries, bodies and numbers change, and the lengths around them fit again.

Gets a binary that was sound and a source of chance; gives bytes that get past the first checks of a reader and trouble the later ones.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

HEADER = b"\0asm\x01\0\0\0"
CODE, CUSTOM = 10, 0
Section = tuple[int, bytes]

BORDERS = (0, 1, 2, 7, 8, 63, 64, 65, 127, 128, 255, 256, 8191, 8192, 65535, 65536, 65537, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1)
NAMES = (b"\xff\xfe", b"\xed\xa0\x80", b"", b"a" * 300, b'")(import "munal:raw', b"\n\x1b[2J", "\u202e".encode(), b"_start", b"memory", b"munal:port/regs")
SNIPPETS = (
    b"\x00", b"\x01", b"\x0b", b"\x02\x40", b"\x03\x40", b"\x04\x40", b"\x05", b"\x0c\x00", b"\x0d\x00", b"\x0e\x01\x00\x00", b"\x0f", b"\x10\x00", b"\x11\x00\x00", b"\x1a", b"\x1b",
    b"\x20\x00", b"\x21\x00", b"\x22\x00", b"\x23\x00", b"\x24\x00", b"\x28\x02\x00", b"\x36\x02\x00", b"\x3f\x00", b"\x40\x00", b"\x41\x00", b"\x41\x7f", b"\x42\x00",
    b"\x45", b"\x46", b"\x48", b"\x49", b"\x4f", b"\x6a", b"\x6b", b"\x6c", b"\x71", b"\x72", b"\x74", b"\x76", b"\xa7", b"\xad", b"\xd2\x00", b"\xfc\x0b\x00", b"\xfd\x0c" + bytes(16),
    b"\x03\x40\x20\x00\x41\x01\x6a\x22\x00\x41\x08\x49\x0d\x00\x0b",
)


def number(value: int, padding: int = 0) -> bytes:
    """LEB128, with more bytes than it needs where `padding` says so."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        if not value and not padding:
            return bytes([*out, low])
        out.append(low | 0x80)
        if not value:
            return bytes([*out, *[0x80] * (padding - 1), 0])


def sections(data: bytes) -> list[Section]:
    """The sections of a sound binary, and what is left of another as long as it can be followed."""
    found, at = [], len(HEADER)
    while at < len(data):
        length, start = _number_at(data, at + 1)
        found.append((data[at], data[start : start + length]))
        at = start + length
    return found


def joined(parts: list[Section]) -> bytes:
    return HEADER + b"".join(bytes([kind]) + number(len(content)) + content for kind, content in parts)


def damaged(random: Random, data: bytes) -> bytes:
    """One to four changes of structure."""
    parts = sections(data)
    for _ in range(random.randint(1, 4)):
        if parts:
            parts = random.choice(CHANGES)(random, parts)
    return joined(parts)


def _number_at(data: bytes, at: int) -> tuple[int, int]:
    """A LEB128 number, and the offset behind it."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            break
    return value, at


def _some(random: Random, parts: list[Section], kind: int | None = None) -> int | None:
    """The place of a section, of this kind where one is named."""
    places = [place for place, (found, content) in enumerate(parts) if content and kind in (None, found)]
    return random.choice(places) if places else None


def _drop(random: Random, parts: list[Section]) -> list[Section]:
    del parts[random.randrange(len(parts))]
    return parts


def _double(random: Random, parts: list[Section]) -> list[Section]:
    return [*parts, random.choice(parts)]


def _swap(random: Random, parts: list[Section]) -> list[Section]:
    a, b = random.randrange(len(parts)), random.randrange(len(parts))
    parts[a], parts[b] = parts[b], parts[a]
    return parts


def _recount(random: Random, parts: list[Section]) -> list[Section]:
    """Another number of entries than there are."""
    place = _some(random, parts)
    if place is not None:
        kind, content = parts[place]
        count, start = _number_at(content, 0)
        parts[place] = kind, number(random.choice([count + 1, max(count - 1, 0), *BORDERS]), random.choice([0, 0, 1, 3])) + content[start:]
    return parts


def _renumber(random: Random, parts: list[Section]) -> list[Section]:
    """A number on the border of something in the place of what may be one."""
    place = _some(random, parts)
    if place is not None:
        kind, content = parts[place]
        at = random.randrange(len(content))
        _, end = _number_at(content, at)
        parts[place] = kind, content[:at] + number(random.choice(BORDERS), random.choice([0, 0, 0, 1, 4])) + content[end:]
    return parts


def _rename(random: Random, parts: list[Section]) -> list[Section]:
    """Another name in the place of one: its length is right."""
    place = _some(random, parts, random.choice([2, 7, CUSTOM]))
    if place is not None:
        kind, content = parts[place]
        at = random.randrange(len(content))
        length, start = _number_at(content, at)
        name = random.choice(NAMES)
        parts[place] = kind, content[:at] + number(len(name)) + name + content[start + min(length, 64):]
    return parts


def _change_body(random: Random, parts: list[Section]) -> list[Section]:
    """Instructions put into one function, taken out of it or moved, and its length set right."""
    place = _some(random, parts, CODE)
    if place is None:
        return parts
    count, start = _number_at(parts[place][1], 0)
    bodies = _bodies(parts[place][1], start, count)
    if bodies:
        which = random.randrange(len(bodies))
        body = bytearray(bodies[which])
        for _ in range(random.randint(1, 6)):
            at = random.randint(0, len(body))
            body[at : at + random.choice([0, 0, 1, 2, 8])] = random.choice(SNIPPETS) * random.choice([1, 1, 1, 2, 40])
        bodies[which] = bytes(body)
        parts[place] = CODE, number(count) + b"".join(number(len(body)) + body for body in bodies)
    return parts


def _bodies(content: bytes, at: int, count: int) -> list[bytes]:
    found = []
    for _ in range(min(count, len(content))):
        length, start = _number_at(content, at)
        found.append(content[start : start + length])
        at = start + length
    return found


def _nest(random: Random, parts: list[Section]) -> list[Section]:
    """Blocks in blocks, as many as a reader may fear, around one function's code."""
    place = _some(random, parts, CODE)
    if place is not None:
        count, start = _number_at(parts[place][1], 0)
        bodies = _bodies(parts[place][1], start, count)
        if bodies and bodies[0][:1] == b"\0":
            depth = random.choice([100, 2000, 9_000])
            bodies[0] = b"\0" + random.choice([b"\x02\x40", b"\x03\x40", b"\x41\x00\x04\x40"]) * depth + b"\x0b" * depth + bodies[0][1:]
            parts[place] = CODE, number(count) + b"".join(number(len(body)) + body for body in bodies)
    return parts


def _add_custom(random: Random, parts: list[Section]) -> list[Section]:
    name = random.choice([b"name", b"producers", *NAMES])
    content = number(len(name)) + name + bytes(random.randrange(256) for _ in range(random.randint(0, 40)))
    parts.insert(random.randint(0, len(parts)), (CUSTOM, content))
    return parts


CHANGES: tuple[Callable[[Random, list[Section]], list[Section]], ...] = (
    _drop, _double, _swap, _recount, _renumber, _renumber, _renumber, _rename, _change_body, _change_body, _change_body, _change_body, _nest, _add_custom,
)
