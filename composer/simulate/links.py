"""The raw primitives that join simulated SIPs: streams, services, channels, handles, and waiting for several of them.

Mirrors kernel/src/raw: a method answers as the kernel does; `Answer` leaves with an error's name, Fault ends the SIP.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from composer.interfaces import DYNAMIC
from composer.layout import Handle, HandleKind
from composer.simulate.engine import Fault
from composer.simulate.exchange import MOST_CARRIED, End, carrying, end_of
from composer.simulate.exchange import Fault as Refusal
from composer.simulate.objects import LARGEST_MESSAGE, Request, Ring, Service
from composer.system import Access

if TYPE_CHECKING:
    from composer.simulate.kernel import Kernel
    from composer.simulate.sip import Sip

INTERRUPTS = (HandleKind.IRQ_ISA, HandleKind.IRQ_GLOBAL)
STREAM_ENDS = (HandleKind.STREAM_CLIENT, HandleKind.STREAM_SERVER)
CHANNEL_ENDS = (HandleKind.CHANNEL_CLIENT, HandleKind.CHANNEL_SERVER)
ASKING = (HandleKind.SERVICE_CLIENT, HandleKind.SERVICE_BADGED)
READABLE = (*STREAM_ENDS, HandleKind.KERNEL_LOG)
RECORD = struct.Struct("<IHH")
MOST_RECORDS = 1024
NUMBER = struct.Struct("<I")
KIND = 16
"""Bits of a handle's kind come after those of its rights."""


class Answer(Exception):
    """A primitive ends with this error of abi.toml."""


class Links:
    """What the glue of one SIP may call that has to do with others."""

    kernel: Kernel
    sip: Sip

    # Waiting for several

    def sip_wait(self, at: int, length: int, timeout: int) -> int:
        if length % RECORD.size or length > MOST_RECORDS * RECORD.size:
            self._read(at, length)
            raise Answer("invalid")
        records = [(number, wanted) for number, wanted, _ in RECORD.iter_unpack(self._read(at, length))]

        def ready() -> list[int]:
            return [self._events(self._any(number)) & wanted for number, wanted in records]

        self.kernel.wait(self.sip, lambda: any(ready()), self._deadline(timeout))
        events = ready()
        told = b"".join(RECORD.pack(number, wanted, each) for (number, wanted), each in zip(records, events, strict=True))
        self._write(at, length, told)
        count = sum(1 for each in events if each)
        if count == 0:
            raise Answer("timed_out")
        return count

    def _any(self, number: int) -> Handle:
        """What a record's number stands for."""
        if number & DYNAMIC:
            return self._received(number)
        if number >= len(self.sip.handles):
            raise Fault(f"waited for handle {number}, which it does not have")
        return self.sip.handles[number]

    def _events(self, handle: Handle) -> int:
        return sum(self.kernel.interfaces.events[name] for name, holds in self._states(handle) if holds())

    def _states(self, handle: Handle) -> list[tuple[str, Callable[[], Any]]]:
        """The events that a handle of this kind knows, and whether each holds."""
        if handle.kind in INTERRUPTS:
            return [("readable", lambda: self.kernel.interrupt(handle.object).count)]
        if handle.kind is HandleKind.DEVICE:
            return [("readable", lambda: self.kernel.devices[handle.object].interrupt.count)]
        if handle.kind is HandleKind.KERNEL_LOG:
            return [("readable", lambda: self._available(handle))]
        if handle.kind is HandleKind.SERVICE_SERVER:
            return [("readable", lambda: self.kernel.services[handle.object].has_request)]
        if handle.kind in ASKING:
            return [("closed", lambda: not self._server(self._asked(handle)[0]).lives_on)]
        end = end_of(handle)
        if end is None:
            return []
        readable = (lambda: self.kernel.exchange.has_message(end)) if end.channel else (lambda: self._available(handle))
        writable = (lambda: self.kernel.exchange.has_room(end)) if end.channel else (lambda: self._outbox(handle).free)
        return [("readable", lambda: handle.rights & Access.READ.bits and readable()),
                ("writable", lambda: handle.rights & Access.WRITE.bits and writable()),
                ("closed", lambda: self._closed(handle))]

    # Streams

    def stream_try_read(self, handle: int, at: int, length: int) -> int:
        self._check_buffer(at, length)
        return self._take(self._find(handle, READABLE, Access.READ), at, length)

    def stream_read(self, handle: int, at: int, length: int) -> int:
        self._check_buffer(at, length)
        end = self._find(handle, READABLE, Access.READ)
        if length == 0:
            return 0
        self.kernel.wait(self.sip, lambda: bool(self._available(end)) or self._closed(end))
        return self._take(end, at, length)

    def stream_peek(self, handle: int, at: int, length: int) -> int:
        self._check_buffer(at, length)
        end = self._find(handle, READABLE, Access.READ)
        if end.kind is HandleKind.KERNEL_LOG:
            after, data = self.kernel.log.read(self.sip.heard, length)
            self.sip.heard = after - len(data)
        else:
            data = bytes(self._inbox(end).bytes[:length])
        if not data:
            raise Answer("closed" if self._closed(end) else "would_block")
        return self._write(at, length, data)

    def stream_skip(self, handle: int, count: int) -> int:
        end = self._find(handle, READABLE, Access.READ)
        if end.kind is HandleKind.KERNEL_LOG:
            self.sip.heard, data = self.kernel.log.read(self.sip.heard, count)
        else:
            data = self._inbox(end).take(count)
        self.kernel.changed.notify_all()
        return len(data)

    def stream_try_write(self, handle: int, at: int, length: int) -> int:
        data = self._read(at, length)
        return self._put(self._find(handle, STREAM_ENDS, Access.WRITE), data)

    def stream_write(self, handle: int, at: int, length: int) -> int:
        data = self._read(at, length)
        end = self._find(handle, STREAM_ENDS, Access.WRITE)
        self.kernel.wait(self.sip, lambda: not data or self._outbox(end).free > 0 or self._closed(end))
        return self._put(end, data)

    def stream_flush(self, handle: int, timeout: int) -> int:
        end = self._find(handle, STREAM_ENDS, Access.WRITE)
        if not self.kernel.wait(self.sip, lambda: not self._outbox(end).bytes or self._closed(end), self._deadline(timeout)):
            raise Answer("timed_out")
        if self._outbox(end).bytes:
            raise Answer("closed")
        return 0

    def _take(self, end: Handle, at: int, length: int) -> int:
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

    def _closed(self, handle: Handle) -> bool:
        end = end_of(handle)
        return end is not None and not self.kernel.exchange.is_open(end.peer)

    # Channels

    def channel_send(self, handle: int, at: int, length: int, handles_at: int, handles_length: int, timeout: int) -> int:
        passed, data = self._read(handles_at, handles_length), self._read(at, length)
        if handles_length % NUMBER.size or handles_length > MOST_CARRIED * NUMBER.size:
            raise Answer("invalid")
        numbers = [number for number, in NUMBER.iter_unpack(passed)]
        end = self._channel(handle, Access.WRITE)
        self._until_done(timeout, lambda: self.kernel.exchange.send(self.sip.index, end, data, numbers))
        self.kernel.changed.notify_all()
        return 0

    def channel_receive(self, handle: int, at: int, length: int, slots_at: int, slots_length: int, timeout: int) -> int:
        self._check_buffer(at, length)
        self._write(slots_at, slots_length, bytes(slots_length))
        end, slots = self._channel(handle, Access.READ), slots_length // NUMBER.size
        data, numbers = self._until_done(timeout, lambda: self.kernel.exchange.receive(self.sip.index, end, slots))
        self._write(at, length, data)
        self._write(slots_at, slots_length, b"".join(map(NUMBER.pack, numbers)))
        self.kernel.changed.notify_all()
        return len(data)

    def _channel(self, handle: int, access: Access) -> End:
        end = end_of(self._find(handle, CHANNEL_ENDS, access))
        assert end is not None, "a channel's handle stands for an end"
        return end

    def _until_done(self, timeout: int, attempt: Callable[[], Any]) -> Any:
        """What `attempt` gives, once it does not have to wait any more."""
        given: list[Any] = []

        def done() -> bool:
            try:
                given.append(attempt())
            except Refusal as fault:
                if str(fault) != "would_block" or timeout == 0:
                    raise Answer(str(fault)) from None
                return False
            return True

        if not self.kernel.wait(self.sip, done, self._deadline(timeout)):
            raise Answer("timed_out")
        return given[0]

    # Handles

    def handle_duplicate(self, handle: int, rights: int) -> int:
        held = self._known(handle)
        try:
            return self.kernel.exchange.duplicate(self.sip.index, held, rights)
        except Refusal as fault:
            raise Answer(str(fault)) from None

    def handle_close(self, handle: int) -> int:
        try:
            self.kernel.exchange.close(self.sip.index, handle)
        except Refusal as fault:
            raise Answer(str(fault)) from None
        self.kernel.changed.notify_all()
        return 0

    def handle_what(self, handle: int) -> int:
        held = self._known(handle)
        return held.rights | carrying(held) * KIND

    def _known(self, number: int) -> Handle:
        if not number & DYNAMIC and number < len(self.sip.handles):
            return self.sip.handles[number]
        return self._received(number)

    def _received(self, number: int) -> Handle:
        held = self.kernel.exchange.handles[self.sip.index].get(number)
        if held is None:
            raise Answer("bad_handle")
        return held

    # Services

    def service_call(self, handle: int, at: int, length: int, reply_at: int, reply_length: int) -> int:
        return self.service_call_within(handle, at, length, reply_at, reply_length, -1)

    def service_call_within(self, handle: int, at: int, length: int, reply_at: int, reply_length: int, timeout: int) -> int:
        number, badge = self._asked(self._find(handle, ASKING, Access.WRITE))
        message = self._message(at, length)
        self._check_buffer(reply_at, reply_length)
        if length > LARGEST_MESSAGE:
            raise Answer("too_large")
        if self._server(number) is self.sip:
            raise Answer("invalid")
        if not self._server(number).lives_on:
            raise Answer("closed")
        service, request = self.kernel.services[number], Request(self.sip.index, message, badge)
        service.queue.append(request)
        self.kernel.changed.notify_all()
        try:
            answered = self.kernel.wait(self.sip, lambda: request.answer is not None, self._deadline(timeout))
        finally:
            if request.answer is None:
                service.forget(self.sip.index)
        if not answered:
            raise Answer("timed_out")
        if isinstance(request.answer, int):
            return request.answer
        assert request.answer is not None, "the wait ends with an answer"
        self._write(reply_at, reply_length, request.answer)
        return len(request.answer)

    def service_receive(self, handle: int, at: int, length: int, timeout: int) -> int:
        service = self._served(handle)
        self._check_buffer(at, length)
        if service.serving is not None:
            raise Answer("invalid")
        return self._receive(service, at, length, timeout)

    def service_badge(self, handle: int, at: int, length: int) -> int:
        service = self._served(handle)
        self._check_buffer(at, length)
        if service.serving is None:
            raise Answer("not_found")
        self._write(at, length, service.serving.badge)
        return len(service.serving.badge)

    def service_reply(self, handle: int, at: int, length: int) -> int:
        service, message = self._served(handle), self._message(at, length)
        if length > LARGEST_MESSAGE:
            raise Answer("too_large")
        if not self._finish(service, message):
            raise Answer("not_found")
        return 0

    def service_reply_and_receive(self, handle: int, at: int, length: int, buffer_at: int, buffer_length: int, timeout: int) -> int:
        service = self._served(handle)
        self._check_buffer(buffer_at, buffer_length)
        message = self._message(at, length)
        if length > LARGEST_MESSAGE:
            raise Answer("too_large")
        self._finish(service, message)
        return self._receive(service, buffer_at, buffer_length, timeout)

    def _served(self, handle: int) -> Service:
        return self.kernel.services[self._require(handle, HandleKind.SERVICE_SERVER).object]

    def _asked(self, handle: Handle) -> tuple[int, bytes]:
        """The service that a client's handle stands for, and the badge that it has."""
        if handle.kind is HandleKind.SERVICE_CLIENT:
            return handle.object, b""
        badge = self.kernel.layout.badges[handle.object]
        return badge.service, badge.data

    def _server(self, number: int) -> Sip:
        return self.kernel.sips[self.kernel.layout.services[number].server]

    def _message(self, at: int, length: int) -> bytes:
        """A request or a reply, where it is not too long to be looked at."""
        self._check_buffer(at, length)
        return self._read(at, min(length, LARGEST_MESSAGE))

    def _finish(self, service: Service, message: bytes) -> bool:
        if service.serving is None:
            return False
        service.serving.answer, service.serving = message, None
        self.kernel.changed.notify_all()
        return True

    def _receive(self, service: Service, at: int, length: int, timeout: int) -> int:
        if not self.kernel.wait(self.sip, lambda: service.has_request, self._deadline(timeout)):
            raise Answer("timed_out")
        service.serving = service.queue.popleft()
        self._write(at, length, service.serving.message)
        return len(service.serving.message)

    # What all of them share

    def _find(self, number: int, kinds: tuple[HandleKind, ...], access: Access) -> Handle:
        """As `_require` for a number of the wiring; one that came later is answered for, since the SIP passed it itself."""
        if number & DYNAMIC:
            held = self._received(number)
            if held.kind not in kinds or not held.rights & access.bits:
                raise Answer("bad_handle")
            return held
        held = self._require(number, *kinds)
        if not held.rights & access.bits:
            raise Answer("refused")
        return held

    def _require(self, handle: int, *kinds: HandleKind) -> Handle:
        """The handle, where it is of one of these kinds: its glue holds no other."""
        if handle >= len(self.sip.handles) or self.sip.handles[handle].kind not in kinds:
            raise Fault(f"used handle {handle}, which was not granted for this")
        return self.sip.handles[handle]

    def _deadline(self, timeout: int) -> int | None:
        return None if timeout < 0 else self.kernel.now() + timeout

    def _read(self, at: int, length: int) -> bytes:
        return self._life.read(at, length)

    def _write(self, at: int, length: int, data: bytes) -> int:
        return self._life.write(at, length, data)

    def _check_buffer(self, at: int, length: int) -> None:
        """What could not be stored is noticed before anything is taken."""
        self._life.write(at, length, b"")

    @property
    def _life(self) -> Any:
        assert self.sip.life is not None, "a primitive is called by a life"
        return self.sip.life
