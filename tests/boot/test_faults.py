"""Every way to fail ends that SIP alone: one clear sentence, the backtrace with names, and everything else goes on."""

from __future__ import annotations

import re
import time

import pytest
import wasmtime

from composer.wasm.sections import read_module
from tests.boot.machine import PATIENCE

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

TRAP = "wasm trap: "
WAYS = {
    "unreachable": TRAP + "wasm `unreachable` instruction executed",
    "load-past-the-end": TRAP + "out of bounds memory access",
    "store-past-the-end": TRAP + "out of bounds memory access",
    "fill-past-the-end": TRAP + "out of bounds memory access",
    "divide-by-zero": TRAP + "integer divide by zero",
    "overflow": TRAP + "integer overflow",
    "convert-nan": TRAP + "invalid conversion to integer",
    "signature": TRAP + "indirect call type mismatch",
    "null": TRAP + "uninitialized element",
    "undefined": TRAP + "undefined element: out of bounds table access",
    "endless-recursion": TRAP + "call stack exhausted",
    "lend-past-the-end": "passed 2 bytes at 0xffff, which leave its memory of 0x10000",
    "guess-a-handle": "waited for handle 1000000, which it does not have",
    "port-past-the-end": TRAP + "wasm `unreachable` instruction executed",
}
"""What the log says first, by instance; the function that does it has the instance's name."""
GLUE = {"port-past-the-end": ["munal:port/way#read8"]}
"""The function of glue in which it ends, where it is one: what glue calls is its last act, so that only its own trap shows it."""
Frame = tuple[int, int | None, bool, str]
"""Number, offset in the wasm file, whether it is glue, and name."""
FRAME = re.compile(r" *(\d+): *(?:0x([0-9a-f]+))? (glue: )?(\S+)$")


def frames(lines: list[str]) -> list[Frame]:
    """The lines that tell of a frame."""
    found = filter(None, map(FRAME.match, lines))
    return [(int(m[1]), int(m[2], 16) if m[2] else None, bool(m[3]), m[4]) for m in found]


def test_every_way_to_fail_ends_one_alone_and_is_told_with_names(machine, workspace):
    source = (workspace / "apps" / "programs" / "trapper" / "trapper.wat").read_text()
    bodies = [body for _, body in read_module(bytes(wasmtime.wat2wasm(source))).defined()]
    console = machine("failing")
    console.expect("^munal> ")
    until = time.monotonic() + PATIENCE
    for name in ("diver", "stubborn", *WAYS):
        console.send("\n")
        while "failed" not in (row := next(line for line in console.ask("ps") if line.split()[:1] == [name])):
            assert time.monotonic() < until, row
    for name, sentence in WAYS.items():
        log = console.ask(f"log {name}")
        assert log[0] == sentence
        check_frames(name, frames(log[1:]), bodies)
    check_dive(frames(log := console.ask("log diver")), log)
    assert console.ask("log leave-with-7") == ["left with code 7"]
    assert console.ask("log leave-with-0") == []
    check_restarts(console)
    rows = {line.split()[0]: line for line in console.ask("ps")[1:-1]}
    assert "ended" in rows["leave-with-0"]
    assert not [name for name in ("com1", "clock", "shell", "heartbeat", "primes") if "failed" in rows[name]]
    console.send("poweroff\n")
    assert console.status() == 0


def check_restarts(console) -> None:
    """One that fails waits twice as long each time, up to its limit; one that is done and always restarted stops there, too."""
    waits = re.findall(r"stubborn: wasm trap: .*; starts again in (\d+) ms", console.heard)
    assert len(waits) == 3 and all(wanted - 5 <= int(wait) <= wanted for wait, wanted in zip(waits, (20, 40, 80), strict=True)), waits
    assert len(re.findall(r"stubborn: wasm trap: .*; stays ended", console.heard)) == 1
    assert len(re.findall(r"tireless: ended; starts again", console.heard)) == 2
    console.ask("start stubborn")
    console.expect(r"stubborn: wasm trap: .*; stays ended")
    assert len(re.findall(r"stubborn: .*; starts again in", console.heard)) == 6


def check_frames(name: str, found: list[Frame], bodies: list[tuple[int, int]]) -> None:
    """From the glue, if it ended there, by the function of the way's name, down to the entry; each offset is in its function."""
    assert [frame[3] for frame in found if frame[2]] == GLUE.get(name, []) and not any(frame[2] for frame in found[1:])
    own = [frame for frame in found if not frame[2]]
    assert [frame[0] for frame in found] == sorted(frame[0] for frame in found)
    assert [own[-3][3], own[-2][3], own[-1][3]] == [name.replace("-", "_"), "choose", "_start"]
    assert all(any(start <= offset < end for start, end in bodies) for _, offset, _, _ in own if offset)


def check_dive(found: list[Frame], log: list[str]) -> None:
    """The first frames and the last ones of a stack of thousands, by the names of Rust, and how many lie between."""
    assert len(log) < 30
    assert [frame[3] for frame in found[:16]] == ["diver::depths::dive"] * 16 and found[-1][3] == "_start"
    hidden = next(int(line.split()[1].replace(",", "")) for line in log if "... " in line)
    assert hidden > 1000 and found[-1][0] == len(found) + hidden - 1
