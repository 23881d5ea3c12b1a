"""The devices that QEMU is given because a profile's drivers drive them: what an instance is granted is there when it boots.

Gets which devices a system grants, and where disks are; gives words of QEMU's command line. What a machine has by itself (the source
of random numbers, a q35's SATA controller) is not given once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composer.qemu import BOOT_DEVICE
from composer.system import DEFAULT_MACHINE
from composer.tools import ToolFailure

if TYPE_CHECKING:
    from composer.system import System

DISK_BYTES = 64 << 20
"""Bytes of a disk that is made because none is there yet; those that were never written take no room."""

RANDOM = "1af4:1044"
SATA = "01:06:01"
DEVICES = {
    "1af4:1041": ("virtio-net-pci,netdev={net}",),
    "1af4:1042": ("virtio-blk-pci,drive={disk}",),
    "1af4:1050": ("virtio-gpu-pci",),
    "1af4:1052": ("virtio-keyboard-pci", "virtio-mouse-pci", "virtio-tablet-pci"),
    "8086:100e": ("e1000,netdev={net}",),
    "1234:11e8": ("edu",),
    SATA: ("ide-hd,drive={disk},bus={sata}.0",),
}
"""QEMU's device for the first of the matches of a driver, for its first instance and those after it."""
SATA_OF_ITS_OWN = "q35"
"""In the names of the machines that have a SATA controller, whose ports are the buses `ide.0` to `ide.5`."""
BESIDE_SATA = "nvme,serial=boot"
"""What the firmware boots from where the machine's SATA controller is a driver's: that shall find no disk there but its own."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device that an instance is granted, by the names that its need may match."""

    instance: str
    matches: tuple[str, ...]


def wanted(system: System) -> tuple[Wanted, ...]:
    """What a system grants, in the order of its instances."""
    return tuple(Wanted(instance.name, tuple(map(str, grant.need.fields["matches"])))
                 for instance in system.instances for grant in instance.grants if grant.need.capability == "device" and grant.granted)


def arguments(devices: Iterable[Wanted], disks: Path, machine: str = DEFAULT_MACHINE) -> list[str]:
    """Words that attach `devices` to a machine of QEMU's type `machine`; their disks lie in the folder `disks`, each called like its
    instance, and are made where they are missing. Raises ToolFailure where they cannot be."""
    return [word for each in _attached(devices, machine) for word in each.words(disks)]


def boot_device(devices: Iterable[Wanted], machine: str) -> str:
    """QEMU's device that the image is on, where a system grants `devices`, whether this machine has them or not."""
    return BESIDE_SATA if SATA_OF_ITS_OWN in machine and any(SATA in each.matches for each in devices) else BOOT_DEVICE


def has_random(without: Iterable[Wanted]) -> bool:
    """Whether the machine keeps its source of random numbers when it lacks these."""
    return not any(RANDOM in each.matches for each in without)


@dataclass(frozen=True, slots=True)
class _Attached:
    instance: str
    device: str
    has_sata: bool

    def words(self, disks: Path) -> Iterator[str]:
        net, disk, sata = f"net-{self.instance}", f"disk-{self.instance}", "ide" if self.has_sata else f"sata-{self.instance}"
        if "{sata}" in self.device and not self.has_sata:
            yield from ("-device", f"ich9-ahci,id={sata}")
        if "{net}" in self.device:
            yield from ("-netdev", f"user,id={net},restrict=on")
        if "{disk}" in self.device:
            path = _made(disks / f"{self.instance}.disk")
            yield from ("-drive", f"if=none,id={disk},format=raw,file={str(path).replace(',', ',,')}")
        yield from ("-device", self.device.format(net=net, disk=disk, sata=sata))


def _attached(devices: Iterable[Wanted], machine: str) -> Iterator[_Attached]:
    taken: Counter[str] = Counter()
    has_sata = SATA_OF_ITS_OWN in machine
    for each in devices:
        name = next((match for match in each.matches if match in DEVICES), None)
        is_taken = name == SATA and has_sata and taken[SATA] > 0  # there is one such controller
        if name is None or RANDOM in each.matches or is_taken:
            continue
        choices = DEVICES[name]
        yield _Attached(each.instance, choices[min(taken[name], len(choices) - 1)], has_sata)
        taken[name] += 1


def _made(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            if file.tell() == 0:
                file.truncate(DISK_BYTES)
    except OSError as error:
        raise ToolFailure("files", f"cannot make the disk {path}: {error.strerror}") from error
    return path.resolve()
