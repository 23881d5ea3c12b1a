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


GRABS = {
    "the request with addresses, where nobody looks for any": ("4 bytes at 0x0 of table 8", REFUSED),
    "another request that has some, too": ("4 bytes at 0x40 of table 8", REFUSED),
    "half of what request it is": ("2 bytes at 0x0 of table 8", REFUSED),
    "another request where addresses are": ("4 bytes at 0x0 of table 9", REFUSED),
    "more addresses than there is room for": ("4 bytes at 0x1c of table 9", REFUSED),
    "a picture past its memory's end": ("12 bytes at 0x20 of table 9", NOWHERE),
    "a picture that leaves its memory": ("12 bytes at 0x20 of table 9", NOWHERE),
    "a picture of its requests": ("12 bytes at 0x20 of table 9", NOWHERE),
    "a longer picture where a shorter one was": ("4 bytes at 0x28 of table 9", REFUSED),
    "a request in its own memory": ("16 bytes at 0x0 of table 0", NOWHERE),
    "requests that the device writes": ("16 bytes at 0x0 of table 0", NOWHERE),
    "the end of one request and the beginning of the next": ("16 bytes at 0x0 of table 0", NOWHERE),
    "addresses without what request it is": ("16 bytes at 0x0 of table 0", NOWHERE),
    "some of the addresses": ("16 bytes at 0x0 of table 0", NOWHERE),
}
"""As TRIES, of tests/boot/extra/apps/hostile/grabber, which has a display."""
RAIDS = {
    "a list of commands in its own memory": ("8 bytes at 0x100 of region 0", NOWHERE),
    "a command's table for a list of commands, at another port": ("8 bytes at 0x180 of region 0", NOWHERE),
    "half of a list's address": ("4 bytes at 0x104 of region 0", REFUSED),
    "what comes from the disk over its commands": ("8 bytes at 0x108 of region 0", NOWHERE),
    "what comes from the disk in its own memory": ("8 bytes at 0x388 of region 0", NOWHERE),
    "another command than the first": ("4 bytes at 0x138 of region 0", REFUSED),
    "a command that is queued": ("4 bytes at 0x134 of region 0", REFUSED),
    "a reset that is not the kernel's": ("4 bytes at 0x4 of region 0", REFUSED),
    "longer areas for what comes from disks": ("4 bytes at 0x140 of region 0", REFUSED),
    "a register behind its region": ("4 bytes at 0x400 of region 0", REFUSED),
    "a command's table in its own memory": ("16 bytes at 0x0 of table 0", NOWHERE),
    "the list of commands for a command's table": ("16 bytes at 0x0 of table 0", NOWHERE),
    "a command's table from its midst on": ("16 bytes at 0x0 of table 0", NOWHERE),
    "more pieces than a command's table has": ("16 bytes at 0x0 of table 0", REFUSED),
    "a packet for a CD": ("16 bytes at 0x0 of table 0", REFUSED),
    "a longer command": ("16 bytes at 0x0 of table 0", REFUSED),
    "half of a table's address": ("4 bytes at 0xc of table 0", REFUSED),
    "data past its memory's end": ("16 bytes at 0x80 of table 2", NOWHERE),
    "data that leaves its memory by a byte": ("16 bytes at 0x80 of table 2", NOWHERE),
    "data as long as there is any": ("16 bytes at 0x80 of table 2", NOWHERE),
    "data over a command": ("16 bytes at 0x80 of table 2", NOWHERE),
    "bits of a length that have no meaning": ("16 bytes at 0x80 of table 2", REFUSED),
    "an address for a length that was there": ("8 bytes at 0x80 of table 2", REFUSED),
    "a length for an address that was there": ("4 bytes at 0x8c of table 2", REFUSED),
    "pieces past the end of a command's table": ("32 bytes at 0x470 of table 3", REFUSED),
    "other firmware for the disk": ("20 bytes at 0x0 of table 2", REFUSED),
    "a password for the disk": ("20 bytes at 0x0 of table 3", REFUSED),
    "a command that moves data where none is for it": ("20 bytes at 0x0 of table 3", REFUSED),
    "a command of those that are queued": ("20 bytes at 0x0 of table 2", REFUSED),
    "another kind of message to the disk": ("20 bytes at 0x0 of table 2", REFUSED),
    "what came from the disk": ("20 bytes at 0x0 of table 1", REFUSED),
}
"""As TRIES, of tests/boot/extra/apps/hostile/raider, which has an AHCI controller."""
PROGRAMS = [
    ("dma", "aimed", TRIES, REPOSITORY / "apps" / "hostile"),
    ("grabber", "grabbed", GRABS, REPOSITORY / "tests" / "boot" / "extra" / "apps" / "hostile"),
    ("raider", "raided", RAIDS, REPOSITORY / "tests" / "boot" / "extra" / "apps" / "hostile"),
]


@pytest.mark.parametrize(("name", "profile", "tries", "folder"), PROGRAMS, ids=["dma", "grabber", "raider"])
def test_the_tries_are_the_programs(name, profile, tries, folder):
    assert re.findall(r"^    ;; \d+: (.*)$", (folder / name / f"{name}.wat").read_text(), re.MULTILINE) == list(tries)


@pytest.mark.parametrize(("name", "profile", "tries", "folder"), PROGRAMS, ids=["dma", "grabber", "raider"])
def test_each_way_out_of_its_memory_ends_the_driver_with_words(machine, name, profile, tries, folder):
    console = machine(profile)
    console.expect("^munal> ")
    for number, (aim, (what, why)) in enumerate(tries.items()):
        if number:
            console.ask(f"start {name}")
        told: list[str] = []
        while sum(line.startswith("wrote ") for line in told) <= number:
            assert not any(line.startswith(f"{name} ") and " ended " in line for line in console.ask("ps")), f"it came through: {aim}"
            told = console.ask(f"log {name}")
        assert [line for line in told if line.startswith("wrote ")][-1] == f"wrote {what} of device `card`: {why}", aim
    console.ask(f"start {name}")
    while not any(line.startswith(f"{name} ") and " ended " in line for line in console.ask("ps")):
        pass  # there is no other way: its next life has nothing to try
    console.send("poweroff\n")
    assert console.status() == 0
