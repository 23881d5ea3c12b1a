"""Each driver at a device that does what no device should: its client's work comes right all the same, or the driver ends with one
line that says why. No fault makes it wait for ever, trap, or hand on what is not so.
"""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

import pytest

from composer.simulate.cards import all_cards
from composer.simulate.devices.i8042 import I8042_FAULTS
from composer.simulate.faults import Fault, Plan
from composer.simulate.sip import Status
from composer.system import Restart
from tests.composer.simulated import DRIVER, SECOND, Client, Drive, Ran, Refused, drive, drivers, modules, words  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("simulate")]

SECTOR, SECTORS = 512, 200
DONE, FAILED = 0, 4


def use_disk(client: Client) -> bytes:
    """Write sectors, and read them again in other pieces; what failed is asked for once more."""
    def ask(what: int, count: int, sector: int, data: bytes = b"") -> bytes:
        for _ in range(2):
            reply = client.call(words(what, count, sector, 0) + data)
            assert reply[0] in (DONE, FAILED), reply[:8]
            if reply[0] == DONE:
                return reply[8:]
        raise Refused("failed twice")

    pattern = b"".join(bytes([number % 251, number >> 8]) * (SECTOR // 2) for number in range(SECTORS))
    for first in range(0, SECTORS, 40):
        ask(2, 40, first, pattern[first * SECTOR:(first + 40) * SECTOR])
    ask(3, 0, 0)
    found = b"".join(ask(1, 100, first) for first in range(0, SECTORS, 100))
    assert found == pattern, "what was read is not what was written"
    return found


ENTROPY, PIECE = 70_000, 16


def use_entropy(client: Client) -> int:
    """Take bytes: the device's, each of them once. It may be asked to fill several pages, which come in any order."""
    taken = b""
    while len(taken) < ENTROPY:
        taken += client.read()
    given = random.Random(0).randbytes(1 << 20)
    places = {given[at:at + PIECE]: at for at in range(0, len(given), PIECE)}
    found = [places.get(taken[at:at + PIECE]) for at in range(0, ENTROPY, PIECE)]
    assert None not in found, "bytes that the device did not give"
    assert len(set(found)) == len(found), "bytes that were given twice"
    return len(found)


ROUTER = bytes.fromhex("52550a000202")
LINK = 12


def use_network(client: Client) -> int:
    """Ask the router for its address, again and again; frames may be lost, so that a question is repeated after a long while."""
    client.send(b"")
    link = client.receive()
    while len(link) != LINK:
        link = client.receive()
    own = link[:6]
    assert own == client.card.address
    question = b"\xff" * 6 + own + bytes.fromhex("0806 0001 0800 06 04 0001") + own + bytes([10, 0, 2, 15]) + bytes(6) + bytes([10, 0, 2, 2])
    answers = 0
    for _ in range(150):
        for _ in range(3):
            client.send(question, 50 * SECOND)
            if _answered(client, own):
                answers += 1
                break
        else:
            raise Refused("nobody answers")
    return answers


def _answered(client: Client, own: bytes) -> bool:
    try:
        while len(frame := client.receive(10 * SECOND)) == LINK:
            pass
    except Refused as refused:
        if str(refused) == "timed_out":
            return False
        raise
    expected = own + ROUTER + bytes.fromhex("0806 0001 0800 06 04 0002") + ROUTER + bytes([10, 0, 2, 2]) + own + bytes([10, 0, 2, 15])
    assert frame == expected.ljust(60, b"\0"), "a frame that nobody sent"
    return True


def use_keyboard(client: Client) -> int:
    """Type, and find all of it in its order."""
    client.rest(5 * SECOND)
    told = [(1, code, value) for code in range(1, 60) for value in (1, 0)]
    taken = b""
    for first in range(0, len(told), 6):
        client.outside(client.card.tell, [event for each in told[first:first + 6] for event in (each, (0, 0, 0))])
        for _ in range(3):
            client.rest(2 * SECOND)
            try:
                taken += client.try_read()
            except Refused as refused:
                if str(refused) != "would_block":
                    raise
    events = [each for each in struct.iter_unpack("<HHi", taken) if each != (0, 0, 0)]
    assert sorted(events) == sorted(told[:len(events)]), "events that nobody typed"
    return len(events)


def use_screen(client: Client) -> int:
    """Draw whole pictures and small pieces, and look at the screen; draw anew when its size changes."""
    drawn = 0
    for size in ((320, 200), (333, 77)):
        client.outside(client.card.resize, *size)
        client.rest(5 * SECOND)
        number, width, height, _ = _draw(client, words(0))
        if (width, height) != size:
            raise Refused("the screen has another size")
        for round in range(3):
            picture = bytes((round * 7 + place) % 251 for place in range(width * height))
            pixels = b"".join(bytes([grey, grey, grey, 0]) for grey in picture)
            _draw(client, words(1, number, 0, 0, width, height), pixels)
            assert client.card.shown.pixels == pixels, "the screen does not show what was drawn"
            _draw(client, words(2, number, 5, 6, 20, 10, 0x010203))
            assert client.card.shown.pixels[(6 * width + 5) * 4:][:80] == bytes([3, 2, 1, 0]) * 20
            drawn += 1
    return drawn


def _draw(client: Client, request: bytes, pixels: bytes = b"") -> tuple[int, ...]:
    reply = client.call(request.ljust(32, b"\0") + pixels)
    if reply[0] != DONE:
        raise Refused(f"status {reply[0]}")
    return struct.unpack_from("<4I", reply, 8)


def use_factorials(client: Client) -> int:
    for n in range(13):
        assert client.call(words(n)) == words(math.factorial(n)), "a wrong factorial"
    return n


JOBS = {"virtio-blk": (use_disk, "1af4:1042"), "ahci": (use_disk, "01:06:01"), "virtio-rng": (use_entropy, "1af4:1044"), "virtio-net": (use_network, "1af4:1041"),
        "e1000": (use_network, "8086:100e"), "virtio-input": (use_keyboard, "1af4:1052"), "virtio-gpu": (use_screen, "1af4:1050"),
        "edu": (use_factorials, "1234:11e8"), "i8042": (use_keyboard, None)}


UNNOTICED = {
    ("virtio-input", "stop"): "who types on it learns that it is gone; its driver cannot tell it from one that nobody touches",
    ("virtio-input", "reorder"): "the order in which it tells its events is the order in which they happened",
}
"""Faults that no driver can find, and why."""
REPEATED = ("closed", "failed twice", "nobody answers")
"""What a client is told whose driver ended."""


@pytest.fixture(scope="session")
def usual() -> dict[str, Ran]:
    """What came of each driver's work without a fault."""
    return {}


@pytest.fixture
def without(drive: Drive, usual: dict[str, Ran]):  # noqa: F811
    """`without(driver)`: what comes of its work without a fault."""
    def run(name: str) -> Ran:
        if name not in usual:
            usual[name] = drive(name, JOBS[name][0])
        return usual[name]

    return run


@pytest.mark.parametrize("name", JOBS)
def test_without_a_fault_all_is_done(without, name: str) -> None:
    ran = without(name)
    assert ran.error is None and ran.result and ran.status is Status.RUNNING and ran.log


FROM_THE_START = ("stuck-reset", "no-features", "refused-features", "no-queues", "config", "no-address", "failed-test")
"""Faults that a whole life of a driver has, or has not."""
CASES = [pytest.param(name, kind, after, id=f"{name}-{kind}-{after}")
         for name, (_, identity) in JOBS.items() for kind in (all_cards()[identity].FAULTS if identity else I8042_FAULTS) for after in ((0,) if kind in FROM_THE_START else (0, 2))]
CASES.append(pytest.param("i8042", "gone", 40, id="i8042-gone-while-it-is-typed-on"))


@pytest.mark.parametrize(("name", "kind", "after"), CASES)
def test_a_fault_is_survived_or_told_in_one_line(drive: Drive, without, name: str, kind: str, after: int) -> None:  # noqa: F811
    expected, ran = without(name), drive(name, JOBS[name][0], Fault(DRIVER, kind, after))
    if (name, kind) in UNNOTICED:
        assert (ran.log, ran.status, ran.error) == (expected.log, Status.RUNNING, None)
    elif ran.status is Status.RUNNING:
        assert (ran.result, ran.error) == (expected.result, None) and len(ran.log) - len(expected.log) in (0, 1)
    else:
        assert ran.error in (None, *REPEATED)
        *before, last = ran.log
        assert tuple(before) == expected.log[:len(before)] and last not in expected.log, "more than one line"
        assert ran.status is Status.ENDED or "does not come out of its reset" in last


@pytest.mark.parametrize("name", JOBS)
def test_a_device_that_loses_every_interrupt_is_slow_and_works(drive: Drive, without, name: str) -> None:  # noqa: F811
    ran = drive(name, JOBS[name][0], Fault(DRIVER, "lost-interrupt", times=None))
    assert (ran.result, ran.error, ran.status) == (without(name).result, None, Status.RUNNING)


@pytest.mark.parametrize("name", [name for name, (_, identity) in JOBS.items() if identity])
def test_a_driver_that_is_started_again_finds_its_device_at_rest(drive: Drive, without, name: str) -> None:  # noqa: F811
    ran = drive(name, JOBS[name][0], Fault(DRIVER, "stuck-reset"), restart=Restart("on-failure", 100, 3))
    stuck, *rest = ran.log
    assert "does not come out of its reset" in stuck and tuple(rest) == without(name).log
    assert (ran.result, ran.error, ran.status) == (without(name).result, None, Status.RUNNING)


def test_a_disk_that_is_kept_has_what_was_written(drive: Drive, tmp_path: Path) -> None:  # noqa: F811
    kept = tmp_path / "disks" / f"{DRIVER}.disk"

    def read(client: Client) -> bytes:
        return client.call(words(1, SECTORS // 2, 0, 0))[8:]

    written = drive("virtio-blk", use_disk, plan=Plan(disks=kept.parent)).result
    with open(kept, "rb") as file:
        assert file.read(len(written)) == written
    assert drive("virtio-blk", read, plan=Plan(disks=kept.parent)).result == written[:len(written) // 2]
    assert drive("virtio-blk", read).result == bytes(len(written) // 2), "and one in memory forgets it"
