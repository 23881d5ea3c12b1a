"""The kernel's names in its image: by address, readable, bounded; what no function holds has no name."""

from __future__ import annotations

from composer.elf import Function
from composer.symbols import ENTRY, HEADER, LONGEST, MAGIC, symbol_table


def names(section: bytes) -> dict[int, str]:
    """A section read as kernel/logic/src/symbols.rs reads it."""
    magic, count = HEADER.unpack_from(section)
    assert magic == MAGIC
    rest = section[HEADER.size + count * ENTRY.size:]
    entries = list(ENTRY.iter_unpack(section[HEADER.size:HEADER.size + count * ENTRY.size]))
    assert entries == sorted(entries)
    return {address: rest[name:rest.index(b"\0", name)].decode() for address, name in entries}


def test_functions_are_found_by_their_place_in_the_image():
    made = symbol_table([Function("_RNvNtCs3x_4uart4uart4send", 0x20, 0x10), Function("x" * 200, 0x30, 8), Function("label", 0x40, 0)], 0x1000)
    assert names(made) == {0x1020: "uart::uart::send", 0x1030: "x" * LONGEST, 0x1038: "", 0x1040: "label"}


def test_of_two_at_one_place_the_longer_counts_whatever_their_order():
    two = [Function("alias", 0x20, 0), Function("whole", 0x20, 8)]
    assert names(symbol_table(two, 0)) == names(symbol_table(two[::-1], 0)) == {0x20: "whole", 0x28: ""}


def test_a_stripped_kernel_has_no_table():
    assert symbol_table([], 0x1000) == b""
