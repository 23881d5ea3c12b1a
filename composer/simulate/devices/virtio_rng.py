"""A simulated virtio entropy device (Virtual I/O Device 1.2, section 5.4): fills what it is given with bytes that a seed decides, so that
two runs are alike. Nobody's secrets are to be made of them.
"""

from __future__ import annotations

import random

from composer.simulate.cards import Slot, card
from composer.simulate.split_queue import Queue
from composer.simulate.virtio import VirtioCard

MOST = 1 << 16
"""Bytes of one request that are filled."""


@card("1af4:1044")
class VirtioRng(VirtioCard):
    KIND = 4
    SIZES = (8,)

    def __init__(self, slot: Slot) -> None:
        self._source = random.Random(slot.number)
        super().__init__(slot)

    def serve(self, number: int, queue: Queue) -> None:
        while (chain := queue.take()) and self.works():
            queue.done(chain, self._source.randbytes(min(chain.room, MOST)))
        self.finish(queue)
