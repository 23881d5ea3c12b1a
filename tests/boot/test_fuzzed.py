"""All host calls in any order, with values drawn by lot, ended again and again in their midst: the kernel stands, and keeps books.

MUNAL_FUZZ_LIVES says how many lives there are; the suite has few, and more were run for its author.
"""

from __future__ import annotations

import os
import re

import pytest

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

LIVES = int(os.environ.get("MUNAL_FUZZ_LIVES", "300"))
WARM = 20
"""Lives after which what is made once has been made."""
PATIENCE = 3600.0


def restarts(console) -> int:
    """How often the caller of everything was started again, as `ps` has it."""
    row = next(line.split() for line in console.ask("ps") if line.split()[:2] == ["fuzz", "fuzz"])
    return max(int(word) for word in row if word.isdigit())


def used_when_stopped(console) -> str:
    """The memory in use with the caller of everything gone, in the shell's words; then it goes on."""
    console.ask("stop reaper")
    console.ask("stop fuzz")
    (used,) = (found[1] for line in console.ask("ps") if (found := re.match(r"(.*) of .* memory used", line)))
    console.ask("start fuzz")
    console.ask("start reaper")
    return used


def wait_for(console, lives: int) -> None:
    while restarts(console) < lives:
        pass


def test_random_calls_leave_the_kernel_whole_and_memory_flat(machine):
    console = machine("fuzzed")
    console.expect("^munal> ", PATIENCE)
    wait_for(console, WARM)
    before = used_when_stopped(console)
    wait_for(console, LIVES)
    assert used_when_stopped(console) == before
    states = {line.split()[0]: line.split()[2] for line in console.ask("ps") if len(line.split()) > 3}
    assert all(states[name] in ("waiting", "ready", "running") for name in ("com1", "shell", "boundary-server", "boundary-client")), states
    console.send("poweroff\n")
    assert console.status() == 0
