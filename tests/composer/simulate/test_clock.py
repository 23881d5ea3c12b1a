"""Time that leaps: it passes only while everybody sleeps, and at the end it stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable

from composer.simulate.clock import Clock, Stepped

SECOND = 1_000_000_000


class Run:
    """Jobs, each on a thread of its own, until nobody waits for a moment any more."""

    def __init__(self, most: int = 100 * SECOND) -> None:
        self.noted: list[int] = []
        self.ended: list[int] = []
        self.clock = Stepped(most, lambda: self.ended.append(self.clock.now()))

    def jobs(self, *jobs: Callable[[], None]) -> list[int]:
        """What they noted, in the order in which they did."""
        self.clock.expect(len(jobs))
        threads = [threading.Thread(target=self._work, args=(job,), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        return self.noted

    def _work(self, job: Callable[[], None]) -> None:
        with self.clock.changed:
            job()
            while not self.ended:
                self.clock.sleep(None)

    def until(self, *moments: int) -> Callable[[], None]:
        """A job that sleeps to each of these moments, and notes when it was."""
        def job() -> None:
            for moment in moments:
                while self.clock.now() < moment:
                    self.clock.sleep(moment)
                self.noted.append(self.clock.now())
        return job


def test_it_leaps_from_one_moment_to_the_next():
    run = Run()
    assert run.jobs(run.until(3 * SECOND, 50 * SECOND), run.until(2 * SECOND, 3 * SECOND, 7 * SECOND)) == [
        2 * SECOND, 3 * SECOND, 3 * SECOND, 7 * SECOND, 50 * SECOND]
    assert run.ended == [100 * SECOND], "when nobody waits for a moment"


def test_it_comes_to_an_end_for_who_waits_for_ever():
    run = Run(5 * SECOND)

    def restless() -> None:
        while not run.ended:
            run.clock.sleep(run.clock.now() + SECOND)

    run.jobs(restless)
    assert run.ended == [5 * SECOND]


def test_what_is_due_happens_at_its_moment():
    run, happened = Run(), []
    run.clock.after(5 * SECOND, lambda: happened.append(("late", run.clock.now())))
    run.clock.after(2 * SECOND, lambda: happened.append(("early", run.clock.now())))
    assert run.jobs(run.until(4 * SECOND)) == [4 * SECOND]
    assert happened == [("early", 2 * SECOND), ("late", 5 * SECOND)]


def test_who_has_something_to_do_keeps_time_from_passing():
    run = Run()

    def waker() -> None:
        run.noted.append(1)
        run.clock.changed.notify_all()
        while run.clock.now() < SECOND:
            run.clock.sleep(SECOND)

    def woken() -> None:
        while not run.noted:
            run.clock.sleep(5 * SECOND)
        assert run.clock.now() == 0
        run.noted.append(2)

    assert run.jobs(woken, waker) == [1, 2]


def test_this_computers_time_has_moments_too():
    clock, happened = Clock(), []
    clock.after(0, lambda: happened.append(1))
    clock.after(3600 * SECOND, lambda: happened.append(2))
    clock.tick()
    assert happened == [1] and clock.next_due() > clock.now()
