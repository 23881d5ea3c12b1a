"""The simulated firmware's ACPI tables: as small as they may be, and what QEMU's q35 says of power-off and reset.

Formats: ACPI specification 6.5, sections 5.2.6 (header), 5.2.9 (FADT), 5.2.11 (DSDT) and 20 (AML).
"""

from __future__ import annotations

import struct

PM1A_CONTROL = 0x604
RESET_PORT, RESET_VALUE = 0xCF9, 0x0F
S5_SLEEP_TYPE = 0
CENTURY_REGISTER = 0x32

FADT_LENGTH = 276
FLAG_RESET_SUPPORTED = 1 << 10
SYSTEM_IO = 1


def tables() -> dict[bytes, bytes]:
    """Each table whole, by its signature."""
    return {b"FACP": _table(b"FACP", 6, _fadt()), b"DSDT": _table(b"DSDT", 1, _s5_package())}


def _table(signature: bytes, revision: int, body: bytes) -> bytes:
    """A table with its header: all its bytes add up to 0."""
    length = 36 + len(body)
    header = struct.pack("<4sIBB6s8sI4sI", signature, length, revision, 0, b"MUNAL ", b"SIMULATE", 1, b"MUNL", 1)
    checksum = -sum(header + body) & 0xFF
    return header[:9] + bytes([checksum]) + header[10:] + body


def _fadt() -> bytes:
    """The body of the FADT; offsets below are those of table 5.9, from the table's start."""
    table = bytearray(FADT_LENGTH)

    def put(offset: int, form: str, *values: int) -> None:
        struct.pack_into("<" + form, table, offset, *values)

    put(64, "I", PM1A_CONTROL)
    put(89, "B", 2)
    put(108, "B", CENTURY_REGISTER)
    put(112, "I", FLAG_RESET_SUPPORTED)
    put(116, "BBBBQ", SYSTEM_IO, 8, 0, 1, RESET_PORT)
    put(128, "B", RESET_VALUE)
    put(172, "BBBBQ", SYSTEM_IO, 16, 0, 2, PM1A_CONTROL)
    return bytes(table[36:])


def _s5_package() -> bytes:
    """Name (_S5, Package (4) {S5_SLEEP_TYPE, 0, 0, 0}): NameOp, name, PackageOp, its length, count, four integers."""
    values = bytes([S5_SLEEP_TYPE, 0, 0, 0])
    return b"\x08_S5_\x12" + bytes([2 + len(values), len(values)]) + values
