"""The raw primitives of the simulated kernel: one method each, found by its name in kernel/interfaces.

Parameters are those of the primitive, a pointer and a length for bytes. A method answers as the kernel does; `Answer` leaves
with an error's name, Fault ends the SIP, Finished unwinds one that was ended.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from composer.layout import Handle, HandleKind
from composer.simulate import audit
from composer.simulate.engine import Fault, Finished
from composer.simulate.objects import LARGEST_MESSAGE, Request, Ring
from composer.system import Access, Need, Range

if TYPE_CHECKING:
    from composer.interfaces import Interfaces
    from composer.simulate.kernel import Kernel
    from composer.simulate.sip import Sip

INTERRUPTS = (HandleKind.IRQ_ISA, HandleKind.IRQ_GLOBAL)
ENDS = (HandleKind.STREAM_CLIENT, HandleKind.STREAM_SERVER)
READABLE = (*ENDS, HandleKind.KERNEL_LOG)
RECORD = struct.Struct("<IHH")
MOST_RECORDS = 1024


class Answer(Exception):
    """A primitive ends with this error of abi.toml."""


def require_complete(interfaces: Interfaces) -> None:
    """Raises LookupError where an interface has a raw primitive that is missing here, naming all of them."""
    missing = [name for name in interfaces.raw if not callable(getattr(Primitives, name, None))]
    if missing:
        raise LookupError(f"the simulator lacks the raw primitives {', '.join(missing)}")


def _covers(window: Range, need: Need, at: int, width: int, access: Access) -> bool:
    """Whether a grant of ports or device memory allows an access of `width` bits at `at`."""
    fields = need.fields
    return window.base <= at and at + width // 8 <= window.end and Access(fields["access"]).allows(access) and width in fields["widths"]


class Primitives:
    """What the glue of one SIP may call."""

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
                return getattr(self, name)(*values)
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
        raise Fault(f"left with code {code}")

    def sip_wait(self, at: int, length: int, timeout: int) -> int:
        if length % RECORD.size or length > MOST_RECORDS * RECORD.size:
            raise Answer("invalid")
        records = [(h, self._any(h), wanted) for h, wanted, _ in RECORD.iter_unpack(self._read(at, length))]

        def ready() -> list[int]:
            return [self._events(handle) & wanted for _, handle, wanted in records]

        self.kernel.wait(self.sip, lambda: any(ready()), self._deadline(timeout))
        events = ready()
        told = b"".join(RECORD.pack(n, wanted, e) for (n, _, wanted), e in zip(records, events, strict=True))
        self._write(at, length, told)
        count = sum(1 for e in events if e)
        if count == 0:
            raise Answer("timed_out")
        return count

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
        return self.sip.write(at, length, os.urandom(length))

    # Streams

    def stream_try_read(self, handle: int, at: int, length: int) -> int:
        return self._take(self._require(handle, *READABLE), at, length)

    def stream_read(self, handle: int, at: int, length: int) -> int:
        end = self._require(handle, *READABLE)
        self._check_buffer(at, length)
        if length == 0:
            return 0
        self._require_right(end, Access.READ)
        self.kernel.wait(self.sip, lambda: bool(self._available(end)) or self._closed(end))
        return self._take(end, at, length)

    def stream_try_write(self, handle: int, at: int, length: int) -> int:
        return self._put(self._require(handle, *ENDS), self._read(at, length))

    def stream_write(self, handle: int, at: int, length: int) -> int:
        end, data = self._require(handle, *ENDS), self._read(at, length)
        self._require_right(end, Access.WRITE)
        self.kernel.wait(self.sip, lambda: not data or self._outbox(end).free > 0 or self._closed(end))
        return self._put(end, data)

    def _take(self, end: Handle, at: int, length: int) -> int:
        self._check_buffer(at, length)
        self._require_right(end, Access.READ)
        if end.kind is HandleKind.KERNEL_LOG:
            self.sip.heard, data = self.kernel.log.read(self.sip.heard, length)
        else:
            data = self._inbox(end).take(length)
        if not data:
            raise Answer("closed" if self._closed(end) else "would_block")
        self._write(at, length, data)
        self.kernel.changed.notify_all()
        return len(data)

    def _put(self, end: Handle, data: bytes) -> int:
        self._require_right(end, Access.WRITE)
        if self._closed(end):
            raise Answer("closed")
        count = self._outbox(end).put(data)
        if count == 0 and data:
            raise Answer("would_block")
        self.kernel.changed.notify_all()
        return count

    def _inbox(self, end: Handle) -> Ring:
        return self.kernel.streams[end.object].inbox(end.kind is HandleKind.STREAM_SERVER)

    def _outbox(self, end: Handle) -> Ring:
        return self.kernel.streams[end.object].outbox(end.kind is HandleKind.STREAM_SERVER)

    def _available(self, end: Handle) -> int:
        if end.kind is HandleKind.KERNEL_LOG:
            return self.kernel.log.end - self.sip.heard
        return len(self._inbox(end).bytes)

    def _closed(self, end: Handle) -> bool:
        if end.kind is HandleKind.KERNEL_LOG:
            return False
        stream = self.kernel.layout.streams[end.object]
        peer = stream.client if end.kind is HandleKind.STREAM_SERVER else stream.server
        return not self.kernel.sips[peer].lives_on

    # Services

    def service_call(self, handle: int, at: int, length: int, reply_at: int, reply_length: int) -> int:
        number = self._require(handle, HandleKind.SERVICE_CLIENT).object
        self._check_buffer(reply_at, reply_length)
        message = self._message(at, length)
        if not self.kernel.sips[self.kernel.layout.services[number].server].lives_on:
            raise Answer("closed")
        request = Request(self.sip.index, message)
        self.kernel.services[number].queue.append(request)
        self.kernel.changed.notify_all()
        self.kernel.wait(self.sip, lambda: request.answer is not None)
        if isinstance(request.answer, int):
            return request.answer
        assert request.answer is not None, "the wait ends with an answer"
        self._write(reply_at, reply_length, request.answer)
        return len(request.answer)

    def service_receive(self, handle: int, at: int, length: int, timeout: int) -> int:
        service = self.kernel.services[self._require(handle, HandleKind.SERVICE_SERVER).object]
        self._check_buffer(at, length)
        if service.serving is not None:
            raise Answer("invalid")
        if not self.kernel.wait(self.sip, lambda: service.has_request, self._deadline(timeout)):
            raise Answer("timed_out")
        service.serving = service.queue.popleft()
        self._write(at, length, service.serving.message)
        return len(service.serving.message)

    def service_reply(self, handle: int, at: int, length: int) -> int:
        service = self.kernel.services[self._require(handle, HandleKind.SERVICE_SERVER).object]
        message = self._message(at, length)
        if service.serving is None:
            raise Answer("not_found")
        service.serving.answer, service.serving = message, None
        self.kernel.changed.notify_all()
        return 0

    def _message(self, at: int, length: int) -> bytes:
        message = self._read(at, length)
        if length > LARGEST_MESSAGE:
            raise Answer("too_large")
        return message

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

    # What all of them share

    def _any(self, handle: int) -> Handle:
        if handle >= len(self.sip.handles):
            raise Fault(f"waited for handle {handle}, which it does not have")
        return self.sip.handles[handle]

    def _require(self, handle: int, *kinds: HandleKind) -> Handle:
        """The handle, where it is of one of these kinds: its glue holds no other."""
        if handle >= len(self.sip.handles) or self.sip.handles[handle].kind not in kinds:
            raise Fault(f"used handle {handle}, which was not granted for this")
        return self.sip.handles[handle]

    def _require_right(self, end: Handle, access: Access) -> None:
        if not end.rights & access.bits:
            raise Answer("refused")

    def _events(self, handle: Handle) -> int:
        return sum(self.kernel.interfaces.events[name] for name, holds in self._states(handle) if holds())

    def _states(self, handle: Handle) -> list[tuple[str, Callable[[], Any]]]:
        """The events that a handle of this kind knows, and whether each holds."""
        if handle.kind in INTERRUPTS:
            return [("readable", lambda: self.kernel.interrupt(handle.object).count)]
        if handle.kind is HandleKind.KERNEL_LOG:
            return [("readable", lambda: self._available(handle))]
        if handle.kind is HandleKind.SERVICE_SERVER:
            return [("readable", lambda: self.kernel.services[handle.object].has_request)]
        if handle.kind not in ENDS:
            return []
        return [("readable", lambda: handle.rights & Access.READ.bits and self._available(handle)),
                ("writable", lambda: handle.rights & Access.WRITE.bits and self._outbox(handle).free),
                ("closed", lambda: self._closed(handle))]

    def _deadline(self, timeout: int) -> int | None:
        return None if timeout < 0 else self.kernel.now() + timeout

    def _read(self, at: int, length: int) -> bytes:
        return self.sip.life.read(at, length)

    def _write(self, at: int, length: int, data: bytes) -> int:
        return self.sip.life.write(at, length, data)

    def _check_buffer(self, at: int, length: int) -> None:
        """What could not be stored is noticed before anything is taken."""
        self.sip.life.write(at, length, b"")

    def _store_whole(self, at: int, length: int, message: bytes) -> int:
        self._write(at, length, message)
        return len(message)

    def _store_part(self, at: int, length: int, rest: bytes) -> int:
        return self._write(at, length, rest)
