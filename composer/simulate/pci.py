"""The simulated machine's PCI functions: those that QEMU's q35 has by itself, with nothing behind them, and the cards that work.

They can be looked at, as the interface `pci` has it; whoever is granted a card reaches its registers by devices_pci.py.
Format: PCI Local Bus Specification 3.0, sections 6.1 (header) and 6.2.5.1 (base address registers).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PORTS, WIDE, PREFETCHABLE = 1, 2, 4
NOBODY = 0xFFFF_FFFF
HEADER_TYPE, SEVERAL = 0x0E, 0x80
CAPABILITIES_LISTED = 0x0010
"""In the status register."""
CAPABILITIES_AT, FIRST_CAPABILITY = 0x34, 0x40


@dataclass(frozen=True, slots=True)
class Region:
    """What a base address register decodes: `length` bytes, or ports, from `address` on; `flags` as above."""

    address: int
    length: int
    flags: int = 0

    @property
    def register(self) -> int:
        """The register's value, the upper half included."""
        kind = 1 if self.flags & PORTS else (self.flags & WIDE) << 1 | (self.flags & PREFETCHABLE) << 1
        return self.address | kind


@dataclass(frozen=True, slots=True)
class Function:
    """`kind` is the class code: base class, subclass and programming interface, from the highest byte on; `regions` by the number
    of their register; `capabilities` the bytes of each, without the one that says where the next is."""

    vendor: int
    device: int
    kind: int
    regions: dict[int, Region]
    capabilities: tuple[bytes, ...] = ()
    several: bool = False
    revision: int = 0

    def space(self) -> bytes:
        """All 256 bytes."""
        listed = CAPABILITIES_LISTED if self.capabilities else 0
        space = bytearray(256)
        struct.pack_into("<HHHHI", space, 0, self.vendor, self.device, 0x0007, listed, self.kind << 8 | self.revision)
        space[HEADER_TYPE] = SEVERAL if self.several else 0
        for number, region in self.regions.items():
            struct.pack_into("<Q" if region.flags & WIDE else "<I", space, 0x10 + 4 * number, region.register)
        struct.pack_into("<HH", space, 0x2C, 0x1AF4, 0x1100)
        at, link = FIRST_CAPABILITY, CAPABILITIES_AT
        for capability in self.capabilities:
            space[link], link = at, at + 1
            space[at], space[at + 2:at + 1 + len(capability)] = capability[0], capability[1:]
            at += (len(capability) + 1 + 3) & ~3
        return bytes(space)

    def located(self, number: int, at: int, is_: int) -> tuple[int, int, int] | None:
        """Register, offset and length that the vendor's capability says whose byte `at` is `is_` (Virtual I/O Device 1.2, section 4.1.4)."""
        for capability in self.capabilities:
            whole = capability[:1] + b"\0" + capability[1:]
            if whole[0] == number and whole[at:at + 1] == bytes([is_]):
                return whole[4], *struct.unpack_from("<II", whole, 8)
        return None


MSI, SATA = b"\x05", b"\x12"
FUNCTIONS = {
    0x00_00: Function(0x8086, 0x29C0, 0x060000, {}),
    0x00_08: Function(0x1234, 0x1111, 0x030000, {0: Region(0xFD00_0000, 16 << 20, PREFETCHABLE), 2: Region(0xFEBF_0000, 4096)}),
    0x00_F8: Function(0x8086, 0x2918, 0x060100, {}, several=True),
    0x00_FA: Function(0x8086, 0x2922, 0x010601, {4: Region(0xC040, 32, PORTS), 5: Region(0xFEBF_1000, 4096)}, (MSI, SATA), several=True),
    0x00_FB: Function(0x8086, 0x2930, 0x0C0500, {4: Region(0x0700, 64, PORTS)}, several=True),
}
"""By bus x 256 + device x 8 + function."""


class Bus:
    """All functions of one machine: its own, and `cards` by number."""

    def __init__(self, cards: Mapping[int, Function]) -> None:
        self._functions = dict(sorted((FUNCTIONS | dict(cards)).items()))
        self._spaces = {number: function.space() for number, function in self._functions.items()}

    def __iter__(self) -> Iterator[int]:
        return iter(self._functions)

    def read(self, function: int, offset: int) -> int:
        """32 bits of a function's configuration space; all ones where there is none."""
        space = self._spaces.get(function)
        return NOBODY if space is None else int.from_bytes(space[offset & ~3:(offset & ~3) + 4], "little")

    def region(self, function: int, number: int) -> bytes | None:
        """What a base address register decodes, as the interface has it; None where it decodes nothing."""
        found = self._functions[function].regions.get(number) if function in self._functions else None
        return struct.pack("<QQI", found.address, found.length, found.flags) if found else None
