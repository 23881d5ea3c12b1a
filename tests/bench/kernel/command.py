"""The command line that benchmarks of guests share: `munal bench SUBJECT [--quick] [--against FILE] [--format json]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from composer.tools import ToolFailure
from tests.bench.figures import machine
from tests.bench.kernel.rows import Row, against, data, table

FAILED = 3

Measured = tuple[list[Row], dict[str, str]]
"""Rows, and what is to be known of who was measured, by name."""


def run(subject: str, about: str | None, arguments: Sequence[str], measure: Callable[[bool], Measured], below: Callable[[Mapping[str, str]], str]) -> int:
    """Measure, quickly where that is asked for, and print; for people, with the line that `below` makes of the notes. Gives the exit
    status."""
    parser = argparse.ArgumentParser(prog=f"munal bench {subject}", description=about)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--against", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        earlier = chosen.against.read_text() if chosen.against else None
        load = machine()
        rows, notes = measure(chosen.quick)
        rows = against(rows, earlier, subject) if earlier is not None else rows
    except ToolFailure as failure:
        print(f"{failure.message}\n{failure.output}".strip(), file=sys.stderr)
        return FAILED
    notes = {**notes, "load": load}
    print(data(rows, notes) if chosen.format == "json" else f"{table(rows)}\n\n{below(notes)}")
    return 0
