"""Files on a FAT disk: what mtools puts there is read in a machine, and what is written there is read by mtools."""

import os
import subprocess

import pytest

from composer import fat, packages

PROFILE = "exchanged"
DISK = "ahci.disk"
"""The profile's disk that is FAT, called like the instance that drives it."""

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]


@pytest.fixture(autouse=True)
def tools():
    packages.require_virtual_machine()
    fat.require_mtools()
    fat.require_checker()


@pytest.fixture
def console(machine, tmp_path):
    """Boots the profile with the disks of a folder of this test's own."""

    def boot():
        console = machine(PROFILE, "run", "--disks", str(tmp_path))
        console.expect("^munal> ")
        return console

    return boot


def mtools(name, disk, *words, marked=False):
    """Run one of the mtools on a whole disk; give what it says. `marked`: on one that may be marked as in use, too."""
    env = {**os.environ, "MTOOLSRC": os.devnull, "TZ": "UTC", "MTOOLS_SKIP_CHECK": str(int(marked))}
    return subprocess.run([name, "-i", disk, *words], env=env, check=True, capture_output=True).stdout


def require_sound(disk):
    done = subprocess.run([fat.find_checker(), "-n", disk], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_files_go_in_and_out(console, tmp_path):
    disk, readme = tmp_path / DISK, tmp_path / "readme"
    readme.write_text("from the host\n")
    mtools("mformat", disk, "-C", "-T", str(64 * 2048), "::")
    mtools("mmd", disk, "::/A-folder")
    mtools("mcopy", disk, readme, "::/A-folder/a-long-name.text")
    guest = console()
    assert guest.ask("cat /fat/a-folder/a-long-name.text") == ["from the host"]
    assert guest.ask("echo from the guest > /fat/answer.text") == []
    assert guest.ask("cp /fat/a-folder/a-long-name.text /fat/copy.txt") == []
    assert guest.ask("echo and more >> /fat/answer.text") == []
    guest.ask("restart fat")
    assert guest.ask("cat /fat/answer.text /fat/copy.txt") == ["from the guest", "and more", "from the host"]
    assert guest.ask("rm /fat/a-folder/a-long-name.text") == []
    guest.send("poweroff\n")
    assert guest.status() == 0
    assert mtools("mtype", disk, "::/answer.text") == b"from the guest\nand more\n"
    assert b"long" not in mtools("mdir", disk, "::/A-folder")
    require_sound(disk)


def test_a_blank_disk_becomes_one_that_others_read(console, tmp_path):
    guest = console()
    assert guest.ask("echo written > /fat/new.txt") == []
    # What was answered is on the disk, whatever becomes of the machine.
    guest.process.terminate()
    guest.process.wait()
    assert mtools("mtype", tmp_path / DISK, "::/new.txt", marked=True) == b"written\n"


def test_the_partition_that_firmware_boots_from_is_read(console, tmp_path):
    fat.write_disk(b"no image" * 1000, tmp_path / DISK)
    guest = console()
    assert any(line.split()[:1] == ["BOOTX64.EFI"] for line in guest.ask("ls /fat/EFI/BOOT"))
    assert "FAT32, partition 1, 64 MiB" in " ".join(guest.ask("log fat"))
