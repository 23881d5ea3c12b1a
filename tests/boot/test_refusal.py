"""An image that is not what was composed: the kernel says so, and runs none of it."""

from __future__ import annotations

import re
import select
import time
from contextlib import ExitStack

import pytest

from composer.guest import Guest, started
from composer.qemu import Machine
from composer.screen import Screen

MAGIC = b"MUNALSYS"
FILE_ALIGNMENT = 512
"""The kernel's code holds the magic too, but not where a section may start."""
TABLE_OFFSET_AT = 16
FIRST_MODULE = 4096
PATIENCE = 60.0
"""Seconds without a byte after which a machine is given up."""

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]


class Listener:
    """What a machine's serial line shows, without the firmware's part."""

    def __init__(self, guest: Guest) -> None:
        self.guest, self.screen, self.shown = guest, Screen(), ""

    def hear(self, seconds: float) -> bool:
        """Listen once; false when nothing came in time."""
        ready, _, _ = select.select([self.guest.serial], [], [], max(0.0, seconds))
        data = self.guest.serial.recv(4096) if ready else b""
        self.shown += self.screen.feed(data).decode(errors="replace")
        return bool(data)

    def line(self) -> str:
        """The first whole line."""
        while "\n" not in self.shown:
            assert self.hear(PATIENCE), self.screen.hidden()
        return self.shown.splitlines()[0]


@pytest.fixture
def changed(image, tmp_path):
    """`changed(profile, place)` boots the profile's image with one bit changed, `place(header)` bytes into its section .munal."""
    with ExitStack() as machines:

        def boot(profile: str, place) -> Listener:
            data = bytearray(image(profile).read_bytes())
            section = next(found.start() for found in re.finditer(MAGIC, data) if found.start() % FILE_ALIGNMENT == 0)
            data[section + place(data[section:section + 64])] ^= 1
            path = tmp_path / f"{profile}.efi"
            path.write_bytes(data)
            return Listener(machines.enter_context(started(path, Machine())))

        yield boot


def in_a_module(_header: bytes) -> int:
    return FIRST_MODULE + 100


def in_the_table(header: bytes) -> int:
    return int.from_bytes(header[TABLE_OFFSET_AT:TABLE_OFFSET_AT + 8], "little") + 20


def test_a_changed_table_is_noticed(changed):
    assert changed("minimal", in_the_table).line().startswith("munal: this image does not boot: the system table is not what was composed")


def test_a_changed_module_is_noticed_and_said_only_where_panics_may_write(changed):
    """Both machines panic at the same place; the quiet one gets as long again as the other took, and has said nothing."""
    begun = time.monotonic()
    loud, quiet = changed("console", in_a_module), changed("quiet", in_a_module)
    words = loud.line()
    assert words.startswith("kernel panic: module `") and "SHA-256 differs" in words
    until = 2 * time.monotonic() - begun
    while quiet.hear(until - time.monotonic()):
        pass
    assert quiet.shown == ""
    assert "BdsDxe: starting" in quiet.screen.hidden().decode(errors="replace")
