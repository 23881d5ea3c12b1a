"""Time of a simulated machine, in nanoseconds: this computer's, or one that passes only while nobody has anything to do.

Both are asked and slept by under the machine's lock, `changed`.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

LONGEST_NAP = 3600.0
"""Seconds of one wait, which a moment centuries away has many of."""


class Changed(threading.Condition):
    """The machine's lock. `news` counts how often those who wait for a change were woken."""

    def __init__(self) -> None:
        super().__init__(threading.RLock())
        self.news = 0

    def notify_all(self) -> None:
        self.news += 1
        super().notify_all()


class Clock:
    """This computer's monotonic time, and what is to happen at moments of it."""

    def __init__(self) -> None:
        self.changed = Changed()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def now(self) -> int:
        return time.monotonic_ns()

    def expect(self, sleepers: int) -> None:
        """So many threads are to be asleep before time may pass."""

    def sleep(self, until: int | None) -> None:
        """Wait for a change, at most until a moment; may come back earlier."""
        left = None if until is None else (until - self.now()) / 1e9
        self.changed.wait(None if left is None else max(0.0, min(left, LONGEST_NAP)))

    def after(self, nanoseconds: int, job: Callable[[], None]) -> None:
        """Have something happen later, under the lock."""
        heapq.heappush(self._due, (self.now() + nanoseconds, next(self._order), job))

    def next_due(self) -> int | None:
        """When something is to happen next."""
        return self._due[0][0] if self._due else None

    def tick(self) -> None:
        """Let happen what is due."""
        while self._due and self._due[0][0] <= self.now():
            heapq.heappop(self._due)[2]()


class Stepped(Clock):
    """Time that stands still while a thread has something to do, and then leaps to the next moment that one of them waits for: what
    takes hours takes no time, and nothing depends on how fast this computer is. At the moment `most` it calls `end` and stands still
    for good."""

    def __init__(self, most: int, end: Callable[[], None]) -> None:
        super().__init__()
        self._now, self._most, self._end = 0, most, end
        self._expected = 0
        self._asleep: dict[int, tuple[int | None, int]] = {}

    def now(self) -> int:
        return self._now

    def expect(self, sleepers: int) -> None:
        self._expected = sleepers

    def sleep(self, until: int | None) -> None:
        me = threading.get_ident()
        self._asleep[me] = (until, self.changed.news)
        if self._all_asleep() and self._now < self._most:
            self._leap()
        else:
            self.changed.wait()
        del self._asleep[me]

    def _all_asleep(self) -> bool:
        """Whether everybody sleeps, and has looked since the last change."""
        return len(self._asleep) == self._expected and all(news == self.changed.news for _, news in self._asleep.values())

    def _leap(self) -> None:
        moments = [until for until, _ in self._asleep.values() if until is not None]
        due = self.next_due()
        moment = min([*moments, *([] if due is None else [due])], default=self._most)
        self._now = max(self._now, moment)
        if self._now >= self._most:
            self._end()
        self.tick()
        self.changed.notify_all()
