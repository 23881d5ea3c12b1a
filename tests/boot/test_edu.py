"""The educational device's driver: it works by interrupts, is started anew under its client, and reaches no register of DMA."""

from __future__ import annotations

import math
import re
import time

import pytest

from tests.boot.machine import PATIENCE
from tests.boot.workspace import REPOSITORY

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

MOST = 12
FIRST = [*(f"{n}! = {math.factorial(n)}" for n in range(MOST + 1)), *(f"0 bytes for {wrong}" for wrong in ([13, 0, 0, 0], [0] * 5, []))]
on_both = pytest.mark.parametrize("command", ["run", "simulate"])
REFUSED = "its model does not let it"
TRIES = {
    "where DMA takes from": "8 bytes at 0x80",
    "where DMA puts to": "4 bytes at 0x88",
    "how much DMA moves": "4 bytes at 0x90",
    "that DMA is to begin": "4 bytes at 0x98",
    "an interrupt of its own": "4 bytes at 0x60",
    "a factorial that takes long": "4 bytes at 0x8",
}
"""Each try of the truant, in its order, and what it writes."""


def told(console, name, until):
    """The log of an instance, as soon as a line of it matches `until`; the kernel's lines come in between."""
    lines: list[str] = []
    end = time.monotonic() + PATIENCE
    while not any(re.fullmatch(until, line) for line in lines):
        assert time.monotonic() < end, f"{until!r} is not in {lines}"
        lines = [line for line in console.ask(f"log {name}") if not line.startswith("[")]
    return lines


def leave(console):
    console.send("poweroff\n")
    assert console.status() == 0


@on_both
def test_factorials_come_by_interrupt_and_go_on_after_restarts(machine, command):
    console = machine("factorials", command)
    console.expect("^munal> ")
    assert told(console, "multiplier", "asked 100")[:len(FIRST)] == FIRST
    assert "version 1.0" in console.ask("log edu")
    for _ in range(3):
        console.ask("restart edu")
        asked = int(told(console, "multiplier", r"asked \d+")[-1].split()[-1])
        told(console, "multiplier", f"asked {asked + 200}")
    assert not any("is not" in line for line in console.ask("log multiplier"))
    leave(console)


def test_a_machine_without_it_costs_one_line(machine):
    console = machine("factorials", "run", "--without", "edu")
    console.expect("^munal> ")
    assert told(console, "edu", "this machine has no such device") == ["this machine has no such device"]
    assert told(console, "multiplier", "left with code 1") == ["the peer has ended and will not come back", "left with code 1"]
    leave(console)


def test_the_tries_are_the_truants():
    text = (REPOSITORY / "tests" / "boot" / "extra" / "apps" / "hostile" / "truant" / "truant.wat").read_text()
    assert re.findall(r"^    ;; \d+: (.*)$", text, re.MULTILINE) == list(TRIES)


@on_both
def test_what_the_model_leaves_out_ends_its_driver_with_words(machine, command):
    console = machine("truant", command)
    console.expect("^munal> ")
    for number, (name, what) in enumerate(TRIES.items()):
        if number:
            console.ask("start truant")
        lines: list[str] = []
        while sum(line.startswith("wrote ") for line in lines) <= number:
            assert not any(line.startswith("truant ") and " ended " in line for line in console.ask("ps")), f"it came through: {name}"
            lines = console.ask("log truant")
        assert [line for line in lines if line.startswith("wrote ")][-1] == f"wrote {what} of region 0 of device `card`: {REFUSED}", name
    leave(console)
