"""Runs the repository's own apps in the simulator, under its own profiles or under one made for a test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from composer import pipeline
from composer.simulate import SimulateOptions, simulate

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 60.0
"""Seconds, after which a test that waits for what never comes is ended."""

Console = Callable[..., tuple[int, list[str]]]


def compose(root: Path, profile: str) -> pipeline.Generated:
    result = pipeline.compose(root, profile, pipeline.Stage.GENERATE)
    assert result.ok, result.diagnostics
    return result.value


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pipeline.Generated]:
    """`composed(profile)` is one of the repository's; `composed(name, text)` one of a copy that has it in addition."""
    made: dict[str, pipeline.Generated] = {}

    def get(profile: str, text: str | None = None) -> pipeline.Generated:
        if profile not in made:
            made[profile] = compose(ROOT if text is None else copy_with(tmp_path_factory.mktemp("workspace"), profile, text), profile)
        return made[profile]

    return get


def copy_with(root: Path, profile: str, text: str) -> Path:
    shutil.copy(ROOT / "munal.toml", root)
    for name in ("apps", "profiles"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("target"))
    (root / "profiles" / f"{profile}.toml").write_text(text)
    return root


@pytest.fixture
def console() -> Console:
    """`console(system, typed)` gives the exit status and the lines on the serial line, without their ends."""

    def go(made: pipeline.Generated, typed: str, rtc: str | None = None, longest: float = LONGEST) -> tuple[int, list[str]]:
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as printed:
            source.write(typed.encode())
            source.seek(0)
            options = SimulateOptions(timeout=longest, rtc=rtc, input=source.fileno(), output=printed.fileno())
            status = simulate(made.system, made.wasm, made.glue, options)
            printed.seek(0)
            return status, printed.read().decode().splitlines()

    return go
