"""`munal proof` and `munal tighten` as a person meets them."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from composer.cli import cli
from tests.composer.workspaces import DRIVER, DRIVER_WAT, PROFILE, change, make_workspace


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    return make_workspace(tmp_path / "work")


def run(root, *words):
    return CliRunner().invoke(cli, [words[0], "-C", str(root), *words[1:]], standalone_mode=False)


COMPUTED = DRIVER_WAT.replace("(i32.const 3)", "(i32.load (i32.const 0))")


def test_the_table_says_what_each_instance_reaches(root):
    shown = run(root, "proof")
    assert shown.return_value == 0 and shown.output.startswith("main: 2 instances, 2 operations, all proved\n")
    assert "ports: writes 0x3fb, 0x3ff" in shown.output and "stream.console write  stream_write" in shown.output


def test_what_is_not_proved_has_its_place_and_counts_where_it_is_asked_for(root):
    change(root, "apps/uart/uart.wat", COMPUTED)
    shown = run(root, "proof", "main")
    assert shown.return_value == 0 and "uart.wasm, function `_start`, offset " in shown.output
    assert run(root, "proof", "main", "--required").return_value == 1


def test_json_is_one_document(root):
    data = json.loads(run(root, "proof", "--format", "json").output)
    assert [i["instance"] for i in data["instances"]] == ["com1", "hello"] and data["instances"][0]["verdict"] == "proved"


def test_what_is_refused_has_status_one(root):
    change(root, "apps/uart/uart.wat", DRIVER_WAT.replace("(i32.const 3)", "(i32.const 8)"))
    shown = run(root, "proof")
    assert shown.return_value == 1 and "refused" in shown.output


def test_a_profile_that_makes_no_system_has_no_proof(root):
    change(root, "profiles/main.toml", PROFILE.replace('app = "uart"', 'app = "uarr"'))
    shown = run(root, "proof")
    assert shown.return_value == 1 and "main:" not in shown.output


LOOSE = DRIVER.replace('access = "w"', 'access = "rw"    # both')


def test_nothing_to_tighten_prints_nothing(root):
    for words in ((), ("main",), ("--check",), ("--write",)):
        shown = run(root, "tighten", *words)
        assert (shown.return_value, shown.output) == (0, "")


def test_the_diff_is_shown_and_written_only_where_that_is_asked_for(root):
    change(root, "apps/uart/app.toml", LOOSE)
    shown = run(root, "tighten")
    assert shown.return_value == 0 and '-access = "rw"    # both\n+access = "w"    # both\n' in shown.output
    assert run(root, "tighten", "--check").return_value == 1
    assert (root / "apps/uart/app.toml").read_text() == LOOSE
    assert run(root, "tighten", "--write").output == shown.output
    assert (root / "apps/uart/app.toml").read_text() == LOOSE.replace('"rw"', '"w"')
    assert run(root, "tighten", "--check").output == ""


def test_the_diff_as_json(root):
    change(root, "apps/uart/app.toml", LOOSE)
    data = json.loads(run(root, "tighten", "--format", "json").output)
    assert [each["path"] for each in data["changes"]] == ["apps/uart/app.toml"] and data["written"] is False and data["left"] == []


def test_a_system_that_is_refused_is_not_tightened(root):
    change(root, "apps/uart/app.toml", LOOSE)
    change(root, "profiles/main.toml", PROFILE.replace('app = "uart"', 'app = "uarr"'))
    shown = run(root, "tighten", "--write")
    assert shown.return_value == 1 and (root / "apps/uart/app.toml").read_text() == LOOSE


def test_checking_and_writing_contradict_each_other(root):
    with pytest.raises(click.UsageError, match="leave out"):
        CliRunner().invoke(cli, ["tighten", "-C", str(root), "--check", "--write"], standalone_mode=False, catch_exceptions=False)
