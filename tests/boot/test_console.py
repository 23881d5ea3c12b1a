"""What a person at the serial line gets, on the booted machine and in the simulator alike."""

from __future__ import annotations

import re
import statistics
from datetime import UTC, datetime
from itertools import pairwise

import pytest

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

LONGEST_ANSWER = 0.1
"""Seconds of guest time in which the shell answers beside an endless loop."""

on_both = pytest.mark.parametrize("command", ["run", "simulate"])


def row(lines: list[str], name: str) -> str:
    """The line of `ps` that tells of an instance."""
    return next(line for line in lines if line.split()[:1] == [name])


@on_both
def test_the_console_answers_and_powers_off(machine, command):
    console = machine("console", command)
    assert console.expect(r"^munal .*profile console, table [0-9a-f]{8}")
    console.expect("^munal> ")
    lines = console.ask("ps")
    assert all(row(lines, name) for name in ("clock", "com1", "power", "rtc", "shell"))
    grants = console.ask("grants com1")
    assert "port regs: 0x3f8..0x3fe, read and write, 8 bits" in grants and "irq line: ISA 4" in grants
    console.send("poweroff\n")
    assert console.status() == 0


def test_the_console_of_another_target_powers_off_there(machine):
    """QEMU's `pc` has its power management elsewhere: the overlay's port is the one that the firmware's tables name."""
    console = machine("console@pc")
    console.expect("^munal> ")
    assert not [line for line in console.ask("log power") if "no power-off" in line]
    console.send("poweroff\n")
    assert console.status() == 0


def test_nothing_of_the_firmware_is_shown(machine):
    console = machine("console")
    console.expect("^munal> ")
    assert console.heard.startswith("munal ") and "BdsDxe" not in console.heard


@on_both
def test_hello_is_said(machine, command):
    machine("minimal", command).expect(r"^Hello from a program")


@on_both
@pytest.mark.parametrize("code", [7, 0])
def test_exit_gives_its_code_through_the_debug_exit(machine, command, code):
    console = machine("test", command)
    console.expect("^munal> ")
    console.send(f"exit {code}\n")
    assert console.status() == code


@on_both
def test_the_clock_tells_each_second_once_and_right(machine, command):
    console = machine("console", command)
    console.expect("^munal> ")
    told, steps = [], []
    # On a machine that is busy with other work a second may pass untold, but none is told twice.
    while steps[-3:] != [1.0, 1.0, 1.0]:
        told = [datetime.fromisoformat(t).replace(tzinfo=UTC) for t in re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "\n".join(console.ask("log clock")))]
        steps = [(b - a).total_seconds() for a, b in pairwise(told)]
        assert all(step >= 1.0 for step in steps)
    shown = datetime.fromisoformat(re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "\n".join(console.ask("date")))[0]).replace(tzinfo=UTC)
    assert 0 <= (shown - told[-1]).total_seconds() <= 2
    assert abs((datetime.now(UTC) - shown).total_seconds()) < 60


@on_both
def test_the_serial_driver_restarts_and_all_goes_on(machine, command):
    console = machine("console", command)
    console.expect("^munal> ")
    console.send("restart com1\n")
    console.expect(r"com1: ended; starts again")
    console.send("\necho still here\n")
    console.expect(r"^still here")
    console.expect("^munal> ")
    assert row(console.ask("ps"), "com1").split()[-1] == "1"


@on_both
def test_a_stopped_instance_stays_stopped_and_starts_again(machine, command):
    console = machine("console", command)
    console.expect("^munal> ")
    console.send("stop clock\n")
    console.expect(r"clock: stopped")
    console.send("\n")
    console.expect("^munal> ")
    assert "stopped" in row(console.ask("ps"), "clock")
    console.ask("start clock")
    assert "stopped" not in row(console.ask("ps"), "clock")


@on_both
def test_what_is_pasted_fast_arrives_whole(machine, command):
    """3 KB at once, many times what the UART's receiver holds."""
    words = [" ".join(f"word{n}-{k}" for k in range(8)) for n in range(40)]
    console = machine("console", command)
    console.expect("^munal> ")
    console.send("".join(f"echo {w}\n" for w in words) + "poweroff\n")
    assert console.status() == 0
    assert [line for line in console.heard.splitlines() if line.startswith("word")] == words


@on_both
def test_apps_in_other_languages_do_their_work(machine, command):
    """One in C counts primes, one in WebAssembly text keeps time."""
    console = machine("test", command)
    console.expect("^munal> ")
    while len(counted := [line.split(",")[0] for line in console.ask("log primes") if "primes below" in line]) < 2:
        pass
    assert counted[:2] == ["550 primes below 4000", "4203 primes below 40000"]
    while "beat 1, next in 1 s" not in console.ask("log heartbeat"):
        pass
    console.send("exit 9\n")
    assert console.status() == 9


@on_both
def test_glue_stops_a_driver_at_the_end_of_its_ports(machine, command):
    """Offsets 0 to 7 are read, 8 is not; the driver's log says where it trapped, and everything else goes on."""
    console = machine("probed", command)
    console.expect(r"prober: .*unreachable.*stays ended")
    console.send("\n")
    console.expect("^munal> ")
    log = console.ask("log prober")
    assert [line for line in log if line.startswith("reading")][-1] == "reading offset 8"
    assert any("unreachable" in line for line in log)
    lines = console.ask("ps")
    assert "failed" in row(lines, "prober") and "failed" not in row(lines, "com1")
    console.send("poweroff\n")
    assert console.status() == 0


def test_beside_an_endless_loop_the_shell_answers_at_once(machine):
    """Nine commands are pasted; the kernel notes in its own time when each has had its effect. The median leaves out the
    moments in which the computer that emulates the machine was busy with something else."""
    console = machine("crowd")
    console.expect("^munal> ")
    console.send("".join(f"stop i{n}\n" for n in range(9)))
    moments = [float(console.expect(rf"\[ *([0-9.]+)\] i{n}: stopped")[1]) for n in range(9)]
    assert statistics.median(b - a for a, b in zip(moments, moments[1:], strict=False)) < LONGEST_ANSWER
    console.send("\n")
    console.expect("^munal> ")
    console.ask("ps")
    spinner = row(console.ask("ps"), "spinner")
    assert "ready" in spinner or "running" in spinner


@on_both
def test_an_endless_loop_is_stopped_from_the_shell(machine, command):
    console = machine("crowd", command)
    console.expect("^munal> ")
    console.send("stop spinner\n")
    console.expect(r"spinner: stopped")
    console.send("poweroff\n")
    assert console.status() == 0
