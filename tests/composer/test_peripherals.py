"""What QEMU is given because a profile's drivers drive it."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer import qemu
from composer.peripherals import DISK_BYTES, DISPLAY, RANDOM, Peripherals, Wanted, wanted
from composer.system import Access
from composer.tools import ToolFailure
from tests.composer.systems import app, instance, need, system

RNG, DISK, GPU = Wanted("rng", ("1af4:1044", "1af4:1005")), Wanted("disk", ("1af4:1042",)), Wanted("display", ("1af4:1050",))
PICTURE, PS2, TIMER, OPERATOR = (Wanted(name, (name,)) for name in ("picture", "i8042", "hpet", "operator"))
KEYBOARD, MOUSE, TABLET = (Wanted(name, ("1af4:1052",), slot) for name, slot in (("keyboard", 0x80), ("mouse", 0x89), ("tablet", None)))


def machine(devices, without=(), type: str = "q35") -> Peripherals:
    return Peripherals(tuple(devices), type, frozenset(without))


def arguments(devices, disks: Path = Path("/nowhere"), without=()) -> list[str]:
    return machine(devices, without).arguments(disks)


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


def test_input_devices_of_several_instances_differ_and_are_where_their_grants_say():
    words = arguments([KEYBOARD, MOUSE, TABLET, Wanted("zoo", ("1af4:1052",), 0x180)])
    assert words[1::2] == ["virtio-keyboard-pci,display=picture,addr=0x10.0", "virtio-mouse-pci,display=picture,addr=0x11.1",
                           "virtio-tablet-pci,display=picture", "virtio-tablet-pci,display=picture"]


def test_one_that_is_left_out_leaves_the_others_as_they_are():
    assert arguments([KEYBOARD, MOUSE, TABLET], without=["keyboard"]) == arguments([KEYBOARD, MOUSE, TABLET])[2:]
    assert arguments([DISK], without=["disk"]) == []


@pytest.mark.parametrize(("without", "seat", "displays"), [
    ((), "screen-display", ["virtio-gpu-pci,id=screen-display"]),
    (("display",), qemu.PICTURE, []),
    (("picture",), "screen-display", ["virtio-gpu-pci,id=screen-display"]),
    (("display", "picture"), "seat", ["isa-vga,id=seat"]),
])
def test_input_devices_belong_to_a_display_that_is_there_before_them(without, seat, displays):
    devices = machine([KEYBOARD, PICTURE, GPU], without)
    assert devices.seat == seat
    assert devices.arguments(Path("/nowhere"))[1::2] == [*displays, f"virtio-keyboard-pci,display={seat},addr=0x10.0"]


def test_network_cards_reach_nothing_outside():
    assert arguments([Wanted("net", ("8086:100e",))]) == ["-netdev", "user,id=net-net,restrict=on", "-device", "e1000,netdev=net-net"]


def test_what_the_machine_has_by_itself_or_nobody_knows_is_not_given():
    assert arguments([RNG, PICTURE, PS2, TIMER, OPERATOR, Wanted("odd", ("fffe:fffe",))]) == []


def test_what_a_machine_has_by_itself_goes_with_its_driver():
    def lacking(*without: str) -> Peripherals:
        return machine([RNG, PICTURE, PS2, TIMER, OPERATOR], without)

    assert all(lacking().has(name) for name in (RANDOM, DISPLAY)) and lacking().operated
    assert not lacking("rng").has(RANDOM) and not lacking("picture").has(DISPLAY) and not lacking("operator").operated
    assert lacking("i8042", "hpet").arguments(Path("/nowhere")) == ["-machine", "i8042=off", "-machine", "hpet=off"]
    assert not machine([]).operated


def test_a_sata_disk_is_at_the_machines_controller_or_has_one_where_its_grant_says(tmp_path):
    sata = Wanted("ahci", ("01:06:01",), 0x98)
    assert machine([sata]).arguments(tmp_path)[2:] == ["-device", "ide-hd,drive=disk-ahci,bus=ide.0"]
    words = machine([sata], type="pc").arguments(tmp_path)
    assert words[:2] == ["-device", "ich9-ahci,id=sata-ahci,addr=0x13.0"] and words[-1] == "ide-hd,drive=disk-ahci,bus=sata-ahci.0"


def test_a_machine_has_as_many_sata_controllers_as_it_has(tmp_path):
    one, other = Wanted("one", ("01:06:01",)), Wanted("other", ("01:06:01",))
    assert machine([one, other]).arguments(tmp_path) == machine([one]).arguments(tmp_path)
    assert "ide-hd,drive=disk-other,bus=sata-other.0" in machine([one, other], type="pc").arguments(tmp_path)


@pytest.mark.parametrize(("type", "without", "device"), [("q35", (), "nvme,serial=boot"), ("q35", ("ahci",), "nvme,serial=boot"), ("pc", (), "ide-hd")])
def test_the_image_is_on_no_disk_of_a_driver_s_controller(type, without, device):
    assert machine([Wanted("ahci", ("01:06:01",))], without, type).boot_device == device
    assert machine([DISK], (), type).boot_device == "ide-hd"


def test_drivers_without_dma_are_known_by_what_they_hold():
    """A keyboard controller by its data port, a debug console, a timer by its memory, a picture; not who holds the port beside."""
    console, data, other = (need("port", name, length=1, access=Access.READ) for name in ("console", "data", "other"))
    regs, picture = need("mmio", "regs", length=0x400, access=Access.READ), need("framebuffer", "picture")
    found = wanted(system(
        instance("a", app("a", console), console={"base": 0xE9}), instance("b", app("b", data), data={"base": 0x60}),
        instance("c", app("c", other), other={"base": 0x61}), instance("d", app("d", regs), regs={"base": 0xFED0_0000}),
        instance("e", app("e", picture), picture={}),
    ))
    assert found == (Wanted("a", ("operator",)), Wanted("b", ("i8042",)), Wanted("d", ("hpet",)), Wanted("e", ("picture",)))
