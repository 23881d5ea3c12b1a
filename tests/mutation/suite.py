"""A copy of the composer and its tests in which one module at a time is replaced by a mutant, and what the tests say of it then.

Gets mutants; gives verdicts. Fixtures that name the mutant's code come first, then all others, then the tests of its module:
most mutants are found at once, and only one that survives costs all of them.
"""

from __future__ import annotations

import compileall
import json
import os
import py_compile
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.mutation.mutants import Mutant

CHECKOUT = Path(__file__).resolve().parents[2]
FIXTURES = CHECKOUT / "tests" / "fixtures"
EVERY_FIXTURE = "tests/composer/test_fixtures.py"
COPIED, LINKED = ("composer", "tests", "pyproject.toml"), ("kernel", "apps", "profiles", "munal.toml", "requirements.lock", "requirements-c.lock", "docs", "README.md")
SECONDS = 60
"""How long the tests of one mutant may take: one that never ends is found, too."""

_CODE = re.compile(r"\bM\d{4}\b")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`by` is the first test that failed; a mutant that no test noticed has survived."""

    mutant: Mutant
    verdict: str
    by: str

    @property
    def survived(self) -> bool:
        return self.verdict == "passed"


class Suite:
    """Holds the copy and the process that runs tests in it; `close` ends that."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        _copy(folder)
        env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYDANTIC_DISABLE_PLUGINS": "__all__"}
        env = {name: value for name, value in env.items() if not name.startswith("PYTEST_")}
        self._server = subprocess.Popen([sys.executable, "-P", CHECKOUT / "tests/mutation/server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def close(self) -> None:
        assert self._server.stdin and self._server.stdout
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def judge(self, mutant: Mutant) -> Verdict:
        """Put the mutant in its module's place, run tests, and put the module back."""
        path, text = self.root / mutant.module, mutant.make()
        path.unlink()
        path.write_text(text)
        try:
            told = self._ask({"root": str(self.root), "fixtures": fixtures_of(mutant), "tests": tests_of(mutant), "seconds": SECONDS})
        finally:
            path.unlink()
            shutil.copy2(CHECKOUT / mutant.module, path)
        return Verdict(mutant, told["verdict"], told["by"])

    def _ask(self, job: dict) -> dict:
        assert self._server.stdin and self._server.stdout
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


def _copy(folder: Path) -> None:
    """The composer and its tests, compiled here once: the processes that import them write nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("fixtures", "mutation", ".hypothesis", "__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    for name in LINKED:
        if (CHECKOUT / name).exists():
            (folder / name).symlink_to(CHECKOUT / name)
    (folder / "tests" / "fixtures").symlink_to(FIXTURES)
    for name in ("composer", "tests"):
        compileall.compile_dir(folder / name, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


def fixtures_of(mutant: Mutant) -> list[str]:
    """The fixtures that are likely to show a mutant, those with the fewest words first."""
    codes = _codes_near(mutant) or set(_CODE.findall((CHECKOUT / mutant.module).read_text()))
    return list(fixtures_with(frozenset(codes)))


def tests_of(mutant: Mutant) -> list[str]:
    """The test files that run after the fixtures: the module's own, and for a deleted code those that name it."""
    named = tests_that_name(frozenset(_CODE.findall(mutant.change)))
    return sorted({*own_tests(mutant.module), *named} - {EVERY_FIXTURE})


def _codes_near(mutant: Mutant) -> set[str]:
    return set(_CODE.findall(mutant.change)) or set(_CODE.findall(_function(mutant)))


def _function(mutant: Mutant) -> str:
    """The text around the mutant's place, where a code may stand."""
    lines = (CHECKOUT / mutant.module).read_text().splitlines()
    return "\n".join(lines[max(0, mutant.line - 12) : mutant.line + 12])


def own_tests(module: str) -> list[str]:
    """The test file that mirrors a module: tests/composer/check/test_ports.py for composer/check/ports.py, all of the folder for its __init__.py."""
    folder = Path("tests") / Path(module).parent
    files = [folder] if Path(module).name == "__init__.py" else [folder / f"test_{Path(module).name}"]
    return [str(path) for path in files if (CHECKOUT / path).exists()]


@lru_cache(maxsize=512)
def fixtures_with(codes: frozenset[str]) -> tuple[str, ...]:
    """The fixtures whose messages have one of these codes, those with the fewest words first."""
    found = [folder for folder in FIXTURES.iterdir() if codes & _codes_in(folder)]
    return tuple(folder.name for folder in sorted(found, key=lambda folder: (folder / "expected.txt").stat().st_size))


@lru_cache(maxsize=1024)
def _codes_in(folder: Path) -> frozenset[str]:
    expected = folder / "expected.txt"
    return frozenset(_CODE.findall(expected.read_text()) if expected.exists() else ())


@lru_cache(maxsize=512)
def tests_that_name(codes: frozenset[str]) -> tuple[str, ...]:
    """The test files in whose text one of these codes stands."""
    files = sorted((CHECKOUT / "tests" / "composer").rglob("test_*.py"))
    return tuple(str(file.relative_to(CHECKOUT)) for file in files if codes & set(_CODE.findall(file.read_text())))
