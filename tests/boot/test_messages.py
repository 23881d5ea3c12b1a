"""Messages that carry handles, services, waiting for several, quotas and endings, between two instances: in the booted kernel and
in the simulator, which say the same. What is told has no console of its own but the one that it is sent."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

REFUSED, CLOSED, WOULD_BLOCK, TIMED_OUT, INVALID, TOO_LARGE, RESTARTED, TOO_MANY, BAD_HANDLE = -1, -2, -3, -4, -5, -6, -8, -9, -10
WRITE, SHARE, STREAM, SERVICE = 2, 4, 16, 64
CLOSED_EVENT = 4
MEGABYTE = 1 << 20

TOLD = {
    "rights": (WRITE | SHARE | STREAM, WRITE | STREAM, REFUSED, REFUSED, BAD_HANDLE, REFUSED, BAD_HANDLE),
    "closed": (0, BAD_HANDLE, BAD_HANDLE, BAD_HANDLE, BAD_HANDLE),
    "guesses": (16384, 0, BAD_HANDLE),
    "quota": (7, TOO_MANY, 0),
    "service": (64, MEGABYTE, TOO_LARGE, 12, TIMED_OUT, 100),
    "asks by a handle": (WRITE | SHARE | SERVICE, 1, 0),
    "queue": (4, WOULD_BLOCK, TIMED_OUT, TOO_LARGE, 5, "abcd", WOULD_BLOCK, TIMED_OUT),
    "moved": (BAD_HANDLE, INVALID, 0, BAD_HANDLE, BAD_HANDLE, 2, 0, 4, WRITE | SHARE | STREAM),
    "writes with what came back": (),
    "closed for want of a slot": (0, 2, 0, 4, 0, TIMED_OUT),
    "waits": (TIMED_OUT, 0, 1, 1, 1, 0, 5, TIMED_OUT, BAD_HANDLE),
    "restarted": (RESTARTED, 8, 7, 0, TIMED_OUT),
    "ended": (0, CLOSED, CLOSED, CLOSED, 1, CLOSED_EVENT),
    "done": (),
}
"""What the envoy says of each subject, in order; its source tells what it asks."""


@pytest.mark.parametrize("command", ["run", "simulate"])
def test_messages_handles_and_services_do_as_they_promise(machine, command):
    heard = machine("messages", command)
    for subject, answers in TOLD.items():
        told = heard.expect(rf"^envoy: {subject}((?: [-\w]+)*)\r?\n")
        assert told[1].split() == [str(answer) for answer in answers], subject
