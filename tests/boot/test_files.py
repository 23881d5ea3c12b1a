"""The shell's commands on files: what they do, what survives, and what a grant does not let them."""

from __future__ import annotations

import time

import pytest

from tests.boot.machine import PATIENCE

pytestmark = [pytest.mark.boot, pytest.mark.xdist_group("boot")]

on_both = pytest.mark.parametrize("command", ["run", "simulate"])


def begin(machine, disks, profile="files", command="run", *options):
    console = machine(profile, command, *(("--disks", str(disks)) if command == "run" else ()), *options)
    console.expect("^munal> ")
    return console


def leave(console):
    console.send("poweroff\n")
    assert console.status() == 0


def said(console, name, line):
    """Wait until an instance's log has a line."""
    end = time.monotonic() + PATIENCE
    while line not in (lines := console.ask(f"log {name}")):
        assert time.monotonic() < end, lines


def silent(console, *lines):
    """Commands that say nothing where they do what they should."""
    for line in lines:
        assert console.ask(line) == [], line


def test_files_survive_a_reboot_and_those_in_memory_do_not(machine, tmp_path):
    console = begin(machine, tmp_path)
    silent(console, "echo hello > /disk/a", "echo again >> /disk/a", "mkdir /disk/folder", "mv /disk/a /disk/folder", "cp /disk/folder/a /ram",
           "echo short > /ram/a", "cp /ram/a /disk/b", "echo x > /disk/gone", "rm /disk/gone")
    assert console.ask("cat /disk/folder/a /ram/a") == ["hello", "again", "short"]
    leave(console)
    console = begin(machine, tmp_path)
    assert console.ask("ls") == ["/disk", "/ram"]
    assert [line.split()[:2] for line in console.ask("ls /disk")[1:]] == [["b", "6"], ["folder/", time.strftime("%Y-%m-%d", time.gmtime())]]
    assert console.ask("cat /disk/b /disk/folder/a") == ["short", "hello", "again"]
    assert console.ask("ls /ram") == ["NAME"]
    leave(console)


def test_the_shell_goes_on_when_the_service_or_its_driver_starts_anew(machine, tmp_path):
    console = begin(machine, tmp_path)
    silent(console, "echo one > /disk/a", "sync")
    for number, name in enumerate(("disk", "store", "disk", "store")):
        silent(console, f"restart {name}", f"echo {number} >> /disk/a", "sync")
    assert console.ask("cat /disk/a") == ["one", "0", "1", "2", "3"]
    silent(console, "echo lost > /ram/a", "restart scratch")
    assert console.ask("cat /ram/a") == ["cat: /ram/a: not found"]
    leave(console)


def test_a_disk_with_something_else_is_left_as_it_is(machine, tmp_path):
    disk = tmp_path / "disk.disk"
    disk.write_bytes(b"\0" * 1024 + b"a file system" + b"\0" * (8 << 20))
    before = disk.read_bytes()
    console = begin(machine, tmp_path)
    said(console, "store", "the disk holds something else, and is left as it is: fill its first 128 KiB with zeros to have it made anew")
    assert console.ask("ls /disk") == ["ls: /disk: the service does not answer"]
    leave(console)
    assert disk.read_bytes() == before


def test_a_damaged_disk_costs_one_line(machine, tmp_path):
    console = begin(machine, tmp_path)
    silent(console, "echo hello > /disk/a")
    leave(console)
    disk = tmp_path / "disk.disk"
    with open(disk, "r+b") as file:
        file.seek(4096 + 16)
        file.write(b"\xff" * 200)
    console = begin(machine, tmp_path)
    end = time.monotonic() + PATIENCE
    while not any(line.startswith("what is on the disk is damaged: ") for line in (lines := console.ask("log store"))):
        assert time.monotonic() < end, lines
    assert console.ask("cat /disk/a") == ["cat: /disk/a: the service does not answer"]
    leave(console)


@pytest.mark.parametrize(("command", "options"), [("run", ("--without", "disk")), ("simulate", ())])
def test_without_a_disk_there_are_files_in_memory(machine, tmp_path, command, options):
    console = begin(machine, tmp_path, "files", command, *options)
    said(console, "store", "the disk does not answer")
    silent(console, "mkdir /ram/f", "echo hello > /ram/f/a", "mv /ram/f/a /ram/f/b")
    assert console.ask("cat /ram/f/b") == ["hello"]
    assert console.ask("rm /ram/f") == ["rm: /ram/f: the folder is not empty"]
    assert console.ask("cat /ram/f") == ["cat: /ram/f: a folder"]
    leave(console)


def test_a_grant_is_a_path_an_access_and_a_quota(machine, tmp_path):
    console = begin(machine, tmp_path, "granted")
    silent(console, "echo outside > /fat/secret", "echo mine > /disk/a")
    assert console.ask("cat /ram/a /fat/home/one/a") == ["mine", "mine"]
    assert console.ask("echo x > /ram/a") == ["echo: /ram/a: may only be read"]
    assert console.ask("rm /ram/a") == ["rm: /ram/a: may only be read"]
    assert console.ask("cat /disk/secret") == ["cat: /disk/secret: not found"]
    assert console.ask("cat /disk/../../secret") == ["cat: `/disk/../../secret` is no path of a file or a folder"]
    line, written = "0123456789" * 9, 0
    while not (answer := console.ask(f"echo {line} >> /disk/a")):
        written += 1
    assert answer == ["echo: /disk/a: the quota is used up"]
    entry = 128 + len("a")
    assert written == (2048 - entry - len("mine\n")) // (len(line) + 1)
    assert [row.split()[:3] for row in console.ask("df") if row.startswith("/disk")] == [["/disk", "1.9", "KiB"]]
    silent(console, f"echo {line} > /fat/home/one/b", "rm /disk/a")
    leave(console)
