"""The exit status of every command: 0 done, 1 a refused system, 2 wrong usage, 3 a failed tool."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from composer import __main__
from composer.cli import COMMANDS
from tests.composer.workspaces import change, make_workspace

SOUND, FAULTY, BROKEN, NOWHERE = "sound", "faulty", "broken", "nowhere"
"""Workspaces: nothing wrong, a rule broken, an app that its compiler refuses, and a folder that is none."""

STATUSES = [
    (0, SOUND, "check"), (0, SOUND, "check main"), (0, SOUND, "check --format json"), (0, SOUND, "check --format sarif"),
    (1, FAULTY, "check"), (1, FAULTY, "check --format json"), (1, FAULTY, "check --format sarif"), (1, SOUND, "check mian"), (1, NOWHERE, "check"),
    (2, SOUND, "check --format xml"), (2, SOUND, "check --until check --format sarif"), (2, SOUND, "check -D key"), (2, SOUND, "check main@"),
    (3, BROKEN, "check"),
    (0, SOUND, "build --until generate"), (1, FAULTY, "build"), (1, FAULTY, "build --format sarif"), (1, SOUND, "build mian"),
    (2, SOUND, "build main main"), (3, BROKEN, "build"),
    (1, FAULTY, "run"), (2, SOUND, "run --accel warp"), (3, BROKEN, "run"),
    (1, FAULTY, "simulate"), (2, SOUND, "simulate --timeout 0"), (3, BROKEN, "simulate"),
    (0, SOUND, "proof"), (1, SOUND, "proof mian"), (2, SOUND, "proof --format sarif"), (3, BROKEN, "proof"),
    (1, FAULTY, "lock"), (2, SOUND, "lock --format sarif"), (3, BROKEN, "lock"), (1, SOUND, "check --locked"), (1, FAULTY, "build --locked"),
    (0, SOUND, "why com1 0x3f8"), (1, SOUND, "why com1 0x70"), (2, SOUND, "why"), (2, SOUND, "why com1 nonsense"), (3, BROKEN, "why com1 0x3f8"),
    (0, SOUND, "why-not com1 0x70"), (1, SOUND, "why-not com1 0x3f8"), (2, SOUND, "why-not com1"),
    (0, SOUND, "graph"), (0, SOUND, "graph --format svg"), (1, SOUND, "graph mian"), (2, SOUND, "graph --format gif"), (3, BROKEN, "diff main main"),
    (0, SOUND, "diff main main --fail-on any"), (1, SOUND, "diff main mian"), (2, SOUND, "diff main"), (2, SOUND, "diff main main --fail-on all"),
    (1, SOUND, "inspect munal.toml"), (2, SOUND, "inspect nothing.efi"), (1, SOUND, "verify munal.toml"), (2, SOUND, "verify nothing.efi"),
    (1, SOUND, "rebuild munal.toml"), (2, SOUND, "rebuild nothing.efi"),
    (1, FAULTY, "size"), (1, SOUND, "size mian"), (2, SOUND, "size --format sarif"), (3, BROKEN, "size"),
    (0, SOUND, "explain M0101"), (0, SOUND, "explain --list"), (2, SOUND, "explain M9999"), (2, SOUND, "explain"),
    (2, SOUND, "bench composer --quick"), (2, SOUND, "bench kernel --cold"), (2, SOUND, "bench devices --cold"), (2, SOUND, "bench kernel --against nothing.json"),
    (0, SOUND, "clean"), (0, SOUND, "reference"), (0, SOUND, "help"), (0, SOUND, "help check"), (2, SOUND, "help chekc"),
    (0, SOUND, ""), (0, SOUND, "--version"), (2, SOUND, "chekc"), (2, SOUND, "--colour never"),
]
PASSED_ON = {"test"}
"""Commands whose words are another program's."""


@pytest.fixture
def status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the program in this process on a workspace of a kind; gives its exit status."""
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(__main__, "_end_on_request", lambda: None)

    def run(kind: str, words: str) -> int:
        root = tmp_path / kind
        if kind == NOWHERE:
            root.mkdir()
        else:
            make_workspace(root)
        if kind == FAULTY:
            change(root, "profiles/main.toml", '[instance.com1]\napp = "uart"\n')
        if kind == BROKEN:
            change(root, "apps/talker/talker.wat", "(module (func")
        monkeypatch.chdir(root)
        given = words.split()
        with pytest.raises(SystemExit) as ended:
            __main__.main([*given[:1], "-C", str(root), *given[1:]] if given and "-C" in _options(given[0]) else given)
        return ended.value.code

    return run


def _options(command: str) -> set[str]:
    from composer.cli import cli

    found = cli.get_command(None, command) if command in COMMANDS else None
    return {option for parameter in (found.params if found else ()) for option in parameter.opts}


@pytest.mark.parametrize(("expected", "kind", "words"), STATUSES, ids=lambda value: str(value))
def test_the_status_says_how_it_ended(expected: int, kind: str, words: str, status, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(kind, words) == expected, capsys.readouterr()
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert said.out or said.err or expected == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_of_itself_and_knows_its_options(command: str, status, capsys: pytest.CaptureFixture[str]) -> None:
    if command in PASSED_ON:
        pytest.skip("its words are passed on")
    assert status(SOUND, f"{command} --help") == 0
    assert capsys.readouterr().out.startswith(f"Usage: munal {command}")
    assert status(SOUND, f"{command} --no-such-option") == 2
    assert "No such option" in capsys.readouterr().err


def test_what_is_missing_on_the_machine_is_a_failed_tool(status, monkeypatch: pytest.MonkeyPatch) -> None:
    from composer import doctor

    found = doctor.Finding
    monkeypatch.setattr(doctor, "examine", lambda: [found("thing", True, "here", "", "")])
    assert status(SOUND, "doctor") == 0
    monkeypatch.setattr(doctor, "examine", lambda: [found("thing", False, "none", "all", "get it")])
    assert status(SOUND, "doctor") == 3


def test_a_run_ends_without_looking_for_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__, "_end_on_request", lambda: None)
    gc.unfreeze()
    with pytest.raises(SystemExit):
        __main__.main(["help"])
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
