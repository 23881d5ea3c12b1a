"""Programs that compute: wasm on Munal beside gcc's code and wasmtime on Linux, by rounds a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from composer.tools import ToolFailure
from tests.bench.kernel.guests import Engine, Question, in_turns
from tests.bench.kernel.rows import Goal, Row, faster, together

ROUNDS = {"loop": 3, "matrix": 2, "sort": 3, "hash": 4, "json": 10, "regex": 3, "sha256": 8, "mandelbrot": 2, "blur": 4, "trees": 8,
          "search": 2, "machine": 3}
"""The programs of apps/bench/measure, and how many rounds make a sample of about 15 ms of emulation: short enough that many
samples are not disturbed by what else the machine does."""

LONGER = 5
"""How many times more rounds make a sample without emulation."""

PEERS = {"native": ("gcc -O2 on Linux", Goal(">=", 0.9)), "wasmtime": ("wasmtime on Linux", Goal(">=", 1.0))}


def compute_rows(ours: Engine, theirs: Mapping[str, Engine], turns: int, samples: int) -> Iterator[Row]:
    """A row for each program and peer, then one a peer for all programs."""
    rows: dict[str, list[Row]] = {peer: [] for peer in theirs}
    for name, rounds in ROUNDS.items():
        for peer, row in zip(theirs, _program(name, rounds, ours, theirs, turns, samples), strict=True):
            rows[peer].append(row)
    for peer, each in rows.items():
        yield from [*each, together("compute, geometric mean", each, PEERS[peer][1])]


def unemulated_rows(wasmtime: Engine, native: Engine, turns: int, samples: int) -> Iterator[Row]:
    """The same code on this machine itself, by wasmtime and by gcc: what of the difference is the compilers', and not emulation's."""
    rows = []
    for name, rounds in ROUNDS.items():
        measured = in_turns([Question(engine, name, LONGER * rounds) for engine in (wasmtime, native)], turns, samples)
        require_same(name, ["wasmtime", "gcc"], measured.checksums)
        rows.append(faster(f"wasmtime without emulation, {name}", "rounds/s", measured, 1, "gcc -O2 on this machine"))
    yield from [*rows, together("wasmtime without emulation, geometric mean", rows)]


def _program(name: str, rounds: int, ours: Engine, theirs: Mapping[str, Engine], turns: int, samples: int) -> list[Row]:
    questions = [Question(engine, name, rounds) for engine in (ours, *theirs.values())]
    measured = in_turns(questions, turns, samples)
    require_same(name, ["munal", *theirs], measured.checksums)
    return [faster(f"compute, {name}", "rounds/s", measured, number, PEERS[peer][0]) for number, peer in enumerate(theirs, 1)]


def require_same(program: str, engines: Sequence[str], checksums: Sequence[str]) -> None:
    """Raises ToolFailure unless all computed the same."""
    if len(set(checksums)) != 1:
        told = ", ".join(f"{checksum} by {engine}" for engine, checksum in zip(engines, checksums, strict=True))
        raise ToolFailure("bench", f"the engines disagree on `{program}`: {told}")
