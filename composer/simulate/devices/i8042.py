"""A simulated keyboard controller at ports 0x60 and 0x64 with a keyboard and a mouse that has a wheel (IBM Personal System/2 Hardware
Interface Technical Reference). The devices answer commands, and say what is pressed and moved where a script, or a test, does that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import ClassVar
from weakref import WeakKeyDictionary

from composer.simulate.devices import Device, device
from composer.simulate.faults import Script
from composer.simulate.machine import Machine

FULL, FROM_MOUSE = 0x01, 0x20
KEYBOARD_OFF, MOUSE_OFF = 0x10, 0x20
IRQS = (1, 12)
DATA_PORT = 0x60
TAKEN, WELL, PASSED, NO_FAULT = 0xFA, 0xAA, 0x55, 0x00
RESET, REPORT, SAMPLE_RATE, IDENTIFY = 0xFF, 0xF4, 0xF3, 0xF2
WITH_WHEEL, HAS_WHEEL = [200, 100, 80], 3
KEYBOARD_IDENTITY = (0xAB, 0x83)
FAILED = 0xFC
SAME_KEYS, RELEASED = (*range(0x01, 0x54), 0x57, 0x58), 0x80
"""Keys whose codes in set 1 are those that Linux gives them, and the bit that says that a key is let go."""
SYNC, KEY, RELATIVE = 0, 1, 2
BUTTONS, X, Y, WHEEL = (0x110, 0x111, 0x112), 0, 1, 8
ALWAYS = 0x08
"""Set in the first byte of each packet of a mouse."""
I8042_FAULTS = {
    "lost-interrupt": "a byte waits, and it does not interrupt",
    "stop": "it says nothing any more",
    "gone": "it answers nothing any more, as if it were not there",
    "failed-test": "its own test ends with `number`, or 0xfc",
}
"""Each byte or answer that it says is an occasion; for tests, each test."""


class Controller:
    """The one controller of a machine, behind both ports. Bytes wait with whether they are the mouse's."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.configuration = 0x03 | 0x40
        self.waiting: deque[tuple[int, bool]] = deque()
        self.command: int | None = None
        self.rates: list[int] = []
        self.takes_rate = False
        self.stopped = self.gone = self.wheel = False
        self.buttons = 0

    @property
    def script(self) -> Script:
        return self.machine.script(DATA_PORT)

    def say(self, data: bytes, mouse: bool = False) -> None:
        """A device, or the controller, has bytes to be read."""
        self.stopped |= self.script.due("stop") is not None
        self.gone |= self.script.due("gone") is not None
        if self.stopped or self.gone:
            return
        self.waiting.extend((byte, mouse) for byte in data)
        self.interrupt()

    def interrupt(self) -> None:
        """Each device's line follows the byte that waits first."""
        first = self.waiting[0][1] if self.waiting else None
        for mouse, line in enumerate(IRQS):
            level = first is not None and first == bool(mouse) and bool(self.configuration >> mouse & 1)
            if level and not self.machine.interrupts[line].raised and self.script.due("lost-interrupt"):
                self.machine.interrupts[line].raised = True
            self.machine.interrupt(line, level)

    def tell(self, events: Iterable[tuple[int, int, int]]) -> None:
        """Somebody presses keys or moves the mouse: types, codes and values as Linux numbers them, those that PS/2 can tell."""
        moved = {X: 0, Y: 0, WHEEL: 0}
        was = self.buttons
        for kind, code, value in events:
            if kind == KEY and code in SAME_KEYS:
                self.say(bytes([code | (0 if value else RELEASED)]))
            elif kind == KEY and code in BUTTONS:
                bit = 1 << BUTTONS.index(code)
                self.buttons = self.buttons | bit if value else self.buttons & ~bit
            elif kind == RELATIVE and code in moved:
                moved[code] = max(-128, min(127, moved[code] + value))
            elif kind == SYNC and (any(moved.values()) or was != self.buttons):
                self._packet(moved[X], -moved[Y], -moved[WHEEL])
                moved, was = dict.fromkeys(moved, 0), self.buttons

    def _packet(self, x: int, y: int, wheel: int) -> None:
        first = ALWAYS | self.buttons | (0x10 if x < 0 else 0) | (0x20 if y < 0 else 0)
        self.say(bytes([first, x & 0xFF, y & 0xFF, *([wheel & 0xFF] if self.wheel else [])]), mouse=True)

    def status(self) -> int:
        if self.gone:
            return 0xFF
        return (FULL | (FROM_MOUSE if self.waiting[0][1] else 0)) if self.waiting else 0

    def data(self) -> int:
        if self.gone:
            return 0xFF
        byte = self.waiting.popleft()[0] if self.waiting else 0
        self.interrupt()
        return byte

    def order(self, byte: int) -> None:
        """A command for the controller itself."""
        answers = {0x20: self.configuration, 0xAA: PASSED, 0xA9: NO_FAULT, 0xAB: NO_FAULT}
        bits = {0xA7: (MOUSE_OFF, True), 0xA8: (MOUSE_OFF, False), 0xAD: (KEYBOARD_OFF, True), 0xAE: (KEYBOARD_OFF, False)}
        if byte in answers:
            failed = self.script.number("failed-test", FAILED) if byte != 0x20 else None
            self.say(bytes([answers[byte] if failed is None else failed & 0xFF]))
        elif byte in bits:
            bit, off = bits[byte]
            self.configuration = self.configuration | bit if off else self.configuration & ~bit
        else:
            self.command = byte

    def write(self, byte: int) -> None:
        """A byte for the last command, or for the keyboard."""
        command, self.command = self.command, None
        if command == 0x60:
            self.configuration = byte
            self.interrupt()
        else:
            self._device(byte, command == 0xD4)

    def _device(self, byte: int, mouse: bool) -> None:
        if self.takes_rate:
            self.takes_rate = False
            self.rates.append(byte)
            return self.say(bytes([TAKEN]), mouse)
        self.takes_rate = mouse and byte == SAMPLE_RATE
        wheel = HAS_WHEEL if self.rates[-3:] == WITH_WHEEL else 0
        answers = {RESET: bytes([WELL, 0] if mouse else [WELL]), IDENTIFY: bytes([wheel] if mouse else KEYBOARD_IDENTITY)}
        if mouse and byte == RESET:
            self.rates.clear()
            self.wheel = False
        elif mouse and byte == IDENTIFY:
            self.wheel = bool(wheel)
        self.say(bytes([TAKEN]) + answers.get(byte, b""), mouse)


_CONTROLLERS: WeakKeyDictionary[Machine, Controller] = WeakKeyDictionary()


def controller(machine: Machine) -> Controller:
    """The machine's controller."""
    if machine not in _CONTROLLERS:
        _CONTROLLERS[machine] = Controller(machine)
    return _CONTROLLERS[machine]


@device(DATA_PORT, 1)
class Data(Device):
    FAULTS: ClassVar[Mapping[str, str]] = I8042_FAULTS

    def tell(self, events: Iterable[tuple[int, int, int]]) -> None:
        """Somebody presses keys or moves the mouse."""
        controller(self.machine).tell(events)

    def read(self, offset: int, width: int) -> int:
        return controller(self.machine).data() if width == 8 else super().read(offset, width)

    def write(self, offset: int, width: int, value: int) -> None:
        if width == 8:
            controller(self.machine).write(value)


@device(0x64, 1)
class Control(Device):
    def read(self, offset: int, width: int) -> int:
        return controller(self.machine).status() if width == 8 else super().read(offset, width)

    def write(self, offset: int, width: int, value: int) -> None:
        if width == 8:
            controller(self.machine).order(value)
