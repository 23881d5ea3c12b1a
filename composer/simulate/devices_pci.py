"""What a SIP may call of the devices that it is granted (kernel/interfaces/device.toml), and which of them the simulated machine has.

It has what is in `FUNCTIONS`, once for each grant; all others are absent, as an optional one is on a real machine. Writes are judged
by the device's model, as kernel/logic/src/device/rules.rs does it. No simulated device does DMA yet: one whose model has addresses
or tables is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from composer.device import Device, Limit, Match, Rules, Step
from composer.layout import HandleKind
from composer.simulate.devices.edu import IDENTITY, Edu
from composer.simulate.engine import Fault
from composer.simulate.links import Answer, Links
from composer.simulate.objects import Interrupt

if TYPE_CHECKING:
    from composer.simulate.kernel import Kernel
    from composer.simulate.sip import Sip


class Absent:
    """A device that is not there: all of it reads as ones, nothing written stays, and it never interrupts."""

    present = False

    def __init__(self) -> None:
        self.interrupt = Interrupt()

    def open(self) -> None:
        """A life of its driver begins. Raises Fault where its reset comes to no end."""

    def close(self) -> None:
        """That life is over."""

    def config(self, offset: int) -> int:
        return (1 << 32) - 1

    def read(self, region: int, offset: int, width: int) -> int:
        return (1 << width) - 1

    def write(self, region: int, offset: int, width: int, value: int) -> None:
        pass

    def write_table(self, table: int, offset: int, data: bytes) -> int:
        """How many bytes were written. Raises Answer."""
        raise Answer("not_found")

    def read_table(self, table: int, offset: int, length: int) -> bytes:
        """The bytes as the device has them. Raises Answer."""
        raise Answer("not_found")

    def acknowledge(self) -> None:
        pass


class Function(Protocol):
    """A function of the simulated machine's that has one region, its first base address register's."""

    def config(self, offset: int) -> int: ...
    def read(self, offset: int, width: int) -> int: ...
    def write(self, offset: int, width: int, value: int) -> None: ...


FUNCTIONS: dict[int, Callable[[Callable[[], None]], Function]] = {IDENTITY: Edu}
"""Simulated functions by the first word of their configuration space; they are given what interrupts."""


class Present(Absent):
    """A simulated function behind its model."""

    present = True

    def __init__(self, model: Device, made: Callable[[Callable[[], None]], Function], notify: Callable[[], None]) -> None:
        super().__init__()
        self._model, self._notify = model, notify
        self._function = made(self._interrupted)

    def _interrupted(self) -> None:
        self.interrupt.count += 1
        self._notify()

    def open(self) -> None:
        for step in self._model.reset:
            if not self._take(step):
                name = self._model.regions[step.region].name
                raise Fault(f"device `{self._model.need}` does not come out of its reset: {step.offset:#x} of `{name}`", trapped=False)
        self.interrupt.take()

    def close(self) -> None:
        for step in self._model.reset:
            if step.mask is None:
                self._take(step)

    def _take(self, step: Step) -> bool:
        """One step of the reset; false where it would be waited for in vain: nothing happens here by itself."""
        if step.mask is None:
            self._function.write(step.offset, step.bytes * 8, step.value)
            return True
        return self._function.read(step.offset, step.bytes * 8) & step.mask == step.value

    def config(self, offset: int) -> int:
        return self._function.config(offset & ~3)

    def read(self, region: int, offset: int, width: int) -> int:
        regions, count = self._model.regions, width // 8
        if region >= len(regions) or offset + count > regions[region].length:
            raise Fault(f"read {count} bytes at {offset:#x} of region {region} of device `{self._model.need}`, which its model does not have")
        return self._function.read(offset, width)

    def write(self, region: int, offset: int, width: int, value: int) -> None:
        regions, count = self._model.regions, width // 8
        said = f"wrote {count} bytes at {offset:#x} of region {region} of device `{self._model.need}`"
        if region >= len(regions):
            raise Fault(f"{said}: its model has no such region")
        value &= (1 << width) - 1
        if not allows(regions[region].rules, offset, count, value):
            raise Fault(f"{said}: its model does not let it")
        self._function.write(offset, width, value)


def allows(rules: Rules, offset: int, count: int, value: int) -> bool:
    """Whether rules without addresses let `count` bytes at `offset` become `value`: each is named, and each number with a limit that
    any of them is in is written whole, and keeps to it."""
    written = range(offset, offset + count)
    limited = [(limit, place) for limit in rules.limits for place in _places(limit) if place.start < written.stop and written.start < place.stop]
    named = [range(start, end) for start, end in rules.free] + [place for _, place in limited]
    if not all(any(at in place for place in named) for at in written):
        return False
    for limit, place in limited:
        number = value >> 8 * (place.start - offset) & (1 << 8 * limit.bytes) - 1 if place.start >= offset else 0
        whole = offset <= place.start and place.stop <= written.stop
        if not whole or number & ~limit.mask or not limit.least <= number <= limit.most:
            return False
    return True


def _places(limit: Limit) -> Iterator[range]:
    for number in range(limit.count):
        start = limit.offset + number * limit.stride
        yield range(start, start + limit.bytes)


def find(device: Device, notify: Callable[[], None]) -> Absent:
    """The simulated machine's function for a granted device; `notify` wakes those who wait for its interrupts."""
    simple = not device.tables and all(region.bar == 0 and not region.rules.pointers for region in device.regions)
    made = next((made for word, made in FUNCTIONS.items() if any(_is(match, word) for match in device.matches)), None)
    if made is None or not simple or device.slot is not None or device.skip:
        return Absent()
    return Present(device, made, notify)


def _is(match: Match, word: int) -> bool:
    return match.offset == 0 and word & match.mask == match.value


class Devices(Links):
    """The primitives of granted devices."""

    kernel: Kernel
    sip: Sip

    def device_present(self, handle: int) -> int:
        return int(self._device(handle).present)

    def device_config(self, handle: int, offset: int) -> int:
        return self._device(handle).config(offset)

    def device_read8(self, handle: int, region: int, offset: int) -> int:
        return self._device(handle).read(region, offset, 8)

    def device_read16(self, handle: int, region: int, offset: int) -> int:
        return self._device(handle).read(region, offset, 16)

    def device_read32(self, handle: int, region: int, offset: int) -> int:
        return self._device(handle).read(region, offset, 32)

    def device_read64(self, handle: int, region: int, offset: int) -> int:
        return self._device(handle).read(region, offset, 64)

    def device_write8(self, handle: int, region: int, offset: int, value: int) -> None:
        self._device(handle).write(region, offset, 8, value)

    def device_write16(self, handle: int, region: int, offset: int, value: int) -> None:
        self._device(handle).write(region, offset, 16, value)

    def device_write32(self, handle: int, region: int, offset: int, value: int) -> None:
        self._device(handle).write(region, offset, 32, value)

    def device_write64(self, handle: int, region: int, offset: int, value: int) -> None:
        self._device(handle).write(region, offset, 64, value)

    def device_write_table(self, handle: int, table: int, offset: int, at: int, length: int) -> int:
        device, data = self._device(handle), self._read(at, length)
        return device.write_table(table, offset, data)

    def device_read_table(self, handle: int, table: int, offset: int, at: int, length: int) -> int:
        device = self._device(handle)
        self._check_buffer(at, length)
        return self._write(at, length, device.read_table(table, offset, length))

    def device_wait(self, handle: int, timeout: int) -> int:
        line = self._device(handle).interrupt
        if not self.kernel.wait(self.sip, lambda: line.count > 0, self._deadline(timeout)):
            raise Answer("timed_out")
        return line.take()

    def device_acknowledge(self, handle: int) -> None:
        self._device(handle).acknowledge()

    def _device(self, handle: int) -> Absent:
        return self.kernel.devices[self._require(handle, HandleKind.DEVICE).object]
