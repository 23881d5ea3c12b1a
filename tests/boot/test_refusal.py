"""An image that is not what was composed: the kernel says so, and runs none of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from composer.run import RunOptions, run

MAGIC = b"MUNALSYS"
TABLE_OFFSET_AT = 16
FIRST_MODULE = 4096
UNTIL = 25.0
"""Seconds for a machine that halts for good: the firmware's part of it takes a few."""

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]


@pytest.fixture
def said(image, tmp_path):
    """`said(profile, flip)` boots the profile's image with one bit changed at section offset `flip(header)`; gives what the serial
    line showed."""

    def boot(profile: str, place) -> str:
        changed = bytearray(image(profile).read_bytes())
        section = changed.index(MAGIC)
        changed[section + place(changed[section:section + 64])] ^= 1
        path = tmp_path / "changed.efi"
        path.write_bytes(changed)
        with open(os.devnull, "rb") as nothing, tempfile.TemporaryFile() as shown:
            assert run(Path(path), RunOptions(True, "tcg", UNTIL, input=nothing.fileno(), output=shown.fileno())) == 124
            shown.seek(0)
            return shown.read().decode(errors="replace")

    return boot


def in_a_module(_header: bytes) -> int:
    return FIRST_MODULE + 100


def in_the_table(header: bytes) -> int:
    return int.from_bytes(header[TABLE_OFFSET_AT:TABLE_OFFSET_AT + 8], "little") + 20


def test_a_changed_module_is_noticed(said):
    words = said("minimal", in_a_module)
    assert words.startswith("kernel panic: module `") and "SHA-256 differs" in words
    assert "Hello" not in words


def test_a_changed_table_is_noticed(said):
    words = said("minimal", in_the_table)
    assert words.startswith("munal: this image does not boot: the system table is not what was composed")


def test_without_the_emergency_writer_a_panic_says_nothing(said):
    words = said("quiet", in_a_module)
    assert "panic" not in words and "Hello" not in words
