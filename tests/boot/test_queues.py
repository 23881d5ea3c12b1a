"""Every queue of every device passes 200,000 buffers: virtio's indices of 16 bits begin anew three times, and rings many times. What
comes back is compared with what went, in the guest, and on the screen by QEMU."""

from __future__ import annotations

import pytest

from tests.boot.monitor import watched
from tests.boot.painted import Screen

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

BUFFERS = 200_000
WIDTH, HEIGHT = 640, 480
PATIENCE = 900.0
"""Seconds in which all of them pass, on a busy computer."""
CARDS = ("52:54:00:00:00:01", "52:54:00:00:00:02")
MACHINE = (
    "-device", f"virtio-gpu-pci,id=screen,xres={WIDTH},yres={HEIGHT}", "-device", "virtio-mouse-pci,display=screen",
    "-netdev", "user,id=one,restrict=on", "-device", f"virtio-net-pci,netdev=one,mac={CARDS[0]}",
    "-netdev", "user,id=other,restrict=on", "-device", f"e1000,netdev=other,mac={CARDS[1]}",
    "-drive", "if=none,id=disk,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=disk",
    "-drive", "if=none,id=sata,format=raw,file={sata}", "-device", "ide-hd,drive=sata,bus=ide.0",
)
"""Words for the devices that the profile `pushed` drives; a random number generator is there anyway."""
DRIVERS = ("ahci", "disk", "display", "e1000", "mouse", "net", "operator", "rng")
PUSHERS = ("ahci-pusher", "disk-pusher", "display-pusher", "e1000-pinger", "mouse-pusher", "net-pinger", "rng-pusher")
TOLD = {
    **{f"queue of {name}": f"all {BUFFERS} passed" for name in ("ahci", "disk", "display", "mouse", "rng")},
    **{f"queues of {address}": f"0 missed and 0 wrong of {BUFFERS}" for address in CARDS},
}


def test_every_queue_passes_200_000_buffers(image, tmp_path):
    disks = {name: tmp_path / name for name in ("disk", "sata")}
    for path in disks.values():
        path.write_bytes(bytes(4 << 20))
    words = tuple(word.format(**disks) for word in MACHINE)
    with watched(image("pushed"), operator=True, boot_device="nvme,serial=boot", extra=words) as it:
        it.expect("^munal> ")
        with it.explained(*DRIVERS, *PUSHERS):
            found = (it.expect(r"(queues? of [\w:]+): (.*?)(?:, \d+ ns each)?\n", PATIENCE) for _ in TOLD)
            assert dict(each.groups() for each in found) == TOLD
        shown = Screen(it, tmp_path, "screen").pixels(WIDTH, HEIGHT)
        assert shown[:BUFFERS // 2].tolist() == [(number * 2_654_435_761 & 0xFFFF_FFFF) >> 8 for number in range(BUFFERS // 2)]
        assert not any(shown[BUFFERS // 2:])
