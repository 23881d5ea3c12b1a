"""What handles of a simulated SIP stand for: streams, services, interrupts, logs. Plain data, changed under the kernel's lock.

Each mirrors the kernel's own (kernel/logic): the same bounds, the same endings.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

LONGEST_LINE = 1024
LOG_CAPACITY = 16 * 1024
LARGEST_MESSAGE = 1 << 20


class Ring:
    """A bounded queue of bytes."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.bytes = bytearray()

    @property
    def free(self) -> int:
        return self.capacity - len(self.bytes)

    def put(self, data: bytes) -> int:
        """Put as many bytes as fit; answers how many."""
        count = min(len(data), self.free)
        self.bytes += data[:count]
        return count

    def take(self, most: int) -> bytes:
        taken = bytes(self.bytes[:most])
        del self.bytes[:most]
        return taken


class Stream:
    """One connection: a ring for each direction."""

    def __init__(self, capacity: int) -> None:
        self.to_server, self.to_client = Ring(capacity), Ring(capacity)

    def inbox(self, server: bool) -> Ring:
        """What this end reads."""
        return self.to_server if server else self.to_client

    def outbox(self, server: bool) -> Ring:
        """What this end writes."""
        return self.to_client if server else self.to_server


class Log:
    """Text whose oldest whole lines make room for new ones. A position counts all bytes ever written."""

    def __init__(self, capacity: int = LOG_CAPACITY) -> None:
        self.capacity, self.dropped, self.bytes = capacity, 0, bytearray()

    @property
    def end(self) -> int:
        return self.dropped + len(self.bytes)

    def line(self, text: str | bytes) -> None:
        """Add one line: cut, control characters as spaces, so that it can neither forge another nor speak to a terminal."""
        cut = (text.encode() if isinstance(text, str) else text)[:LONGEST_LINE].decode(errors="replace")
        clean = "".join(" " if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 else c for c in cut).encode() + b"\n"
        while self.bytes and len(self.bytes) + len(clean) > self.capacity:
            end = self.bytes.index(b"\n") + 1
            del self.bytes[:end]
            self.dropped += end
        self.bytes += clean

    def read(self, position: int, most: int) -> tuple[int, bytes]:
        """Bytes from `position` on, or from the oldest kept; with the position after them."""
        start = min(max(position, self.dropped), self.end)
        data = bytes(self.bytes[start - self.dropped:][:most])
        return start + len(data), data


@dataclass(eq=False)
class Request:
    """What a client asks, by a handle that may have a badge; it waits until `answer` holds the reply or an error."""

    client: int
    message: bytes
    badge: bytes
    answer: bytes | int | None = None


@dataclass(eq=False)
class Service:
    """Requests wait in order, one is served at a time, and every client gets exactly one answer."""

    queue: deque[Request] = field(default_factory=deque)
    serving: Request | None = None

    @property
    def has_request(self) -> bool:
        return self.serving is None and bool(self.queue)

    def forget(self, client: int) -> None:
        """The client has ended: nobody waits for its answer."""
        self.queue = deque(r for r in self.queue if r.client != client)
        if self.serving is not None and self.serving.client == client:
            self.serving = None

    def server_ended(self, for_good: bool, restarted: int, closed: int) -> None:
        """The one being served is told what happened; the others too, where no server will come."""
        told = [self.serving] if self.serving else []
        self.serving = None
        if for_good:
            told += self.queue
            self.queue.clear()
        for request in told:
            request.answer = closed if for_good else restarted


@dataclass(eq=False)
class Interrupt:
    """One line: how often it came since it was last waited for; `raised` is the level, latched on its rising edge."""

    count: int = 0
    raised: bool = False

    def set(self, level: bool) -> bool:
        """Drive the line; answers whether that interrupted."""
        rising = level and not self.raised
        self.raised = level
        self.count += rising
        return rising

    def take(self) -> int:
        count, self.count = self.count, 0
        return count
