"""The devices that QEMU is given because a profile's drivers drive them: what an instance is granted is there when it boots.

Gets which devices a system grants, and where disks are; gives words of QEMU's command line. What a machine has by itself (the source
of random numbers, a q35's SATA controller, a display) is not given once more; of most it can be said that it is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composer.qemu import BOOT_DEVICE, OPERATOR_PORT, PICTURE
from composer.system import DEFAULT_MACHINE
from composer.tools import ToolFailure

if TYPE_CHECKING:
    from composer.system import Grant, System

DISK_BYTES = 64 << 20
"""Bytes of a disk that is made because none is there yet; those that were never written take no room."""

FUNCTIONS = 256
"""Functions of a bus of PCI."""

RANDOM, DISPLAY, CONTROLLER, TIMER, OPERATOR = "1af4:1044", "picture", "i8042", "hpet", "operator"
"""What a machine has by itself, and drivers may: those that are no PCI functions are named by what they are."""
PORTS = {0x60: CONTROLLER, OPERATOR_PORT: OPERATOR}
ADDRESSES = {0xFED0_0000: TIMER}
"""Where devices are on every PC: ports, and device memory."""
TAKEN_AWAY = {CONTROLLER: ("-machine", "i8042=off"), TIMER: ("-machine", "hpet=off")}
"""Words for a machine without one of them."""
SCREEN, SATA = "1af4:1050", "01:06:01"
DEVICES = {
    "1af4:1041": ("virtio-net-pci,netdev={net}",),
    "1af4:1042": ("virtio-blk-pci,drive={disk}",),
    SCREEN: ("virtio-gpu-pci,id={screen}",),
    "1af4:1052": ("virtio-keyboard-pci,display={seat}", "virtio-mouse-pci,display={seat}", "virtio-tablet-pci,display={seat}"),
    "8086:100e": ("e1000,netdev={net}",),
    "1234:11e8": ("edu",),
    SATA: ("ide-hd,drive={disk},bus={sata}.0",),
}
"""QEMU's device for the first of the matches of a driver, for its first instance and those after it. Input devices belong to a
display: so they have their keys for themselves, and those that the machine has by itself have others."""
NO_DISPLAY = "seat"
"""The identity of a display that nobody shows anything on: the firmware has no driver for it, nor is it on PCI."""
SATA_OF_ITS_OWN = "q35"
"""In the names of the machines that have a SATA controller, whose ports are the buses `ide.0` to `ide.5`."""
BESIDE_SATA = "nvme,serial=boot"
"""What the firmware boots from where the machine's SATA controller is a driver's: that shall find no disk there but its own."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device that an instance is granted, by the names that its need may match: those of PCI functions, or what it is. `slot` is
    the number of the function that it has to be, as Grant.slot gives it."""

    instance: str
    matches: tuple[str, ...]
    slot: int | None = None


def wanted(system: System) -> tuple[Wanted, ...]:
    """What a system grants, in the order of its instances."""
    granted = [(instance, grant, tuple(_names(grant))) for instance in system.instances for grant in instance.grants if grant.granted]
    return tuple(Wanted(instance.name, names, grant.slot) for instance, grant, names in granted if names)


def _names(grant: Grant) -> Iterator[str]:
    """The devices that a grant may be of."""
    if grant.need.capability == "device":
        yield from map(str, grant.need.fields["matches"])
    if grant.need.capability == "framebuffer":
        yield DISPLAY
    for places, held in ((PORTS, grant.ports), (ADDRESSES, grant.memory)):
        yield from (name for place, name in places.items() if held is not None and held.base <= place < held.end)


@dataclass(frozen=True, slots=True)
class Peripherals:
    """The devices of a machine of QEMU's type `machine`: those that drivers drive, without those of the instances `without`."""

    devices: tuple[Wanted, ...]
    machine: str = DEFAULT_MACHINE
    without: frozenset[str] = frozenset()

    @property
    def present(self) -> list[Wanted]:
        return [each for each in self.devices if each.instance not in self.without]

    def has(self, name: str) -> bool:
        """Whether the machine has something of its own: nobody's driver of it is to go without."""
        return not any(name in each.matches for each in self.devices if each.instance in self.without)

    @property
    def operated(self) -> bool:
        """Whether the guest can ask its operator for keys."""
        return any(OPERATOR in each.matches for each in self.present)

    @property
    def seat(self) -> str:
        """The identity of the display that input devices belong to: the first that a driver drives, or the firmware's."""
        screens = (_screen(each.instance) for each in self.present if SCREEN in each.matches)
        return next(screens, PICTURE if self.has(DISPLAY) else NO_DISPLAY)

    @property
    def boot_device(self) -> str:
        """QEMU's device that the image is on, whether the machine has all devices or not."""
        return BESIDE_SATA if SATA_OF_ITS_OWN in self.machine and any(SATA in each.matches for each in self.devices) else BOOT_DEVICE

    def arguments(self, disks: Path) -> list[str]:
        """Words that attach them; their disks lie in the folder `disks`, each called like its instance, and are made where they are
        missing. Raises ToolFailure where they cannot be."""
        words = [word for name, words in TAKEN_AWAY.items() if not self.has(name) for word in words]
        # What belongs to a display comes after it.
        attached = sorted((each for each in _attached(self.devices, self.machine) if each.instance not in self.without), key=lambda each: "{seat}" in each.device)
        if self.seat == NO_DISPLAY and any("{seat}" in each.device for each in attached):
            words += ["-device", f"isa-vga,id={NO_DISPLAY}"]
        return words + [word for each in attached for word in each.words(disks, self.seat)]


def _screen(instance: str) -> str:
    return f"screen-{instance}"


@dataclass(frozen=True, slots=True)
class _Attached:
    instance: str
    device: str
    slot: int | None
    has_sata: bool

    def words(self, disks: Path, seat: str) -> Iterator[str]:
        net, disk, sata = f"net-{self.instance}", f"disk-{self.instance}", "ide" if self.has_sata else f"sata-{self.instance}"
        if "{sata}" in self.device and not self.has_sata:
            yield from ("-device", f"ich9-ahci,id={sata}{self.place}")
        if "{net}" in self.device:
            yield from ("-netdev", f"user,id={net},restrict=on")
        if "{disk}" in self.device:
            path = made_disk(disks / f"{self.instance}.disk")
            yield from ("-drive", f"if=none,id={disk},format=raw,file={str(path).replace(',', ',,')}")
        place = "" if "{sata}" in self.device else self.place
        yield from ("-device", self.device.format(net=net, disk=disk, sata=sata, screen=_screen(self.instance), seat=seat) + place)

    @property
    def place(self) -> str:
        """Where it is on the first bus; QEMU puts it anywhere where nothing is said."""
        return "" if self.slot is None or self.slot >= FUNCTIONS else f",addr={self.slot >> 3:#x}.{self.slot & 7}"


def _attached(devices: Iterable[Wanted], machine: str) -> Iterator[_Attached]:
    taken: Counter[str] = Counter()
    has_sata = SATA_OF_ITS_OWN in machine
    for each in devices:
        name = next((match for match in each.matches if match in DEVICES), None)
        is_taken = name == SATA and has_sata and taken[SATA] > 0  # there is one such controller
        if name is None or RANDOM in each.matches or is_taken:
            continue
        choices = DEVICES[name]
        yield _Attached(each.instance, choices[min(taken[name], len(choices) - 1)], each.slot, has_sata)
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
