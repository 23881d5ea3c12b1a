"""`munal run devices --headless` uses each device that its drivers drive, and tells which are not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.boot.workspace import REPOSITORY

pytestmark = [pytest.mark.boot, pytest.mark.xdist_group("boot")]

DEVICES = {
    "pci": r"ok \d+ functions, \d+ with messages for interrupts",
    "rng": r"ok 256 KiB, [\d.]+ MB/s, chi-square \d+",
    "disk": r"ok 64 MiB, reads [\d.]+ MB/s, writes [\d.]+ MB/s with a flush",
    "ahci": r"ok 64 MiB, reads [\d.]+ MB/s, writes [\d.]+ MB/s with a flush",
    "files": r"ok 4 MiB, reads [\d.]+ MB/s, writes [\d.]+ MB/s with a sync",
    "net": r"ok 52:54:00:[\da-f:]{8}, 500 answers of 52:55:0a:00:02:02 to \d+ questions, \d+ us each",
    "e1000": r"ok 52:54:00:[\da-f:]{8}, 500 answers of 52:55:0a:00:02:02 to \d+ questions, \d+ us each",
    "display": r"ok \d+ x \d+, \d+ frames/s, \d+ pieces of 32 x 32/s",
}
"""What is said of each, as a regular expression."""
GO_TOGETHER = {"disk": {"disk", "files"}}
"""What is absent without a device, where that is more than itself: files are on the disk."""


def checked(workspace, disks, profile: str, *words: str) -> tuple[int, list[str], str]:
    """The exit status of a check, the lines that it printed, and what was said beside."""
    command = [sys.executable, "-P", "-m", "composer", "run", "-C", str(workspace), profile, "--headless", "--accel", "tcg", "--timeout", "100", "--disks", str(disks), *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.splitlines(), done.stderr


def expected(lines: list[str], absent: str | None = None) -> bool:
    import re

    missed = GO_TOGETHER.get(absent, {absent})
    wanted = [rf"device {name}: {'absent' if name in missed else words}" for name, words in DEVICES.items()]
    return len(lines) == 1 + len(wanted) and all(re.fullmatch(pattern, line) for pattern, line in zip(wanted, lines[1:], strict=True))


@pytest.mark.parametrize("profile", ["devices", "devices@pc"])
def test_each_device_is_used_and_the_machine_powers_off(workspace, image, tmp_path, profile):
    image(profile)
    status, lines, said = checked(workspace, tmp_path, profile)
    assert status == 0 and expected(lines), (lines, said)


@pytest.mark.parametrize("name", ["rng", "disk", "ahci", "net", "e1000", "display"])
def test_a_device_that_is_left_out_is_missed_by_its_driver_alone(workspace, image, tmp_path, name):
    image("devices")
    status, lines, said = checked(workspace, tmp_path, "devices", "--without", name)
    assert status == 0 and expected(lines, name), (lines, said)


def test_who_is_left_out_must_drive_something(workspace, image, tmp_path):
    image("devices")
    status, lines, said = checked(workspace, tmp_path, "devices", "--without", "dsik")
    assert (status, lines) == (2, []) and "did you mean `disk`?" in said, said
