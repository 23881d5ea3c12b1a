"""Every queue of every device passes 200,000 buffers: virtio's indices of 16 bits begin anew three times, and rings many times. What
comes back is compared with what went, in the guest, and on the screen by QEMU."""

from __future__ import annotations

import re

import pytest

from tests.boot.monitor import Watched, watched
from tests.boot.painted import Screen

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

BUFFERS = 200_000
WIDTH, HEIGHT = 640, 480
PATIENCE = 1800.0
"""Seconds in which all of them pass, on a busy computer."""
PUSHED = ("disk", "display", "mouse", "rng")
PINGERS = ("e1000-pinger", "net-pinger")
MACHINE = (
    "-device", f"virtio-gpu-pci,id=screen,xres={WIDTH},yres={HEIGHT}", "-device", "virtio-mouse-pci,display=screen",
    "-netdev", "user,id=one,restrict=on", "-device", "virtio-net-pci,netdev=one",
    "-netdev", "user,id=other,restrict=on", "-device", "e1000,netdev=other",
    "-drive", "if=none,id=disk,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=disk",
)
"""Words for the devices that the profile `pushed` drives; a random number generator is there anyway."""


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.write_bytes(bytes(4 << 20))
    return path


def trips(lines: list[str]) -> list[int]:
    """Round trips of a pinger, those that were missed, and those that came back wrong."""
    counts = [re.match(r"(\d+) round trips, (\d+) missed, (\d+) wrong", line) for line in lines]
    return next(([*map(int, each.groups())] for each in reversed(counts) if each), [0, 0, 0])


def test_every_queue_passes_200_000_buffers(image, disk, tmp_path):
    with watched(image("pushed"), operator=True, extra=tuple(word.format(disk=disk) for word in MACHINE)) as it:
        it.expect("^munal> ")
        told = [it.expect(r"queue of (\w+): (.*)\n", PATIENCE).groups() for _ in PUSHED]
        assert sorted(told) == [(name, f"all {BUFFERS} passed") for name in PUSHED]
        it.send("\n")
        for name in PINGERS:
            lines = it.logged(name, lambda lines: trips(lines)[0] >= BUFFERS)
            assert trips(lines)[1:] == [0, 0], name
        shown = Screen(it, tmp_path, "screen").pixels(WIDTH, HEIGHT)
        assert shown[:BUFFERS // 2].tolist() == [(number * 2_654_435_761 & 0xFFFF_FFFF) >> 8 for number in range(BUFFERS // 2)]
        assert not any(shown[BUFFERS // 2:])

