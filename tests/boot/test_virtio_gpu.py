"""What clients of a virtio display paint is what its screen shows, pixel by pixel, as QEMU sees it; in each mode and life of its driver."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.boot.monitor import watched
from tests.boot.painted import BLACK, PATIENCE, REFUSED, Screen, painted, picture

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

ROUNDS = 10
MACHINES = [("painted", "q35"), ("painted@pc", "pc")]


def machine_with_a_screen(*more: str, device: str = "virtio-gpu-pci,id=screen,xres=640,yres=480") -> tuple[str, ...]:
    return ("-device", device, *more)


@pytest.mark.parametrize(("profile", "type"), MACHINES)
def test_the_screen_shows_each_pixel_that_was_painted_and_is_black_where_none_was(image, tmp_path, profile, type):
    with watched(image(profile), type=type, extra=machine_with_a_screen()) as it:
        it.expect("^munal> ")
        painted(it, "640 x 480")
        screen = Screen(it, tmp_path, "screen")
        screen.shows(640, 480)
        assert picture(640, 480).count(BLACK) > 640, "some of it was never painted"
        assert it.logged("display") == ["a screen of 640 x 480"]


def test_a_device_that_interrupts_by_its_line_is_as_good(image, tmp_path):
    with watched(image("painted"), extra=machine_with_a_screen(device="virtio-gpu-pci,id=screen,xres=640,yres=480,vectors=0")) as it:
        it.expect("^munal> ")
        painted(it, "640 x 480")
        Screen(it, tmp_path, "screen").shows(640, 480)


def test_the_device_is_asked_for_what_changed_and_nothing_else(image):
    words = machine_with_a_screen("-trace", "virtio_gpu_cmd_res_flush", "-trace", "virtio_gpu_cmd_res_xfer_toh_2d")
    with watched(image("painted"), extra=words) as it:
        it.expect("^munal> ")
        painted(it, "640 x 480")
        traced = re.findall(r"virtio_gpu_cmd_(\w+) res 0x(\w+)(?:, w (\d+), h (\d+), x (\d+), y (\d+))?", it.guest.errors())
        ours = traced[-16:]     # the firmware paints before
        assert [kind for kind, *_ in ours] == ["res_xfer_toh_2d", "res_flush"] * 8
        assert [tuple(map(int, where)) for kind, _, *where in ours if kind == "res_flush"] == [
            (640, 480, 0, 0), (633, 469, 3, 5), (640, 409, 0, 30), (640, 11, 0, 439), (333, 277, 37, 41), (1, 1, 0, 0), (1, 1, 639, 479), (1, 1, 100, 7),
        ]


def test_a_driver_that_is_started_anew_shows_a_black_screen_and_its_clients_paint_again(image, tmp_path):
    with watched(image("painted"), extra=machine_with_a_screen()) as it:
        it.expect("^munal> ")
        screen = Screen(it, tmp_path, "screen")
        for life in (1, 2, 3):
            painted(it, *["640 x 480"] * life)
            screen.shows(640, 480)
            it.ask("restart display")
        painted(it, *["640 x 480"] * 4)
        rows = {line.split()[0]: line for line in it.ask("ps") if line}
        assert rows["display"].split()[-1] == "3" and " ended " not in rows["painter"], "three restarts, and its client goes on"


def test_a_driver_that_is_ended_while_it_is_asked_is_asked_again(image, tmp_path):
    with watched(image("painted"), extra=machine_with_a_screen(device="virtio-gpu-pci,id=screen,xres=1280,yres=800")) as it:
        it.expect("^munal> ")
        for round in range(ROUNDS):
            for _ in range(round):
                it.ask("ps")    # each round a little later
            it.ask("restart display")
        Screen(it, tmp_path, "screen").comes_to_show(1280, 800)
        assert set(it.logged("painter")) == {REFUSED, "painted 1280 x 800"}
        lives = [line for line in it.ask("log display") if line]
        assert set(lives) == {"a screen of 1280 x 800"} and len(lives) > 1


@pytest.mark.parametrize("size", [(1920, 1200), (4096, 2160)])
def test_the_largest_picture_is_the_largest_that_there_is_memory_for(image, tmp_path, size):
    with watched(image("painted"), extra=machine_with_a_screen(device=f"virtio-gpu-pci,id=screen,xres={size[0]},yres={size[1]}")) as it:
        it.expect("^munal> ")
        painted(it, "1920 x 1200")
        Screen(it, tmp_path, "screen").shows(1920, 1200)


class Viewer:
    """Who looks at a screen over the network (RFC 6143) and changes the size of the window (the pseudo-encoding -308)."""

    SET_ENCODINGS, EXTENDED_SIZE = 2, -308
    SET_SIZE = 251

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        assert self._read(12).startswith(b"RFB 003.")
        connection.sendall(b"RFB 003.008\n")
        assert 1 in self._read(self._read(1)[0]), "one way to come in is without a word"
        connection.sendall(b"\x01")
        assert self._read(4) == bytes(4)
        connection.sendall(b"\x01")
        self._read(struct.unpack(">20xI", self._read(24))[0])
        connection.sendall(struct.pack(">BxHi", self.SET_ENCODINGS, 1, self.EXTENDED_SIZE))

    def resize(self, width: int, height: int) -> None:
        self.connection.sendall(struct.pack(">BxHHBxIHHHHI", self.SET_SIZE, width, height, 1, 0, 0, 0, width, height, 0))

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            received = self.connection.recv(count - len(data))
            assert received
            data += received
        return data


@contextmanager
def viewer(path: Path) -> Iterator[Viewer]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(path))
        yield Viewer(connection)


@pytest.mark.parametrize(("profile", "type"), MACHINES)
def test_a_window_that_changes_its_size_changes_the_mode_and_its_clients_are_told(image, tmp_path, profile, type):
    place = tmp_path / "vnc"
    words = machine_with_a_screen("-vnc", f"unix:{place},display=screen")
    with watched(image(profile), type=type, extra=words) as it:
        it.expect("^munal> ")
        painted(it, "640 x 480")
        screen = Screen(it, tmp_path, "screen")
        with viewer(place) as window:
            modes = ["640 x 480"]
            for width, height in ((1280, 800), (504, 401), (1920, 1200)):     # QEMU fills up rows of other widths
                window.resize(width, height)
                modes.append(f"{width} x {height}")
                painted(it, *modes)
                screen.shows(width, height)
        assert it.logged("display") == [f"a screen of {mode}" for mode in modes]


def test_a_device_that_does_not_do_what_it_is_asked_ends_the_driver_with_one_line(image):
    with watched(image("painted"), extra=machine_with_a_screen(device="virtio-gpu-pci,id=screen,max_hostmem=65536")) as it:
        it.expect("^munal> ")
        assert it.logged("display") == ["the device was asked to make a picture, and answered 0x1201: it is left alone"]
        it.until_ended("display")


def test_without_a_device_its_driver_says_so_and_nobody_else_minds(image):
    with watched(image("painted")) as it:
        it.expect("^munal> ")
        assert it.logged("display") == ["this machine has no such device"]
        assert it.logged("painter", lambda lines: len(lines) == 2) == ["the peer has ended and will not come back", "Failed"]
        it.until_ended("display")
