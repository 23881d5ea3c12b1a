"""The repository's own profiles in the simulator: the real drivers and the real shell, built by cargo, at simulated devices."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from composer import pipeline
from composer.simulate import SimulateOptions, simulate
from composer.simulate.faults import Plan

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("simulate")]


@pytest.fixture(scope="module")
def composed():
    made: dict[str, pipeline.Generated] = {}

    def get(profile: str) -> pipeline.Generated:
        if profile not in made:
            result = pipeline.compose(ROOT, profile, pipeline.Stage.GENERATE)
            assert result.ok, result.diagnostics
            made[profile] = result.value
        return made[profile]

    return get


@pytest.fixture
def console(composed):
    """`console(profile, typed)` gives the exit status and the lines printed, without their ends."""

    def go(profile: str, typed: str, **options: object) -> tuple[int, list[str]]:
        made = composed(profile)
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as printed:
            source.write(typed.encode())
            source.seek(0)
            chosen = SimulateOptions(**{"timeout": LONGEST, "input": source.fileno(), "output": printed.fileno(), **options})
            status = simulate(made.system, made.wasm, made.glue, chosen)
            printed.seek(0)
            return status, printed.read().decode().splitlines()

    return go


def test_the_console_answers_and_powers_off(console):
    status, lines = console("console", "ps\ngrants com1\npoweroff\n")
    assert status == 0
    assert lines[0].startswith("munal ") and lines[0].endswith("simulated")
    assert {line.split()[0] for line in lines if "KiB" in line and "waiting" in line or "running" in line} >= {"com1", "shell", "rtc"}
    assert "port regs: 0x3f8..0x3fe, read and write, 8 bits" in lines
    assert "irq line: ISA 4" in lines


def test_hello_says_its_line_and_ends(console, capsys):
    status, lines = console("minimal", "", timeout=2.0)
    assert status == 124
    assert any(line.startswith("Hello") for line in lines)


@pytest.mark.parametrize("code", [0, 7, 255])
def test_exit_gives_its_code_through_the_debug_exit(console, code):
    assert console("test", f"exit {code}\n")[0] == code


def test_what_is_pasted_fast_arrives_whole(console):
    words = [" ".join(f"word{n}-{k}" for k in range(8)) for n in range(40)]
    status, lines = console("console", "".join(f"echo {w}\n" for w in words) + "poweroff\n")
    assert status == 0
    assert [line for line in lines if line.startswith("word")] == words


def test_date_and_the_clocks_log_show_the_machines_time(console):
    status, lines = console("console", "date\nlog rtc\npoweroff\n", rtc="2031-02-03T04:05:06")
    assert status == 0
    assert any(line.startswith("2031-02-03 04:05:") for line in lines)


DEVICES = ("rng", "disk", "ahci", "net", "e1000", "display", "framebuffer", "ps2", "keyboard", "mouse", "tablet", "factorial")


def checked(lines: list[str]) -> dict[str, str]:
    """What the check says of each device."""
    return {line.split()[1].rstrip(":"): line.split(": ", 1)[1] for line in lines if line.startswith("device ")}


def test_all_devices_are_used_and_the_machine_powers_off(console):
    status, lines = console("devices", "", timeout=300.0)
    found = checked(lines)
    assert status == 0 and found["pci"].startswith("ok") and [name for name in DEVICES if not found[name].startswith("ok ")] == [], lines


def test_devices_that_are_left_out_are_missed_by_their_drivers(console):
    status, lines = console("devices", "", timeout=300.0, plan=Plan(without=DEVICES))
    found = checked(lines)
    assert status == 0 and {name for name in DEVICES if found[name] == "absent"} == set(DEVICES) and found["pci"].startswith("ok"), lines


def test_the_shell_lists_the_cards_that_drivers_drive(console):
    status, lines = console("drivers", "pci\nlog disk\npoweroff\n")
    assert status == 0 and "a disk of 64 MiB" in lines
    assert any("1af4:1042" in line for line in lines) and any("8086:100e" in line for line in lines)
