"""Disk images: the partition table as the UEFI specification draws it, and files that other tools read back."""

import hashlib
import struct
import subprocess
import zlib

import pytest

from composer import fat
from composer.tools import ToolFailure

IMAGE = b"MZ" + bytes(range(256)) * 9000


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    path = tmp_path_factory.mktemp("disk") / "munal.img"
    fat.write_disk(IMAGE, path)
    return path


def sector(data, number, count=1):
    return data[number * 512:(number + count) * 512]


def header(data, number):
    raw = sector(data, number)[:92]
    found = fat.GPT_HEADER.unpack(raw)
    assert found[0] == b"EFI PART" and found[2] == 92
    assert found[3] == zlib.crc32(raw[:16] + bytes(4) + raw[20:])
    return found


def test_both_partition_tables_are_sound_and_name_each_other(disk):
    data = disk.read_bytes()
    last = len(data) // 512 - 1
    first, copy = header(data, 1), header(data, last)
    assert (first[5], first[6], copy[5], copy[6]) == (1, last, last, 1)
    assert first[7:10] == copy[7:10] and first[11:] == copy[11:] and first[10] != copy[10]
    for found in (first, copy):
        assert zlib.crc32(sector(data, found[10], 32)) == found[13]
        assert found[7] == 34 and found[8] == last - 33


def test_the_partition_is_an_efi_system_partition_within_bounds(disk):
    data = disk.read_bytes()
    kind, _, start, end, _, name = fat.GPT_ENTRY.unpack(sector(data, 2)[:128])
    assert kind == fat.SYSTEM_PARTITION.bytes_le
    assert start % 2048 == 0 and end == len(data) // 512 - 1 - 33
    assert name.decode("utf-16-le").rstrip("\0") == "EFI system partition"
    assert sector(data, 0)[510:] == b"\x55\xaa" and sector(data, 0)[450] == 0xEE


def test_the_image_can_be_read_back(disk, tmp_path):
    offset = fat.FIRST_SECTOR * 512
    subprocess.run(["mcopy", "-i", f"{disk}@@{offset}", "::/EFI/BOOT/BOOTX64.EFI", tmp_path / "back.efi"], check=True)
    assert (tmp_path / "back.efi").read_bytes() == IMAGE


def test_the_file_system_is_fat32_with_enough_clusters(disk):
    """Fewer than 65,525 clusters would be FAT16, whatever the label says (Microsoft FAT specification)."""
    boot = sector(disk.read_bytes(), fat.FIRST_SECTOR)
    per_cluster, reserved, fats = struct.unpack_from("<BHB", boot, 13)
    sectors, per_fat = struct.unpack_from("<II", boot, 32)
    assert boot[82:90] == b"FAT32   " and boot[3:11] == b"MUNAL   "
    assert (sectors - reserved - fats * per_fat) // per_cluster >= 65525
    assert struct.unpack_from("<I", boot, 28)[0] == fat.FIRST_SECTOR


def test_the_file_system_has_no_faults(disk, tmp_path):
    fat.require_checker()
    partition = tmp_path / "partition"
    partition.write_bytes(disk.read_bytes()[fat.FIRST_SECTOR * 512:-33 * 512])
    assert subprocess.run([fat.find_checker(), "-n", partition], capture_output=True).returncode == 0


def test_the_same_image_gives_the_same_disk_in_any_time_and_place(disk, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    other = tmp_path / "elsewhere" / "other name.img"
    fat.write_disk(IMAGE, other)
    assert hashlib.sha256(other.read_bytes()).digest() == hashlib.sha256(disk.read_bytes()).digest()


def test_another_image_has_another_serial_and_guid(disk, tmp_path):
    fat.write_disk(IMAGE + b"x", tmp_path / "a.img")
    one, other = disk.read_bytes(), (tmp_path / "a.img").read_bytes()
    assert header(one, 1)[9] != header(other, 1)[9]
    assert sector(one, fat.FIRST_SECTOR)[67:71] != sector(other, fat.FIRST_SECTOR)[67:71]


@pytest.mark.parametrize("megabytes", [0, 55, 56, 57, 200])
def test_there_is_room_for_large_images(megabytes):
    assert fat._partition_sectors(megabytes << 20) * 512 >= max(64, megabytes + 8) << 20


def test_the_file_takes_little_room(disk):
    assert disk.stat().st_blocks * 512 < 8 << 20 < disk.stat().st_size


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    target = tmp_path / "munal.img"
    target.write_bytes(b"before")

    def fail(*words, **more):
        raise ToolFailure("mtools", "no")

    monkeypatch.setattr(fat, "run", fail)
    with pytest.raises(ToolFailure):
        fat.write_disk(IMAGE, target)
    assert target.read_bytes() == b"before" and list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ToolFailure, match="cannot write"):
        fat.write_disk(IMAGE, tmp_path / "file" / "munal.img")
