"""`munal run hostile --headless`: all hostile SIPs at once, beside a neighbour that keeps its deadlines, as a person runs it.

What contains each is in the words of the kernel's audit; the table here says what is expected of whom, the warden has none.
"""

from __future__ import annotations

import re

import pytest

from composer.interfaces import load_interfaces
from tests.tools.boundary import calls, cases, leaves_memory

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

LONGEST = 400.0
"""Seconds that a run may take on a slow computer."""

SHARE, REFUSED_MEMORY, STACK = r"its share of the processor: at most \d+ %", r"its memory quota: \d+ of \d+ KiB, then refused", "call stack exhausted"
CONTAINED_BY = {
    "ask-flood": SHARE,
    "boundary": r"[\d,]+ cases: \d+ answered as defined, \d+ ended it alone, \d+ ended from outside",
    "bulk": SHARE,
    "channel-flood": "would_block",
    "dma": "its end, for good after 8 restarts: wrote 2 bytes at 0xc of table 0 of device `card`: its model does not let it",
    "exhaust": "its end, for good after 3 restarts: used up its CPU time of 20 ms",
    "float": SHARE,
    "flood": "would_block",
    "grow": REFUSED_MEMORY,
    "grow-table": REFUSED_MEMORY,
    "guess": "its end, for good after 6 restarts: .*handle \\d+|bad_handle",
    "guess-handles": "bad_handle",
    "indirect": "its end, for good after 6 restarts: .*(element|type mismatch)",
    "interrupts": "its end: .*handle 1\\b|bad_handle",
    "leak": "too_many",
    "log-flood": "its log's bound",
    "loop": SHARE,
    "mmio": "its end: .*unreachable",
    "ports": "its end: .*unreachable",
    "recursion": STACK,
    "recursion-indirect": STACK,
    "recursion-wide": STACK,
    "restart-storm": "refused",
    "timers": SHARE,
    "trap-loop": "its end, for good after 8 restarts: .*unreachable",
    "waits": "invalid",
    "wild": "its end, for good after 6 restarts: .*out of bounds",
    "yields": SHARE,
}
ENOUGH_DEADLINES = 1000


def lines(machine, profile: str) -> tuple[int, dict[str, str], list[str]]:
    """The exit status of a run, what it said of each hostile one, and its lines about the neighbour."""
    run = machine(profile)
    status = run.status(LONGEST)
    said = re.findall(r"^hostile ([a-z-]+): (.*?)\r?$", run.heard, re.MULTILINE)
    assert len(said) == len(dict(said)), "one line each"
    return status, dict(said), re.findall(r"^neighbour: .*?(?=\r?$)", run.heard, re.MULTILINE)


def test_each_hostile_one_is_contained_and_the_neighbour_misses_nothing(machine):
    status, said, neighbour = lines(machine, "hostile")
    assert said.keys() == CONTAINED_BY.keys()
    for name, what in CONTAINED_BY.items():
        assert re.search(rf"^contained by .*({what})", said[name]), f"{name}: {said[name]}"
    ended = int(re.search(r"(\d+) ended it alone", said["boundary"])[1])
    assert ended >= sum(leaves_memory(call.function, row) for call in calls(load_interfaces()) for row in cases(call.function))
    counts = re.fullmatch(r"neighbour: (\d+) deadlines, 0 missed", neighbour[-1])
    assert counts and int(counts[1]) >= ENOUGH_DEADLINES
    assert status == 0


def test_a_tame_one_and_one_that_won_make_the_run_fail(machine):
    status, said, _ = lines(machine, "tamed")
    assert said["trap-loop"].startswith("contained by its end, for good after 2 restarts")
    assert said["tame"] == "NOT contained: nothing stopped it in 90 s"
    assert said["winner"] == "NOT contained: it ended with success"
    assert status == 1
