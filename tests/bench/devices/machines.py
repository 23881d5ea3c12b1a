"""What QEMU is given besides what every machine has: the same devices for both guests, and where they can be reached from outside.

Disks lie in this machine's memory, so that no other disk's speed is measured. Each sector of theirs begins with its number.
"""

from __future__ import annotations

import socket
from pathlib import Path

from composer.tools import ToolFailure

SHARED_MEMORY = Path("/dev/shm")
SECTOR = 512
SECTORS = 16 << 11
"""16 MiB."""
SIGNAL_PORT = 0xE9
DISKS = {"virtio": "virtio-blk-pci", "sata": "ide-hd,bus=ide.0"}
"""What guests call a disk, and QEMU's device."""
KEYBOARDS = {"ps2": (), "virtio-keyboard": ("-device", "virtio-keyboard-pci")}


def make_disk(path: Path, sectors: int) -> None:
    """Write a disk with its pattern. Raises ToolFailure where it does not fit."""
    try:
        path.write_bytes(pattern(sectors))
    except OSError as error:
        raise ToolFailure("bench", f"cannot make the disk {path}: {error.strerror}") from error


def pattern(sectors: int) -> bytes:
    """Sectors that begin with their numbers, little endian."""
    rest = bytes(SECTOR - 8)
    return b"".join(number.to_bytes(8, "little") + rest for number in range(sectors))


def devices(folder: Path, name: str, keyboard: str) -> tuple[str, ...]:
    """Words that attach disks, a network card, a debug console and the keyboard, where the PC's is not meant, to the guest `name`."""
    return (*(word for disk, device in DISKS.items() for word in _disk(folder / f"{name}-{disk}.disk", disk, device)),
            "-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net",
            "-chardev", f"socket,id=signal,path={signal_of(folder, name)},server=on,wait=off",
            "-device", f"isa-debugcon,iobase={SIGNAL_PORT:#x},chardev=signal",
            *KEYBOARDS[keyboard])


def _disk(path: Path, name: str, device: str) -> tuple[str, ...]:
    make_disk(path, SECTORS)
    return ("-drive", f"if=none,id={name},format=raw,file={path}", "-device", f"{device},drive={name}")


def signal_of(folder: Path, name: str) -> Path:
    """The socket of a guest's debug console."""
    return folder / f"{name}.signal"


def connect(folder: Path, name: str, patience: float) -> socket.socket:
    """A connection to a running guest's debug console; reading it fails after `patience` seconds of silence."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(signal_of(folder, name)))
    connection.settimeout(patience)
    return connection
