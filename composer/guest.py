"""One started QEMU: its private folder, its serial line and its QMP connection, and what became of it.

Gets an image and a machine; gives sockets to select on and, in the end, an outcome. Used by run.py and the boot tests.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from composer import qemu
from composer.qmp import Qmp

PE_MAGIC = b"MZ"
INTERRUPTS_ON = 1 << 9
"""The flag IF (Intel SDM volume 1, section 3.4.3)."""
_FLAGS = re.compile(r"\b[ER]FL=([0-9a-f]+)")
PATIENCE = 10.0
"""Seconds that a QEMU gets to end once it was told to, before it is killed."""


class Ending(Enum):
    POWER_OFF = auto()
    RESET = auto()
    DEBUG_EXIT = auto()
    WINDOW_CLOSED = auto()
    BROKEN = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How QEMU ended. `status` is the guest's for DEBUG_EXIT and QEMU's for BROKEN; `said` is QEMU's own standard error."""

    ending: Ending
    status: int
    said: str


ENDINGS = {
    "guest-shutdown": Ending.POWER_OFF,
    "guest-reset": Ending.RESET,
    "host-ui": Ending.WINDOW_CLOSED,
}
"""The reasons of QMP's event SHUTDOWN (ShutdownCause in QEMU's qapi/run-state.json) that are no failure."""


class Guest:
    """A running machine. `serial` is a non-blocking socket; call `watch` when `qmp` is readable. `operator` is what a guest says to
    its operator, where the machine has one: non-blocking, too."""

    def __init__(self, process: subprocess.Popen[bytes], serial: socket.socket, qmp: Qmp, machine: qemu.Machine, folder: Path,
                 operator: socket.socket | None = None) -> None:
        self.process, self.serial, self.qmp, self.machine, self.folder = process, serial, qmp, machine, folder
        self.operator = operator
        self.resets = 0
        self.stopped_by_itself = False
        self.halted = False
        self._asked: deque[Callable[[str], None]] = deque()
        self._reason: str | None = None

    def watch(self) -> None:
        """Take note of what QMP says has happened."""
        for event in self.qmp.receive():
            if event.name == "SHUTDOWN":
                self._reason = event.data.get("reason")
            elif event.name == "RESET" and event.data.get("guest"):
                self.resets += 1
            elif event.name == "STOP":
                self.qmp.execute("query-status")
            elif event.name == "text" and self._asked:
                self._asked.popleft()(event.data["text"])
            elif event.name == "status" and event.data.get("status") == "internal-error":
                self.stopped_by_itself = True

    def ask(self, command: str, then: Callable[[str], None]) -> None:
        """Give QEMU's human monitor a command; `watch` hands its words to `then`, in the order of the asking."""
        self._asked.append(then)
        self.qmp.execute("human-monitor-command", command_line=command)

    def ask_whether_halted(self) -> None:
        """Find out whether the processor halts with interrupts off, for good: `halted` will tell."""
        self.ask("info registers", self._look)

    def _look(self, registers: str) -> None:
        flags = _FLAGS.search(registers)
        if flags is None or int(flags[1], 16) & INTERRUPTS_ON:
            return
        self.halted = "HLT=1" in registers
        if not self.halted:
            self.ask_whether_halted()

    def outcome(self) -> Outcome:
        """Wait for QEMU's end, which its closed serial line has announced, and tell what it was."""
        if self.stopped_by_itself:
            self.kill()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            status = self.process.returncode
        while self.qmp.open and not self.qmp.drained:
            self.watch()
        return Outcome(*self._ending(status), self.errors())

    def _ending(self, status: int) -> tuple[Ending, int]:
        if self._reason in ENDINGS:
            return ENDINGS[self._reason], 0
        value = qemu.guest_status(status) if self.machine.debug_exit else None
        failed_to_start = status == 1 and self.errors() != ""
        if value is not None and not failed_to_start:
            return Ending.DEBUG_EXIT, value
        return Ending.BROKEN, status

    def errors(self) -> str:
        """What QEMU wrote on its standard error."""
        return (self.folder / "stderr").read_text(errors="replace").strip()

    def kill(self) -> None:
        """End QEMU at once."""
        self.process.kill()
        self.process.wait()


@contextmanager
def started(image: Path, machine: qemu.Machine) -> Iterator[Guest]:
    """Power a machine on with `image` (an EFI application, a whole disk, or a folder that is to be one); when left, QEMU and
    its files are gone."""
    program, firmware = qemu.find_qemu(), qemu.find_firmware()
    folder = Path(tempfile.mkdtemp(prefix="munal-run-"))
    ours, theirs = zip(*(socket.socketpair() for _ in range(3 if machine.operator else 2)), strict=True)
    guest = None
    try:
        variables = folder / "variables.fd"
        shutil.copyfile(firmware.variables, variables)
        words = qemu.command(program, machine, firmware, variables, _disk(image, folder), *(s.fileno() for s in theirs))
        for each in ours:
            each.setblocking(False)
        guest = Guest(_spawn(words, theirs, folder), ours[0], Qmp(ours[1]), machine, folder, *ours[2:])
        yield guest
    finally:
        if guest is not None:
            guest.kill()
        for each in (*ours, *theirs):
            each.close()
        shutil.rmtree(folder, ignore_errors=True)


def _spawn(words: list[str], sockets: tuple[socket.socket, ...], folder: Path) -> subprocess.Popen[bytes]:
    """QEMU in a session of its own: Ctrl-C is ours to act on, and no terminal reaches it."""
    with open(folder / "stderr", "wb") as errors:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True,
                                   pass_fds=[s.fileno() for s in sockets])
    for each in sockets:
        each.close()
    return process


def _disk(image: Path, folder: Path) -> str:
    """A disk that boots `image`: itself, or a FAT file system with it where UEFI looks (UEFI 2.10, section 3.5.1.1)."""
    if image.is_dir():
        return f"fat:{image.resolve()}"
    with open(image, "rb") as file:
        if file.read(2) != PE_MAGIC:
            return str(image.resolve())
    place = folder / "disk" / "EFI" / "BOOT"
    place.mkdir(parents=True)
    shutil.copyfile(image, place / "BOOTX64.EFI")
    return f"fat:{folder / 'disk'}"
