"""Simulated virtio input devices (Virtual I/O Device 1.2, section 5.8), as QEMU names them: a keyboard is the first, then come a mouse and
a tablet. What is done to them, a script says, or whoever has the card.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable

from composer.simulate.cards import Slot, card
from composer.simulate.split_queue import Queue
from composer.simulate.virtio import VirtioCard

EVENT = struct.Struct("<HHi")
SYNC, KEY, RELATIVE, ABSOLUTE = 0, 1, 2, 3
BUTTONS = (0x110, 0x111, 0x112)
WHEEL = 8
FAR = 0x7FFF
EVENTS = 0
MOST_WAITING = 1024

NAME, EVENT_BITS, AXIS = 0x01, 0x11, 0x12
"""What a driver asks for (section 5.8.4)."""

Said = dict[tuple[int, int], bytes]


def _bits(codes: Iterable[int]) -> bytes:
    number = sum(1 << code for code in codes)
    return number.to_bytes(-(-number.bit_length() // 8), "little")


KINDS: tuple[Said, ...] = (
    {(NAME, 0): b"QEMU Virtio Keyboard", (EVENT_BITS, KEY): _bits(range(1, 128))},
    {(NAME, 0): b"QEMU Virtio Mouse", (EVENT_BITS, KEY): _bits(BUTTONS), (EVENT_BITS, RELATIVE): _bits((0, 1, WHEEL))},
    {(NAME, 0): b"QEMU Virtio Tablet", (EVENT_BITS, KEY): _bits(BUTTONS), (EVENT_BITS, ABSOLUTE): _bits((0, 1)),
     (AXIS, 0): struct.pack("<5I", 0, FAR, 0, 0, 0), (AXIS, 1): struct.pack("<5I", 0, FAR, 0, 0, 0)},
)


@card("1af4:1052")
class VirtioInput(VirtioCard):
    KIND, CLASS = 18, 0x090000
    SIZES = (64, 64)

    def __init__(self, slot: Slot) -> None:
        self._says = KINDS[min(slot.number, len(KINDS) - 1)]
        self._asked = (0, 0)
        self._told: deque[bytes] = deque(maxlen=MOST_WAITING)
        super().__init__(slot)

    def own(self) -> bytes:
        said = self._says.get(self._asked, b"")
        return bytes([*self._asked, len(said), 0, 0, 0, 0, 0]) + said

    def set_own(self, offset: int, data: bytes) -> None:
        asked = bytearray(self._asked)
        asked[offset:offset + len(data)] = data
        self._asked = (asked[0], asked[1])

    def forget(self) -> None:
        self._asked = (0, 0)
        self._told.clear()

    def tell(self, events: Iterable[tuple[int, int, int]]) -> None:
        """Somebody does something to it: types, codes and values as Linux numbers them; it tells those that it has."""
        known = [event for event in events if event[0] == SYNC or self._has(*event[:2])]
        if self.ready and any(kind != SYNC for kind, _, _ in known):
            self._told.extend(EVENT.pack(*event) for event in known)
            self.notified(EVENTS)

    def _has(self, kind: int, code: int) -> bool:
        """Whether it can tell such an event."""
        bits = self._says.get((EVENT_BITS, kind), b"")
        return bool(int.from_bytes(bits, "little") >> code & 1)

    def serve(self, number: int, queue: Queue) -> None:
        if number != EVENTS:
            return
        while self._told and (chain := queue.take()) and self.works():
            queue.done(chain, self._told.popleft())
        self.finish(queue)
