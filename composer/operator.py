"""The operator of a machine under test: presses keys and moves pointers when the guest asks for it.

Gets lines that the guest writes to its operator's port; gives commands for QEMU, which hands them to the devices as it does what a
person presses. So a guest can check its input devices from the key to the program while nobody is there.

A line is a seat, and what is to happen there at once, in threes of kind, code and value:

    machine key 30 1                    the key with code 30 goes down
    display abs 0 16384 abs 1 0         the pointer is put at the middle of the upper edge

The seat `machine` has the devices that every PC has, `display` those that belong to a display of the machine's. Codes and values are
those of Linux (Documentation/input/event-codes.rst there): keys 1 to 88, movements on the axes 0 and 1, places on them from 0 to 32,767.
"""

from __future__ import annotations

from typing import Any

from composer.guest import Guest
from composer.terminal import say

LONGEST_LINE = 512
MOST_EVENTS = 32
MOST_WAITING = 64
"""Commands that QEMU has not come to, after which more of them are refused: whoever asks waits for what it asked for."""
LAST_KEY = 88
"""Up to here Linux's codes are a keyboard's first ones, which QEMU has as numbers (scan code set 1)."""
FARTHEST = 32_767
AXES = ("x", "y")


class Operator:
    """Serves a guest until its end. `display` is the identity of the display whose devices are those of the seat `display`."""

    def __init__(self, guest: Guest, display: str | None) -> None:
        self.guest, self.display = guest, display
        self.open = guest.operator is not None
        self._pending = b""
        self._has_refused = False

    def fileno(self) -> int:
        assert self.guest.operator is not None
        return self.guest.operator.fileno()

    def serve(self) -> None:
        """Do what the guest has asked for by now. Called whenever there is something to read."""
        assert self.guest.operator is not None
        try:
            received = self.guest.operator.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        self.open = bool(received)
        *lines, rest = (self._pending + received).split(b"\n")
        self._pending = rest[:LONGEST_LINE + 1]
        for line in lines:
            self._obey(line)

    def _obey(self, line: bytes) -> None:
        wanted = understand(line, self.display)
        if wanted is not None and self.guest.qmp.unanswered < MOST_WAITING:
            self.guest.qmp.execute("input-send-event", **wanted)
        elif not self._has_refused:
            self._has_refused = True
            say(f"munal: the guest asked its operator for what is not done: {line[:LONGEST_LINE].decode(errors='replace')!r}")


def understand(line: bytes, display: str | None) -> dict[str, Any] | None:
    """The arguments of QEMU's `input-send-event` for what a line asks for; None where it asks for nothing that can be done."""
    seat, *words = line[:LONGEST_LINE + 1].decode("ascii", errors="replace").split() or [""]
    seats: dict[str, dict[str, Any]] = {"machine": {}, **({"display": {"device": display}} if display else {})}
    if seat not in seats or len(line) > LONGEST_LINE or len(words) not in range(3, 3 * MOST_EVENTS + 1, 3):
        return None
    events = [_event(*words[at:at + 3]) for at in range(0, len(words), 3)]
    return None if None in events else {**seats[seat], "events": events}


def _event(kind: str, code: str, value: str) -> dict[str, Any] | None:
    """One of QEMU's InputEvents (qapi/ui.json in its source)."""
    try:
        number, amount = int(code), int(value)
    except ValueError:
        return None
    if kind == "key" and 1 <= number <= LAST_KEY and amount in (0, 1):
        return {"type": "key", "data": {"key": {"type": "number", "data": number}, "down": amount == 1}}
    if kind == "rel" and number in range(len(AXES)) and abs(amount) <= FARTHEST:
        return {"type": "rel", "data": {"axis": AXES[number], "value": amount}}
    if kind == "abs" and number in range(len(AXES)) and 0 <= amount <= FARTHEST:
        return {"type": "abs", "data": {"axis": AXES[number], "value": amount}}
    return None
