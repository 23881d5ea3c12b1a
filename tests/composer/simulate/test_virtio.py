"""A virtio device as its driver finds it, without a driver: its registers, its queues, and what each fault does to what is used."""

from __future__ import annotations

import ctypes
import struct

import pytest

from composer.simulate.cards import Slot
from composer.simulate.clock import Clock
from composer.simulate.devices.virtio_blk import SECTOR, Forgotten, Kept, VirtioBlk
from composer.simulate.devices.virtio_rng import VirtioRng
from composer.simulate.dma import MEMORY_AT, PAGE, Dma
from composer.simulate.faults import Fault, Script
from composer.simulate.virtio import BAR, COMMON_AT, ISR_AT, MSI_X, NOTIFY_AT, OWN_AT, VERSION_1

STATUS, FEATURES_OK, DRIVER_OK, NEEDS_RESET = 0x14, 0xB, 0xF, 64
SIZE = 8
DESCRIPTORS, AVAILABLE, USED, DATA = MEMORY_AT, MEMORY_AT + PAGE, MEMORY_AT + 2 * PAGE, MEMORY_AT + 3 * PAGE


class Life:
    def __init__(self) -> None:
        self.bytes = ctypes.create_string_buffer(16 * PAGE)
        self.window = (ctypes.addressof(self.bytes), 16 * PAGE)


class Driver:
    """Works a device's first queue, all of whose parts lie in the driver's own memory here."""

    def __init__(self, made: type = VirtioRng, *faults: Fault) -> None:
        self.dma, self.interrupts, self.given = Dma(()), 0, 0
        self.dma._start, self.dma._length = (life := Life()).window
        self.life = life
        slot = Slot(Clock(), Script(faults))
        slot.wire(self.dma, self.interrupted)
        self.card = made(slot)
        self.card.begin()
        self.set(STATUS, 8, 0)

    def interrupted(self) -> None:
        self.interrupts += 1

    def set(self, offset: int, width: int, value: int) -> None:
        self.card.write(BAR, COMMON_AT + offset, width, value)

    def get(self, offset: int, width: int) -> int:
        return self.card.read(BAR, COMMON_AT + offset, width)

    def begin(self) -> Driver:
        self.set(STATUS, 8, 3)
        for word in range(2):
            self.set(0x08, 32, word)
            self.set(0x0C, 32, VERSION_1 >> 32 * word & 0xFFFF_FFFF)
        self.set(STATUS, 8, FEATURES_OK)
        assert self.get(STATUS, 8) == FEATURES_OK
        self.set(0x10, 16, 0)
        self.set(0x18, 16, SIZE)
        self.set(0x1A, 16, 0)
        for offset, place in ((0x20, DESCRIPTORS), (0x28, AVAILABLE), (0x30, USED)):
            self.set(offset, 32, place & 0xFFFF_FFFF)
            self.set(offset + 4, 32, place >> 32)
        self.set(0x1C, 16, 1)
        self.set(STATUS, 8, DRIVER_OK)
        return self

    def give(self, *requests: int) -> None:
        """Make requests available, each a page to write behind the one before, and tell the device."""
        for head in requests:
            self.dma.write(DESCRIPTORS + 16 * head, struct.pack("<QIHH", DATA + PAGE * head, 64, 2, 0))
            self.available(head)
        self.ring()

    def available(self, head: int) -> None:
        self.dma.write(AVAILABLE + 4 + 2 * (self.given % SIZE), struct.pack("<H", head))
        self.given += 1
        self.dma.write(AVAILABLE + 2, struct.pack("<H", self.given & 0xFFFF))

    def ring(self) -> None:
        self.card.write(BAR, NOTIFY_AT, 16, 0)

    @property
    def used(self) -> tuple[int, list[tuple[int, int]]]:
        """The index, and as many elements before it as the ring has."""
        index = struct.unpack("<H", self.dma.read(USED + 2, 2))[0]
        return index, [struct.unpack("<II", self.dma.read(USED + 4 + 8 * number, 8)) for number in range(min(index, SIZE))]


def test_its_capabilities_say_where_its_parts_are():
    about = Driver().card.about
    space = about.space()
    assert space[:4] == bytes.fromhex("f41a4410") and about.capabilities[0] == MSI_X
    assert [about.located(9, 3, kind)[:2] for kind in (1, 2, 3, 4)] == [(BAR, COMMON_AT), (BAR, NOTIFY_AT), (BAR, ISR_AT), (BAR, OWN_AT)]
    assert about.located(9, 3, 5) is None


def test_registers_have_their_own_widths_and_no_other():
    driver = Driver()
    assert (driver.get(0x18, 16), driver.get(0x18, 8), driver.get(0x18, 32), driver.get(0x19, 8)) == (SIZE, 0xFF, 0xFFFF_FFFF, 0xFF)
    driver.set(0x18, 32, 4)
    assert driver.get(0x18, 16) == SIZE
    driver.set(0x16, 16, 1)
    assert driver.get(0x18, 16) == 0, "there is no second queue"
    assert driver.card.read(0, 0, 32) == 0xFFFF_FFFF


def test_it_agrees_to_what_it_offers_alone():
    driver = Driver()
    driver.set(STATUS, 8, 3)
    driver.set(0x08, 32, 1)
    driver.set(0x0C, 32, 3)
    driver.set(STATUS, 8, FEATURES_OK)
    assert driver.get(STATUS, 8) == 3
    driver.set(0x0C, 32, 1)
    driver.set(STATUS, 8, FEATURES_OK)
    assert driver.get(STATUS, 8) == FEATURES_OK


def test_what_is_given_comes_back_with_an_interrupt():
    driver = Driver().begin()
    driver.give(3, 5)
    assert (driver.used, driver.interrupts) == ((2, [(3, 64), (5, 64)]), 1)
    assert driver.dma.read(DATA + 3 * PAGE, 64) != bytes(64) and driver.dma.read(DATA + 3 * PAGE + 64, 1) == b"\0"
    assert driver.card.read(BAR, ISR_AT, 8) == 1 and driver.card.read(BAR, ISR_AT, 8) == 0
    driver.dma.write(AVAILABLE, b"\1\0")
    driver.give(3)
    assert (driver.used[0], driver.interrupts) == (3, 1), "it was told that it need not interrupt"


def test_indices_go_round():
    driver = Driver().begin()
    queue = driver.card.queues[0]
    driver.given = queue._taken = queue._used = (1 << 16) - 5
    for turn in range(12):
        driver.give(turn % SIZE)
        assert driver.used[0] == (driver.given & 0xFFFF), "one more"
    assert driver.interrupts == 12 and driver.used[0] == 7


@pytest.mark.parametrize(("kind", "used", "interrupts"), [
    ("lost-interrupt", (2, [(3, 64), (5, 64)]), 0), ("spurious-interrupt", (2, [(3, 64), (5, 64)]), 2), ("short", (2, [(3, 0), (5, 64)]), 1),
    ("long", (2, [(3, 65), (5, 64)]), 1), ("unknown-id", (2, [(0xFFFF_FFFF, 64), (5, 64)]), 1), ("twice", (3, [(3, 64), (3, 64), (5, 64)]), 1),
    ("reorder", (2, [(5, 64), (3, 64)]), 1), ("stop", (0, []), 0), ("gone", (0, []), 0), ("needs-reset", (0, []), 1),
])
def test_each_fault_does_what_it_says(kind, used, interrupts):
    driver = Driver(VirtioRng, Fault("rng", kind)).begin()
    driver.give(3, 5)
    assert (driver.used, driver.interrupts) == (used, interrupts)
    assert bool(driver.card.read(BAR, COMMON_AT + STATUS, 8) & NEEDS_RESET) == (kind == "needs-reset")
    assert driver.card.gone == (kind == "gone")


def test_an_index_jumps():
    driver = Driver(VirtioRng, Fault("rng", "jump", number=70)).begin()
    driver.give(3)
    assert driver.used[0] == 71


def test_a_number_says_how_much():
    driver = Driver(VirtioRng, Fault("rng", "short", number=5), Fault("rng", "long", after=1, number=9), Fault("rng", "unknown-id", after=2, number=7)).begin()
    driver.give(1, 2, 3)
    assert driver.used[1] == [(1, 5), (2, 73), (7, 64)]
    assert driver.dma.read(DATA + PAGE + 5, 59) == bytes(59), "it wrote no more than it says"


@pytest.mark.parametrize("kind", ["no-features", "refused-features", "no-queues", "stuck-reset"])
def test_what_holds_for_one_life_is_over_with_it(kind):
    driver = Driver(VirtioRng, Fault("rng", kind))

    def looks() -> tuple[int, int, bool]:
        driver.set(0x00, 32, 1)
        driver.set(STATUS, 8, 3)
        driver.set(0x08, 32, 1)
        driver.set(0x0C, 32, 1)
        driver.set(STATUS, 8, FEATURES_OK)
        return driver.get(0x04, 32), driver.get(0x18, 16), driver.get(STATUS, 8) == FEATURES_OK

    found = looks()
    driver.card.begin()
    driver.set(STATUS, 8, 0)
    assert found != looks() == (1, SIZE, True)


@pytest.mark.parametrize("spoil", [
    lambda driver: driver.available(SIZE),
    lambda driver: (driver.dma.write(DESCRIPTORS, struct.pack("<QIHH", DATA, 4, 3, 0)), driver.available(0)),
    lambda driver: (driver.dma.write(DESCRIPTORS, struct.pack("<QIHH", DATA, 4, 3, 1)), driver.dma.write(DESCRIPTORS + 16, bytes(16)), driver.available(0)),
    lambda driver: (driver.dma.write(DESCRIPTORS, struct.pack("<QIHH", DATA, 16, 4, 0)), driver.available(0)),
    lambda driver: driver.dma.write(AVAILABLE + 2, struct.pack("<H", SIZE + 1)),
], ids=["no such descriptor", "a chain without an end", "read after written", "an indirect table", "more than there are"])
def test_a_driver_that_gives_what_cannot_be_finds_its_device_broken(spoil):
    driver = Driver().begin()
    spoil(driver)
    driver.ring()
    assert driver.get(STATUS, 8) & NEEDS_RESET and driver.used[0] == 0


@pytest.fixture(params=["in memory", "on a file"])
def disk(request, tmp_path):
    if request.param == "in memory":
        yield Forgotten(1 << 20)
        return
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    kept = Kept(tmp_path / "disk")
    yield kept
    kept.close()


def test_a_disk_has_what_was_written_and_zeros(disk):
    for at, data in [(0, b"a"), (4095, b"bc"), (5000, b"d" * 9000), ((1 << 20) - 3, b"end"), (4096, b"C")]:
        disk.write(at, data)
    disk.flush()
    assert (disk.length, disk.read(0, 2), disk.read(4094, 4)) == (1 << 20, b"a\0", b"\0bC\0")
    assert disk.read(4999, 9002) == b"\0" + b"d" * 9000 + b"\0" and disk.read((1 << 20) - 4, 4) == b"\0end"


def test_a_request_that_leaves_the_disk_fails_and_changes_nothing():
    card = Driver(VirtioBlk).card
    for sector, count, status in [(0, 1, 0), (card.disk.length // SECTOR - 1, 1, 0), (card.disk.length // SECTOR, 1, 1), (1 << 60, 1, 1)]:
        chain = type("Chain", (), {"room": 1 + count * SECTOR})
        assert card._answer(chain, struct.pack("<IIQ", 0, 0, sector))[-1] == status
        chain = type("Chain", (), {"room": 1})
        assert card._answer(chain, struct.pack("<IIQ", 1, 0, sector) + bytes(SECTOR)) == bytes([status])
    assert card._answer(type("Chain", (), {"room": 1}), struct.pack("<IIQ", 99, 0, 0)) == b"\2"
