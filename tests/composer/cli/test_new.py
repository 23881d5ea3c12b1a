"""`munal new driver`: what it makes is checked without a complaint, and what it cannot make it says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from composer import scaffold
from composer.cli import cli
from tests.composer.workspaces import change, make_workspace

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A small workspace without Rust, a console or a folder for drivers."""
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    return make_workspace(tmp_path / "work")


@pytest.fixture
def own(tmp_path):
    """The repository's own workspace, as far as a driver beside a shell needs it; built in the cache of this computer."""
    shutil.copy(REPOSITORY / "munal.toml", tmp_path)
    for name in ("apps", "profiles"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("target"))
    return tmp_path


def run(root, *words):
    return CliRunner().invoke(cli, [words[0], "-C", str(root), *words[1:]], standalone_mode=False)


def files(root: Path) -> set[str]:
    return {os.path.relpath(path, root) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("language", [
    pytest.param("rust", marks=pytest.mark.slow), pytest.param("c", marks=pytest.mark.slow), pytest.param("wat", marks=pytest.mark.slow),
])
def test_a_new_driver_is_checked_at_once(own, language):
    before = files(own)
    made = run(own, "new", "driver", "net-card", "--language", language, "--pci", "10EC:8139")
    assert made.return_value == 0
    listed = made.stdout.splitlines()
    assert files(own) - before == set(listed) and all((own / path).is_file() for path in listed)
    assert listed[:2] == ["apps/drivers/net-card/app.toml", "apps/drivers/net-card/device.toml"] and listed[-1] == "profiles/net-card.toml"
    assert '"10ec:8139"' in (own / listed[0]).read_text()
    checked = run(own, "check", "net-card")
    assert checked.return_value == 0 and checked.stdout.startswith("net-card: 3 instances checked, nothing to complain about\n")


@pytest.mark.parametrize("language", ["wat", "c"])
def test_a_workspace_without_a_console_gets_the_driver_alone(root, language):
    made = run(root, "new", "driver", "card", "--language", language)
    assert made.return_value == 0 and "apps/card/app.toml" in made.stdout.splitlines()
    text = (root / "profiles/card.toml").read_text()
    assert "[instance.card]" in text and "com1" not in text
    if language == "wat":
        assert run(root, "check", "card").return_value == 0


def refused(root, *words):
    """What is said; nothing is written."""
    before = files(root)
    made = run(root, "new", *words)
    assert isinstance(made.exception, click.UsageError) and files(root) == before
    return made.exception.message


@pytest.mark.parametrize(("words", "says"), [
    (("driver", "Net_Card", "--language", "wat"), "did you mean `net-card`?"),
    (("driver", "9", "--language", "wat"), "starts with a letter"),
    (("driver", "x" * 49, "--language", "wat"), "longer than 48"),
    (("driver", "kernel", "--language", "wat"), "the kernel's own name"),
    (("driver", "../card", "--language", "wat"), "did you mean `card`?"),
    (("driver", "uart", "--language", "wat"), "there is an app `uart` already"),
    (("driver", "main", "--language", "wat"), "`profiles/main.toml` is there already"),
    (("driver", "com1", "--language", "wat"), "stands beside the driver in its profile"),
    (("driver", "card", "--language", "wat", "--pci", "10ec"), "`10ec` is no device"),
    (("driver", "card", "--language", "rust"), "choose --language c or wat"),
    (("drivr", "card"), "did you mean `driver`?"),
    (("cake", "card"), "it makes a `driver`"),
])
def test_what_cannot_be_made_is_said(root, words, says):
    assert says in refused(root, *words)


def test_a_folder_that_is_there_is_left_alone(root):
    (root / "apps/card").mkdir()
    (root / "apps/card/notes").write_text("mine")
    assert "`apps/card` is there already" in refused(root, "driver", "card", "--language", "wat")


@pytest.mark.parametrize(("name", "why"), [("talc", "another one is"), ("hello-core", None), ("core", "Rust keeps that name"), ("match", "Rust keeps that name")])
def test_a_crate_has_a_name_of_its_own(own, name, why):
    if why is None:
        assert scaffold.plan(own, scaffold.Wanted(name, "rust", "1234:11e8")).ok
    else:
        assert why in refused(own, "driver", name)


def test_a_workspace_that_finds_no_new_app_says_so(root):
    change(root, "munal.toml", (root / "munal.toml").read_text().replace('apps = ["apps/*"]', 'apps = ["apps/uart", "apps/talker"]'))
    assert "no pattern of the workspace finds a new app" in refused(root, "driver", "card", "--language", "wat")


def test_a_link_out_of_the_workspace_is_not_followed(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "more").symlink_to(tmp_path / "elsewhere")
    change(root, "munal.toml", (root / "munal.toml").read_text().replace('apps = ["apps/*"]', 'apps = ["more/drivers/*", "apps/*"]'))
    assert "leads out of the workspace" in refused(root, "driver", "card", "--language", "wat")


def test_a_workspace_that_cannot_be_read_has_status_one(tmp_path):
    assert run(tmp_path, "new", "driver", "card").return_value == 1 and not list(tmp_path.iterdir())
