"""The drivers and programs together, at simulated devices: what a person at the serial line sees."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("simulate")]

ODD = """
[profile]
extends = ["test"]

[instance.com2]                         # no device is at its ports
app = "uart16550"
grant.port.regs = { base = 0x2f8 }
grant.irq.line = { isa = 3 }

[instance.power]                        # neither is the firmware's
grant.port.pm1a = { base = 0x404 }
grant.port.reset = { base = 0x92 }

[instance.clock]
grant.stream.console = { from = "com1.serial" }
"""

QUIET = """
[profile]
extends = ["console"]

[instance.com1]                         # the kernel says nothing in the midst of a line that a busy computer keeps unfinished
grant.stream.messages = false
"""

BARE = """
[profile]
extends = ["minimal"]

[instance.hello]
app = "shell"
grant.audit.all = true
"""


def after(lines: list[str], command: str) -> str:
    """The line after the one that shows `command` as it was typed."""
    return lines[lines.index(f"munal> {command}") + 1]


def test_what_is_not_known_is_answered_with_what_is_near(composed, console):
    _, lines = console(composed("quiet", QUIET), "hlep\nfrobnicate\nlog clokc\nlog nobody\nps now\npoweroff\n")
    assert after(lines, "hlep") == "there is no command `hlep`; did you mean `help`?"
    assert after(lines, "frobnicate") == "there is no command `frobnicate`; `help` lists them"
    assert after(lines, "log clokc") == "log: there is no instance `clokc`; did you mean `clock`?"
    assert after(lines, "log nobody") == "log: there is no instance `nobody`; `ps` lists them"
    assert after(lines, "ps now") == "usage: ps [-l]"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_every_end_of_line_is_one(composed, console, end):
    status, lines = console(composed("quiet", QUIET), end.join(("echo one", "", "echo two", "poweroff", "")))
    assert status == 0
    assert lines[-6:] == ["munal> echo one", "one", "munal> ", "munal> echo two", "two", "munal> poweroff"]


def test_a_line_is_edited_before_it_is_run(composed, console):
    typed = "echo wrng\x1b[D\x1b[Do\r" "nonsense\x15echo é€\x7f!\r" "\x1b[A\x1b[A\r" "abc\x03" "poweroff\r"
    _, lines = console(composed("quiet", QUIET), typed)
    assert lines.count("wrong") == 1 + 1
    assert "é!" in lines
    assert any(line.endswith("abc^C") for line in lines)


def test_control_is_refused_where_it_is_not_granted(composed, console):
    _, lines = console(composed("console"), "stop shell\nstop clock\npoweroff\n")
    assert "stop: this shell may not control `shell`" in lines
    assert any(line.endswith("] clock: stopped") for line in lines)
    assert not any(line.endswith("] shell: stopped") for line in lines)


def test_missing_and_foreign_hardware_is_named_and_left_alone(composed, console):
    status, lines = console(composed("odd", ODD), "log com2\npoweroff\nreset\nps\nexit 2\n")
    assert status == 2
    assert "no serial port answers at 0x2f8" in lines
    assert "poweroff: the firmware's PM1a_CNT is port 0x604, but 0x404 is granted as `pm1a`" in lines
    assert "reset: the firmware's RESET_REG is port 0xcf9, but 0x92 is granted as `reset`" in lines
    com2 = next(line for line in lines if line.startswith("com2 "))
    assert "ended" in com2


def test_the_date_crosses_a_leap_day(composed, console):
    """The clock's driver answers for the date once it has logged what the clock shows."""
    _, lines = console(composed("quiet", QUIET), "date\nlog rtc\npoweroff\n", rtc="2028-02-29T23:59:59")
    assert after(lines, "log rtc") in ("the clock shows 2028-02-29 23:59:59 UTC", "the clock shows 2028-03-01 00:00:00 UTC")


def test_a_shell_that_is_granted_little_says_what_it_lacks(composed, console):
    status, lines = console(composed("bare", BARE), "date\npoweroff\nstop com1\n", longest=5.0)
    assert status == 124  # nobody can turn it off
    assert after(lines, "date") == "date: this shell is granted neither a clock as `rtc` nor the time of day"
    assert after(lines, "poweroff") == "poweroff: this shell is not granted a driver as `power`"
    assert after(lines, "stop com1") == "stop: this shell is not granted control of any instance"
