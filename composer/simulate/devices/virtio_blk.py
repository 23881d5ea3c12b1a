"""A simulated virtio disk (Virtual I/O Device 1.2, section 5.2): on a file of this computer, or in memory where nothing is to be kept.

A disk in memory takes room for what was written alone.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from composer.peripherals import DISK_BYTES, made_disk
from composer.simulate.cards import Slot, card
from composer.simulate.split_queue import Broken, Chain, Queue
from composer.simulate.virtio import VIRTIO_FAULTS, VirtioCard

SECTOR = 512
FLUSH = 1 << 9
"""VIRTIO_BLK_F_FLUSH."""
HEADER = struct.Struct("<IIQ")
IN, OUT, SYNC = 0, 1, 4
OK, IOERR, UNSUPPORTED = b"\0", b"\1", b"\2"
BLOCK = 4096


class Kept:
    """A disk on a file."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR)
        self.length = os.fstat(self._file).st_size

    def read(self, at: int, count: int) -> bytes:
        return os.pread(self._file, count, at)

    def write(self, at: int, data: bytes) -> None:
        os.pwrite(self._file, data, at)

    def flush(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


class Forgotten:
    """A disk in memory, of blocks that are zeros until they are written."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._blocks: dict[int, bytes] = {}

    def read(self, at: int, count: int) -> bytes:
        first, last = at // BLOCK, -(-(at + count) // BLOCK)
        whole = b"".join(self._blocks.get(number, bytes(BLOCK)) for number in range(first, last))
        return whole[at - first * BLOCK:][:count]

    def write(self, at: int, data: bytes) -> None:
        first = at // BLOCK
        before = self.read(first * BLOCK, at - first * BLOCK)
        end = at + len(data)
        after = self.read(end, -end % BLOCK)
        whole = before + data + after
        for number in range(len(whole) // BLOCK):
            self._blocks[first + number] = whole[number * BLOCK:(number + 1) * BLOCK]

    def flush(self) -> None:
        """Nothing outlives the simulation."""

    def close(self) -> None:
        self._blocks.clear()


@card("1af4:1042")
class VirtioBlk(VirtioCard):
    FAULTS: ClassVar[Mapping[str, str]] = VIRTIO_FAULTS | {
        "failed-request": "it says that it could not do what it was asked for",
        "half-a-read": "it reads half of what it was asked for, and says that all went well",
    }
    KIND, CLASS = 2, 0x010000
    SIZES = (128,)
    FEATURES = FLUSH

    def __init__(self, slot: Slot) -> None:
        self.disk = Kept(made_disk(slot.disk)) if slot.disk else Forgotten(DISK_BYTES)
        super().__init__(slot)

    def own(self) -> bytes:
        """Its capacity in sectors (section 5.2.4)."""
        return struct.pack("<Q", self.disk.length // SECTOR)

    def close(self) -> None:
        self.disk.close()

    def serve(self, number: int, queue: Queue) -> None:
        while (chain := queue.take()) and self.works():
            answer = self._answer(chain, queue.read(chain))
            half = (chain.room - 1) // 2
            if half and self.slot.script.due("half-a-read"):
                queue.done(chain, answer[:half] + queue.found(chain)[half:-1] + OK, half + 1)
            else:
                queue.done(chain, answer)
        self.finish(queue)

    def _answer(self, chain: Chain, request: bytes) -> bytes:
        """The data of a read, and the byte that says how it went."""
        if len(request) < HEADER.size or chain.room < 1:
            raise Broken
        what, _, sector = HEADER.unpack_from(request)
        if self.slot.script.due("failed-request"):
            return bytes(chain.room - 1) + IOERR
        data, room = request[HEADER.size:], chain.room - 1
        if what == SYNC:
            self.disk.flush()
            return OK
        count = {IN: room, OUT: len(data)}.get(what)
        if count is None:
            return bytes(room) + UNSUPPORTED
        if count % SECTOR or sector * SECTOR + count > self.disk.length:
            return bytes(room) + IOERR
        if what == OUT:
            self.disk.write(sector * SECTOR, data)
            return OK
        return self.disk.read(sector * SECTOR, room) + OK
