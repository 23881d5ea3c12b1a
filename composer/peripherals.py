"""The devices that QEMU is given because a profile's drivers drive them: what an instance is granted is there when it boots.

Gets which devices a system grants, and where disks are; gives words of QEMU's command line. What a machine has by itself (its
chipset's controllers, the source of random numbers) is not given once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composer.tools import ToolFailure

if TYPE_CHECKING:
    from composer.system import System

DISK_BYTES = 64 << 20
"""Bytes of a disk that is made because none is there yet; those that were never written take no room."""

RANDOM = "1af4:1044"
BY_ITSELF = frozenset((RANDOM, "01:06:01"))
DEVICES = {
    "1af4:1041": ("virtio-net-pci,netdev={net}",),
    "1af4:1042": ("virtio-blk-pci,drive={disk}",),
    "1af4:1050": ("virtio-gpu-pci",),
    "1af4:1052": ("virtio-keyboard-pci", "virtio-mouse-pci", "virtio-tablet-pci"),
    "8086:100e": ("e1000,netdev={net}",),
    "1234:11e8": ("edu",),
}
"""QEMU's device for the first of the matches of a driver, for its first instance and those after it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device that an instance is granted, by the names that its need may match."""

    instance: str
    matches: tuple[str, ...]


def wanted(system: System) -> tuple[Wanted, ...]:
    """What a system grants, in the order of its instances."""
    return tuple(Wanted(instance.name, tuple(map(str, grant.need.fields["matches"])))
                 for instance in system.instances for grant in instance.grants if grant.need.capability == "device" and grant.granted)


def arguments(devices: Iterable[Wanted], disks: Path) -> list[str]:
    """Words that attach `devices`; their disks lie in the folder `disks`, each called like its instance, and are made where they
    are missing. Raises ToolFailure where they cannot be."""
    return [word for each in _attached(devices) for word in each.words(disks)]


def has_random(without: Iterable[Wanted]) -> bool:
    """Whether the machine keeps its source of random numbers when it lacks these."""
    return not any(RANDOM in each.matches for each in without)


@dataclass(frozen=True, slots=True)
class _Attached:
    instance: str
    device: str

    def words(self, disks: Path) -> Iterator[str]:
        net, disk = f"net-{self.instance}", f"disk-{self.instance}"
        if "{net}" in self.device:
            yield from ("-netdev", f"user,id={net},restrict=on")
        if "{disk}" in self.device:
            path = made_disk(disks / f"{self.instance}.disk")
            yield from ("-drive", f"if=none,id={disk},format=raw,file={str(path).replace(',', ',,')}")
        yield from ("-device", self.device.format(net=net, disk=disk))


def _attached(devices: Iterable[Wanted]) -> Iterator[_Attached]:
    taken: Counter[str] = Counter()
    for each in devices:
        name = next((match for match in each.matches if match in DEVICES), None)
        if name is None or BY_ITSELF.intersection(each.matches):
            continue
        choices = DEVICES[name]
        yield _Attached(each.instance, choices[min(taken[name], len(choices) - 1)])
        taken[name] += 1


def made_disk(path: Path) -> Path:
    """The file of a disk, made where it is missing. Raises ToolFailure where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            if file.tell() == 0:
                file.truncate(DISK_BYTES)
    except OSError as error:
        raise ToolFailure("files", f"cannot make the disk {path}: {error.strerror}") from error
    return path.resolve()
