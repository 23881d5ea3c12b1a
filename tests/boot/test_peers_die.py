"""A SIP whose peer dies is told so in whatever call it waits, and where the peer is started anew it goes on."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

TOLD = [
    "wait for an end that has not come: Some(TimedOut)",
    "read: Err(Closed)",
    "ends: Ok(1) after 0",
    "write: Err(Closed)",
    "wait: Ok(1), closed true",
    "call: Err(Closed)",
    "then read Err(Closed), write Err(Closed), call Err(Closed)",
    "stop: true, at once true, read Err(Closed)",
    "restart: true, at once true, read Ok(1)",
    "stop again: true",
    "read on: Ok(1)",
    "write on: 0 left",
    "wait on: Ok(1), readable true",
    "call again: Err(Restarted)",
    "receive: Ok(1), stop: true, reply: Err(NotFound)",
    "serve: Ok(1), closed true, read Err(Closed), write Err(Closed)",
    "that is all",
]


@pytest.mark.parametrize("command", ["run", "simulate"])
def test_each_call_is_answered_when_its_peer_dies(machine, command):
    console = machine("dying", command)
    console.expect("^munal> ")
    told: list[str] = []
    while TOLD[-1] not in told and not any("failed" in line for line in console.ask("ps") if line.startswith("witness")):
        told = [line for line in console.ask("log witness") if not line.startswith("[")]  # the kernel speaks on the same line
    assert told == TOLD
    console.send("poweroff\n")
    assert console.status() == 0
