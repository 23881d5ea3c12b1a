"""The operator of a machine presses what the guest asks for, and nothing that cannot be pressed."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from composer import qemu
from composer.guest import Guest
from composer.operator import LONGEST_LINE, MOST_WAITING, Operator, understand
from composer.qmp import Qmp


def key(code: int, down: bool) -> dict:
    return {"type": "key", "data": {"key": {"type": "number", "data": code}, "down": down}}


@pytest.mark.parametrize(("line", "wanted"), [
    (b"machine key 30 1", {"events": [key(30, True)]}),
    (b"display key 88 0", {"device": "screen", "events": [key(88, False)]}),
    (b"display abs 0 16384 abs 1 0", {"device": "screen", "events": [
        {"type": "abs", "data": {"axis": "x", "value": 16384}}, {"type": "abs", "data": {"axis": "y", "value": 0}}]}),
    (b"machine rel 1 -3", {"events": [{"type": "rel", "data": {"axis": "y", "value": -3}}]}),
])
def test_lines_are_what_qemu_is_told(line, wanted):
    assert understand(line, "screen") == wanted


@pytest.mark.parametrize("line", [
    b"", b" ", b"machine", b"machine key 30", b"nobody key 30 1", b"machine key 0 1", b"machine key 89 1", b"machine key 30 2", b"machine rel 2 1",
    b"machine rel 0 32768", b"machine abs 0 -1", b"machine abs 0 32768", b"machine key x 1", b"machine quit 0 0", b"machine key 30 1 key", b"\xff key 30 1",
    b"machine" + b" rel 0 1" * 33, b"machine rel 0 1" + b" " * LONGEST_LINE, b"machine rel 0 " + b"0" * LONGEST_LINE,
])
def test_what_cannot_be_pressed_is_not(line):
    assert understand(line, "screen") is None


def test_a_machine_without_a_display_has_no_seat_there():
    assert understand(b"display key 30 1", None) is None


class Asked:
    """An operator between a guest's port and QEMU's monitor."""

    def __init__(self) -> None:
        self.guest, port = socket.socketpair()
        self.qemu, qmp = socket.socketpair()
        port.setblocking(False)
        self.qemu.setblocking(False)
        self.qmp = Qmp(qmp)
        self.operator = Operator(Guest(None, port, self.qmp, qemu.Machine(operator=True), Path(), port), None)

    def told(self) -> list[dict]:
        try:
            return [json.loads(line) for line in self.qemu.recv(1 << 20).splitlines()]
        except BlockingIOError:
            return []


def test_lines_may_come_in_pieces_and_nonsense_is_told_once(capsys):
    asked = Asked()
    for piece in (b"machine ke", b"y 30 1\nwhat\nmachine key 30", b"", b" 0\nwho?\nmachine rel 0 ", b"1"):
        if piece:
            asked.guest.sendall(piece)
        asked.operator.serve()
    assert [each["arguments"]["events"] for each in asked.told()] == [[key(30, True)], [key(30, False)]]
    assert capsys.readouterr().err == "munal: the guest asked its operator for what is not done: 'what'\n"


def test_a_line_without_an_end_costs_no_memory():
    asked = Asked()
    for _ in range(100):
        asked.guest.sendall(b"x" * 4000)
        asked.operator.serve()
    assert len(asked.operator._pending) <= LONGEST_LINE + 1
    asked.guest.sendall(b"\nmachine key 30 1\n")
    asked.operator.serve()
    assert len(asked.told()) == 1


def test_who_asks_faster_than_qemu_answers_is_not_heard(capsys):
    asked = Asked()
    for _ in range(MOST_WAITING + 5):
        asked.guest.sendall(b"machine key 30 1\n")
        asked.operator.serve()
    assert len(asked.told()) == MOST_WAITING and capsys.readouterr().err
    asked.qemu.sendall(b'{"return": {}}\n{"error": {}}\n')
    assert list(asked.qmp.receive()) == []
    asked.guest.sendall(b"machine key 30 1\n" * 3)
    asked.operator.serve()
    assert len(asked.told()) == 2


def test_a_guest_that_has_gone_asks_for_nothing():
    asked = Asked()
    asked.guest.close()
    asked.operator.serve()
    assert not asked.operator.open and asked.told() == []
    assert not Operator(Guest(None, asked.guest, asked.qmp, qemu.Machine(), Path()), None).open
