"""A SATA disk on an AHCI controller: what was written is there, whatever becomes of its driver, and an error is one request's alone."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from composer.peripherals import BESIDE_SATA, DISK_BYTES
from tests.boot.machine import PATIENCE, Machine
from tests.boot.monitor import Watched, watched

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

SECTOR, SECTORS = 512, 1200
"""What the scribe writes: that many sectors at the disk's end."""
FACTOR = 0x9E37_79B1
RESTARTS = 4
ABSENT = {"scribed": "none of the controller's 6 ports has a disk", "scribed@pc": "this machine has no such device"}
"""What the driver says of a machine without the disk: a q35 has the controller even so."""


def rounds(lines: list[str]) -> list[tuple[int, int]]:
    """The rounds that the scribe came to the end of, each with how many failures there were before."""
    assert not [line for line in lines if "is not what was written" in line]
    return [(int(found[1]), int(found[2])) for line in lines if (found := re.fullmatch(r"round (\d+) after (\d+) failures", line))]


def told(console: Machine, name: str, enough: Callable[[list[str]], object]) -> list[str]:
    """The lines of an instance's log, once there are enough; the kernel's come in between."""
    lines: list[str] = []
    end = time.monotonic() + PATIENCE
    while not enough(lines):
        assert time.monotonic() < end, lines
        lines = [line for line in console.ask(f"log {name}") if line and not line.startswith("[")]
    return lines


def written(disk: Path) -> set[int]:
    """The rounds whose pattern the disk's last sectors have, each of them whole."""
    words = struct.unpack(f"<{SECTORS * SECTOR // 4}I", disk.read_bytes()[-SECTORS * SECTOR:])
    inverse = pow(FACTOR, -1, 1 << 32)
    found = [(word * inverse % (1 << 32)) ^ number for number, word in enumerate(words)]
    assert not [each for each in found if each % (1 << 20)]
    sectors = [set(found[start:start + SECTOR // 4]) for start in range(0, len(found), SECTOR // 4)]
    assert all(len(sector) == 1 for sector in sectors), "a sector has words of several rounds"
    return {each >> 20 for each in found}


def attached(path: Path, bus: str, *more: str) -> tuple[str, ...]:
    """QEMU's words for a disk at a port."""
    path.touch()
    with path.open("r+b") as file:
        file.truncate(DISK_BYTES)
    return ("-drive", f"if=none,id=disk,format=raw,file={path}", "-device", f"ide-hd,drive=disk,bus={bus}", *more)


@pytest.mark.parametrize("profile", ["scribed", "scribed@pc"])
def test_what_was_written_is_there_whatever_becomes_of_the_driver(machine, tmp_path, profile):
    console = machine(profile, "run", "--disks", str(tmp_path))
    console.expect("^munal> ")

    def until(number: int) -> int:
        last, failures = rounds(told(console, "scribe", lambda lines: any(last >= number for last, _ in rounds(lines))))[-1]
        assert failures == 0, "a driver that begins anew fails no request"
        return last

    last = until(3)
    for _ in range(RESTARTS):
        console.ask("restart ahci")
        last = until(last + 2)
    assert told(console, "ahci", bool)[-1] == "a disk of 64 MiB at port 0: QEMU HARDDISK"
    console.send("poweroff\n")
    assert console.status() == 0
    assert min(written(tmp_path / "ahci.disk")) >= last


def test_an_error_is_the_answer_to_one_request_and_the_driver_goes_on(image, tmp_path):
    disk = tmp_path / "disk"
    with watched(image("scribed"), boot_device=BESIDE_SATA, extra=attached(disk, "ide.0")) as it:
        it.expect("^munal> ")
        it.logged("scribe", rounds)
        for _ in range(2):
            failed = len(failures(it))
            it.execute("block_resize", device="disk", size=DISK_BYTES // 2)
            it.logged("scribe", lambda lines: any(line.startswith("Write") and line.endswith(": Failed") for line in lines[-3:]))
            assert len(failures(it)) > failed
            it.execute("block_resize", device="disk", size=DISK_BYTES)
            at = rounds(it.logged("scribe", rounds))[-1][0]
            it.logged("scribe", lambda lines, at=at: rounds(lines)[-1:] and rounds(lines)[-1][0] > at)
        assert sum("a disk of" in line for line in it.logged("ahci")) <= 1, "it is one life"
        it.send("poweroff\n")


def failures(it: Watched) -> list[str]:
    """What the driver says of requests that its disk could not do."""
    return [line for line in it.logged("ahci") if line.endswith(" failed")]


def test_the_first_port_with_a_disk_is_taken_and_a_cd_is_left_alone(image, tmp_path):
    with watched(image("scribed"), boot_device=BESIDE_SATA, extra=attached(tmp_path / "disk", "ide.3", "-device", "ide-cd,bus=ide.1")) as it:
        it.expect("^munal> ")
        assert it.logged("ahci") == ["a disk of 64 MiB at port 3: QEMU HARDDISK"]
        it.logged("scribe", rounds)


@pytest.mark.parametrize("profile", list(ABSENT))
def test_a_machine_without_the_disk_costs_one_line(machine, profile):
    console = machine(profile, "run", "--without", "ahci")
    console.expect("^munal> ")
    assert told(console, "ahci", bool) == [ABSENT[profile]]
    assert told(console, "scribe", bool) == ["the peer has ended and will not come back"]
    console.send("poweroff\n")
    assert console.status() == 0
