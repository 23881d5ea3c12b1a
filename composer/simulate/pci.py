"""The simulated machine's PCI functions: those that QEMU's q35 has with a display and a disk, and nothing behind them.

They can be looked at, as the interface `pci` has it; no simulated device answers at their addresses.
Format: PCI Local Bus Specification 3.0, sections 6.1 (header) and 6.2.5.1 (base address registers).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

PORTS, WIDE, PREFETCHABLE = 1, 2, 4
NOBODY = 0xFFFF_FFFF
HEADER_TYPE, SEVERAL = 0x0E, 0x80
CAPABILITIES_LISTED = 0x0010
"""In the status register."""


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
    of their register; `capabilities` the identifier of each."""

    vendor: int
    device: int
    kind: int
    regions: dict[int, Region]
    capabilities: tuple[int, ...] = ()
    several: bool = False

    def space(self) -> bytes:
        """All 256 bytes."""
        listed = CAPABILITIES_LISTED if self.capabilities else 0
        space = bytearray(256)
        struct.pack_into("<HHHHI", space, 0, self.vendor, self.device, 0x0007, listed, self.kind << 8)
        space[HEADER_TYPE] = SEVERAL if self.several else 0
        for number, region in self.regions.items():
            struct.pack_into("<Q" if region.flags & WIDE else "<I", space, 0x10 + 4 * number, region.register)
        struct.pack_into("<HH", space, 0x2C, 0x1AF4, 0x1100)
        places = range(0x40, 0x40 + 0x20 * len(self.capabilities), 0x20)
        for place, after, identifier in zip(places, [*places[1:], 0][:len(places)], self.capabilities, strict=True):
            space[place:place + 2] = identifier, after
        space[0x34] = places[0] if self.capabilities else 0
        return bytes(space)


MSI, SATA = 0x05, 0x12
FUNCTIONS = {
    0x00_00: Function(0x8086, 0x29C0, 0x060000, {}),
    0x00_08: Function(0x1234, 0x1111, 0x030000, {0: Region(0xFD00_0000, 16 << 20, PREFETCHABLE), 2: Region(0xFEBF_0000, 4096)}),
    0x00_F8: Function(0x8086, 0x2918, 0x060100, {}, several=True),
    0x00_FA: Function(0x8086, 0x2922, 0x010601, {4: Region(0xC040, 32, PORTS), 5: Region(0xFEBF_1000, 4096)}, (MSI, SATA), several=True),
    0x00_FB: Function(0x8086, 0x2930, 0x0C0500, {4: Region(0x0700, 64, PORTS)}, several=True),
}
"""By bus x 256 + device x 8 + function."""
_SPACES = {number: function.space() for number, function in FUNCTIONS.items()}


def read(function: int, offset: int) -> int:
    """32 bits of a function's configuration space; all ones where there is none."""
    space = _SPACES.get(function)
    return NOBODY if space is None else int.from_bytes(space[offset & ~3:(offset & ~3) + 4], "little")


def region(function: int, number: int) -> bytes | None:
    """What a base address register decodes, as the interface has it; None where it decodes nothing."""
    found = FUNCTIONS[function].regions.get(number) if function in FUNCTIONS else None
    return struct.pack("<QQI", found.address, found.length, found.flags) if found else None
