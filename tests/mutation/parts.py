"""Takes the kernel's mechanisms away, one at a time, and asks the test that is to notice.

Gets tests/mutation/kernel/*.toml, where each `[[part]]` has `name`, `file`, `old` (text that is once in the file), `new` (what
takes the mechanism away) and `test` (a pytest id). Gives a verdict on each. A change that does not build proves nothing, and
is told apart from one that a test noticed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "kernel"
KEYS = {"name", "file", "old", "new", "test"}
LEFT_OUT = shutil.ignore_patterns(".git", "target", "build", "__pycache__", ".pytest_cache")
BUILD = "from composer.kernel_build import build_kernel; build_kernel()"
PATIENCE = 300.0
"""Seconds after which a test that has not ended never will: it noticed, too, in its way."""
ONE_FAILED = 1
"""pytest's exit status where tests ran and some failed; others mean that it could not run them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One mechanism: with `old` replaced by `new` in `file`, `test` fails. `owner` is the file that lists it."""

    owner: str
    name: str
    file: str
    old: str
    new: str
    test: str

    @property
    def problem(self) -> str:
        """Why this is no mutant, in words; empty where it is one."""
        path = REPOSITORY / self.file
        if not path.is_file():
            return f"there is no {self.file}"
        count = path.read_text().count(self.old)
        if count != 1:
            return f"its text is {count} times in {self.file}"
        module, _, function = self.test.partition("::")
        text = (REPOSITORY / module).read_text() if (REPOSITORY / module).is_file() else ""
        return "" if f"def {function.partition('[')[0]}(" in text else f"there is no test {self.test}"


def parts(owners: Sequence[str] = ()) -> Iterator[Part]:
    """All parts that are listed, or those of some owners. Raises ValueError where an entry has other keys."""
    for path in sorted(FOLDER.glob("*.toml")):
        if owners and path.stem not in owners:
            continue
        for entry in tomllib.loads(path.read_text()).get("part", ()):
            if set(entry) != KEYS:
                raise ValueError(f"{path.name}: a part has the keys {', '.join(sorted(KEYS))}, not {', '.join(sorted(entry))}")
            yield Part(path.stem, **entry)


def judge(part: Part, copy: Path) -> str:
    """`noticed`, or in words why not. `copy` is a copy of the repository, left as it was."""
    if part.problem:
        return part.problem
    path = copy / part.file
    text = path.read_text()
    path.write_text(text.replace(part.old, part.new))
    try:
        if _run(copy, "-c", BUILD) != 0:
            return "does not build"
        status = _run(copy, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", part.test)
    finally:
        path.write_text(text)
    return "noticed" if status in (ONE_FAILED, None) else "survived" if status == 0 else f"pytest could not run {part.test}"


def copied(folder: Path) -> Path:
    """A copy of the repository to change."""
    shutil.copytree(REPOSITORY, folder, symlinks=True, ignore=LEFT_OUT)
    return folder


def _run(copy: Path, *words: str) -> int | None:
    """The exit status of Python with these words; none where it had to be interrupted."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen([sys.executable, *words], cwd=copy, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # so that pytest ends the machines that it started
            process.wait(PATIENCE)
            return None
