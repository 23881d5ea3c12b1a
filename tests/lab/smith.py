"""Random modules by wasm-smith: what comes of each on this machine is what must come of it in the kernel.

A module is made of its seed alone, so that a seed is all that it takes to see a difference again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cbor2

from composer import cache, compile
from tests.lab import native, script, tool
from tests.lab.pack import KIND, SHARE, pool, settings_key
from tests.lab.script import MIB, Limits, Module, Step, Unit

LIMITS = Limits(memory=2 * MIB, table=1000)
BATCH = 500
"""Seeds whose modules are made, and kept, together."""
INSTANTIATE = script.instantiate(0)[0]
FORMAT = "3"


def modules_of(first: int, count: int) -> tuple[list[Module], list[Unit]]:
    """The modules of `count` seeds from `first` on, and a unit for each, called by its seed."""
    modules: list[Module] = []
    units: list[Unit] = []
    for seed, data, unpacked, steps in _all(first, count):
        units.append(Unit(f"seed {seed}", _renumbered(steps, len(modules))))
        modules.append(Module(data, unpacked))
    return modules, units


def _renumbered(steps: list[Step], number: int) -> list[Step]:
    """The steps with the module's number in the whole script."""
    return [[kind, number, *rest[1:]] if kind == INSTANTIATE else [kind, *rest] for kind, *rest in steps]


def _all(first: int, count: int) -> Iterator[tuple[int, bytes, int, list[Step]]]:
    """Whole batches where all of one is wanted; a seed alone is made alone."""
    end = first + count
    while first < end:
        size = BATCH if first % BATCH == 0 and end - first >= BATCH else min(end, (first // BATCH + 1) * BATCH) - first
        yield from _batch(first, size)
        first += size


def _batch(first: int, count: int) -> list[tuple[int, bytes, int, list[Step]]]:
    key = cache.digest("smith", FORMAT, tool.digest(), settings_key(), repr((asdict(LIMITS), native.STACK, native.CALLS, first, count)))
    kept = cache.read(KIND, key)
    if kept is None:
        seeded = list(zip(range(first, first + count), wasm(first, count), strict=True))
        if count == 1:
            made = [_make(each) for each in seeded]
        else:
            with pool() as workers:
                made = list(workers.map(_make, seeded, chunksize=SHARE // 4))
        kept = cbor2.dumps(made)
        cache.store(KIND, key, kept)
    return [tuple(each) for each in cbor2.loads(kept)]


def wasm(first: int, count: int) -> list[bytes]:
    """The binaries of `count` seeds from `first` on."""
    with tempfile.TemporaryDirectory(prefix="munal-smith-") as folder:
        tool.run("smith", str(first), str(count), folder)
        return [Path(folder, f"{seed}.wasm").read_bytes() for seed in range(first, first + count)]


def _make(seeded: tuple[int, bytes]) -> tuple[int, bytes, int, list[Step]]:
    seed, binary = seeded
    code = compile.compile_module(binary)
    module = Module.packed(code)
    return seed, module.data, module.unpacked, native.steps(binary, code, seed, LIMITS, 0)
