"""Writes a PE32+ file that UEFI firmware loads: headers, page-aligned sections, base relocations and the checksum.

Gets sections with their addresses; gives bytes that depend on nothing else: no time stamp, no name of a machine.
Source: Microsoft PE format; UEFI specification 2.10, section 2.1.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import groupby, pairwise

MEMORY_ALIGNMENT = 4096
FILE_ALIGNMENT = 512
FIRST_ADDRESS = MEMORY_ALIGNMENT
"""Where the first section may lie: the headers take the page before it."""

DOS_HEADER = struct.Struct("<2s58xI")
FILE_HEADER = struct.Struct("<4sHHIIIHH")
OPTIONAL_HEADER = struct.Struct("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII")
DIRECTORY = struct.Struct("<II")
SECTION_HEADER = struct.Struct("<8sIIIIIIHHI")
RELOCATION_BLOCK = struct.Struct("<II")

AMD64, PE32_PLUS, EFI_APPLICATION = 0x8664, 0x20B, 10
DIRECTORIES, RELOCATION_DIRECTORY = 16, 5
EXECUTABLE_IMAGE, LARGE_ADDRESS_AWARE = 0x0002, 0x0020
HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT = 0x0020, 0x0040, 0x0100
IMAGE_REL_BASED_ABSOLUTE, IMAGE_REL_BASED_DIR64 = 0, 10
CHECKSUM_OFFSET = DOS_HEADER.size + FILE_HEADER.size + 64
"""The checksum lies 64 bytes into the optional header; sums leave it out."""


class Use(IntEnum):
    """What a section is for, as the characteristics that say so; none is both writable and executable."""

    CODE = 0x6000_0020
    CONSTANTS = 0x4000_0040
    DATA = 0xC000_0040
    RELOCATIONS = 0x4200_0040


@dataclass(frozen=True, slots=True)
class Section:
    """`data` at `address` (relative to the image), then zeros up to `size` bytes."""

    name: str
    address: int
    size: int
    data: bytes = field(repr=False)
    use: Use

    @property
    def end(self) -> int:
        return self.address + self.size

    @property
    def file_size(self) -> int:
        return aligned(len(self.data), FILE_ALIGNMENT)


def aligned(number: int, alignment: int) -> int:
    """The next multiple of `alignment`, or `number` where it is one."""
    return -(-number // alignment) * alignment


def next_address(sections: Sequence[Section]) -> int:
    """The first page after what `sections` take in memory."""
    return max((aligned(s.end, MEMORY_ALIGNMENT) for s in sections), default=FIRST_ADDRESS)


def relocation_data(addresses: Iterable[int]) -> bytes:
    """Base relocations for eight-byte pointers at `addresses`: one block a page, each a multiple of four bytes."""
    out = bytearray()
    for page, group in groupby(sorted(addresses), key=lambda a: a // MEMORY_ALIGNMENT):
        entries = [IMAGE_REL_BASED_DIR64 << 12 | a % MEMORY_ALIGNMENT for a in group]
        entries += [IMAGE_REL_BASED_ABSOLUTE << 12] * (len(entries) % 2)
        out += RELOCATION_BLOCK.pack(page * MEMORY_ALIGNMENT, RELOCATION_BLOCK.size + 2 * len(entries))
        out += struct.pack(f"<{len(entries)}H", *entries)
    return bytes(out)


def write(entry: int, sections: Sequence[Section]) -> bytes:
    """The file. Raises ValueError where sections overlap, are not aligned, or have names that do not fit."""
    _require_sound(entry, sections)
    file = bytearray(_headers(entry, sections))
    for section in sections:
        file += section.data.ljust(section.file_size, b"\0")
    struct.pack_into("<I", file, CHECKSUM_OFFSET, checksum(file))
    return bytes(file)


def checksum(file: bytes | bytearray) -> int:
    """The sum that the optional header carries: 16-bit words with end-around carry, without itself, plus the length.

    A sum with end-around carry is the remainder modulo 0xffff, which one division of a long integer gives.
    """
    words = bytearray(file)
    words[CHECKSUM_OFFSET:CHECKSUM_OFFSET + 4] = bytes(4)
    number = int.from_bytes(words, "little")
    folded = number % 0xFFFF or (0xFFFF if number else 0)
    return folded + len(file) & 0xFFFF_FFFF


def _require_sound(entry: int, sections: Sequence[Section]) -> None:
    if headers_size(len(sections)) > FIRST_ADDRESS:
        raise ValueError(f"{len(sections)} sections do not fit in the headers")
    for section in sections:
        if section.address < FIRST_ADDRESS or section.address % MEMORY_ALIGNMENT or section.end >= 1 << 32:
            raise ValueError(f"section {section.name} cannot lie at {section.address:#x}")
        if not 0 < len(section.name.encode()) <= 8 or len(section.data) > section.size or section.size == 0:
            raise ValueError(f"section {section.name} has {len(section.data)} bytes for {section.size}")
    for one, other in pairwise(sections):
        if one.end > other.address:
            raise ValueError(f"sections {one.name} and {other.name} overlap or are out of order")
    if not any(s.use is Use.CODE and s.address <= entry < s.end for s in sections):
        raise ValueError(f"the entry {entry:#x} lies in no code")


def headers_size(sections: int) -> int:
    """Bytes of the file before the first section."""
    size = DOS_HEADER.size + FILE_HEADER.size + OPTIONAL_HEADER.size + DIRECTORIES * DIRECTORY.size
    return aligned(size + sections * SECTION_HEADER.size, FILE_ALIGNMENT)


def _headers(entry: int, sections: Sequence[Section]) -> bytes:
    optional = OPTIONAL_HEADER.size + DIRECTORIES * DIRECTORY.size
    parts = [
        DOS_HEADER.pack(b"MZ", DOS_HEADER.size),
        FILE_HEADER.pack(b"PE\0\0", AMD64, len(sections), 0, 0, 0, optional, EXECUTABLE_IMAGE | LARGE_ADDRESS_AWARE),
        _optional_header(entry, sections),
        *_directories(sections),
        *_section_headers(sections),
    ]
    return b"".join(parts).ljust(headers_size(len(sections)), b"\0")


def _optional_header(entry: int, sections: Sequence[Section]) -> bytes:
    code = [s for s in sections if s.use is Use.CODE]
    zeros = sum(max(0, aligned(s.size, FILE_ALIGNMENT) - s.file_size) for s in sections)
    return OPTIONAL_HEADER.pack(
        PE32_PLUS, 0, 0, sum(s.file_size for s in code), sum(s.file_size for s in sections if s not in code), zeros,
        entry, code[0].address, 0, MEMORY_ALIGNMENT, FILE_ALIGNMENT, 0, 0, 0, 0, 0, 0, 0, next_address(sections),
        headers_size(len(sections)), 0, EFI_APPLICATION, HIGH_ENTROPY_VA | DYNAMIC_BASE | NX_COMPAT,
        0, 0, 0, 0, 0, DIRECTORIES)


def _directories(sections: Sequence[Section]) -> Iterator[bytes]:
    """All empty except the base relocations."""
    found = next((s for s in sections if s.use is Use.RELOCATIONS), None)
    for number in range(DIRECTORIES):
        if number == RELOCATION_DIRECTORY and found is not None:
            yield DIRECTORY.pack(found.address, len(found.data))
        else:
            yield DIRECTORY.pack(0, 0)


def _section_headers(sections: Sequence[Section]) -> Iterator[bytes]:
    place = headers_size(len(sections))
    for section in sections:
        yield SECTION_HEADER.pack(section.name.encode(), section.size, section.address, section.file_size,
                                  place if section.file_size else 0, 0, 0, 0, 0, section.use)
        place += section.file_size


def entry_of(data: bytes) -> int:
    """The address of a PE32+ file's first instruction, from the image's start; the file's headers were read already."""
    start = DOS_HEADER.unpack_from(data)[1]
    return int(OPTIONAL_HEADER.unpack_from(data, start + FILE_HEADER.size)[6])
