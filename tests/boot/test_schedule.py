"""Deadlines, shares, lifetimes and services beside everything that tries to hold the processor, in one boot.

The programs measure by the machine's clock and leave with what they found. The machine's time follows its instructions, so that
the same is found however busy the computer is that emulates it.
"""

from __future__ import annotations

import re

import pytest

from composer.guest import started
from composer.qemu import Machine
from tests.boot.machine import Listener

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

MEASURED = ("sharer", "starter", "starter-whole", "mortal", "mortal-bulk", "asker", "keeper")
HOLDING = ("loop", "loop-high", "rounder-high", "tabler-high", "filler-high", "filler")
"""Those that hold the processor: in a loop, in functions of the runtime, in bulk operations; running, ready and throttled."""


@pytest.fixture(scope="module")
def said(image) -> str:
    """All that the machine says until its measurements have ended and everything else was stopped from the shell."""
    with started(image("urgent"), Machine(counted=True)) as guest:
        listener = Listener(guest)
        for name in MEASURED:
            listener.expect(rf"\] {name}: .*stays ended")
        guest.serial.send("".join(f"stop {name}\n" for name in HOLDING).encode())
        for name in HOLDING:
            listener.expect(rf"\] {name}: stopped")
        return listener.shown


def code(said: str, name: str) -> int:
    """What a program left with."""
    return int(re.search(rf"\] {name}: left with code (\d+); stays ended", said)[1])


def test_no_deadline_is_missed_beside_loops_and_bulk_operations_as_urgent(said):
    """It leaves with 1 and how many of 200 it missed by a millisecond, or with 1,000 where one came early."""
    assert code(said, "keeper") == 1


def test_an_urgent_client_is_answered_at_once_by_services_less_urgent_than_a_loop(said):
    """It leaves with 1 and how many of 60 answers took a millisecond or more."""
    assert code(said, "asker") == 1


def test_a_share_of_a_tenth_is_a_tenth(said):
    """It leaves with the thousandths of ten periods that it ran; the start of the last may still be its own."""
    assert 95 <= code(said, "sharer") <= 110


def test_a_start_does_not_wait_for_a_small_share(said):
    """They leave with the moment of their first instruction, in tenths of a millisecond; the share's period is 50 ms."""
    assert abs(code(said, "starter") - code(said, "starter-whole")) < 250


@pytest.mark.parametrize(("name", "time"), [("mortal", "200 ms"), ("mortal-bulk", "100 ms")])
def test_a_life_ends_when_its_time_is_used_up(said, name, time):
    assert f"] {name}: used up its CPU time of {time}; stays ended" in said


@pytest.mark.parametrize("name", HOLDING)
def test_what_holds_the_processor_is_stopped_from_outside(said, name):
    assert f"] {name}: stopped" in said
