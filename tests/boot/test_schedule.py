"""Deadlines, shares, lifetimes and services beside everything that tries to hold the processor.

The programs measure by the machine's clock and leave with what they found. Time follows instructions in these machines: the same
is found however busy the computer is that emulates them. They are slow ones, of 125 million instructions a second.
"""

from __future__ import annotations

import re

import pytest

from composer.guest import started
from composer.qemu import Machine
from tests.boot.machine import Listener

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

MEASURED = ("sharer", "starter", "starter-whole", "mortal", "mortal-bulk", "asker")
ANSWERS = 60
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


def test_deadlines_are_kept_to_a_millisecond_beside_loops_and_bulk_operations_as_urgent(image):
    """It leaves with 1 and how many of 200 it missed by a millisecond, or with 1,000 where one came early."""
    with started(image("deadlines"), Machine(counted=True)) as guest:
        listener = Listener(guest)
        listener.expect(r"\] keeper: left with code \d+; stays ended")
        assert code(listener.shown, "keeper") == 1


def test_an_urgent_client_is_answered_soon_by_services_less_urgent_than_a_loop(said):
    """It leaves with 1 and how many of 60 answers took five milliseconds or more; without its priority lent, none ever came."""
    assert code(said, "asker") - 1 < ANSWERS // 2


def test_a_share_of_a_tenth_is_not_passed(said):
    """It leaves with the thousandths of ten periods that it ran."""
    assert code(said, "sharer") <= 110


def test_a_start_does_not_wait_for_a_small_share(said):
    """They leave with the moment of their first instruction, in tenths of a millisecond; the share's period is 50 ms."""
    assert abs(code(said, "starter") - code(said, "starter-whole")) < 250


@pytest.mark.parametrize(("name", "time"), [("mortal", "200 ms"), ("mortal-bulk", "100 ms")])
def test_a_life_ends_when_its_time_is_used_up(said, name, time):
    assert f"] {name}: used up its CPU time of {time}; stays ended" in said


@pytest.mark.parametrize("name", HOLDING)
def test_what_holds_the_processor_is_stopped_from_outside(said, name):
    assert f"] {name}: stopped" in said
