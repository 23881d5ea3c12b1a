"""A driver that is restarted in the midst of its work loses nothing of what its clients said, and they go on."""

from __future__ import annotations

import re
import string

import pytest

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

ROUNDS, NUMBERS = 100, 40
"""As in the batterer's source."""
FIFO = 16
"""Bytes that the UART holds: a driver that is ended with so many under way sends them once more."""
FLUSHED = "flushed: Err(TimedOut), then Ok(0)\r\n"
"""The driver was just started anew, and has taken all when a flush comes back."""
TYPED = string.ascii_lowercase * 80


def said() -> str:
    """What the batterer says before it tells what it heard."""
    lines = ("".join(f"<{number}>" for number in range(n * NUMBERS, (n + 1) * NUMBERS)) for n in range(ROUNDS))
    return "munal battered: it begins\r\n" + "".join(f"{line}\r\n" for line in lines) + FLUSHED + "heard: "


def repeats(heard: str, wanted: str, most: int) -> int | None:
    """How often at least `heard` steps back, by at most `most` characters each time, if it is `wanted` but for that.

    Keeps, for each place in `wanted` that the text may have come to, the fewest steps back that lead there.
    """
    places = {0: 0}
    for char in heard:
        reached: dict[int, int] = {}
        for place, steps in places.items():
            for start in range(max(0, place - most), place + 1):
                if start < len(wanted) and wanted[start] == char:
                    cost = steps + (start < place)
                    reached[start + 1] = min(cost, reached.get(start + 1, cost))
        least = min(reached.values(), default=0)
        places = {place: steps for place, steps in reached.items() if steps <= least + 2}
        if not places:
            return None
    return places.get(len(wanted))


def test_what_was_said_is_told_from_what_was_lost_or_changed():
    text = "<1><2><3><4><5>"
    assert (repeats(text, text, FIFO), repeats("<1><2><2><3><4><4><5>", text, FIFO)) == (0, 2)
    assert [repeats(wrong, text, FIFO) for wrong in ("<1><2><4><5>", "<1><2><3><4>", "<1><2>x<3><4><5>")] == [None] * 3


def test_a_serial_driver_that_is_restarted_all_the_time_loses_no_output(machine):
    console = machine("battered")
    console.expect("^munal battered: it begins")
    console.send(TYPED)
    console.expect("that is all")
    told, heard = re.search(r"(munal battered.*\nheard: )(.*)\r\nthat is all", console.heard, re.DOTALL).groups()
    again = repeats(told, said(), FIFO)
    assert again is not None and again <= ROUNDS, told
    rest = iter(TYPED)
    assert heard and all(char in rest for char in heard), f"what was heard was typed, in this order: {heard}"


def test_a_line_that_stays_asserted_interrupts_once_for_each_acknowledgement(machine):
    """Its driver is started anew and stopped, and the machine works on: nobody serves the line then."""
    console = machine("stuck")
    console.expect("^munal> ")
    rounds = [f"round {n}: 1" for n in range(1, 6)]
    for life in (1, 2):
        log: list[str] = []
        while len(log) < life * len(rounds):
            log = [line for line in console.ask("log stuck") if line.startswith("round")]
        assert log == rounds * life
        console.ask("restart stuck" if life == 1 else "stop stuck")
    assert any("stopped" in line for line in console.ask("ps") if line.startswith("stuck"))
    console.send("poweroff\n")
    assert console.status() == 0
