"""A driver cannot have its device reach memory that is not its own: each way that it tries ends it, with words."""

from __future__ import annotations

import re

import pytest

from tests.boot.workspace import REPOSITORY

pytestmark = [pytest.mark.boot, pytest.mark.xdist_group("boot")]

NOWHERE, REFUSED = "an address in it leads where its model or its memory has nothing for it", "its model does not let it"
TRIES = {
    "a descriptor past its memory's end": ("16 bytes at 0x0 of table 0", NOWHERE),
    "a descriptor that begins in its memory and leaves it": ("16 bytes at 0x0 of table 0", NOWHERE),
    "a descriptor for all that there is": ("16 bytes at 0x0 of table 0", NOWHERE),
    "its own descriptors, to be written by the device": ("16 bytes at 0x0 of table 0", NOWHERE),
    "a table that the model does not have": ("16 bytes at 0x0 of table 0", NOWHERE),
    "a descriptor of a table of descriptors": ("16 bytes at 0x0 of table 0", REFUSED),
    "another address for a length that was there": ("8 bytes at 0x0 of table 0", REFUSED),
    "another length for an address that was there": ("4 bytes at 0x8 of table 0", REFUSED),
    "another direction for both": ("2 bytes at 0xc of table 0", REFUSED),
    "a descriptor that follows past the table's end": ("16 bytes at 0x0 of table 0", REFUSED),
    "a descriptor past the table's end": ("16 bytes at 0x1000 of table 0", REFUSED),
    "a request that begins past the table's end": ("2 bytes at 0x4 of table 4", REFUSED),
    "descriptors in its own memory": ("8 bytes at 0x20 of region 0", NOWHERE),
    "what is available for descriptors": ("8 bytes at 0x20 of region 0", NOWHERE),
    "half of an address": ("4 bytes at 0x24 of region 0", REFUSED),
    "what was used in the last bytes of its memory": ("8 bytes at 0x30 of region 0", NOWHERE),
    "a queue longer than its table": ("2 bytes at 0x18 of region 0", REFUSED),
    "queues without descriptors of their own": ("4 bytes at 0xc of region 0", REFUSED),
    "tables of descriptors agreed on": ("4 bytes at 0xc of region 0", REFUSED),
    "a register behind its region": ("2 bytes at 0x40 of region 1", REFUSED),
    "a region that the model does not have": ("2 bytes at 0x0 of region 3", "its model has no such region"),
}
"""Each try of apps/hostile/dma, in its order: what it wrote where, and why it may not."""


def test_the_tries_are_the_programs():
    text = (REPOSITORY / "apps" / "hostile" / "dma" / "dma.wat").read_text()
    assert re.findall(r"^    ;; \d+: (.*)$", text, re.MULTILINE) == list(TRIES)


def test_each_way_out_of_its_memory_ends_the_driver_with_words(machine):
    console = machine("aimed")
    console.expect("^munal> ")
    for number, (name, (what, why)) in enumerate(TRIES.items()):
        if number:
            console.ask("start dma")
        told: list[str] = []
        while sum(line.startswith("wrote ") for line in told) <= number:
            assert not any(line.startswith("dma ") and " ended " in line for line in console.ask("ps")), f"it came through: {name}"
            told = console.ask("log dma")
        assert [line for line in told if line.startswith("wrote ")][-1] == f"wrote {what} of device `card`: {why}", name
    console.ask("start dma")
    while not any(line.startswith("dma ") and " ended " in line for line in console.ask("ps")):
        pass  # there is no other way: its next life has nothing to try
    console.send("poweroff\n")
    assert console.status() == 0
