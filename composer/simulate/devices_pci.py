"""What a SIP may call of the devices that it is granted (kernel/interfaces/device.toml), and the machine that has none of them.

A simulated machine has no function with DMA yet: each granted device is absent, as an optional one is on a real machine. One that
is there some day stands in `find` and answers what `Absent` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer.device import Device
from composer.layout import HandleKind
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


def find(device: Device) -> Absent:
    """The simulated machine's function for a granted device."""
    return Absent()


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
