"""What QEMU is given because a profile's drivers drive it."""

from __future__ import annotations

import pytest

from composer.peripherals import BESIDE_SATA, DISK_BYTES, Wanted, arguments, boot_device, has_random
from composer.qemu import BOOT_DEVICE
from composer.tools import ToolFailure

RNG, DISK, INPUT = Wanted("rng", ("1af4:1044", "1af4:1005")), Wanted("disk", ("1af4:1042",)), ("1af4:1052",)
SATA = Wanted("sata", ("01:06:01",))


def test_a_disk_is_made_once_and_kept(tmp_path):
    words = arguments([DISK], tmp_path / "disks")
    path = tmp_path / "disks" / "disk.disk"
    assert words == ["-drive", f"if=none,id=disk-disk,format=raw,file={path}", "-device", "virtio-blk-pci,drive=disk-disk"]
    assert path.stat().st_size == DISK_BYTES
    path.write_bytes(b"mine")
    arguments([DISK], tmp_path / "disks")
    assert path.read_bytes() == b"mine"


def test_a_comma_in_a_path_is_part_of_it(tmp_path):
    assert "a,,b" in arguments([DISK], tmp_path / "a,b")[1]


def test_a_disk_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "disks").write_text("")
    with pytest.raises(ToolFailure, match="cannot make the disk"):
        arguments([DISK], tmp_path / "disks")


def test_input_devices_of_several_instances_differ(tmp_path):
    words = arguments([Wanted(name, INPUT) for name in "abcd"], tmp_path)
    assert words[1::2] == ["virtio-keyboard-pci", "virtio-mouse-pci", "virtio-tablet-pci", "virtio-tablet-pci"]


def test_network_cards_reach_nothing_outside(tmp_path):
    assert arguments([Wanted("net", ("8086:100e",))], tmp_path) == ["-netdev", "user,id=net-net,restrict=on", "-device", "e1000,netdev=net-net"]


def test_what_the_machine_has_by_itself_or_nobody_knows_is_not_given(tmp_path):
    assert arguments([RNG, Wanted("odd", ("fffe:fffe",))], tmp_path) == []


def test_a_sata_disk_is_at_the_controller_that_its_driver_gets(tmp_path):
    drive = ["-drive", f"if=none,id=disk-sata,format=raw,file={tmp_path / 'sata.disk'}"]
    assert arguments([SATA], tmp_path) == [*drive, "-device", "ide-hd,drive=disk-sata,bus=ide.0"]
    assert sorted(arguments([SATA], tmp_path, "pc")) == sorted(["-device", "ich9-ahci,id=sata-sata", *drive, "-device", "ide-hd,drive=disk-sata,bus=sata-sata.0"])


def test_a_machine_has_as_many_sata_controllers_as_it_has(tmp_path):
    second = Wanted("second", SATA.matches)
    assert arguments([SATA, second], tmp_path) == arguments([SATA], tmp_path)
    assert "ide-hd,drive=disk-second,bus=sata-second.0" in arguments([SATA, second], tmp_path, "pc")


def test_the_image_is_not_at_a_controller_that_is_a_drivers():
    assert boot_device([DISK, SATA], "q35") == boot_device([SATA], "pc-q35-7.2") == BESIDE_SATA
    assert boot_device([DISK], "q35") == boot_device([], "q35") == boot_device([SATA], "pc") == BOOT_DEVICE


def test_the_source_of_random_numbers_goes_with_its_driver():
    assert has_random([DISK]) and has_random([]) and not has_random([RNG])
