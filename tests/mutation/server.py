"""Runs chosen tests many times, each time in a fork of one process that has loaded all that tests import and nothing that they test.

Gets one JSON line a run on standard input: {"root": folder, "fixtures": [...], "tests": [...], "seconds": limit}. Gives one JSON
line: {"verdict": "failed", "by": test}, {"verdict": "passed", "by": ""} or {"verdict": "timeout", "by": ""}. All fixtures are
looked at, those named first, without pytest's share of the time; then pytest runs the tests. It ends at the first failure.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

MOST_MEMORY = 3 << 30
"""Bytes of its own that a mutant's process may have."""


def main() -> None:
    _load()
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(_run(job)), flush=True)


def _load() -> None:
    """What the tests import and no mutant changes."""
    for name in ("cbor2", "click", "hypothesis.strategies", "jinja2", "pefile", "pydantic", "pytest", "rich.console", "tomli_w", "tomllib", "wasmtime",
                 "_pytest.assertion.rewrite", "_pytest.tmpdir", "_pytest.monkeypatch"):
        __import__(name)


def _run(job: dict) -> dict:
    with tempfile.TemporaryDirectory() as scratch:
        told = Path(scratch, "told")
        child = os.fork()
        if child == 0:
            _be_the_child(job, scratch, told)
        _, status = os.waitpid(child, 0)
        by = told.read_text() if told.exists() else ""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return {"verdict": "timeout", "by": by}
    if status == 0:
        return {"verdict": "passed", "by": ""}
    return {"verdict": "failed", "by": by or f"status {status}"}


def _be_the_child(job: dict, scratch: str, told: Path) -> None:
    """Run the tests and leave, without anything that the parent would do at its end."""
    status = 1
    try:
        # Others in this group, such as a shell's, are not meant to end with it.
        os.setsid()
        signal.alarm(int(job["seconds"]))
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
        with open(os.devnull) as nothing, open(Path(scratch, "output"), "w") as output:
            os.dup2(nothing.fileno(), 0)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        status = _test(job, scratch, told)
    finally:
        os._exit(status)


def _test(job: dict, scratch: str, told: Path) -> int:
    root = job["root"]
    os.chdir(root)
    sys.path.insert(0, root)
    sys.dont_write_bytecode = True
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    os.environ["MUNAL_CACHE"] = f"{scratch}/cache"
    wrong = _wrong_fixture(job["fixtures"])
    if wrong:
        told.write_text(wrong)
        return 1
    return _run_pytest(root, job["tests"], scratch, told) if job["tests"] else 0


def _wrong_fixture(first: list[str]) -> str | None:
    """The first fixture of which a person would see something else than is expected."""
    from tests.composer.test_fixtures import FOLDERS, expected, shown

    rank = {name: place for place, name in enumerate(first)}
    for folder in sorted(FOLDERS, key=lambda folder: rank.get(folder.name, len(rank))):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                same = shown(folder, Path(scratch)) == expected(folder)
            except Exception as fault:
                return f"fixture {folder.name}: {type(fault).__name__}"
            if not same:
                return f"fixture {folder.name}"
    return None


def _run_pytest(root: str, tests: list[str], scratch: str, told: Path) -> int:
    import pytest

    words = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0", f"--rootdir={root}",
             f"-c{root}/pyproject.toml", "-m", "not slow and not boot", f"--basetemp={scratch}/base"]
    status = pytest.main([*words, *tests], plugins=[_Watch(told)])
    return 0 if status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) else 1


class _Watch:
    """Writes down the first test that fails, or the module that cannot be imported."""

    def __init__(self, told: Path) -> None:
        self.told = told

    def pytest_runtest_logreport(self, report: object) -> None:
        self._note(report)

    def pytest_collectreport(self, report: object) -> None:
        self._note(report)

    def _note(self, report: object) -> None:
        if report.failed and not self.told.exists():  # type: ignore[attr-defined]
            self.told.write_text(report.nodeid)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
