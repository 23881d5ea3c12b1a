"""The disk image that `munal build --disk` writes boots like the image itself: partition table, file system and all."""

import select

import pytest

from composer import fat, packages
from composer.guest import started
from composer.pipeline import compose
from composer.qemu import Machine
from tests.boot.workspace import copy_workspace

SAYS = b"Hello from a program"
PATIENCE = 120
"""Seconds without a byte on the serial line after which the machine is given up."""

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]


@pytest.fixture
def disk(tmp_path):
    packages.require_virtual_machine()
    path = tmp_path / "munal.img"
    fat.write_disk(compose(copy_workspace(tmp_path / "workspace"), "minimal").value.image.read_bytes(), path)
    return path


def test_a_disk_boots_to_its_first_program(disk):
    heard = b""
    with started(disk, Machine()) as guest:
        while SAYS not in heard:
            ready, _, _ = select.select([guest.serial], [], [], PATIENCE)
            assert ready, heard
            said = guest.serial.recv(4096)
            assert said, heard + guest.errors().encode()
            heard += said
