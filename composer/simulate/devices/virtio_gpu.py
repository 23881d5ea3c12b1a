"""A simulated virtio display in two dimensions (Virtual I/O Device 1.2, section 5.7): one screen, whose picture is kept and can be looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from composer.simulate.cards import Slot, card
from composer.simulate.split_queue import Broken, Queue
from composer.simulate.virtio import VIRTIO_FAULTS, VirtioCard

HEADER = struct.Struct("<IIQII")
"""Type, flags, fence, context, and padding, of requests and answers (section 5.7.6.7)."""
FENCE = 1
(GET_DISPLAY_INFO, RESOURCE_CREATE_2D, RESOURCE_UNREF, SET_SCANOUT, RESOURCE_FLUSH, TRANSFER_TO_HOST_2D, RESOURCE_ATTACH_BACKING,
 RESOURCE_DETACH_BACKING) = range(0x0100, 0x0108)
OK_NODATA, OK_DISPLAY_INFO, UNSPECIFIED, NO_SCANOUT, NO_RESOURCE, NO_PARAMETER = 0x1100, 0x1101, 0x1200, 0x1202, 0x1203, 0x1205
FORMATS = frozenset((1, 2, 3, 4, 67, 68, 121, 134))
SCREENS, PIXEL = 16, 4
LONGEST_SIDE = 1 << 14
DISPLAY_CHANGED = 1

Rectangle = tuple[int, int, int, int]


@dataclass
class Picture:
    """One resource: its pixels with the device, and the driver's memory that it takes them from."""

    width: int
    height: int
    pixels: bytearray
    backing: list[tuple[int, int]] = field(default_factory=list)

    def has(self, part: Rectangle) -> bool:
        x, y, width, height = part
        return x + width <= self.width and y + height <= self.height


@card("1af4:1050")
class VirtioGpu(VirtioCard):
    FAULTS: ClassVar[Mapping[str, str]] = VIRTIO_FAULTS | {"failed-request": "it answers `number` to what it was asked for, or 0x1200"}
    KIND, CLASS = 16, 0x038000
    SIZES = (64, 16)

    def __init__(self, slot: Slot) -> None:
        self.size = (1280, 800)
        self.shown: Picture | None = None
        self._events = 0
        self._pictures: dict[int, Picture] = {}
        super().__init__(slot)

    def own(self) -> bytes:
        """What happened, and how many screens there are (section 5.7.4)."""
        return struct.pack("<IIII", self._events, 0, 1, 0)

    def set_own(self, offset: int, data: bytes) -> None:
        if offset == 4 and len(data) == 4:
            self._events &= ~int.from_bytes(data, "little")

    def forget(self) -> None:
        self.shown, self._events = None, 0
        self._pictures.clear()

    def resize(self, width: int, height: int) -> None:
        """The window has another size."""
        self.size = (width, height)
        self._events |= DISPLAY_CHANGED
        self.configuration_changed()

    def serve(self, number: int, queue: Queue) -> None:
        while (chain := queue.take()) and self.works():
            request = queue.read(chain)
            if number != 0:
                queue.done(chain)
                continue
            if len(request) < HEADER.size or chain.room < HEADER.size:
                raise Broken
            queue.done(chain, self._answer(request))
        self.finish(queue)

    def _answer(self, request: bytes) -> bytes:
        kind, flags, fence, context, _ = HEADER.unpack_from(request)
        failed = self.slot.script.number("failed-request", UNSPECIFIED)
        does = self._jobs.get(kind)
        try:
            said, more = (failed, b"") if failed is not None else does(self, request[HEADER.size:]) if does else (UNSPECIFIED, b"")
        except struct.error:
            said, more = NO_PARAMETER, b""
        return HEADER.pack(said, flags & FENCE, fence if flags & FENCE else 0, context, 0) + more

    def _display_info(self, _: bytes) -> tuple[int, bytes]:
        modes = [struct.pack("<6I", 0, 0, *self.size, 1, 0), *[bytes(24)] * (SCREENS - 1)]
        return OK_DISPLAY_INFO, b"".join(modes)

    def _create(self, rest: bytes) -> tuple[int, bytes]:
        number, form, width, height = struct.unpack_from("<4I", rest)
        if number == 0 or number in self._pictures:
            return NO_RESOURCE, b""
        if form not in FORMATS or not 0 < width <= LONGEST_SIDE or not 0 < height <= LONGEST_SIDE:
            return NO_PARAMETER, b""
        self._pictures[number] = Picture(width, height, bytearray(width * height * PIXEL))
        return OK_NODATA, b""

    def _forget(self, rest: bytes) -> tuple[int, bytes]:
        picture = self._pictures.pop(*struct.unpack_from("<I", rest), None)
        if picture is self.shown:
            self.shown = None
        return OK_NODATA if picture else NO_RESOURCE, b""

    def _show(self, rest: bytes) -> tuple[int, bytes]:
        *part, screen, number = struct.unpack_from("<6I", rest)
        picture = self._pictures.get(number)
        if screen != 0:
            return NO_SCANOUT, b""
        if number and not picture:
            return NO_RESOURCE, b""
        if picture and not picture.has((part[0], part[1], part[2], part[3])):
            return NO_PARAMETER, b""
        self.shown = picture
        return OK_NODATA, b""

    def _flush(self, rest: bytes) -> tuple[int, bytes]:
        x, y, width, height, number = struct.unpack_from("<5I", rest)
        picture = self._pictures.get(number)
        if not picture:
            return NO_RESOURCE, b""
        return OK_NODATA if picture.has((x, y, width, height)) else NO_PARAMETER, b""

    def _attach(self, rest: bytes) -> tuple[int, bytes]:
        number, count = struct.unpack_from("<II", rest)
        picture = self._pictures.get(number)
        if not picture:
            return NO_RESOURCE, b""
        if count > (len(rest) - 8) // 16 or picture.backing:
            return UNSPECIFIED, b""
        picture.backing = [struct.unpack_from("<QI", rest, 8 + 16 * place) for place in range(count)]
        return OK_NODATA, b""

    def _detach(self, rest: bytes) -> tuple[int, bytes]:
        picture = self._pictures.get(*struct.unpack_from("<I", rest))
        if picture:
            picture.backing = []
        return OK_NODATA if picture else NO_RESOURCE, b""

    def _transfer(self, rest: bytes) -> tuple[int, bytes]:
        """Take a rectangle of the driver's memory, whose first pixel is at `offset` there, row after row of the whole picture."""
        x, y, width, height, offset, number = struct.unpack_from("<4IQI", rest)
        picture = self._pictures.get(number)
        if not picture:
            return NO_RESOURCE, b""
        if not picture.has((x, y, width, height)):
            return NO_PARAMETER, b""
        stride, row = picture.width * PIXEL, width * PIXEL
        rows = [(offset, row * height, (y * picture.width) * PIXEL)] if row == stride else [
            (offset + line * stride, row, ((y + line) * picture.width + x) * PIXEL) for line in range(height)]
        for start, count, to in rows:
            taken = self._taken(picture, start, count)
            picture.pixels[to:to + len(taken)] = taken
        return OK_NODATA, b""

    def _taken(self, picture: Picture, start: int, count: int) -> bytes:
        """Bytes of the driver's memory behind a picture; fewer where there are no more."""
        found, at = [], 0
        for address, length in picture.backing:
            if at + length > start and at < start + count:
                first, last = max(start - at, 0), min(start + count - at, length)
                found.append(self.slot.dma.read(address + first, last - first))
            at += length
        return b"".join(found)

    _jobs: ClassVar[dict[int, Callable[[VirtioGpu, bytes], tuple[int, bytes]]]] = {
        GET_DISPLAY_INFO: _display_info, RESOURCE_CREATE_2D: _create, RESOURCE_UNREF: _forget, SET_SCANOUT: _show, RESOURCE_FLUSH: _flush,
        TRANSFER_TO_HOST_2D: _transfer, RESOURCE_ATTACH_BACKING: _attach, RESOURCE_DETACH_BACKING: _detach,
    }
