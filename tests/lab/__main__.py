"""Runs what no one here wrote inside the booted kernel, by hand: `python -m tests.lab spec [NAME...]`, the testsuite or the scripts
whose names hold one of these; `python -m tests.lab smith [--seed N | --first N --count N]`, random modules. Exits 1 where one fails."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.lab import smith, smith_run, spec_run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="Run modules that no one here wrote inside the booted kernel.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    spec = kinds.add_parser("spec", help="WebAssembly's testsuite")
    spec.add_argument("names", nargs="*", help="only scripts whose names hold one of these")
    spec.add_argument("--table", action="store_true", help="print a line for each script")
    random = kinds.add_parser("smith", help="random modules")
    random.add_argument("--seed", type=int, help="this one alone, and show what is expected of it")
    random.add_argument("--wasm", type=Path, metavar="FILE", help="with --seed, write its binary to this file")
    random.add_argument("--first", type=int, default=0)
    random.add_argument("--count", type=int, default=smith_run.ALL)
    options = parser.parse_args()
    started = time.monotonic()
    failures = _spec(options) if options.kind == "spec" else _smith(options)
    for failure in failures:
        print(failure)
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    return 1 if failures else 0


def _spec(options: argparse.Namespace) -> list[str]:
    results = spec_run.run(options.names)
    if options.table:
        print(spec_run.table(results), end="")
    print(spec_run.summary(results))
    return results.failures


def _smith(options: argparse.Namespace) -> list[str]:
    if options.seed is not None:
        print(smith_run.describe(options.seed))
        if options.wasm is not None:
            options.wasm.write_bytes(smith.wasm(options.seed, 1)[0])
        options.first, options.count = options.seed, 1
    results = smith_run.run(options.first, options.count, lambda line: print(line, flush=True) if options.count == 1 else None)
    print(smith_run.summary(results))
    return results.failures


if __name__ == "__main__":
    sys.exit(main())
