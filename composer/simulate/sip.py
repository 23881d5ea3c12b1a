"""One simulated SIP: its thread, its lives one after the other, and what audit says of it.

Mirrors kernel/src/state.rs, end.rs and kernel/logic/src/restart.rs: the same statuses, the same decisions after an end.
Everything but the wasm itself happens under the machine's lock.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from composer.interfaces import load_interfaces
from composer.simulate.engine import Fault, Finished, Life
from composer.simulate.objects import Log
from composer.simulate.raw import Primitives
from composer.system import Instance

if TYPE_CHECKING:
    import wasmtime

    from composer.simulate.granted import Granted
    from composer.simulate.kernel import Kernel

LONGEST_BACKOFF_MS = 30_000
HEALTHY_MS = 10_000
"""A life that lasts as long, and as long as the wait before it, ends a row of restarts."""
ENDS = (1 << 31) - 1
"""Counts of lives have as many bits."""


class Status(StrEnum):
    RUNNING = "running"
    WAITING = "restarting"
    ENDED = "ended"
    FAILED = "failed"
    STOPPED = "stopped"


class Sip:
    """An instance on a thread of its own. `start_at` is in nanoseconds since the kernel started, for WAITING alone."""

    def __init__(self, kernel: Kernel, index: int, instance: Instance, app: wasmtime.Module, glue: wasmtime.Module) -> None:
        self.kernel, self.index, self.instance, self.app, self.glue = kernel, index, instance, app, glue
        self.name = instance.name
        self.handles = kernel.layout.handles[instance.name]
        self.status, self.start_at = Status.WAITING, 0
        self.ending = self.restart_wanted = self.blocked = False
        self.restarts = self.tries = self.memory = self.memory_peak = self.heard = 0
        self.begun = self.over = self.began = 0
        self.error = self.end = ""
        self.errors: Counter[str] = Counter()
        self.sent = self.received = 0
        self.log = Log()
        self.life: Life | None = None
        self.primitives = Primitives(kernel, self)
        self.thread = threading.Thread(target=self._main, name=f"sip {instance.name}", daemon=True)

    @property
    def lives_on(self) -> bool:
        """Whether it runs, or will run again without anyone's doing."""
        return self.status in (Status.RUNNING, Status.WAITING)

    @property
    def word(self) -> str:
        """Its state in a word, as audit shows it."""
        return "waiting" if self.status is Status.RUNNING and self.blocked else self.status.value

    @property
    def cpu(self) -> int:
        """Nanoseconds of processor time, all its lives together."""
        if not self.thread.is_alive() or self.thread.ident is None:
            return 0
        return time.clock_gettime_ns(time.pthread_getcpuclockid(self.thread.ident))

    def note_memory(self) -> None:
        """Its memory's size now; its own thread alone can ask."""
        if self.life is not None:
            self.memory = load_interfaces().quota.used(self.life.memory_length)
            self.memory_peak = max(self.memory_peak, self.memory)

    def _main(self) -> None:
        try:
            while self._wait_for_start():
                error = self._live()
                with self.kernel.changed:
                    self.kernel.ended(self, error)
        except Exception as fault:
            self.kernel.machine.fail(fault)

    def _wait_for_start(self) -> bool:
        """Sleep until it is to run; false when it never will."""
        with self.kernel.changed:
            while not self.kernel.over:
                start = self.start_at if self.status is Status.WAITING else None
                if start is not None and start <= self.kernel.now():
                    self.status, self.ending = Status.RUNNING, False
                    self.begun, self.began = self.begun + 1, self.kernel.now()
                    self.kernel.changed.notify_all()
                    return True
                self.kernel.sleep(start)
        return False

    def _live(self) -> str:
        """One life; answers why it failed, or nothing."""
        try:
            with self.kernel.changed:
                for device in self._devices():
                    device.open(self.kernel.machine.clock, self._pause)
            self.life = Life(self, self.kernel.linked, self.glue, self.app, self.instance.memory)
            if not self.ending:
                self.life.run()
        except Finished:
            return ""
        except Fault as fault:
            return self._describe(fault)
        finally:
            with self.kernel.changed:
                for device in self._devices():
                    device.close()
            self.note_memory()
            self.life = None
        return ""

    def _pause(self, until: int) -> None:
        """Wait for a moment of the machine's clock. Raises Finished where the life is to end."""
        self.kernel.check_alive(self)
        self.kernel.machine.clock.sleep(until)

    def _devices(self) -> Iterator[Granted]:
        """The devices that it is granted whole."""
        return (self.kernel.devices[number] for number, device in enumerate(self.kernel.layout.devices) if device.instance == self.index)

    def _describe(self, fault: Fault) -> str:
        """Put a failure and its backtrace into the log; answers the failure's sentence."""
        with self.kernel.changed:
            for line in (str(fault), *fault.frames):
                self.log.line(line)
        return str(fault)

    def decide(self, error: str, now: int) -> None:
        """What comes after a life: what was asked for from outside, else what the restart policy says."""
        self.memory, self.blocked = load_interfaces().quota.fixed, False
        self.over = (self.over + 1) & ENDS
        again, self.restart_wanted = self.restart_wanted, False
        if self.ending:
            self.error, self.end = "", "stopped"
            self.restarts += again
            self.status, self.start_at = (Status.WAITING, now) if again else (Status.STOPPED, 0)
            return
        self.error, self.end = error, "failure" if error else "success"
        if (now - self.began) // 1_000_000 >= max(HEALTHY_MS, self._backoff(self.tries - 1) if self.tries else 0):
            self.tries = 0
        wait = self._restart_after(failed=bool(error))
        if wait is not None:
            self.restarts += 1
            self.tries += 1
            self.status, self.start_at = Status.WAITING, now + wait * 1_000_000
        else:
            self.status = Status.FAILED if error else Status.ENDED

    def _restart_after(self, failed: bool) -> int | None:
        """In how many milliseconds to start again, or not at all."""
        restart = self.instance.restart
        wanted = restart.policy == "always" or (restart.policy == "on-failure" and failed)
        return self._backoff(self.tries) if wanted and self.tries < restart.limit else None

    def _backoff(self, tries: int) -> int:
        return min(self.instance.restart.backoff_ms << min(tries, 20), LONGEST_BACKOFF_MS)

    def has_ended_since(self, seen: int) -> bool:
        """Whether a life ended after the first `seen`, by counts that wrap."""
        return 0 < (self.over - seen) & ENDS <= ENDS // 2
