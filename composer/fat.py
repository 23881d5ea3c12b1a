"""Writes a disk image that firmware boots: a GUID partition table and one EFI system partition, FAT32, with the image in it.

Gets the bytes of an EFI application; gives a file for a USB stick or a virtual machine, always the same for the same bytes:
serial number and GUIDs come from their SHA-256, times are FAT's first. The file system is made by mtools.
Source: UEFI specification 2.10, chapter 5 (partitions) and section 13.3 (file system).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from composer import packages
from composer.tools import ToolFailure, run

SECTOR = 512
MIB = 1 << 20
FIRST_SECTOR = MIB // SECTOR
SMALLEST = 64 * MIB
"""Bytes of the smallest partition: FAT32 needs at least 65,525 clusters, here of one sector each."""

BOOT_FILE = "/EFI/BOOT/BOOTX64.EFI"
EPOCH_1980 = "315532800"
"""1980-01-01 in seconds of Unix time: the earliest that FAT can say."""

OEM_NAME = b"MUNAL   "
OEM_OFFSET, BACKUP_BOOT_SECTOR = 3, 6

SYSTEM_PARTITION = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
GPT_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
GPT_ENTRY = struct.Struct("<16s16sQQQ72s")
ENTRIES, ENTRY_SECTORS = 128, 128 * 128 // SECTOR
PROTECTIVE = struct.Struct("<B3sB3sII")


def write_disk(image: bytes, target: Path) -> None:
    """Write the disk to `target`, whole or not at all. Raises ToolFailure where mtools is missing or cannot."""
    require_mtools()
    sectors = _partition_sectors(len(image))
    digest = hashlib.sha256(image).digest()
    with _new_file(target) as path:
        with open(path, "r+b") as disk:
            _write_partition_table(disk, sectors, digest)
        _make_file_system(path, image, sectors, digest)
        os.replace(path, target)


def require_mtools() -> None:
    """See to it that mtools is here; Debian's package is installed where it is missing."""
    if shutil.which("mformat") is None:
        packages.install(("mtools",))


def require_checker() -> None:
    """See to it that mkfs.fat and fsck.fat are here, which tests have volumes made and judged by."""
    if find_checker() is None:
        packages.install(("dosfstools",))


def find_checker() -> str | None:
    """Where fsck.fat is: not all users look for programs where Debian has it."""
    return shutil.which("fsck.fat", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def _partition_sectors(length: int) -> int:
    """Room for the image and FAT's own tables, in whole MiB."""
    return max(SMALLEST, -(-length // MIB) * MIB + 8 * MIB) // SECTOR


@contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """An empty file beside `target`; it goes unless it was renamed."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    except OSError as error:
        raise ToolFailure("files", f"cannot write {target}: {error.strerror}") from error
    os.fchmod(handle, 0o644)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _write_partition_table(disk: BinaryIO, sectors: int, digest: bytes) -> None:
    """The protective MBR, the table after it, and the table's copy at the end; what lies between stays unwritten."""
    last = FIRST_SECTOR + sectors + ENTRY_SECTORS
    entries = _entries(sectors, digest)
    disk.truncate((last + 1) * SECTOR)
    for sector, data in (
        (0, _protective_mbr(last)),
        (1, _gpt_header(1, last, 2, entries, digest)),
        (2, entries),
        (last - ENTRY_SECTORS, entries),
        (last, _gpt_header(last, 1, last - ENTRY_SECTORS, entries, digest)),
    ):
        disk.seek(sector * SECTOR)
        disk.write(data)


def _entries(sectors: int, digest: bytes) -> bytes:
    name = "EFI system partition".encode("utf-16-le")
    entry = GPT_ENTRY.pack(SYSTEM_PARTITION.bytes_le, _guid(digest[16:]), FIRST_SECTOR, FIRST_SECTOR + sectors - 1, 0, name)
    return entry.ljust(ENTRY_SECTORS * SECTOR, b"\0")


def _guid(random: bytes) -> bytes:
    return UUID(bytes=random[:16], version=4).bytes_le


def _gpt_header(here: int, other: int, entries_at: int, entries: bytes, digest: bytes) -> bytes:
    """One header; its checksum is taken with the checksum's own field at zero."""
    last = max(here, other)
    fields = (2 + ENTRY_SECTORS, last - ENTRY_SECTORS - 1, _guid(digest), entries_at, ENTRIES, GPT_ENTRY.size, zlib.crc32(entries))
    parts = (b"EFI PART", 0x10000, GPT_HEADER.size)
    sum_ = zlib.crc32(GPT_HEADER.pack(*parts, 0, 0, here, other, *fields))
    return GPT_HEADER.pack(*parts, sum_, 0, here, other, *fields).ljust(SECTOR, b"\0")


def _protective_mbr(last: int) -> bytes:
    partition = PROTECTIVE.pack(0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, min(last, 0xFFFF_FFFF))
    return bytes(446) + partition.ljust(64, b"\0") + b"\x55\xaa"


def _make_file_system(disk: Path, image: bytes, sectors: int, digest: bytes) -> None:
    drive = f"{disk}@@{FIRST_SECTOR * SECTOR}"
    _mtools("mformat", "-i", drive, "-F", "-c", "1", "-T", str(sectors), "-h", "255", "-s", "63", "-H", str(FIRST_SECTOR),
            "-N", digest[:4].hex(), "-v", "MUNAL", "::")
    _mtools("mmd", "-i", drive, "::/EFI", "::/EFI/BOOT")
    with tempfile.NamedTemporaryFile(dir=disk.parent, prefix=".image-") as file:
        file.write(image)
        file.flush()
        _mtools("mcopy", "-i", drive, file.name, f"::{BOOT_FILE}")
    _name_the_maker(disk)


def _name_the_maker(disk: Path) -> None:
    """mtools writes its version here, in the boot sector and its copy: two versions would give two disks."""
    with open(disk, "r+b") as file:
        for sector in (FIRST_SECTOR, FIRST_SECTOR + BACKUP_BOOT_SECTOR):
            file.seek(sector * SECTOR + OEM_OFFSET)
            file.write(OEM_NAME)


def _mtools(*command: str) -> None:
    """Run one of the mtools with nothing of this machine's: no configuration, no time zone, no clock."""
    env = {"PATH": os.environ.get("PATH", os.defpath), "MTOOLSRC": os.devnull, "HOME": os.devnull, "TZ": "UTC", "LC_ALL": "C",
           "SOURCE_DATE_EPOCH": EPOCH_1980}
    run("mtools", command, env=env, says=f"`{command[0]}` could not write the disk image")
