"""Deadlines, shares, lifetimes and services beside everything that tries to hold the processor, in one boot.

The programs measure by the machine's clock and leave with what they found. The computer that emulates the machine stands still at
times: what counts is the greater part of many measurements, and what no such moment can change.
"""

from __future__ import annotations

import re

import pytest

from composer.guest import started
from composer.qemu import Machine
from tests.boot.machine import Listener

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

DEADLINES, ANSWERS = 200, 60
EARLY = 1000
"""What a program leaves with that was woken up early."""


@pytest.fixture(scope="module")
def said(image) -> str:
    """All that the machine says until the last of its measurements has ended."""
    with started(image("urgent"), Machine()) as guest:
        listener = Listener(guest)
        for name in ("keeper", "asker", "sharer", "starter", "mortal", "mortal-bulk"):
            listener.expect(rf"^\[.*\] {name}: .*stays ended")
        return listener.shown


def code(said: str, name: str) -> int:
    """What a program left with."""
    return int(re.search(rf"\] {name}: left with code (\d+); stays ended", said)[1])


def test_deadlines_are_kept_beside_loops_and_bulk_operations_as_urgent(said):
    assert code(said, "keeper") != EARLY
    assert code(said, "keeper") - 1 < DEADLINES // 2


def test_an_urgent_client_is_answered_at_once_by_services_less_urgent_than_a_loop(said):
    assert code(said, "asker") - 1 < ANSWERS // 2


def test_a_share_is_kept_to(said):
    """A tenth, and at most the period that was under way at the end."""
    assert 10 <= code(said, "sharer") <= 115


@pytest.mark.parametrize(("name", "time"), [("mortal", "200 ms"), ("mortal-bulk", "100 ms")])
def test_a_life_ends_when_its_time_is_used_up(said, name, time):
    assert f"] {name}: used up its CPU time of {time}; stays ended" in said
