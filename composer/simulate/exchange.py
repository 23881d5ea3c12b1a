"""Who holds which end of what joins simulated instances, and the messages between them: mirrors kernel/logic/src/exchange.rs.

Plain data, changed under the kernel's lock. A fault is an error's name of abi.toml.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from composer.interfaces import DYNAMIC
from composer.layout import Handle, HandleKind, Layout
from composer.system import SHARE, SHARED

SLOT_BITS = 12
GENERATIONS = 1 << (30 - SLOT_BITS)
MOST_CARRIED = 8
CARRIED = {
    HandleKind.STREAM_CLIENT: "stream", HandleKind.STREAM_SERVER: "stream", HandleKind.CHANNEL_CLIENT: "channel",
    HandleKind.CHANNEL_SERVER: "channel", HandleKind.SERVICE_CLIENT: "service",
    HandleKind.SERVICE_BADGED: "service",
}
"""Handles that can move, and what a channel must carry for that."""

SERVERS = (HandleKind.STREAM_SERVER, HandleKind.CHANNEL_SERVER)


class Fault(Exception):
    """Why something was not done: an error's name."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a stream or a channel, by its number in the layout."""

    channel: bool
    object: int
    server: bool

    @property
    def peer(self) -> End:
        return replace(self, server=not self.server)


def end_of(handle: Handle) -> End | None:
    """The end that a handle stands for, where it stands for one."""
    word = CARRIED.get(handle.kind)
    return End(word == "channel", handle.object, handle.kind in SERVERS) if word in ("stream", "channel") else None


def carrying(handle: Handle) -> int:
    """The bit of a channel's kinds that this handle needs; 0 for what never moves."""
    return 1 << SHARED.index(CARRIED[handle.kind]) if handle.kind in CARRIED else 0


class Handles:
    """The handles that one SIP holds beyond its wiring, by numbers that come and go."""

    def __init__(self, limit: int) -> None:
        self._generations = [0] * limit
        self._held: dict[int, Handle] = {}
        self._free = deque(range(limit))

    @property
    def room(self) -> int:
        return len(self._free)

    def get(self, number: int) -> Handle | None:
        return self._held.get(number)

    def insert(self, handle: Handle) -> int:
        slot = self._free.popleft()
        number = DYNAMIC | self._generations[slot] << SLOT_BITS | slot
        self._held[number] = handle
        return number

    def remove(self, number: int) -> Handle | None:
        held = self._held.pop(number, None)
        if held is not None:
            slot = number & (1 << SLOT_BITS) - 1
            self._generations[slot] = (self._generations[slot] + 1) % GENERATIONS
            self._free.append(slot)
        return held

    def values(self) -> Iterable[Handle]:
        return self._held.values()

    def clear(self) -> None:
        for number in list(self._held):
            self.remove(number)


@dataclass(slots=True)
class Message:
    bytes: bytes
    carried: tuple[Handle, ...]


@dataclass(slots=True)
class Channel:
    """One connection; `inbox` holds what each end is to receive, the client's and the server's."""

    largest: int
    depth: int
    carries: int
    inbox: dict[bool, deque[Message]] = field(default_factory=lambda: {False: deque(), True: deque()})


class Exchange:
    """`lives_on` tells of an instance's index whether it runs, or will again."""

    def __init__(self, layout: Layout, limits: Sequence[int], lives_on: Callable[[int], bool]) -> None:
        self._layout, self._lives_on = layout, lives_on
        self.channels = [Channel(c.largest, c.depth, c.carries) for c in layout.channels]
        self.handles = [Handles(limit) for limit in limits]

    def is_open(self, end: End) -> bool:
        """Whether anyone is, or may yet be, at this end."""
        return end in self._reached()

    def duplicate(self, instance: int, handle: Handle, rights: int) -> int:
        """One more handle with `rights` at most its own. Raises Fault."""
        if not carrying(handle) or not handle.rights & SHARE or rights & ~handle.rights:
            raise Fault("refused")
        if not self.handles[instance].room:
            raise Fault("too_many")
        return self.handles[instance].insert(replace(handle, rights=rights))

    def close(self, instance: int, number: int) -> None:
        """Give a handle up. Raises Fault."""
        if self.handles[instance].remove(number) is None:
            raise Fault("bad_handle")
        self.collect()

    def ended(self, instance: int) -> None:
        """Close all handles of an instance that ended."""
        self.handles[instance].clear()
        self.collect()

    def send(self, instance: int, end: End, data: bytes, numbers: Sequence[int]) -> None:
        """Send a message with the handles `numbers`, which move. Raises Fault, and then nothing happened."""
        channel = self.channels[end.object]
        if len(data) > channel.largest:
            raise Fault("too_large")
        carried = self._carried(instance, numbers, channel.carries)
        if not self.is_open(end.peer):
            raise Fault("closed")
        if not self.has_room(end):
            raise Fault("would_block")
        for number in numbers:
            self.handles[instance].remove(number)
        channel.inbox[end.peer.server].append(Message(data, carried))
        self.collect()

    def _carried(self, instance: int, numbers: Sequence[int], carries: int) -> tuple[Handle, ...]:
        if len(numbers) > MOST_CARRIED:
            raise Fault("invalid")
        carried: list[Handle] = []
        for place, number in enumerate(numbers):
            held = self.handles[instance].get(number)
            if held is None or not held.rights & SHARE or number in numbers[:place]:
                raise Fault("bad_handle")
            if not carrying(held) & carries:
                raise Fault("refused")
            carried.append(held)
        return tuple(carried)

    def receive(self, instance: int, end: End, slots: int) -> tuple[bytes, list[int]]:
        """The next message, and the numbers of what it carried as far as there are slots. Raises Fault, and then nothing happened."""
        inbox = self.channels[end.object].inbox[end.server]
        if not inbox:
            raise Fault("would_block" if self.is_open(end.peer) else "closed")
        taken = inbox[0].carried[:slots]
        if len(taken) > self.handles[instance].room:
            raise Fault("too_many")
        message = inbox.popleft()
        numbers = [self.handles[instance].insert(handle) for handle in taken]
        self.collect()
        return message.bytes, numbers

    def has_message(self, end: End) -> bool:
        return bool(self.channels[end.object].inbox[end.server])

    def has_room(self, end: End) -> bool:
        channel = self.channels[end.object]
        return len(channel.inbox[end.peer.server]) < channel.depth

    def collect(self) -> None:
        """Drop every message that nobody can receive, and so the handles in it."""
        reached = self._reached()
        for number, channel in enumerate(self.channels):
            for server, inbox in channel.inbox.items():
                if End(True, number, server) not in reached:
                    inbox.clear()

    def _reached(self) -> set[End]:
        """The ends that somebody is at, or can get at by receiving messages."""
        reached = set(self._rooted())
        found = [end for end in reached if end.channel]
        while found:
            end = found.pop()
            for message in self.channels[end.object].inbox[end.server]:
                for handle in message.carried:
                    other = end_of(handle)
                    if other is not None and other not in reached:
                        reached.add(other)
                        found += [other] if other.channel else []
        return reached

    def _rooted(self) -> Iterator[End]:
        for is_channel, joints in ((False, self._layout.streams), (True, self._layout.channels)):
            for number, joint in enumerate(joints):
                for server, owner in ((True, joint.server), (False, joint.client)):
                    if self._lives_on(owner):
                        yield End(is_channel, number, server)
        for handles in self.handles:
            yield from filter(None, map(end_of, handles.values()))
