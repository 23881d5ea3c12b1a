"""The person's side of a serial line: raw mode that is always undone, the keys that leave, and signals that end a run.

Shared by run and simulate: both put a guest's serial line on the terminal.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

CHUNK = 4096
ESCAPE = 0x01
"""Ctrl-A: what follows it is for us; twice, it is sent once."""


class Ended(Exception):
    """A signal asks the run to end; `status` is the exit status that shells expect of it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.status = 128 + signum


@dataclass
class Keys:
    """Finds Ctrl-A X in what is typed. `leave` becomes true when it was; everything else is passed on."""

    leave: bool = False
    _escaped: bool = False

    def feed(self, typed: bytes) -> bytes:
        passed = bytearray()
        for byte in typed:
            if self._escaped:
                self._escaped = False
                self.leave = self.leave or byte in b"xX"
                if byte == ESCAPE:
                    passed.append(byte)
            elif byte == ESCAPE:
                self._escaped = True
            else:
                passed.append(byte)
        return bytes(passed)


def read_typed(descriptor: int) -> bytes:
    """What was typed or piped in since the last time; nothing at its end, or where it cannot be read any more."""
    try:
        return os.read(descriptor, CHUNK)
    except OSError:
        return b""


@contextmanager
def raw_terminal(descriptor: int) -> Iterator[bool]:
    """Raw mode on `descriptor` while inside, where it is a terminal; gives whether it is one.

    Output stays processed, so that a line feed alone still starts a line at its left end.
    """
    if not os.isatty(descriptor):
        yield False
        return
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    raw = termios.tcgetattr(descriptor)
    raw[1] |= termios.OPOST | termios.ONLCR
    termios.tcsetattr(descriptor, termios.TCSADRAIN, raw)
    try:
        yield True
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def ending_signals() -> Iterator[None]:
    """Inside, SIGINT, SIGTERM and SIGHUP raise Ended once, so that everything is put away; more of them are ignored then."""
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(signum: int, _frame: object) -> None:
        for each in watched:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(signum)

    before = {signum: signal.signal(signum, end) for signum in watched}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def say(text: str) -> None:
    """One line for the person, on standard error, apart from what the guest says."""
    print(text, file=sys.stderr, flush=True)


def is_open(descriptor: int) -> bool:
    """Whether there is anything behind a file descriptor at all."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte. Raises OSError where the reader has gone."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]
