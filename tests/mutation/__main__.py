"""Judges mutants by hand and prints a table: `python -m tests.mutation [MODULE...] [--rules] [--sample N] [--seed N] [--jobs N]`.

Modules are paths like composer/check/ports.py, or folders; without any, all rules and the stages before them. With --kernel, the
kernel's mechanisms are taken away (parts.py), all of them or those of the files in tests/mutation/kernel that are named instead
of modules. Exits 1 where a mutant survives.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from random import Random

from composer.check import every_rule
from tests.mutation.mutants import Mutant
from tests.mutation import parts
from tests.mutation.run import deleted, small_mutants, table, unchanged
from tests.mutation.suite import Suite, Verdict

DEFAULT = ("composer/check", "composer/model.py", "composer/fit.py", "composer/merge.py", "composer/resolve.py")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Judge mutants of the composer.")
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--kernel", action="store_true", help="take the kernel's mechanisms away, one at a time")
    parser.add_argument("--rules", action="store_true", help="delete each rule, instead of making small changes")
    parser.add_argument("--sample", type=int, help="at most this many, chosen by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.kernel:
        return judge_kernel(options.modules)
    if options.rules:
        mutants = [mutant for rule in every_rule() for mutant in deleted(rule.code)]
    else:
        mutants = [mutant for module in options.modules or DEFAULT for mutant in small_mutants(module)]
    if options.sample and options.sample < len(mutants):
        mutants = Random(options.seed).sample(mutants, options.sample)
    verdicts = judge_all(mutants, options.jobs)
    if options.rules:
        for each in verdicts:
            print(f"{each.mutant.change.split()[0]:<7} {each.mutant.module:<36} {each.mutant.text:<11} {each.verdict:<8} {each.by}")
    print(table(verdicts))
    return 1 if any(each.survived for each in verdicts) else 0


def judge_kernel(owners: list[str]) -> int:
    """Prints a line for each part; answers the exit status."""
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = parts.copied(Path(folder, "copy"))
        for part in parts.parts(owners):
            verdict = parts.judge(part, copy)
            survived += verdict != "noticed"
            print(f"{part.owner:<9} {verdict:<10} {part.name}  ({part.test.rpartition('::')[2]})", flush=True)
    return 1 if survived else 0


def judge_all(mutants: list[Mutant], jobs: int) -> list[Verdict]:
    """All verdicts, in the order of the mutants; each of `jobs` threads has a copy of its own."""
    free: Queue[Suite] = Queue()
    with tempfile.TemporaryDirectory() as folder:
        suites = [Suite(Path(folder, str(number))) for number in range(jobs)]
        before = suites[0].judge(unchanged(mutants[0].module))
        if not before.survived:
            raise SystemExit(f"the tests fail without any mutant, so nothing can be judged: {before.by}")
        for suite in suites:
            free.put(suite)

        def judge(mutant: Mutant) -> Verdict:
            suite = free.get()
            try:
                verdict = suite.judge(mutant)
            finally:
                free.put(suite)
            if verdict.survived:
                print(f"survived: {mutant}", file=sys.stderr, flush=True)
            return verdict

        with ThreadPoolExecutor(jobs) as pool:
            verdicts = list(pool.map(judge, mutants))
        for suite in suites:
            suite.close()
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
