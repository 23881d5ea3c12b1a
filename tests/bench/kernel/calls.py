"""What the kernel does for a SIP, beside what does the like on Linux: host calls, messages, streams, and lives."""

from __future__ import annotations

from collections.abc import Iterator

from composer.tools import ToolFailure
from tests.bench.kernel.guests import Engine, Question, Turns, in_turns, time_of
from tests.bench.kernel.rows import Goal, Row, faster, slower

LARGE = 65536
OFTEN = 3
"""How many times more turns a small difference wants."""
LONG = 15
"""Rounds of a tight loop that last for several time slices."""
LINUX = "on Linux"


def call_rows(ours: Engine, linux: Engine, turns: int, samples: int) -> Iterator[Row]:
    """A row for each comparison. Raises ToolFailure where a call did not do what it should."""

    def measured(*questions: tuple[Engine, str, int], often: int = 1) -> Turns:
        return require_done(questions, in_turns([Question(*question) for question in questions], often * turns, samples))

    calls = measured((ours, "call", 8000), (ours, "bare", 8000), (linux, "getppid", 8000), often=OFTEN)
    yield slower("host call through glue", calls, 1, "the same host call without glue", Goal("<=", 1.2))
    yield slower("host call through glue", calls, 2, f"getppid {LINUX}", Goal("<=", 0.25))
    small = measured((ours, "service-64", 400), (linux, "pipe-64", 80))
    yield slower("service round trip, 64 bytes", small, 1, f"two pipes {LINUX}", Goal("<=", 0.05))
    large = measured((ours, "service-65536", 20), (linux, "pipe-65536", 20))
    yield slower("service round trip, 64 KiB", large, 1, f"two pipes {LINUX}", Goal("<=", 1))
    stream = measured((ours, "stream", 50), (linux, "pipe-stream", 50))
    yield faster("stream, one way", "MB/s", stream, 1, f"a pipe {LINUX}", amount=LARGE / 1e6)
    lives = measured((ours, "life", 10), (linux, "fork-exit-wait", 10))
    yield slower("a SIP from start to end", lives, 1, f"fork, exit and wait {LINUX}", Goal("<=", 1), "us", 1000)


def preempted_row(ours: Engine, turns: int, samples: int) -> Row:
    """A tight loop that another SIP's waking interrupts, beside the same loop alone: what preemption and budgets cost."""
    loop = Question(ours, "loop", LONG)
    checksum = ours.ask(loop.name, loop.operations, 1).checksum
    times: dict[str, list[float]] = {"waker-on": [], "waker-off": []}
    for _ in range(turns):
        for waker, into in times.items():
            require_done(((ours, waker, 1),), Turns((), (ours.ask(waker, 1, 1).checksum,)))
            into.append(time_of(loop, samples, checksum))
    return slower("tight loop, preempted every 10 ms", Turns(tuple(map(tuple, times.values())), ()), 1, "the same loop alone", Goal("<=", 1.02), "us/round", 1000)


def require_done(questions: tuple[tuple[Engine, str, int], ...], turns: Turns) -> Turns:
    """The turns, where each job answered that all its operations went well. Raises ToolFailure otherwise."""
    for (_, name, operations), checksum in zip(questions, turns.checksums, strict=True):
        if int(checksum, 16) != operations:
            raise ToolFailure("bench", f"of {operations} operations of `{name}`, {int(checksum, 16)} went well")
    return turns
