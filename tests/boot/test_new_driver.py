"""What `munal new driver` makes boots at once, in each language, with its device and without."""

from __future__ import annotations

import shutil

import pytest

from composer import scaffold
from tests.boot.machine import Machine
from tests.boot.workspace import copy_workspace

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

LANGUAGES = ("rust", "c", "wat")
THERE, ABSENT = "the device 1234:11e8 is there", "this machine has no such device"


@pytest.fixture(scope="module")
def made(workspace, tmp_path_factory):
    """A workspace with a new driver in each language; `workspace` looks that there is a virtual machine."""
    root = copy_workspace(tmp_path_factory.mktemp("new") / "workspace")
    for language in LANGUAGES:
        scaffold.write(root, scaffold.plan(root, scaffold.Wanted(f"my-{language}", language, "1234:11e8")).value)
    yield root
    shutil.rmtree(root)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("command", "without", "says"), [("run", False, THERE), ("run", True, ABSENT), ("simulate", False, THERE)], ids=["there", "absent", "simulated"])
def test_a_new_driver_boots_and_says_one_line(made, language, command, without, says):
    name = f"my-{language}"
    console = Machine(made, name, command, *(("--without", name) if without else ()))
    try:
        console.expect("^munal> ")
        lines: list[str] = []
        while not lines:
            lines = [line for line in console.ask(f"log {name}") if not line.startswith("[")]
        assert lines == [says]
        while not any(" ended " in line for line in console.ask("ps") if line.startswith(f"{name} ")):
            pass
    finally:
        console.close()
