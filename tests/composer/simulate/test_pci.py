"""The simulated PCI functions: a driver that walks them finds what they are said to be."""

from __future__ import annotations

import struct

from composer.simulate.pci import FUNCTIONS, NOBODY, PORTS, Bus, Function, Region

CARD = Function(0x1234, 0x5678, 0x010203, {4: Region(0xFE00_0000, 0x4000)}, (b"\x05", b"\x09\x10\x01\x04" + bytes(3) + b"\0\x10\0\0\0\2\0\0"))
BUS = Bus({0x10: CARD})
read, region = BUS.read, BUS.region


def test_nobody_answers_elsewhere():
    assert (read(0x0123, 0), region(0x0123, 0)) == (NOBODY, None)


def test_each_function_shows_what_it_is():
    for number, function in FUNCTIONS.items():
        assert read(number, 0) == function.vendor | function.device << 16
        assert read(number, 8) >> 8 == function.kind
        assert bool(read(number, 0x0C) >> 23 & 1) == function.several
    assert FUNCTIONS[0x00_F8].several, "functions beside the first are looked for where it says so"


def test_capabilities_are_chained():
    found, place = [], read(0x00_FA, 0x34) & 0xFF
    assert read(0x00_FA, 4) >> 20 & 1
    while place:
        identifier, place = read(0x00_FA, place) & 0xFF, read(0x00_FA, place) >> 8 & 0xFF
        found.append(identifier)
    assert found == [capability[0] for capability in FUNCTIONS[0x00_FA].capabilities]
    assert read(0x00_00, 4) >> 20 & 1 == 0


def test_regions_are_in_the_registers_and_in_words():
    assert struct.unpack("<QQI", region(0x00_FA, 4)) == (0xC040, 32, PORTS)
    assert (read(0x00_FA, 0x20), read(0x00_FA, 0x24)) == (0xC041, 0xFEBF_1000)
    assert region(0x00_FA, 0) is None
    wide = Function(1, 2, 0, {2: Region(0x12_0000_0000, 1 << 32, 2 | 4)})
    assert struct.unpack_from("<Q", wide.space(), 0x18) == (0x12_0000_000C,)


def test_a_card_is_a_function_whose_capabilities_say_where_its_registers_are():
    assert 0x10 in list(BUS) and list(BUS) == sorted(BUS) and read(0x10, 0) == 0x5678_1234
    assert (read(0x10, 0x34) & 0xFF, read(0x10, 0x40), read(0x10, 0x44)) == (0x40, 0x4405, 0x0110_0009)
    assert (read(0x10, 0x4C), read(0x10, 0x50)) == (0x1000, 0x200)
    assert CARD.located(0x09, 3, 1) == (4, 0x1000, 0x200)
    assert CARD.located(0x09, 3, 2) is CARD.located(0x11, 3, 1) is None
