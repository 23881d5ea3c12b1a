"""A machine that a test asks from outside, too: by QEMU's own monitor, while the guest's serial line is listened to.

Gets an image; gives what the guest says and what QEMU knows of its processor and page tables.
"""

from __future__ import annotations

import json
import re
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composer import guest, qemu
from composer.operator import Operator

PATIENCE = 180.0
"""Seconds after which what was expected will not come."""
LARGE = 2 << 20
PAGE = 4096


@dataclass(frozen=True, slots=True)
class Mapping:
    """One entry of the page tables that maps something: `size` bytes at `address` to `frame`."""

    address: int
    frame: int
    size: int
    writable: bool
    executable: bool

    def pages(self) -> range:
        """The addresses of its pages of 4 KiB."""
        return range(self.address, self.address + self.size, PAGE)


class Watched:
    """One running machine. `heard` is all that it said; `expect` goes on after what it found last. While it is listened to, its
    operator does what the guest asks for: the seat `display` is the display with the identity `screen`."""

    def __init__(self, running: guest.Guest) -> None:
        self.guest = running
        self.operator = Operator(running, "screen")
        self._commands = 0
        self.heard = ""
        self._from = 0
        self._answers: list[dict[str, Any]] = []
        self._pending = b""
        running.qmp.connection.setblocking(False)
        self._until(lambda: any("QMP" in each for each in self._answers), lambda: "QEMU's greeting")
        self._execute({"execute": "qmp_capabilities"})

    def expect(self, pattern: str, patience: float = PATIENCE) -> re.Match[str]:
        """Wait until what comes after the last find matches `pattern` (a regular expression, `^` at lines), for `patience` seconds; give
        the match."""
        wanted = re.compile(pattern, re.MULTILINE)
        self._until(lambda: wanted.search(self.heard, self._from) is not None, lambda: f"{pattern!r} in:\n{self.heard[-3000:]}", patience)
        found = wanted.search(self.heard, self._from)
        assert found
        self._from = found.end()
        return found

    def send(self, text: str) -> None:
        """Type `text` on the serial line."""
        self.guest.serial.send(text.encode())

    def ask(self, line: str) -> list[str]:
        """Type a line at the shell's prompt; give the lines of its answer, up to the next prompt."""
        self.send(f"{line}\n")
        self.expect(rf"{re.escape(line)}\r?\n")
        start = self._from
        found = self.expect("^munal> ")
        return self.heard[start:found.start()].splitlines()

    def logged(self, name: str, enough: Callable[[list[str]], object] = bool) -> list[str]:
        """The lines of an instance's log, once there are enough; its shell is asked until then."""
        return self._asked(f"log {name}", lambda lines: enough([line for line in lines if line]))

    def until_ended(self, name: str) -> None:
        """Wait until the shell says that an instance ended."""
        self._asked("ps", lambda lines: any(line.startswith(f"{name} ") and " ended " in line for line in lines))

    @contextmanager
    def explained(self, *names: str) -> Iterator[None]:
        """Where what is done in this context fails, say where the processor is and what the shell knows of these instances."""
        try:
            yield
        except AssertionError:
            print(self.monitor("info registers"))
            for line in ("ps", *(f"log {name}" for name in names)):
                print(f"{line}:", *self.ask(line), sep="\n")
            raise

    def _asked(self, line: str, enough: Callable[[list[str]], object]) -> list[str]:
        end = time.monotonic() + PATIENCE
        while not enough(lines := self.ask(line)):
            assert time.monotonic() < end, lines
        return [line for line in lines if line]

    def monitor(self, command: str) -> str:
        """What QEMU's monitor answers to a command for people."""
        answer = self._execute({"execute": "human-monitor-command", "arguments": {"command-line": command}})
        return str(answer["return"])

    def execute(self, name: str, **arguments: Any) -> None:
        """Have QEMU do what its monitor for programs knows by `name`."""
        answer = self._execute({"execute": name, "arguments": arguments})
        assert "return" in answer, answer

    def mappings(self) -> list[Mapping]:
        """All that the page tables map now, while the machine stands still."""
        self.monitor("stop")
        told = self.monitor("info tlb")
        self.monitor("cont")
        return [_mapping(*line.split()) for line in told.splitlines()]

    def _execute(self, message: dict[str, Any]) -> dict[str, Any]:
        self._commands += 1
        number = self._commands
        self._answers.clear()
        self.guest.qmp.connection.sendall(json.dumps({**message, "id": number}).encode() + b"\n")
        self._until(lambda: any(each.get("id") == number for each in self._answers), lambda: f"an answer to {message}")
        return next(each for each in self._answers if each.get("id") == number)

    def _until(self, holds: Callable[[], bool], what: Callable[[], str], patience: float = PATIENCE) -> None:
        end = time.monotonic() + patience
        while not holds():
            readers = [self.guest.serial, self.guest.qmp.connection, *([self.operator] if self.operator.open else [])]
            ready = select.select(readers, [], [], max(0.0, end - time.monotonic()))[0]
            assert ready, f"did not come: {what()}"
            if self.operator in ready:
                ready.remove(self.operator)
                self.operator.serve()
            for each in ready:
                received = each.recv(1 << 16)
                assert received, f"the machine ended before there came: {what()}"
                self._take(received, each is self.guest.serial)

    def _take(self, received: bytes, serial: bool) -> None:
        if serial:
            self.heard += received.decode(errors="replace").replace("\r", "")
            return
        *lines, self._pending = (self._pending + received).split(b"\n")
        told = [json.loads(line) for line in lines if line.strip()]
        self._answers += told
        self.guest.qmp.unanswered -= sum("id" not in each and ("return" in each or "error" in each) for each in told)


def _mapping(address: str, frame: str, flags: str) -> Mapping:
    """A line of `info tlb`: address, frame, and flags XGPDACTUW, of which a dash stands for each that is not set; X is no-execute
    and P a large page (print_pte in QEMU's target/i386/monitor.c)."""
    base = int(address.rstrip(":"), 16)
    return Mapping(base, int(frame, 16), LARGE if flags[2] == "P" else PAGE, flags[8] == "W", flags[0] != "X")


@contextmanager
def watched(image: Path, **machine: Any) -> Iterator[Watched]:
    """Power a machine on with `image`; `machine` are fields of qemu.Machine."""
    with guest.started(image, qemu.Machine(reboot=False, **machine)) as running:
        yield Watched(running)
