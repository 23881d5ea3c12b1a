"""The PS/2 keyboard and mouse of a machine: what QEMU presses and moves is what a client of the driver reads."""

from __future__ import annotations


import pytest

from tests.boot.monitor import Watched, watched

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

PRESSED = (
    ("sendkey a", ["keyboard: 30 pressed", "keyboard: 30 released"]),
    ("sendkey shift-f12", ["keyboard: 42 pressed", "keyboard: 88 pressed", "keyboard: 88 released", "keyboard: 42 released"]),
    ("sendkey up", ["keyboard: 103 pressed", "keyboard: 103 released"]),
    ("mouse_move 5 -3", ["mouse: right 5", "mouse: down -3"]),
    ("mouse_button 1", ["mouse: 272 pressed"]),
    ("mouse_button 0", ["mouse: 272 released"]),
    ("mouse_move -200 0", ["mouse: right -127", "mouse: right -73"]),
    ("mouse_move 0 0 1", ["mouse: wheel 1"]),
)
"""Words of QEMU's monitor, and what is told then: key and button codes are those of Linux, and QEMU's mouse moves by 127 at most."""


@pytest.mark.parametrize(("profile", "type"), [("drivers", "q35"), ("drivers@pc", "pc")])
def test_what_is_pressed_and_moved_is_told(image, profile, type):
    with watched(image(profile), type=type) as it:
        it.expect("^munal> ")
        assert it.logged("ps2") == ["a keyboard, a mouse with a wheel"]
        told: list[str] = []
        for words, lines in PRESSED:
            assert it.monitor(words).strip() == ""
            told += lines
            assert it.logged("input-events", lambda log: len(log) >= len(told)) == told, words
        it.ask("restart ps2")
        it.logged("ps2", lambda log: len(log) == 2)
        it.monitor("sendkey b")
        assert it.logged("input-events", lambda log: len(log) >= len(told) + 2)[len(told):] == ["keyboard: 48 pressed", "keyboard: 48 released"]
        rows = {line.split()[0]: line for line in it.ask("ps") if line}
        assert " ended " not in rows["input-events"] and rows["ps2"].split()[-1] == "1", "one restart, and its client goes on"


def test_without_a_controller_its_driver_says_so_and_nobody_else_minds(image):
    with watched(image("drivers"), extra=("-machine", "i8042=off")) as it:
        it.expect("^munal> ")
        assert it.logged("ps2") == ["no keyboard controller answers at 0x64"]
        assert it.logged("input-events") == ["no driver is left"]
        it.until_ended("ps2")
