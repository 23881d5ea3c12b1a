"""What the kernel tells the time by, the time of day and random bytes, on machines that have one source or another."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from composer.guest import started
from composer.qemu import Machine
from tests.boot.machine import Listener

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

NO_PROCESSOR = ("-cpu", "qemu64,-rdrand")
"""No random numbers of the processor's: QEMU's plainest one has none."""
DATE = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC"
DRIFT = 0.02
"""How much longer or shorter than here a time may seem over there: the serial line is a few hundredths of a second late."""


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


@pytest.mark.parametrize(("words", "clock"), [
    ((), r"time stamp counter, by the HPET, known to \d+ ppm"),
    (("-machine", "hpet=off"), r"time stamp counter, by the ACPI PM timer, known to \d+ ppm"),
    (("-cpu", "qemu64,-hypervisor"), "HPET"),
    (("-cpu", "qemu64,-hypervisor", "-machine", "hpet=off"), "ACPI PM timer"),
])
def test_time_goes_on_by_whatever_clock_there_is(console, words, clock):
    """Over there as fast as here, never back, and for longer than a timer of 24 bits counts before it begins anew."""
    with console("timed", *words) as it:
        assert re.fullmatch(clock, told(it.ask("system"), "clock"))
        first, here = uptime(it.ask("system")), time.monotonic()
        while uptime(it.ask("system")) < first + 6:
            pass
        passed, here = uptime(it.ask("system")) - first, time.monotonic() - here
        assert abs(passed / here - 1) < DRIFT + 0.5 / here
        assert "forwards" in it.ask("log ticker") and "back" not in it.ask("log ticker")


def uptime(system: str) -> float:
    """Seconds."""
    return float(told(system, "up").removesuffix(" ms")) / 1000


def test_the_clock_comes_to_know_its_rate_better(console):
    """After a second it is measured again: from tens of parts per million to a few, and it does not jump."""
    with console("console") as it:
        while uptime(system := it.ask("system")) < 1.5:
            pass
        assert int(re.search(r"known to (\d+) ppm", told(system, "clock"))[1]) < 100


def test_a_driver_gets_the_event_timer_and_the_kernel_takes_the_other_clock(console):
    """The HPET is measured against, and then given away as the firmware had left it."""
    with console("test", debug_exit=True) as it:
        assert told(it.ask("system"), "clock").startswith("time stamp counter, by the ACPI PM timer")


def test_who_holds_the_only_clock_is_told_so(image):
    with started(image("test"), Machine(extra=("-cpu", "qemu64,-hypervisor", "-machine", "acpi=on"), debug_exit=True)) as guest:
        Listener(guest).expect("^munal> ")  # the power-management timer is left


def test_the_time_of_day_is_the_real_time_clocks(console):
    with console("console", rtc="2031-02-28T23:59:30") as it:
        date = datetime.fromisoformat(re.search(DATE, told(it.ask("system"), "time of day"))[1])
        driver = datetime.fromisoformat(re.search(DATE, it.ask("date"))[1])
    assert 0 <= (date - datetime(2031, 2, 28, 23, 59, 30)).total_seconds() < 120
    assert abs((driver - date).total_seconds()) <= 2


@pytest.mark.parametrize(("words", "sources"), [
    ((*NO_PROCESSOR, "-device", "virtio-rng-pci"), "firmware, jitter"),
    (("-cpu", "qemu64,+rdrand"), "rdrand, jitter"),
    (NO_PROCESSOR, "jitter"),
])
def test_each_source_of_random_numbers_is_enough(console, words, sources):
    with console("console", *words) as it:
        random = bytes.fromhex(re.search(r"^[0-9a-f]{2048}\r?$", it.ask("random 1024"), re.MULTILINE)[0])
        entropy = told(it.ask("system"), "entropy")
        assert entropy.startswith(f"{sources}; seeded"), entropy
        assert (sources == "jitter") == ("the timing of interrupts has to make them" in it.listener.shown)
    assert len(Counter(random)) > 230 and max(Counter(random).values()) < 20


def test_two_boots_give_other_random_bytes(console):
    given = []
    for _ in range(2):
        with console("console") as it:
            given += re.findall(r"^[0-9a-f]{64}\r?$", it.ask("random 32") + it.ask("random 32"), re.MULTILINE)
    assert len(set(given)) == 4


def test_what_instances_used_and_what_nobody_used_is_all_there_was(machine):
    """CPU time of all, the kernel's own and idle time add up to the uptime, within one percent."""
    it = machine("test")
    it.expect("^munal> ")
    system = "\n".join(it.ask("system"))
    used = float(re.search(r"([\d.]+) ms told of", system)[1]) / 1000
    assert abs(used - uptime(system)) < 0.01 * uptime(system) + 0.005
    assert "first line" in told(system, "boot")
