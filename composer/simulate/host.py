"""The person's side of a simulation: carries the simulated serial line to and from two file descriptors until it ends."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from composer.simulate.kernel import Kernel
from composer.simulate.machine import Machine, Outcome
from composer.terminal import Keys, is_open, raw_terminal, read_typed, say, write_all

if TYPE_CHECKING:
    from composer.simulate import SimulateOptions

TIMED_OUT = 124
READER_GONE = 141


class Host:
    """Runs simulations, one after each reset, until one ends otherwise. `boot` makes a kernel on a machine."""

    def __init__(self, boot: Callable[[Machine], Kernel], options: SimulateOptions) -> None:
        self.boot, self.options = boot, options
        self.deadline = None if options.timeout is None else time.monotonic() + options.timeout
        self.wall_clock = _wall_clock(options.rtc)
        self.keys = Keys()
        self.to_guest = b""
        self.input_open = is_open(options.input)
        self.guest_speaks = self.is_terminal = False

    def run(self) -> int:
        """The exit status of the whole run."""
        with raw_terminal(self.options.input) as self.is_terminal:
            while True:
                status = self._run_once()
                if status is not None:
                    return status

    def _run_once(self) -> int | None:
        """One power-on; None after a reset, from which it starts anew."""
        machine = Machine(self.wall_clock)
        kernel = self.boot(machine)
        self.guest_speaks = False
        try:
            kernel.start()
            return self._serve(machine)
        except OSError:
            return READER_GONE
        finally:
            kernel.stop()
            machine.close()

    def _serve(self, machine: Machine) -> int | None:
        while True:
            readable, _, _ = select.select(self._readers(machine), [], [], self._patience(machine))
            if machine in readable:
                machine.woken()
            if self.options.input in readable:
                self._from_person()
            self._carry(machine)
            if machine.fault is not None:
                raise machine.fault
            if self.keys.leave:
                return 0
            if machine.ended is not None:
                return self._status(*machine.ended)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                say(f"munal: the simulation still ran after {self.options.timeout:g} seconds and was stopped")
                return TIMED_OUT

    def _readers(self, machine: Machine) -> list[object]:
        """A terminal is always read, or Ctrl-A X would not be seen; a pipe waits until its bytes can go on."""
        wanted = self.input_open and (self.is_terminal or (self.guest_speaks and not self.to_guest))
        return [machine, self.options.input] if wanted else [machine]

    def _patience(self, machine: Machine) -> float | None:
        moments = [m for m in (self.deadline, machine.next_tick()) if m is not None]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _carry(self, machine: Machine) -> None:
        """Bytes both ways: what was transmitted is written, what was typed goes in as far as the receiver has room."""
        with machine.changed:
            machine.tick()
            output = bytes(machine.output)
            machine.output.clear()
            self._give(machine)
            if machine.serial is not None and output:
                machine.serial.drained()
        if output:
            self.guest_speaks = True
            write_all(self.options.output, output)

    def _give(self, machine: Machine) -> None:
        serial = machine.serial
        if self.to_guest and serial is not None and self.guest_speaks:
            now, self.to_guest = self.to_guest[:serial.room], self.to_guest[serial.room:]
            if now:
                serial.receive(now)
        machine.input_waits = bool(self.to_guest)

    def _from_person(self) -> None:
        typed = read_typed(self.options.input)
        self.input_open = bool(typed)
        self.to_guest += self.keys.feed(typed) if self.is_terminal else typed

    def _status(self, outcome: Outcome, status: int) -> int | None:
        return None if outcome is Outcome.RESET and self.options.reboot else status


def _wall_clock(start: str | None) -> Callable[[], datetime]:
    """This computer's time in UTC, or one that starts now at `start`."""
    if start is None:
        return lambda: datetime.now(UTC)
    base, begun = datetime.fromisoformat(start).replace(tzinfo=UTC), time.monotonic()
    return lambda: base + timedelta(seconds=time.monotonic() - begun)
