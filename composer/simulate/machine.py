"""The simulated machine: devices at their ports and addresses, interrupt lines, a wall clock, and how its run ends.

Everything here is touched under one lock, `changed`, whose waiters look again whenever something did.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TYPE_CHECKING

from composer.simulate.clock import Clock
from composer.simulate.faults import Script
from composer.simulate.objects import Interrupt

if TYPE_CHECKING:
    from composer.simulate.devices import Device
    from composer.simulate.devices.uart16550 import Uart16550
    from composer.system import Range

PICTURE = (640, 480)
"""Width and height of the picture that a simulated firmware sets up."""
OUTPUT_ROOM = 4096
"""Bytes that wait for the reader of the serial line before the transmitter is full."""


class Outcome(Enum):
    POWER_OFF = auto()
    RESET = auto()
    EXIT = auto()


class Picture:
    """What the display shows: rows of pixels, each blue, green, red and a byte of nothing."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.bytes = bytearray(width * height * 4)

    @property
    def about(self) -> bytes:
        """As the interface `framebuffer` has it."""
        numbers = (self.width, self.height, self.width * 4, 4, 0xFF0000, 0xFF00, 0xFF)
        return b"".join(number.to_bytes(4, "little") for number in numbers)

    def put(self, offset: int, data: bytes) -> bool:
        """Change it from `offset` on; false where that leaves it."""
        fits = offset + len(data) <= len(self.bytes)
        if fits:
            self.bytes[offset:offset + len(data)] = data
        return fits


class Machine:
    """Ports and interrupts of one simulated computer, from power-on to its end. `ended` is what it ended by, and a status."""

    def __init__(self, wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC), clock: Clock | None = None) -> None:
        from composer.simulate.devices import all_devices, all_memory_devices

        self.wall_clock, self.clock = wall_clock, clock or Clock()
        self.changed = self.clock.changed
        self.ended: tuple[Outcome, int] | None = None
        self.interrupts = {number: Interrupt() for number in range(16)}
        self.output = bytearray()
        self.picture: Picture | None = Picture(*PICTURE)
        self.serial: Uart16550 | None = None
        self.input_waits = False
        self.fault: BaseException | None = None
        self.scripts: dict[int, Script] = {}
        self.operate: Callable[[bool, list[tuple[int, int, int]]], None] = lambda at_display, events: None
        """Has its operator press and move: at the display, or at what the machine has by itself."""
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._ports = [(base, length, made(self)) for base, length, made in all_devices()]
        self._memory = [(base, length, made(self)) for base, length, made in all_memory_devices()]

    def script(self, port: int) -> Script:
        """What the device at a port is to do wrong."""
        return self.scripts.setdefault(port, Script())

    def at_port(self, port: int) -> Device | None:
        """The device that answers there."""
        found = _at(self._ports, port)
        return found[0] if found else None

    def remove_ports(self, place: Range) -> None:
        """The devices at these ports are not there."""
        self._ports = [each for each in self._ports if not place.base <= each[0] < place.end]

    def remove_memory(self, place: Range) -> None:
        """The devices in this device memory are not there."""
        self._memory = [each for each in self._memory if not place.base <= each[0] < place.end]

    def at_ports(self) -> list[Device]:
        """All devices that answer at ports."""
        return [device for _, _, device in self._ports]

    def read(self, port: int, width: int) -> int:
        """An IN instruction of `width` bits."""
        with self.changed:
            found = _at(self._ports, port)
            return found[0].read(found[1], width) if found else (1 << width) - 1

    def write(self, port: int, width: int, value: int) -> None:
        """An OUT instruction of `width` bits."""
        with self.changed:
            found = _at(self._ports, port)
            if found:
                found[0].write(found[1], width, value)

    def load(self, address: int, width: int) -> int:
        """A read of `width` bits of device memory."""
        with self.changed:
            found = _at(self._memory, address)
            return found[0].read(found[1], width) if found else (1 << width) - 1

    def store(self, address: int, width: int, value: int) -> None:
        """A write of `width` bits of device memory."""
        with self.changed:
            found = _at(self._memory, address)
            if found:
                found[0].write(found[1], width, value)

    def interrupt(self, number: int, level: bool) -> None:
        """A device drives its interrupt line."""
        if self.interrupts[number].set(level):
            self.changed.notify_all()

    def transmit(self, byte: int) -> None:
        """The UART sends a byte to whoever reads the serial line."""
        self.output.append(byte)
        self.wake()

    @property
    def can_transmit(self) -> bool:
        return len(self.output) < OUTPUT_ROOM

    def received(self) -> None:
        """The UART has room again: let what was typed come in."""
        if self.input_waits:
            self.wake()

    def next_tick(self) -> float | None:
        """When a device wants `tick` next, in `time.monotonic` seconds."""
        with self.changed:
            moments = [d.next_tick() for _, _, d in (*self._ports, *self._memory)]
            due = self.clock.next_due()
            moments.append(None if due is None else due / 1e9)
        return min((m for m in moments if m is not None), default=None)

    def tick(self) -> None:
        """Let devices see what time it is."""
        with self.changed:
            self.clock.tick()
            for _, _, each in (*self._ports, *self._memory):
                each.tick()

    def end(self, outcome: Outcome, status: int = 0) -> None:
        """The machine ends; the first word counts."""
        with self.changed:
            self.ended = self.ended or (outcome, status)
            self.changed.notify_all()
            self.wake()

    def fail(self, fault: BaseException) -> None:
        """The simulator itself is at fault: its loop raises this."""
        with self.changed:
            self.fault = self.fault or fault
            self.wake()

    def wake(self) -> None:
        """Have the loop that carries the serial line look again."""
        try:
            os.write(self._wake_write, b"\0")
        except BlockingIOError:
            return

    def fileno(self) -> int:
        """Readable when `wake` was called."""
        return self._wake_read

    def woken(self) -> None:
        os.read(self._wake_read, 65536)

    def close(self) -> None:
        os.close(self._wake_read)
        os.close(self._wake_write)


def _at(devices: list[tuple[int, int, Device]], place: int) -> tuple[Device, int] | None:
    """The device at a port or an address, and the offset into it."""
    return next(((d, place - base) for base, length, d in devices if base <= place < base + length), None)
