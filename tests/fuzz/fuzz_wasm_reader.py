#!/usr/bin/env python3
"""Feeds damaged binaries to the reader of wasm and counts what must not happen.

    python tests/fuzz/fuzz_wasm_reader.py --seconds 60 [--seed 1] [--apps] [--crashes FOLDER]

Half of the damage is to bytes, half to structure (wasm_structure.py); with --apps, it is done to the checkout's own apps, too.
A crash is any exception but WasmError, an input that takes SLOW seconds, and facts that do not survive being kept; a
disagreement is a binary that wasmtime finds valid and the reader does not. Memory is limited to MOST_MEMORY.
Prints one JSON line: executions, crashes, disagreements, the slowest input in seconds, and the growth of memory in MiB.
Exits 1 after a crash or a disagreement, whose input it prints in hexadecimal, or keeps in the folder of --crashes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from composer.wasm.cursor import WasmError
from composer.wasm.facts import from_json, to_json
from composer.wasm.gather import gather
from composer.wasm.names import function_name, function_names
from composer.wasm.sections import read_module
from composer.wasm.trace import trace
from composer.wasm.validate import validate
from tests.fuzz import wasm_structure

SLOW = 10
"""Seconds of processor time that no input may take."""
MOST_MEMORY = 4 << 30
"""Bytes of address space."""

GIANT = (b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x80\x00", b"\xff" * 10 + b"\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
         b"\x80\x80\x80\x80\x08", b"\xff\xff\x7f", b"\xfe\xff\x03")
INTERESTING = bytes((0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B, 0x0C, 0x0E, 0x10, 0x12, 0x20, 0x21, 0x40, 0x41, 0x60, 0x6F, 0x70,
                     0x7F, 0x80, 0xD2, 0xFC, 0xFD, 0xFE, 0xFF))

SEEDS = (
    "(module)",
    """(module (import "munal:port/regs" "write8" (func $w (param i32 i32))) (memory (export "memory") 1) (type $t (func (param i32)))
      (global i32 (i32.const 5)) (table 2 funcref) (elem (i32.const 0) $f $g) (data (i32.const 8) "text")
      (func $f (param i32) (call $w (local.get 0) (i32.const 1)))
      (func $g (param i32) (local i64) (block (loop (br_if 1 (i32.eqz (local.get 0))) (br_table 0 1 0 (local.get 0))))
        (call $f (global.get 0)))
      (func (export "_start") (call $f (i32.const 3)) (call_indirect (type $t) (i32.const 4) (i32.const 0))
        (if (i32.const 1) (then (call $g (i32.const 2))) (else (drop (ref.func $f))))
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))""",
    """(module (import "a" "b" (func (param i64) (result i32))) (memory 1 2) (func $two (result i32 i64) (i32.const 1) (i64.const -5))
      (func (export "_start") (local v128 f32 f64) (local.set 0 (i32x4.add (v128.const i32x4 1 2 3 4) (i32x4.splat (i32.const 1))))
        (v128.store (i32.const 0) (local.get 0)) (call $two) (drop) (drop) (drop (i32.trunc_sat_f64_u (f64.const 1.5)))
        (loop (param) (drop (select (i32.const 1) (i32.const 2) (i32.load8_u offset=65536 (i32.const 3))))) (return_call 3))
      (func) (start 3) (elem declare func 1) (data "passive"))""",
    """(module (import "a" "count" (func $count (result i32))) (import "a" "read" (func $read (param i32) (result i32))) (memory 1)
      (func $clamp (param i32) (result i32) (select (local.get 0) (i32.const 7) (i32.lt_u (local.get 0) (i32.const 8))))
      (func $step (param i32) (result i32) (if (i32.eqz (local.get 0)) (then (unreachable))) (i32.and (local.get 0) (i32.const 15)))
      (func (export "_start") (local i32 i32 i64)
        (loop (loop (drop (call $read (call $clamp (local.get 0))))
            (br_if 0 (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 8))))
          (local.set 1 (call $step (local.get 1)))
          (br_if 0 (i32.and (i32.lt_s (local.get 1) (i32.const 100)) (i32.gt_u (call $count) (local.tee 0 (i32.load (i32.const 0)))))))
        (block (block (block (br_table 0 1 2 (local.get 0))) (drop (call $read (local.get 0)))) (return))
        (if (i32.or (i32.ge_u (i32.sub (local.get 1) (i32.const 3)) (i32.const 4)) (i64.eqz (local.get 2))) (then (return)))
        (drop (call $read (local.get 1)))))""",
)


@dataclass
class Tally:
    executions: int = 0
    crashes: int = 0
    disagreements: int = 0
    slowest: float = 0.0
    valid: int = 0
    inputs: list[bytes] = field(default_factory=list)


def seeds() -> list[bytes]:
    import wasmtime

    return [bytes(wasmtime.wat2wasm(text)) for text in SEEDS]


def damaged(random: Random, corpus: list[bytes]) -> bytes:
    """One of the corpus after one to six mutations of its bytes, or some of its structure."""
    if random.random() < 0.5:
        return wasm_structure.damaged(random, random.choice(corpus))
    data = bytearray(random.choice(corpus))
    for _ in range(random.randint(1, 6)):
        if data:
            random.choice(MUTATIONS)(random, data, corpus)
    return bytes(data)


def _flip(random: Random, data: bytearray, corpus: list[bytes]) -> None:
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _replace(random: Random, data: bytearray, corpus: list[bytes]) -> None:
    data[random.randrange(len(data))] = random.choice(INTERESTING)


def _truncate(random: Random, data: bytearray, corpus: list[bytes]) -> None:
    del data[random.randrange(len(data)):]


def _giant(random: Random, data: bytearray, corpus: list[bytes]) -> None:
    at = random.randrange(len(data))
    data[at:at + random.randint(0, 2)] = random.choice(GIANT)


def _remove(random: Random, data: bytearray, corpus: list[bytes]) -> None:
    at = random.randrange(len(data))
    del data[at:at + random.randint(1, 8)]


def _repeat(random: Random, data: bytearray, corpus: list[bytes]) -> None:
    at = random.randrange(len(data))
    data[at:at] = bytes(data[at:at + random.randint(1, 40)]) * random.randint(1, 50)


def _splice(random: Random, data: bytearray, corpus: list[bytes]) -> None:
    other = random.choice(corpus)
    at = random.randrange(len(other))
    here = random.randrange(len(data))
    data[here:here + random.randint(0, 20)] = other[at:at + random.randint(1, 60)]


MUTATIONS: tuple[Callable[[Random, bytearray, list[bytes]], None], ...] = (
    _flip, _flip, _replace, _replace, _truncate, _giant, _remove, _repeat, _splice,
)


def read_all(data: bytes) -> None:
    """Everything that is done with a binary before wasmtime has seen it. Raises WasmError."""
    module = read_module(data)
    trace(module)
    names = function_names(module)
    for function in range(len(module.functions)):
        function_name(names, function)


def keep_all(data: bytes) -> None:
    """The facts of a binary, kept and read again as the cache does."""
    facts = gather("app", "app.wasm", data, traced=True)
    if from_json(to_json(facts), "app", "app.wasm") != facts:
        raise AssertionError("facts are others after they were kept")


class TooSlow(Exception):
    """An input takes longer than any may."""


def _too_slow(number: int, frame: object) -> None:
    raise TooSlow(f"{SLOW} seconds")


def attempt(data: bytes, tally: Tally) -> None:
    """One execution: reads `data` and notes what went wrong."""
    started = time.process_time()
    refused = False
    signal.setitimer(signal.ITIMER_PROF, SLOW)
    try:
        keep_all(data)
        read_all(data)
        tally.valid += _is_valid(data)
    except WasmError as fault:
        # What names a feature may be valid: wasmtime knows more of them than the kernel has.
        refused = fault.feature is None
    except Exception as fault:
        tally.crashes += 1
        tally.inputs.append(data)
        print(f"crash: {type(fault).__name__}: {fault}: {data.hex()[:4000]}", file=sys.stderr)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    tally.slowest = max(tally.slowest, time.process_time() - started)
    tally.executions += 1
    if refused and _is_valid(data):
        tally.disagreements += 1
        tally.inputs.append(data)
        print(f"wasmtime finds this valid: {data.hex()}", file=sys.stderr)


def _is_valid(data: bytes) -> bool:
    try:
        validate(data)
    except WasmError:
        return False
    return True


def fuzz(executions: Iterator[object], random: Random, apps: list[bytes]) -> Tally:
    """One attempt for each element of `executions`. What is valid after all joins the corpus, which stays small."""
    tally, corpus = Tally(), [*seeds(), *apps]
    for _ in executions:
        data = damaged(random, corpus)
        attempt(data, tally)
        if len(data) < 4096 and random.random() < 0.01 and _is_valid(data):
            corpus = [*corpus[-60:], data] if len(corpus) < 64 else [*seeds(), *apps, *corpus[-40:], data]
    return tally


def app_binaries() -> list[bytes]:
    """The checkout's own apps, built as for an image."""
    from composer.pipeline import Stage, check_all, compose

    root = Path(__file__).resolve().parents[2]
    profiles = [each.profile for each in check_all(root).value]
    found = {name: path for profile in profiles for name, path in compose(root, profile, Stage.INSPECT).value.wasm.items()}
    return [path.read_bytes() for _, path in sorted(found.items())]


def for_seconds(seconds: float) -> Iterator[None]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield None


def peak() -> float:
    """The most memory that this process has had, in MiB (ru_maxrss is in KiB on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description="Feed damaged binaries to the reader of wasm.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=10)
    length.add_argument("--executions", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--apps", action="store_true", help="damage the checkout's own apps, too")
    parser.add_argument("--crashes", type=Path, metavar="FOLDER", help="keep what goes wrong there")
    options = parser.parse_args()
    apps = app_binaries() if options.apps else []
    signal.signal(signal.SIGPROF, _too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    attempt(seeds()[1], Tally())
    before = peak()
    executions = iter(range(options.executions)) if options.executions else for_seconds(options.seconds)
    tally = fuzz(executions, Random(options.seed), apps)
    for data in tally.inputs if options.crashes else ():
        options.crashes.mkdir(parents=True, exist_ok=True)
        (options.crashes / f"{hashlib.sha256(data).hexdigest()[:16]}.wasm").write_bytes(data)
    print(json.dumps({
        "executions": tally.executions, "crashes": tally.crashes, "disagreements": tally.disagreements, "valid": tally.valid,
        "slowest_seconds": round(tally.slowest, 3), "memory_growth_mib": round(peak() - before, 1), "peak_mib": round(peak(), 1),
    }))
    return 1 if tally.crashes or tally.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
