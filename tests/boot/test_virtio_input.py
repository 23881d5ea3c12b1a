"""Keyboard, mouse and tablet as virtio devices: what QEMU presses and moves is what every client of the driver reads."""

from __future__ import annotations

from typing import Any

import pytest

from tests.boot.monitor import Watched, watched

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

CLIENTS = {"one": "keyboard", "other": "mouse"}
"""Who writes down what is told, and what each calls the device."""
MACHINES = [("virtio-input", "q35"), ("virtio-input@pc", "pc")]
BY_LINE = ",vectors=0"
"""Makes a virtio device interrupt by its line, and not by messages."""
AT_ONCE = 20
REPORTS = 60
"""More than a client's stream has room for."""


def press(it: Watched, *keys: str) -> None:
    it.execute("send-key", keys=[{"type": "qcode", "data": key} for key in keys])


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data}


def happen(it: Watched, *events: dict[str, Any]) -> None:
    """All of this at once."""
    it.execute("input-send-event", events=list(events))


def button(name: str, down: bool) -> dict[str, Any]:
    return event("btn", button=name, down=down)


class Told:
    """What clients wrote down so far, and are to have written down."""

    def __init__(self, it: Watched) -> None:
        self.it = it
        self.lines: list[str] = []

    def expect(self, *lines: str) -> None:
        self.lines += lines
        for client, device in CLIENTS.items():
            log = self.it.logged(client, lambda log: len(log) >= len(self.lines))
            assert log == [f"{device}: {line}" for line in self.lines], client


def restart(it: Watched) -> None:
    it.ask("restart input")
    it.logged("input", lambda log: len(log) == 2)


@pytest.mark.parametrize(("profile", "type"), MACHINES)
def test_keys_are_told_to_every_client_and_to_the_same_after_a_restart(image, profile, type):
    with watched(image(profile), type=type, extra=("-device", "virtio-keyboard-pci")) as it:
        it.expect("^munal> ")
        assert it.logged("input") == ["QEMU Virtio Keyboard: a keyboard"]
        told = Told(it)
        press(it, "a")
        told.expect("30 pressed", "30 released")
        press(it, "shift", "f12")
        told.expect("42 pressed", "88 pressed", "88 released", "42 released")
        restart(it)
        press(it, "up")
        told.expect("103 pressed", "103 released")
        rows = {line.split()[0]: line for line in it.ask("ps") if line}
        assert all(" ended " not in rows[client] for client in CLIENTS) and rows["input"].split()[-1] == "1", "one restart, and its clients go on"


@pytest.mark.parametrize(("profile", "type"), MACHINES)
def test_a_mouse_moves_and_one_that_never_reads_holds_up_nobody(image, profile, type):
    with watched(image(profile), type=type, extra=("-device", "virtio-mouse-pci")) as it:
        it.expect("^munal> ")
        assert it.logged("input") == ["QEMU Virtio Mouse: a mouse with a wheel"]
        told = Told(it)
        happen(it, event("rel", axis="x", value=5), event("rel", axis="y", value=-3))
        told.expect("right 5", "down -3")
        happen(it, button("left", True))
        happen(it, button("left", False))
        told.expect("272 pressed", "272 released")
        happen(it, button("wheel-up", True))
        told.expect("wheel 1")
        happen(it, event("rel", axis="x", value=-100_000))
        told.expect("right -100000")
        for _ in range(REPORTS):
            happen(it, *[event("rel", axis="x", value=1)] * AT_ONCE)
        it.ask("ps")
        happen(it, button("right", True))
        for client, device in CLIENTS.items():
            log = it.logged(client, lambda log, device=device: log[-1] == f"{device}: 273 pressed")
            assert f"{device}: some events are missing" not in log


@pytest.mark.parametrize("way", ["", BY_LINE])
@pytest.mark.parametrize(("profile", "type"), MACHINES)
def test_a_tablet_tells_places(image, profile, type, way):
    with watched(image(profile), type=type, extra=("-device", f"virtio-tablet-pci{way}")) as it:
        it.expect("^munal> ")
        assert it.logged("input") == ["QEMU Virtio Tablet: a tablet with a wheel"]
        told = Told(it)
        for x, y in ((0, 32_767), (16_384, 1), (32_767, 0)):
            happen(it, event("abs", axis="x", value=x), event("abs", axis="y", value=y))
            told.expect(f"at {x} from the left", f"at {y} from above")
        restart(it)
        happen(it, event("abs", axis="x", value=77), button("middle", True))
        told.expect("at 77 from the left", "274 pressed")


def test_bursts_of_keys_arrive_whole(image):
    with watched(image("virtio-input"), extra=("-device", "virtio-keyboard-pci")) as it:
        it.expect("^munal> ")
        assert it.logged("input")
        told = Told(it)
        for round in range(4):
            keys = [("a", 30), ("b", 48), ("c", 46), ("d", 32)] * 4
            strokes = [(key, code, down) for key, code in keys for down in (True, False)]
            for key, _, down in strokes[:30]:       # of two events each: as many as the device has buffers for
                happen(it, event("key", key={"type": "qcode", "data": key}, down=down))
            told.expect(*(f"{code} {'pressed' if down else 'released'}" for _, code, down in strokes[:30]))


@pytest.mark.parametrize(("profile", "type"), MACHINES)
def test_without_a_device_its_driver_says_so_and_nobody_else_minds(image, profile, type):
    with watched(image(profile), type=type) as it:
        it.expect("^munal> ")
        assert it.logged("input") == ["this machine has no such device"]
        for client in CLIENTS:
            assert it.logged(client) == ["no driver is left"]
        it.until_ended("input")
