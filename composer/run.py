"""Boots an image in QEMU with its serial line on the terminal, and tells by its exit status how the machine ended.

The firmware's part of the serial line is hidden, and what is typed or piped in is kept back until the kernel's banner:
the firmware would swallow it. Every byte reaches the guest: QEMU takes from the socket only what its UART has room for.
"""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from composer import accel, qemu
from composer.gdb import Prepared
from composer.gdb_wait import Debugger
from composer.guest import Ending, Guest, Outcome, started
from composer.operator import Operator
from composer.screen import BANNERS, LastWords, Screen
from composer.system import DEFAULT_MACHINE
from composer.terminal import Ended, Keys, ending_signals, is_open, raw_terminal, read_typed, say, write_all
from composer.tools import ToolFailure

TIMED_OUT = 124
PANICKED = 134
"""As a program that aborts: 128 and SIGABRT."""
READER_GONE = 141


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How `munal run` runs. `timeout` is in seconds; `rtc` is the machine's clock at power-on (see qemu.Machine);
    `input` and `output` are file descriptors; a line of the guest's own begins with one of `banners`. `gdb`: for the
    debugger that the machine is to wait for; `peripherals` are QEMU's words for devices that the machine has beside its
    own; `random`, `picture`, `operator`, `boot_device`: see qemu.Machine; `seat`: see operator.Operator."""

    headless: bool = False
    accel: str = "auto"
    timeout: float | None = None
    firmware: bool = False
    machine: str = DEFAULT_MACHINE
    debug_exit: bool = False
    counts_instructions: bool = False
    reboot: bool = True
    rtc: str | None = None
    memory_mib: int = qemu.MEMORY_MIB
    input: int = 0
    output: int = 1
    banners: tuple[bytes, ...] = BANNERS
    gdb: Prepared | None = None
    peripherals: tuple[str, ...] = ()
    random: bool = True
    picture: bool = True
    operator: bool = False
    seat: str | None = None
    boot_device: str = qemu.BOOT_DEVICE


def run(image: Path, options: RunOptions) -> int:
    """Run `image` until the guest powers off or the person leaves; answers the exit status.

    0 power-off or left; the guest's own after a debug exit; 124 after `timeout`; 134 where the kernel panicked and halted;
    128 + signal.
    Raises ToolFailure where QEMU cannot run the machine.
    """
    program = qemu.find_qemu()
    display = qemu.choose_display(program, options.headless)
    deadline = None if options.timeout is None else time.monotonic() + options.timeout
    try:
        with ending_signals():
            return _first_that_works(image, options, program, display, deadline)
    except Ended as ended:
        return ended.status


def _first_that_works(image: Path, options: RunOptions, program: str, display: str | None, deadline: float | None) -> int:
    *tried, last = accel.candidates(options.accel, program)
    for name in tried:
        status = _run_once(image, options, _machine(options, name, display), deadline, may_fall_back=True)
        if status is not None:
            return status
        accel.remember_failure(program)
        say(f"munal: {name} does not run this machine here, so it is emulated in software; this is remembered")
    status = _run_once(image, options, _machine(options, last, display), deadline, may_fall_back=False)
    assert status is not None, "only a machine that may fall back ends without a status"
    return status


def _machine(options: RunOptions, accelerator: str, display: str | None) -> qemu.Machine:
    debugger = ("-gdb", f"tcp:127.0.0.1:{options.gdb.port}") if options.gdb else ()
    return qemu.Machine(accelerator, display, options.debug_exit, options.reboot, options.rtc, options.memory_mib, options.machine,
                        extra=(*debugger, *options.peripherals), counted=options.counts_instructions, random=options.random,
                        picture=options.picture, operator=options.operator, boot_device=options.boot_device)


def _run_once(image: Path, options: RunOptions, machine: qemu.Machine, deadline: float | None, may_fall_back: bool) -> int | None:
    """One power-on; None where the accelerator failed and the next is to be tried."""
    with started(image, machine) as guest, raw_terminal(options.input) as is_terminal:
        session = Session(guest, options, is_terminal, deadline, may_fall_back)
        return session.status(session.serve())


class Why(Enum):
    """Why a session's loop ended."""

    GUEST_ENDED = auto()
    LEFT = auto()
    TIMEOUT = auto()
    READER_GONE = auto()
    PANICKED = auto()
    ACCELERATOR_FAILED = auto()


class Session:
    """Carries bytes between a guest's serial line and two file descriptors until one side ends it."""

    def __init__(self, guest: Guest, options: RunOptions, is_terminal: bool, deadline: float | None, may_fall_back: bool) -> None:
        self.guest, self.options, self.is_terminal = guest, options, is_terminal
        self.deadline, self.may_fall_back = deadline, may_fall_back
        self.screen = Screen(options.banners, options.firmware)
        self.last_words = LastWords()
        self.keys = Keys()
        self.to_guest = b""
        self.input_open = is_open(options.input)
        self.debugger = Debugger(guest, options.gdb) if options.gdb else None
        self.operator = Operator(guest, options.seat)
        self.first_word_by = time.monotonic() + accel.PATIENCE
        self.resets = 0

    def serve(self) -> Why:
        """Run the loop; it waits in select alone."""
        while True:
            readable, writable, _ = select.select(self._readers(), self._writers(), [], self._patience())
            ended = self._turn(readable, writable)
            if ended is not None:
                return ended

    def status(self, why: Why) -> int | None:
        """The exit status, after telling the person what they cannot see for themselves."""
        if why is Why.ACCELERATOR_FAILED:
            return None
        if why is Why.GUEST_ENDED:
            return self._guest_status(self.guest.outcome())
        if why is Why.TIMEOUT:
            self._show_hidden()
            say(f"munal: the machine still ran after {self.options.timeout:g} seconds and was stopped")
            return TIMED_OUT
        if why is Why.PANICKED:
            say("munal: the kernel panicked; what it said is above, and what each line of it means in docs/faults.md")
            return PANICKED
        return READER_GONE if why is Why.READER_GONE else 0

    def _readers(self) -> list[object]:
        readers: list[object] = [self.guest.serial]
        if self.guest.qmp.open:
            readers.append(self.guest.qmp)
        if self.operator.open:
            readers.append(self.operator)
        if self.input_open and self._wants_input():
            readers.append(self.options.input)
        return readers

    def _wants_input(self) -> bool:
        """A terminal is always read, or Ctrl-A X would not be seen; a pipe waits until its bytes can go on."""
        return self.is_terminal or (self.screen.open and not self.to_guest)

    def _writers(self) -> list[object]:
        return [self.guest.serial] if self.to_guest and self.screen.open else []

    def _patience(self) -> float | None:
        deadlines = [self.deadline] if self.deadline is not None else []
        if self._may_have_failed():
            deadlines.append(self.first_word_by)
        if self.debugger and self.debugger.next_look is not None:
            deadlines.append(self.debugger.next_look)
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _may_have_failed(self) -> bool:
        return self.may_fall_back and self.screen.silent

    def _turn(self, readable: list[object], writable: list[object]) -> Why | None:
        try:
            if self.guest.serial in readable and not self._from_guest():
                return self._at_the_end()
        except OSError:
            return Why.READER_GONE
        if self.guest.qmp in readable:
            self._watch()
        if self.operator in readable:
            self.operator.serve()
        if self.options.input in readable:
            self._from_person()
        if writable:
            self._send()
        if self.debugger:
            self.debugger.step()
        return self._why_now()

    def _why_now(self) -> Why | None:
        now = time.monotonic()
        if self.keys.leave:
            return Why.LEFT
        if self.guest.halted and self.last_words.heard:
            return Why.PANICKED
        if self.guest.stopped_by_itself or (self._may_have_failed() and now >= self.first_word_by):
            return Why.ACCELERATOR_FAILED if self.may_fall_back else Why.GUEST_ENDED
        return Why.TIMEOUT if self.deadline is not None and now >= self.deadline else None

    def _at_the_end(self) -> Why:
        """QEMU closed the serial line: its end, or one that the next accelerator may avoid."""
        if self._may_have_failed() and self.guest.outcome().ending is Ending.BROKEN:
            return Why.ACCELERATOR_FAILED
        return Why.GUEST_ENDED

    def _from_guest(self) -> bool:
        """Show what the guest sent; false when it never will again."""
        try:
            data = self.guest.serial.recv(65536)
        except BlockingIOError:
            return True
        except ConnectionError:
            data = b""
        write_all(self.options.output, self.screen.feed(data))
        if self.last_words.feed(data):
            self.guest.ask_whether_halted()
        return bool(data)

    def _watch(self) -> None:
        self.guest.watch()
        if self.guest.resets > self.resets:
            self.resets = self.guest.resets
            self.screen.close()

    def _from_person(self) -> None:
        typed = read_typed(self.options.input)
        self.input_open = bool(typed)
        self.to_guest += self.keys.feed(typed) if self.is_terminal else typed

    def _send(self) -> None:
        try:
            sent = self.guest.serial.send(self.to_guest)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self.to_guest)
        self.to_guest = self.to_guest[sent:]

    def _guest_status(self, outcome: Outcome) -> int:
        if outcome.ending is not Ending.BROKEN:
            return outcome.status
        self._show_hidden()
        raise ToolFailure(qemu.QEMU, self._complaint(outcome), outcome.said)

    def _complaint(self, outcome: Outcome) -> str:
        where = "after the kernel had started" if self.screen.open else "before the kernel said anything"
        if self.guest.stopped_by_itself:
            return f"the machine stopped with an internal error of {self.guest.machine.accel} {where}: try `--accel tcg`"
        return f"QEMU ended with status {outcome.status} {where}"

    def _show_hidden(self) -> None:
        hidden = self.screen.hidden()
        if hidden:
            say("munal: the kernel did not start; this is what the firmware said:")
            write_all(self.options.output, hidden + b"\n")
