"""The shell's commands on files: what they do, what survives, and what a grant does not let them."""

from __future__ import annotations

import re
import time

import pytest

from tests.boot.machine import PATIENCE

pytestmark = [pytest.mark.boot, pytest.mark.xdist_group("boot")]


def begin(machine, disks, profile="files", command="run", *options):
    console = machine(profile, command, *(("--disks", str(disks)) if command == "run" else ()), *options)
    console.expect("^munal> ")
    return console


def ask(console, line):
    """What a command answers, without what the kernel says in between."""
    return [each for each in console.ask(line) if not each.startswith("[")]


def leave(console):
    console.send("poweroff\n")
    assert console.status() == 0


def said(console, name, pattern):
    """Wait until an instance's log has a line that a regular expression matches."""
    end, lines = time.monotonic() + PATIENCE, []
    while not any(re.fullmatch(pattern, line) for line in lines):
        assert time.monotonic() < end, lines
        lines = ask(console, f"log {name}")


def silent(console, *lines):
    """Commands that say nothing where they do what they should."""
    for line in lines:
        assert ask(console, line) == [], line


def test_files_survive_a_reboot_and_those_in_memory_do_not(machine, tmp_path):
    console = begin(machine, tmp_path)
    silent(console, "echo hello > /disk/a", "echo again >> /disk/a", "mkdir /disk/folder", "mv /disk/a /disk/folder", "cp /disk/folder/a /ram",
           "echo short > /ram/a", "cp /ram/a /disk/b", "echo x > /disk/gone", "rm /disk/gone")
    assert ask(console, "cat /disk/folder/a /ram/a") == ["hello", "again", "short"]
    leave(console)
    console = begin(machine, tmp_path)
    assert ask(console, "ls") == ["/disk", "/ram"]
    assert [line.split()[:2] for line in ask(console, "ls /disk")[1:]] == [["b", "6"], ["folder/", time.strftime("%Y-%m-%d", time.gmtime())]]
    assert ask(console, "cat /disk/b /disk/folder/a") == ["short", "hello", "again"]
    assert ask(console, "ls /ram") == []
    leave(console)


@pytest.mark.slow
def test_the_shell_goes_on_when_the_service_or_its_driver_starts_anew(machine, tmp_path):
    console = begin(machine, tmp_path)
    silent(console, "echo one > /disk/a", "sync")
    for number, name in enumerate(("disk", "store", "disk", "store")):
        silent(console, f"restart {name}", f"echo {number} >> /disk/a", "sync")
    assert ask(console, "cat /disk/a") == ["one", "0", "1", "2", "3"]
    silent(console, "echo lost > /ram/a", "restart scratch")
    assert ask(console, "cat /ram/a") == ["cat: /ram/a: not found"]
    leave(console)


@pytest.mark.slow
def test_a_disk_with_something_else_is_left_as_it_is(machine, tmp_path):
    disk = tmp_path / "disk.disk"
    disk.write_bytes(b"\0" * 1024 + b"a file system" + b"\0" * (8 << 20))
    before = disk.read_bytes()
    console = begin(machine, tmp_path)
    said(console, "store", "the disk holds something else, and is left as it is: fill its first 128 KiB with zeros to have it made anew")
    assert ask(console, "ls /disk") == ["ls: /disk: the service does not answer"]
    leave(console)
    assert disk.read_bytes() == before


@pytest.mark.slow
def test_a_damaged_disk_costs_one_line(machine, tmp_path):
    console = begin(machine, tmp_path)
    silent(console, "echo hello > /disk/a")
    leave(console)
    disk = tmp_path / "disk.disk"
    with open(disk, "r+b") as file:
        file.seek(4096 + 16)
        file.write(b"\xff" * 200)
    console = begin(machine, tmp_path)
    said(console, "store", "what is on the disk is damaged: .*")
    assert ask(console, "cat /disk/a") == ["cat: /disk/a: the service does not answer"]
    leave(console)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "options"), [("run", ("--without", "disk")), ("simulate", ("--without", "disk"))])
def test_without_a_disk_there_are_files_in_memory(machine, tmp_path, command, options):
    console = begin(machine, tmp_path, "files", command, *options)
    said(console, "store", "the disk does not answer")
    silent(console, "mkdir /ram/f", "echo hello > /ram/f/a", "mv /ram/f/a /ram/f/b")
    assert ask(console, "cat /ram/f/b") == ["hello"]
    assert ask(console, "rm /ram/f") == ["rm: /ram/f: the folder is not empty"]
    assert ask(console, "cat /ram/f") == ["cat: /ram/f: a folder"]
    leave(console)


@pytest.mark.slow
def test_a_grant_is_a_path_an_access_and_a_quota(machine, tmp_path):
    console = begin(machine, tmp_path, "granted")
    silent(console, "echo outside > /fat/secret", "echo mine > /disk/a")
    assert ask(console, "cat /ram/a /fat/home/one/a") == ["mine", "mine"]
    assert ask(console, "echo x > /ram/a") == ["echo: /ram/a: may only be read"]
    assert ask(console, "rm /ram/a") == ["rm: /ram/a: may only be read"]
    assert ask(console, "cat /disk/secret") == ["cat: /disk/secret: not found"]
    assert ask(console, "cat /disk/../../secret") == ["cat: `/disk/../../secret` is no path of a file or a folder"]
    line, written = "0123456789" * 9, 0
    while not (answer := ask(console, f"echo {line} >> /disk/a")):
        written += 1
    assert answer == ["echo: /disk/a: the quota is used up"]
    entry = 128 + len("a")
    assert written == (2048 - entry - len("mine\n")) // (len(line) + 1)
    assert [row.split()[:3] for row in ask(console, "df") if row.startswith("/disk")] == [["/disk", "1.9", "KiB"]]
    silent(console, f"echo {line} > /fat/home/one/b", "rm /disk/a")
    leave(console)
