"""What clients of the firmware's picture paint is what its display shows; other displays have no part in it."""

from __future__ import annotations

import re

import pytest

from tests.boot.monitor import Watched, watched
from tests.boot.painted import BLACK, REFUSED, Screen, painted, picture

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

PROFILE = "painted-framebuffer"
MACHINES = {
    "q35": (PROFILE, {"type": "q35"}),
    "pc": (f"{PROFILE}@pc", {"type": "pc"}),
    "a display that is no VGA": (PROFILE, {"picture": False, "extra": ("-device", "bochs-display,id=picture")}),
    "beside a virtio display": (PROFILE, {"picture": False, "extra": ("-device", "virtio-gpu-pci", "-device", "VGA,id=picture")}),
}
"""A profile, and a machine: the display with the firmware's picture is called `picture` there."""
WITHOUT = {"no display": (), "one that only the firmware can draw on": ("-device", "virtio-gpu-pci")}
ROUNDS = 5


def size(it: Watched) -> tuple[int, int]:
    """Width and height of the picture that the firmware chose, as the driver says them once in a life."""
    told = set(it.logged("display"))
    assert len(told) == 1 and (found := re.fullmatch(r"a screen of (\d+) x (\d+) with 32 bits a pixel", told.pop()))
    return int(found[1]), int(found[2])


@pytest.mark.parametrize("name", MACHINES)
def test_the_display_shows_each_pixel_that_was_painted_and_is_black_where_none_was(image, tmp_path, name):
    profile, machine = MACHINES[name]
    with watched(image(profile), **machine) as it:
        it.expect("^munal> ")
        width, height = size(it)
        painted(it, f"{width} x {height}")
        Screen(it, tmp_path, "picture").shows(width, height)
        assert picture(width, height).count(BLACK) > width, "some of it was never painted"


def test_a_driver_that_is_started_anew_shows_a_black_screen_and_its_clients_paint_again(image, tmp_path):
    with watched(image(PROFILE)) as it:
        it.expect("^munal> ")
        width, height = size(it)
        for life in (1, 2, 3):
            painted(it, *[f"{width} x {height}"] * life)
            Screen(it, tmp_path, "picture").shows(width, height)
            it.ask("restart display")
        painted(it, *[f"{width} x {height}"] * 4)
        rows = {line.split()[0]: line for line in it.ask("ps") if line}
        assert rows["display"].split()[-1] == "3" and " ended " not in rows["painter"], "three restarts, and its client goes on"


def test_a_driver_that_is_ended_while_it_is_asked_is_asked_again(image, tmp_path):
    with watched(image(PROFILE)) as it:
        it.expect("^munal> ")
        for round in range(ROUNDS):
            for _ in range(round):
                it.ask("ps")    # each round a little later
            it.ask("restart display")
        width, height = size(it)
        Screen(it, tmp_path, "picture").comes_to_show(width, height)
        assert set(it.logged("painter")) == {REFUSED, f"painted {width} x {height}"}


@pytest.mark.parametrize("name", WITHOUT)
def test_without_a_picture_its_driver_says_so_and_nobody_else_minds(image, name):
    with watched(image(PROFILE), picture=False, extra=WITHOUT[name]) as it:
        it.expect("^munal> ")
        assert it.logged("display") == ["the firmware set up no picture that is memory"]
        assert it.logged("painter", lambda lines: len(lines) == 2) == ["the peer has ended and will not come back", "Failed"]
        it.until_ended("display")
