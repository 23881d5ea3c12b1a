"""An image that is not what was composed: the kernel says so, and runs none of it."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack

import pytest

from composer.guest import started
from composer.qemu import Machine
from tests.boot.machine import Listener

MAGIC = b"MUNALSYS"
FILE_ALIGNMENT = 512
"""The kernel's code holds the magic too, but not where a section may start."""
TABLE_OFFSET_AT = 16
FIRST_MODULE = 4096

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]


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
