"""A simulated virtio network device (Virtual I/O Device 1.2, section 5.1) on the network of gateway.py. Frames that come when the driver
has given no buffer wait in it, up to a bound.
"""

from __future__ import annotations

from collections import deque

from composer.simulate import gateway
from composer.simulate.cards import Slot, card
from composer.simulate.split_queue import Broken, Queue
from composer.simulate.virtio import VirtioCard

MAC = 1 << 5
"""VIRTIO_NET_F_MAC."""
RECEIVE, TRANSMIT = 0, 1
HEADER = 12
MOST_WAITING = 256
FIRST_ADDRESS = 0x525400123456


@card("1af4:1041")
class VirtioNet(VirtioCard):
    KIND, CLASS = 1, 0x020000
    SIZES = (256, 256)
    FEATURES = MAC

    def __init__(self, slot: Slot) -> None:
        self.address = (FIRST_ADDRESS + slot.number).to_bytes(6, "big")
        self._came: deque[bytes] = deque(maxlen=MOST_WAITING)
        super().__init__(slot)

    def own(self) -> bytes:
        """Its address (section 5.1.4)."""
        return self.address

    def forget(self) -> None:
        self._came.clear()

    def deliver(self, frame: bytes) -> None:
        """A frame comes over the network."""
        if self.ready:
            self._came.append(frame)
            self.notified(RECEIVE)

    def serve(self, number: int, queue: Queue) -> None:
        if number == TRANSMIT:
            self._send(queue)
        else:
            self._receive(queue)

    def _send(self, queue: Queue) -> None:
        while (chain := queue.take()) and self.works():
            sent = queue.read(chain)
            if len(sent) < HEADER:
                raise Broken
            queue.done(chain)
            if (said := gateway.answer(sent[HEADER:])) is not None:
                self._came.append(said)
        self.finish(queue)
        self.notified(RECEIVE)

    def _receive(self, queue: Queue) -> None:
        while self._came and (chain := queue.take()) and self.works():
            frame = self._came.popleft()
            # One buffer for each frame: the header says so (section 5.1.6.1).
            queue.done(chain, bytes(10) + b"\1\0" + frame)
        self.finish(queue)
