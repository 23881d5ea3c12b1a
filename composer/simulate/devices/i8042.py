"""A simulated keyboard controller at ports 0x60 and 0x64 with a keyboard and a mouse that has a wheel (IBM Personal System/2 Hardware
Interface Technical Reference). Nobody presses a key: the devices answer commands, and can be told to say more.
"""

from __future__ import annotations

from collections import deque
from weakref import WeakKeyDictionary

from composer.simulate.devices import Device, device
from composer.simulate.machine import Machine

FULL, FROM_MOUSE = 0x01, 0x20
KEYBOARD_OFF, MOUSE_OFF = 0x10, 0x20
IRQS = (1, 12)
TAKEN, WELL, PASSED, NO_FAULT = 0xFA, 0xAA, 0x55, 0x00
RESET, REPORT, SAMPLE_RATE, IDENTIFY = 0xFF, 0xF4, 0xF3, 0xF2
WITH_WHEEL, HAS_WHEEL = [200, 100, 80], 3
KEYBOARD_IDENTITY = (0xAB, 0x83)


class Controller:
    """The one controller of a machine, behind both ports. Bytes wait with whether they are the mouse's."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.configuration = 0x03 | 0x40
        self.waiting: deque[tuple[int, bool]] = deque()
        self.command: int | None = None
        self.rates: list[int] = []
        self.takes_rate = False

    def say(self, data: bytes, mouse: bool = False) -> None:
        """A device, or the controller, has bytes to be read."""
        self.waiting.extend((byte, mouse) for byte in data)
        self.interrupt()

    def interrupt(self) -> None:
        """Each device's line follows the byte that waits first."""
        first = self.waiting[0][1] if self.waiting else None
        for mouse, line in enumerate(IRQS):
            self.machine.interrupt(line, first is not None and first == bool(mouse) and bool(self.configuration >> mouse & 1))

    def status(self) -> int:
        return (FULL | (FROM_MOUSE if self.waiting[0][1] else 0)) if self.waiting else 0

    def data(self) -> int:
        byte = self.waiting.popleft()[0] if self.waiting else 0
        self.interrupt()
        return byte

    def order(self, byte: int) -> None:
        """A command for the controller itself."""
        answers = {0x20: self.configuration, 0xAA: PASSED, 0xA9: NO_FAULT, 0xAB: NO_FAULT}
        bits = {0xA7: (MOUSE_OFF, True), 0xA8: (MOUSE_OFF, False), 0xAD: (KEYBOARD_OFF, True), 0xAE: (KEYBOARD_OFF, False)}
        if byte in answers:
            self.say(bytes([answers[byte]]))
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
        self.say(bytes([TAKEN]) + answers.get(byte, b""), mouse)


_CONTROLLERS: WeakKeyDictionary[Machine, Controller] = WeakKeyDictionary()


def controller(machine: Machine) -> Controller:
    """The machine's controller."""
    if machine not in _CONTROLLERS:
        _CONTROLLERS[machine] = Controller(machine)
    return _CONTROLLERS[machine]


@device(0x60, 1)
class Data(Device):
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
