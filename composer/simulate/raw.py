"""The raw primitives of the simulated kernel: one method each, found by its name in kernel/interfaces.

Parameters are those of the primitive, a pointer and a length for bytes. A method answers as the kernel does; `Answer` leaves
with an error's name, Fault ends the SIP, Finished unwinds one that was ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from composer.layout import HandleKind
from composer.simulate import audit
from composer.simulate.devices_pci import Devices
from composer.simulate.engine import Fault, Finished
from composer.simulate.links import INTERRUPTS, Answer
from composer.system import Access, Need, Range

if TYPE_CHECKING:
    from composer.interfaces import Interfaces
    from composer.simulate.kernel import Kernel
    from composer.simulate.machine import Picture
    from composer.simulate.sip import Sip


def require_complete(interfaces: Interfaces) -> None:
    """Raises LookupError where an interface has a raw primitive that is missing here, naming all of them."""
    missing = [name for name in interfaces.raw if not callable(getattr(Primitives, name, None))]
    if missing:
        raise LookupError(f"the simulator lacks the raw primitives {', '.join(missing)}")


def _covers(window: Range, need: Need, at: int, width: int, access: Access) -> bool:
    """Whether a grant of ports or device memory allows an access of `width` bits at `at`."""
    fields = need.fields
    return window.base <= at and at + width // 8 <= window.end and Access(fields["access"]).allows(access) and width in fields["widths"]


class Primitives(Devices):
    """What the glue of one SIP may call; what joins it with others is in links.py, granted devices are in devices_pci.py."""

    def __init__(self, kernel: Kernel, sip: Sip) -> None:
        self.kernel, self.sip = kernel, sip
        self.ports = [(g.ports, g.need) for g in sip.instance.grants if g.ports]
        self.memory = [(g.memory, g.need) for g in sip.instance.grants if g.memory]

    def call(self, name: str, result: str | None, values: Iterable[int]) -> int | None:
        """Run a primitive under the kernel's lock; an error of the ABI becomes its number."""
        with self.kernel.changed:
            self.kernel.check_alive(self.sip)
            self.sip.note_memory()
            try:
                answer = getattr(self, name)(*values)
                self.sip.sent += name in self.kernel.senders
                self.sip.received += name in self.kernel.receivers
                return answer
            except Answer as error:
                if result != "result":
                    raise Fault(f"{name} was {error}") from None
                self.sip.errors[str(error)] += 1
                return self.kernel.interfaces.errors[str(error)]

    # The SIP itself

    def sip_yield(self) -> None:
        self.kernel.changed.wait(0)

    def sip_exit(self, code: int) -> None:
        if code == 0:
            raise Finished
        raise Fault(f"left with code {code}", trapped=False)

    # Ports

    def port_in8(self, port: int) -> int:
        return self._port_in(port, 8)

    def port_in16(self, port: int) -> int:
        return self._port_in(port, 16)

    def port_in32(self, port: int) -> int:
        return self._port_in(port, 32)

    def port_out8(self, port: int, value: int) -> None:
        self._port_out(port, 8, value)

    def port_out16(self, port: int, value: int) -> None:
        self._port_out(port, 16, value)

    def port_out32(self, port: int, value: int) -> None:
        self._port_out(port, 32, value)

    def _port_in(self, port: int, width: int) -> int:
        self._require_port(port, width, Access.READ)
        return self.kernel.machine.read(port, width)

    def _port_out(self, port: int, width: int, value: int) -> None:
        self._require_port(port, width, Access.WRITE)
        self.kernel.machine.write(port, width, value)

    def _require_port(self, port: int, width: int, access: Access) -> None:
        """Glue has checked the offset; the grants are asked all the same."""
        if not any(_covers(window, need, port, width, access) for window, need in self.ports):
            what = "read" if access is Access.READ else "write"
            raise Fault(f"was refused to {what} {width} bits at port {port:#x}")

    # Device memory

    def mmio_read8(self, address: int) -> int:
        return self._mmio_read(address, 8)

    def mmio_read16(self, address: int) -> int:
        return self._mmio_read(address, 16)

    def mmio_read32(self, address: int) -> int:
        return self._mmio_read(address, 32)

    def mmio_read64(self, address: int) -> int:
        return self._mmio_read(address, 64)

    def mmio_write8(self, address: int, value: int) -> None:
        self._mmio_write(address, 8, value)

    def mmio_write16(self, address: int, value: int) -> None:
        self._mmio_write(address, 16, value)

    def mmio_write32(self, address: int, value: int) -> None:
        self._mmio_write(address, 32, value)

    def mmio_write64(self, address: int, value: int) -> None:
        self._mmio_write(address, 64, value)

    def _mmio_read(self, address: int, width: int) -> int:
        self._require_memory(address, width, Access.READ)
        return self.kernel.machine.load(address, width)

    def _mmio_write(self, address: int, width: int, value: int) -> None:
        self._require_memory(address, width, Access.WRITE)
        self.kernel.machine.store(address, width, value & (1 << width) - 1)

    def _require_memory(self, address: int, width: int, access: Access) -> None:
        if not any(_covers(window, need, address, width, access) for window, need in self.memory):
            what = "read" if access is Access.READ else "write"
            raise Fault(f"was refused to {what} {width} bits of device memory at {address:#x}")

    # Interrupts and time

    def irq_wait(self, handle: int, timeout: int) -> int:
        line = self.kernel.interrupt(self._require(handle, *INTERRUPTS).object)
        if not self.kernel.wait(self.sip, lambda: line.count > 0, self._deadline(timeout)):
            raise Answer("timed_out")
        return line.take()

    def irq_acknowledge(self, handle: int) -> None:
        self._require(handle, *INTERRUPTS)

    def clock_now(self, handle: int) -> int:
        self._require(handle, HandleKind.CLOCK)
        return self.kernel.now()

    def clock_sleep(self, handle: int, deadline: int) -> None:
        self._require(handle, HandleKind.CLOCK)
        self.kernel.wait(self.sip, lambda: False, deadline)

    def wall_now(self, handle: int) -> int:
        self._require(handle, HandleKind.CLOCK)
        return self.kernel.wall + self.kernel.now()

    def random_fill(self, handle: int, at: int, length: int) -> int:
        self._require(handle, HandleKind.RANDOM)
        self._check_buffer(at, length)
        return self._write(at, length, os.urandom(length))

    # Log, control, audit, firmware tables

    def log_write(self, handle: int, at: int, length: int) -> None:
        self._require(handle, HandleKind.LOG)
        self.sip.log.line(self._read(at, length))

    def control_start(self, handle: int, at: int, length: int) -> int:
        return self._control(handle, at, length, "start")

    def control_stop(self, handle: int, at: int, length: int) -> int:
        return self._control(handle, at, length, "stop")

    def control_restart(self, handle: int, at: int, length: int) -> int:
        return self._control(handle, at, length, "restart")

    def control_wait(self, handle: int, at: int, length: int, over: int, timeout: int) -> int:
        target = self._controlled(handle, at, length)
        if not self.kernel.wait(self.sip, lambda: target.has_ended_since(over), self._deadline(timeout)):
            raise Answer("timed_out")
        return target.over

    def control_status(self, handle: int, at: int, length: int, buffer_at: int, buffer_length: int) -> int:
        return self._store_whole(buffer_at, buffer_length, audit.status(self._controlled(handle, at, length)))

    def _control(self, handle: int, at: int, length: int, wanted: str) -> int:
        target = self._controlled(handle, at, length)
        done = self.kernel.control(target, wanted)
        self.kernel.wait(self.sip, done)
        return target.over

    def _controlled(self, handle: int, at: int, length: int) -> Sip:
        """The instance of that name, if this SIP may control it."""
        allowed, name = self._require(handle, HandleKind.CONTROL).instances, self._read(at, length)
        target = next((sip for sip in self.kernel.sips if sip.name.encode() == name), None)
        if target is None:
            raise Answer("not_found")
        if target.index not in allowed:
            raise Answer("refused")
        return target

    def audit_system(self, handle: int, at: int, length: int) -> int:
        self._require(handle, HandleKind.AUDIT)
        return self._store_whole(at, length, audit.system(self.kernel))

    def audit_instance(self, handle: int, index: int, at: int, length: int) -> int:
        return self._store_whole(at, length, audit.instance(self._audited(handle, index)))

    def audit_grants(self, handle: int, index: int, offset: int, at: int, length: int) -> int:
        return self._store_part(at, length, audit.grants(self.kernel, self._audited(handle, index)).encode()[offset:])

    def audit_log(self, handle: int, index: int, offset: int, at: int, length: int) -> int:
        return self._store_part(at, length, bytes(self._audited(handle, index).log.bytes[offset:]))

    def _audited(self, handle: int, index: int) -> Sip:
        self._require(handle, HandleKind.AUDIT)
        if index >= len(self.kernel.sips):
            raise Answer("not_found")
        return self.kernel.sips[index]

    def acpi_read(self, handle: int, signature: int, offset: int, at: int, length: int) -> int:
        self._require(handle, HandleKind.ACPI)
        self._check_buffer(at, length)
        table = self.kernel.tables.get(signature.to_bytes(4, "little"))
        if table is None:
            raise Answer("not_found")
        return self._store_part(at, length, table[offset:])

    def pci_read(self, handle: int, function: int, offset: int) -> int:
        self._require(handle, HandleKind.PCI)
        return self.kernel.cabinet.bus.read(function, offset)

    def pci_region(self, handle: int, function: int, number: int, at: int, length: int) -> int:
        self._require(handle, HandleKind.PCI)
        self._check_buffer(at, length)
        region = self.kernel.cabinet.bus.region(function, number)
        if region is None:
            raise Answer("not_found")
        return self._store_whole(at, length, region)

    def framebuffer_info(self, handle: int, at: int, length: int) -> int:
        self._require(handle, HandleKind.FRAMEBUFFER)
        self._check_buffer(at, length)
        return self._store_whole(at, length, self._picture().about)

    def framebuffer_write(self, handle: int, offset: int, at: int, length: int) -> int:
        self._require(handle, HandleKind.FRAMEBUFFER)
        taken = self._read(at, length)
        if not self._picture().put(offset, taken):
            raise Answer("invalid")
        return length

    def _picture(self) -> Picture:
        picture = self.kernel.machine.picture
        if picture is None:
            raise Answer("not_found")
        return picture

    # What all of them share

    def _store_whole(self, at: int, length: int, message: bytes) -> int:
        self._write(at, length, message)
        return len(message)

    def _store_part(self, at: int, length: int, rest: bytes) -> int:
        return self._write(at, length, rest)
