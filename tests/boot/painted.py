"""What the program `painter` paints on a screen, and what a machine's screens show, pixel by pixel, as QEMU sees them."""

from __future__ import annotations

import struct
import time
from array import array
from pathlib import Path

from tests.boot.monitor import Watched

PATIENCE = 60.0
"""Seconds in which something is painted, on a busy computer."""
REFUSED = "Some(OutOfRange) Some(OutOfRange) Some(Malformed) Some(Malformed) Some(Outdated)"
"""What the painter is answered when it asks for what no screen does."""
BLACK = 0


def picture(width: int, height: int) -> array[int]:
    """What the painter paints, as 0xRRGGBB: in its order, each over what was there."""
    pixels = array("I", bytes(4 * width * height))

    def paint(x: int, y: int, columns: int, rows: int, colour) -> None:
        for row in range(y, y + rows):
            pixels[row * width + x:row * width + x + columns] = array("I", (colour(column, row) & 0xFFFFFF for column in range(x, x + columns)))

    paint(3, 5, width - 7, height - 11, lambda x, y: 0x203040)
    paint(0, 30, width, height - 60, lambda x, y: (x * 3) << 16 | y)
    paint(37, 41, 333, 277, lambda x, y: x << 8 | (x ^ y))
    paint(0, 0, 1, 1, lambda x, y: 0xFFFFFF)
    paint(width - 1, height - 1, 1, 1, lambda x, y: 0x00FF00)
    paint(100, 7, 1, 1, lambda x, y: 0x112233)
    return pixels


class Screen:
    """One screen of a machine, as its monitor sees it: that of the device with this identity."""

    def __init__(self, it: Watched, folder: Path, device: str) -> None:
        self.it, self.file, self.device = it, folder / "screen.ppm", device

    def shows(self, width: int, height: int) -> None:
        """That it shows the painter's picture."""
        pairs = enumerate(zip(self.pixels(width, height), picture(width, height), strict=True))
        wrong = [(at % width, at // width, f"{is_:06x}", f"{wanted:06x}") for at, (is_, wanted) in pairs if is_ != wanted]
        assert not wrong, f"{len(wrong)} pixels are wrong, the first (x, y, is, wanted): {wrong[:5]}"

    def pixels(self, width: int, height: int) -> array[int]:
        """Its pixels as 0xRRGGBB, row after row; its size is what it is to be."""
        *size, pixels = self._dump()
        assert size == [width, height]
        return pixels

    def comes_to_show(self, width: int, height: int) -> None:
        """That it shows the painter's picture after a while."""
        until = time.monotonic() + PATIENCE
        while self._dump() != (width, height, picture(width, height)):
            assert time.monotonic() < until

    def _dump(self) -> tuple[int, int, array[int]]:
        """Its width and height, and its pixels as 0xRRGGBB."""
        assert self.it.monitor(f"screendump {self.file} {self.device}") == ""
        header, data = self.file.read_bytes().split(b"\n255\n", 1)
        width, height = map(int, header.split()[1:])
        return width, height, array("I", (red << 16 | green << 8 | blue for red, green, blue in struct.iter_unpack("BBB", data)))


def painted(it: Watched, *modes: str) -> None:
    """That the painter painted in these modes, one after the other."""
    lines = it.logged("painter", lambda lines: sum(line.startswith("painted") for line in lines) >= len(modes))
    assert lines == [line for mode in modes for line in (REFUSED, f"painted {mode}")]
