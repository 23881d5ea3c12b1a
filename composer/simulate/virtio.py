"""Virtio over PCI from the device's side (Virtual I/O Device 1.2, sections 2 and 4.1): the configuration that all devices have, and when
they are told that there is something to do. A device adds its queues, its features and what it does.

Registers are behind one base address register: common configuration, interrupt status, the device's own, notifications.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import ClassVar

from composer.simulate.cards import COMMON_FAULTS, Card, Slot
from composer.simulate.pci import PREFETCHABLE, WIDE, Function, Region
from composer.simulate.split_queue import QUEUE_FAULTS, Broken, Queue

VENDOR, FIRST_DEVICE = 0x1AF4, 0x1040
BAR = 4
COMMON_AT, ISR_AT, OWN_AT, NOTIFY_AT, LENGTH = 0x0000, 0x1000, 0x2000, 0x3000, 0x4000
PART = 0x1000
BELLS_APART = 4

VERSION_1 = 1 << 32
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128
NO_VECTOR = 0xFFFF
MSI_X = b"\x11\0\x80" + bytes(8)
"""The capability of interrupts by messages, which the kernel has turned on."""
FOR_QUEUE, FOR_CONFIGURATION = 1, 2
"""Bits of the interrupt status."""

VIRTIO_FAULTS = COMMON_FAULTS | QUEUE_FAULTS | {
    "needs-reset": "it says that it is broken, and does nothing any more until it is reset",
    "no-features": "it offers no features, virtio 1 neither",
    "refused-features": "it does not agree to what the driver chose",
    "no-queues": "its queues have no descriptors",
    "config": "its own configuration is bytes of `number`, or 0xff",
}

COMMON = {
    0x00: 4, 0x04: 4, 0x08: 4, 0x0C: 4, 0x10: 2, 0x12: 2, 0x14: 1, 0x15: 1, 0x16: 2, 0x18: 2, 0x1A: 2, 0x1C: 2, 0x1E: 2,
    0x20: 4, 0x24: 4, 0x28: 4, 0x2C: 4, 0x30: 4, 0x34: 4,
}
"""Where the fields of the common configuration are, and the bytes of each; none is reached otherwise (section 4.1.3.1)."""
ADDRESSES = {0x20: "descriptors", 0x28: "driver", 0x30: "device"}


def capability(kind: int, offset: int, length: int, more: bytes = b"") -> bytes:
    """A vendor's capability that says where a part of the registers is (section 4.1.4)."""
    return struct.pack("<BBBB3xII", 0x09, 16 + len(more), kind, BAR, offset, length) + more


class VirtioCard(Card):
    """A virtio device. `KIND` is its number in section 5, `CLASS` its class code, `SIZES` the most descriptors of each queue."""

    FAULTS: ClassVar[Mapping[str, str]] = VIRTIO_FAULTS
    KIND: ClassVar[int]
    CLASS: ClassVar[int] = 0x00FF00
    SIZES: ClassVar[tuple[int, ...]]
    FEATURES: ClassVar[int] = 0

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot)
        parts = (capability(1, COMMON_AT, 0x38), capability(3, ISR_AT, 1), capability(4, OWN_AT, PART),
                 capability(2, NOTIFY_AT, PART, struct.pack("<I", BELLS_APART)))
        address = 0xFE00_0000 + 0x1_0000 * (self.KIND << 3 | slot.number & 7)
        regions = {BAR: Region(address, LENGTH, WIDE | PREFETCHABLE)}
        self.about = Function(VENDOR, FIRST_DEVICE + self.KIND, self.CLASS, regions, (MSI_X, *parts), revision=1)
        self._offered, self._agrees, self._sizes = self.FEATURES | VERSION_1, True, self.SIZES
        self._garbage: int | None = None
        self._reset()

    # What a device adds

    def own(self) -> bytes:
        """Its own configuration."""
        return b""

    def set_own(self, offset: int, data: bytes) -> None:
        """Its own configuration is written."""

    def serve(self, number: int, queue: Queue) -> None:
        """There may be something to do on a queue. Raises Broken where the driver asks for what cannot be."""
        raise NotImplementedError

    def forget(self) -> None:
        """It is reset: all that a driver told it is gone."""

    # What devices use

    def finish(self, queue: Queue) -> None:
        """Have the driver find what is done on a queue, and interrupt it."""
        if queue.publish():
            self._interrupt(FOR_QUEUE, queue.vector)

    def configuration_changed(self) -> None:
        self._interrupt(FOR_CONFIGURATION, self._vector)

    def works(self) -> bool:
        if self.slot.script.due("needs-reset"):
            self._break()
        return super().works()

    @property
    def ready(self) -> bool:
        return self.status & (DRIVER_OK | NEEDS_RESET) == DRIVER_OK and not self.stopped and not self.gone

    def _break(self) -> None:
        self.status |= NEEDS_RESET
        self.stopped = True
        self.configuration_changed()

    def _interrupt(self, why: int, vector: int) -> None:
        self._isr |= why
        if vector != NO_VECTOR:
            self.slot.interrupt()

    def _reset(self) -> None:
        self.status, self._isr, self._vector = 0, 0, NO_VECTOR
        self._select = self._driver_select = self._device_select = 0
        self._chosen, self.stopped = 0, False
        self.queues = [Queue(size, self.slot.dma, self.slot.script) for size in self._sizes]
        self.forget()

    def begin(self) -> None:
        super().begin()
        script = self.slot.script
        self._offered = 0 if script.due("no-features") else self.FEATURES | VERSION_1
        self._agrees = script.due("refused-features") is None
        self._sizes = (0,) * len(self.SIZES) if script.due("no-queues") else self.SIZES
        self._garbage = script.number("config", 0xFF)

    # Registers

    def read(self, bar: int, offset: int, width: int) -> int:
        count, inside = width // 8, offset % PART
        if bar != BAR:
            return super().read(bar, offset, width)
        if offset < ISR_AT:
            return self._common(inside) if COMMON.get(inside) == count else super().read(bar, offset, width)
        if offset < OWN_AT:
            isr, self._isr = self._isr, 0
            return isr if (inside, count) == (0, 1) else super().read(bar, offset, width)
        if offset < NOTIFY_AT:
            own = self.own() if self._garbage is None else bytes([self._garbage & 0xFF]) * PART
            return int.from_bytes(own[inside:inside + count].ljust(count, b"\0"), "little")
        return 0

    def write(self, bar: int, offset: int, width: int, value: int) -> None:
        count, inside = width // 8, offset % PART
        if bar != BAR:
            return
        if offset < ISR_AT:
            if COMMON.get(inside) == count:
                self._set_common(inside, value)
        elif OWN_AT <= offset < NOTIFY_AT:
            self.set_own(inside, value.to_bytes(count, "little"))
        elif offset >= NOTIFY_AT and width == 16 and inside == BELLS_APART * value:
            self.notified(value)

    def notified(self, number: int) -> None:
        """The driver says that there is something to do."""
        if not self.ready or number >= len(self.queues):
            return
        try:
            self.serve(number, self.queues[number])
        except Broken:
            self._break()

    def _common(self, offset: int) -> int:
        queue = self.queues[self._select] if self._select < len(self.queues) else None
        if offset >= 0x18:
            if queue is None:
                return 0
            if offset >= 0x20:
                return getattr(queue, ADDRESSES[offset & ~7]) >> (offset & 4) * 8 & 0xFFFF_FFFF
            return {0x18: queue.size, 0x1A: queue.vector, 0x1C: int(queue.enabled), 0x1E: self._select}[offset]
        return {
            0x00: self._device_select, 0x04: self._offered >> 32 * self._device_select & 0xFFFF_FFFF if self._device_select < 2 else 0,
            0x08: self._driver_select, 0x0C: self._chosen >> 32 * self._driver_select & 0xFFFF_FFFF if self._driver_select < 2 else 0,
            0x10: self._vector, 0x12: len(self.queues), 0x14: self.status | (FAILED if self.stuck else 0), 0x15: 0, 0x16: self._select,
        }[offset]

    def _set_common(self, offset: int, value: int) -> None:
        if offset >= 0x18:
            self._set_queue(offset, value)
        elif offset == 0x00:
            self._device_select = value
        elif offset == 0x08:
            self._driver_select = value
        elif offset == 0x0C and self._driver_select < 2 and not self.status & FEATURES_OK:
            shift = 32 * self._driver_select
            self._chosen = self._chosen & ~(0xFFFF_FFFF << shift) | value << shift
        elif offset == 0x10:
            self._vector = value if value == 0 else NO_VECTOR
        elif offset == 0x14:
            self._set_status(value)
        elif offset == 0x16:
            self._select = value

    def _set_status(self, value: int) -> None:
        if value == 0:
            return self._reset()
        agreed = self._agrees and not self._chosen & ~self._offered and self._chosen & VERSION_1
        self.status = value & ~(0 if agreed else FEATURES_OK) | self.status & NEEDS_RESET
        if self.ready:
            for number in range(len(self.queues)):
                self.notified(number)

    def _set_queue(self, offset: int, value: int) -> None:
        queue = self.queues[self._select] if self._select < len(self.queues) else None
        if queue is None or queue.enabled:
            return
        if offset >= 0x20:
            name, shift = ADDRESSES[offset & ~7], (offset & 4) * 8
            setattr(queue, name, getattr(queue, name) & ~(0xFFFF_FFFF << shift) | value << shift)
        elif offset == 0x18 and value <= queue.most and value & value - 1 == 0:
            queue.size = value
        elif offset == 0x1A:
            queue.vector = value if value == 0 else NO_VECTOR
        elif offset == 0x1C and value == 1 and queue.size:
            queue.enabled = True
