"""Workspaces to boot and machines to talk to. A workspace is composed once, whichever test or process comes first."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from composer import packages
from composer.pipeline import compose
from composer.variant import make_variant
from tests.boot.machine import Machine
from tests.boot.workspace import copy_workspace

EXTRA = Path(__file__).parent / "extra"
"""Apps and profiles that only tests want: they go beside the repository's own in a copy of its workspace."""


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's workspace with the extra apps and profiles, shared by all test processes of a run."""
    packages.require_virtual_machine()
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / "boot-workspace"
    with open(shared.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            _add_extra(copy_workspace(shared))
    return shared


def _add_extra(folder: Path) -> None:
    for source in sorted(EXTRA.rglob("*")):
        if source.is_file():
            target = folder / source.relative_to(EXTRA)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())


@pytest.fixture(scope="session")
def image(workspace: Path) -> Callable[[str], Path]:
    """`image(profile)`, or `image("profile@target")`, is the composed image; composing goes on in one process while others wait."""

    def get(profile: str) -> Path:
        with open(workspace.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            built = compose(workspace, make_variant(profile))
        assert built.ok, built.diagnostics
        return built.value.image

    return get


@pytest.fixture
def machine(workspace: Path, image: Callable[[str], Path]) -> Iterator[Callable[..., Machine]]:
    """`machine(profile)` starts `munal run`, `machine(profile, "simulate")` the simulator; words after that are the command's options."""
    started: list[Machine] = []

    def start(profile: str, command: str = "run", *options: str) -> Machine:
        if command == "run":
            image(profile)
        started.append(Machine(workspace, profile, command, *options))
        return started[-1]

    yield start
    for each in started:
        each.close()
