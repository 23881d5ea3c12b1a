"""What the kernel tells the time by, the time of day and random bytes, on machines that have one source or another.

Each machine is asked for all of it: five boots see every clock and every source of random numbers, alone and together.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from composer.guest import started
from composer.qemu import Machine
from tests.boot.machine import Listener

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

DATE = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC"
RANDOM = 1024
"""Bytes."""
DRIFT = 0.02
"""How much longer or shorter than here a time may seem over there, for that reason alone that this computer is busy."""
LATE = 0.5
"""Seconds that an answer may be late, likewise."""
LOOSE = 50
"""Parts in a million: how well a clock that is watched for some seconds is known at least, on a busy computer, too."""
MEASURED_AGAIN = 1.0
"""Seconds after its start: who asks later is told of the better measurement at once."""
WATCHED = 6.0
"""Seconds for which the clock is watched: a timer of 24 bits begins anew in 4.7."""
UNSTEADY = "qemu64,-hypervisor"
"""A processor of which nobody says that its time stamp counter is steady."""


class Console:
    """The shell on a machine with a command line of its own."""

    def __init__(self, listener: Listener) -> None:
        self.listener, self.asked = listener, 0

    def ask(self, line: str) -> str:
        """Type a line; give what was said, up to the next prompt."""
        start = len(self.listener.shown)
        self.listener.guest.serial.sendall(f"{line}\n".encode())
        self.asked += 1
        while len(re.findall("^munal> ", self.listener.shown, re.MULTILINE)) <= self.asked:
            assert self.listener.hear(60.0), self.listener.shown[-4000:]
        return self.listener.shown[start:]


@pytest.fixture
def console(image):
    """`console(profile, *words)` boots a profile with these words added to QEMU's, up to the prompt."""

    @contextmanager
    def boot(profile: str, *words: str, **machine: object) -> Iterator[Console]:
        with started(image(profile), Machine(extra=words, **machine)) as guest:
            listener = Listener(guest)
            listener.expect("^munal> ")
            yield Console(listener)

    return boot


def told(system: str, what: str) -> str:
    """One line of `system`."""
    return re.search(rf"^{what}: +(.*?)\r?$", system, re.MULTILINE)[1]


def uptime(system: str) -> float:
    """Seconds."""
    return float(told(system, "up").removesuffix(" ms")) / 1000


SWITCHES = 7
"""Words of `ps -l` from the priority to how often an instance was switched to."""

drawn: set[bytes] = set()
"""What was drawn on any machine: no two draw the same."""


@pytest.mark.parametrize(("words", "clock", "sources"), [
    ((), r"time stamp counter, by the HPET, known to \d+ ppm", "jitter"),
    (("-machine", "hpet=off"), r"time stamp counter, by the ACPI PM timer, known to \d+ ppm", "firmware, jitter"),
    (("-cpu", f"{UNSTEADY},+rdrand"), "HPET", "rdrand, jitter"),
    (("-cpu", UNSTEADY, "-machine", "hpet=off"), "ACPI PM timer", "jitter"),
], ids=["counter-by-hpet", "counter-by-pm-timer", "hpet", "pm-timer"])
def test_time_goes_on_and_chance_is_found_on_any_machine(console, words, clock, sources):
    with console("timed", *words, rtc="2031-02-28T23:59:30", random="firmware" in sources) as it:
        begin, here = it.ask("system"), time.monotonic()
        assert re.fullmatch(clock, told(begin, "clock"))
        check_chance(it, sources)
        while uptime(end := it.ask("system")) < uptime(begin) + WATCHED:
            assert time.monotonic() - here < 5 * WATCHED, "the clock stands still"
        passed, here = uptime(end) - uptime(begin), time.monotonic() - here
        assert abs(passed - here) < DRIFT * here + LATE
        watched = it.ask("log ticker")
        assert "forwards" in watched and "back" not in watched
        if "known" in clock:
            assert ppm(end) < LOOSE and (ppm(end) < ppm(begin) or uptime(begin) >= MEASURED_AGAIN), "after a second it is measured again"
        date, driver = (datetime.fromisoformat(re.search(DATE, it.ask(asked))[1]) for asked in ("system", "date"))
    assert 0 <= (date - datetime(2031, 2, 28, 23, 59, 30)).total_seconds() < 300
    assert abs((driver - date).total_seconds()) <= 2 + LATE


def ppm(system: str) -> int:
    return int(re.search(r"known to (\d+) ppm", told(system, "clock"))[1])


def check_chance(it: Console, sources: str) -> None:
    """1,024 bytes look random: counts of values are Poisson's with a mean of 4, of which 250.7 occur and none 20 times."""
    random = bytes.fromhex(re.search(rf"^[0-9a-f]{{{2 * RANDOM}}}\r?$", it.ask(f"random {RANDOM}"), re.MULTILINE)[0])
    assert len(Counter(random)) > 235 and max(Counter(random).values()) < 20
    assert random not in drawn
    drawn.add(random)
    assert told(it.ask("system"), "entropy").startswith(f"{sources}; seeded")
    assert (sources == "jitter") == ("the timing of interrupts has to make them" in it.listener.shown)


def test_a_driver_gets_the_event_timer_and_the_kernel_takes_the_other_clock(console):
    """The HPET is measured against, and then given away; and what everybody used of the processor is all that there was."""
    with console("test", debug_exit=True) as it:
        system = it.ask("system")
        assert told(system, "clock").startswith("time stamp counter, by the ACPI PM timer")
        assert "first line" in told(system, "boot")
        used = float(re.search(r"([\d.]+) ms told of", system)[1]) / 1000
        assert abs(used - uptime(system)) < 0.01 * uptime(system)
        listed = [line.split() for line in it.ask("ps -l").splitlines() if "normal" in line]
        assert len(listed) >= 7 and sum(int(words[words.index("normal") + SWITCHES]) > 0 for words in listed) >= 5, "most were switched to"
