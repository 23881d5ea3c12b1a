"""A simulated debug console as QEMU has it (hw/char/debugcon.c in its source), with the machine's operator behind it: who asks for keys
gets them pressed. A line is a seat and what is to happen there, as composer/operator.py has it for QEMU.
"""

from __future__ import annotations

from composer.operator import LONGEST_LINE, MOST_EVENTS
from composer.qemu import OPERATOR_PORT
from composer.simulate.devices import Device, device
from composer.simulate.machine import Machine

PRESENT = 0xE9
END = 0x0A
SYNC = (0, 0, 0)
KINDS = {"key": 1, "rel": 2, "abs": 3}
SEATS = ("machine", "display")


@device(OPERATOR_PORT, 1)
class DebugConsole(Device):
    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._line = bytearray()

    def read(self, offset: int, width: int) -> int:
        return PRESENT if width == 8 else super().read(offset, width)

    def write(self, offset: int, width: int, value: int) -> None:
        if width != 8:
            return
        if value != END:
            self._line.append(value)
            del self._line[LONGEST_LINE + 1:]
            return
        found = understand(bytes(self._line))
        self._line.clear()
        if found is not None:
            self.machine.operate(*found)


def understand(line: bytes) -> tuple[bool, list[tuple[int, int, int]]] | None:
    """Whether a line is for the seat of the display, and the events that it asks for; None where it asks for nothing that can be done."""
    seat, *words = line.decode("ascii", errors="replace").split() or [""]
    if seat not in SEATS or len(line) > LONGEST_LINE or len(words) not in range(3, 3 * MOST_EVENTS + 1, 3):
        return None
    try:
        events = [(KINDS[kind], int(code), int(value)) for kind, code, value in zip(*[iter(words)] * 3, strict=True)]
    except (KeyError, ValueError):
        return None
    fits = all(0 <= code <= 0xFFFF and -(1 << 31) <= value < 1 << 31 for _, code, value in events)
    return (seat == "display", [*events, SYNC]) if fits else None
