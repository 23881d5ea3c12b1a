"""`munal run devices --headless` uses each device that its drivers drive, and tells which are not there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType

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
    "framebuffer": r"ok \d+ x \d+, \d+ frames/s, \d+ pieces of 32 x 32/s",
    "ps2": r"ok 83 keys pressed and released, \d+ us each from the asking; 100 movements, \d+ us each from the asking",
    "keyboard": r"ok 83 keys pressed and released, \d+ us each from the asking",
    "mouse": r"ok 100 movements, \d+ us each from the asking",
    "tablet": r"ok 100 places, \d+ us each from the asking",
    "factorial": r"ok 650 factorials, \d+ us each",
}
"""What is said of each, as a regular expression."""
PRESSED = ("ps2", "keyboard", "mouse", "tablet")
UNTRIED = "untried: nobody presses keys here"
ON = {"disk": "files"}
"""What is absent with a device: files are on the disk."""


def checked(workspace, disks, profile: str, *words: str) -> tuple[int, list[str], str]:
    """The exit status of a check, the lines that it printed, and what was said beside."""
    command = [sys.executable, "-P", "-m", "composer", "run", "-C", str(workspace), profile, "--headless", "--accel", "tcg", "--timeout", "100", "--disks", str(disks), *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.splitlines(), done.stderr


def expected(lines: list[str], others: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Whether each device has its line: that in `others`, and all else as always."""
    wanted = [f"device {name}: {others.get(name, words)}" for name, words in DEVICES.items()]
    return len(lines) == 1 + len(wanted) and all(re.fullmatch(pattern, line) for pattern, line in zip(wanted, lines[1:], strict=True))


def absent_without(*names: str) -> set[str]:
    """What is absent on a machine that lacks these."""
    return {*names, *(ON[name] for name in names if name in ON)}


@pytest.mark.parametrize("profile", ["devices", "devices@pc"])
def test_each_device_is_used_and_the_machine_powers_off(workspace, image, tmp_path, profile):
    image(profile)
    status, lines, said = checked(workspace, tmp_path, profile)
    assert status == 0 and expected(lines), (lines, said)


@pytest.mark.parametrize("name", [name for name in DEVICES if name not in ("pci", "files")])
def test_a_device_that_is_left_out_is_missed_by_its_driver_alone(workspace, image, tmp_path, name):
    image("devices")
    status, lines, said = checked(workspace, tmp_path, "devices", "--without", name)
    assert status == 0 and expected(lines, dict.fromkeys(absent_without(name), "absent")), (lines, said)


def test_keys_find_their_keyboard_where_there_is_no_display(workspace, image, tmp_path):
    image("devices")
    status, lines, said = checked(workspace, tmp_path, "devices", "--without", "display", "--without", "framebuffer")
    assert status == 0 and expected(lines, {"display": "absent", "framebuffer": "absent"}), (lines, said)


def test_what_nobody_presses_is_not_said_to_be_broken(workspace, image, tmp_path):
    image("devices")
    status, lines, said = checked(workspace, tmp_path, "devices", "--without", "operator")
    assert status == 0 and expected(lines, dict.fromkeys(PRESSED, UNTRIED)), (lines, said)


def test_who_is_left_out_must_drive_something(workspace, image, tmp_path):
    image("devices")
    status, lines, said = checked(workspace, tmp_path, "devices", "--without", "dsik")
    assert (status, lines) == (2, []) and "did you mean `disk`?" in said, said
