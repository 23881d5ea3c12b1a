"""Colour and width: a terminal's, unless the person says otherwise."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from composer.cli import cli
from composer.colour import choosing, coloured, width

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "port_is_a_boolean"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(("out", "settings", "expected"), [
    (Terminal(), {}, True), (io.StringIO(), {}, False), (Terminal(), {"NO_COLOR": "1"}, False), (Terminal(), {"NO_COLOR": ""}, True),
    (Terminal(), {"TERM": "dumb"}, False), (io.StringIO(), {"FORCE_COLOR": "1"}, True), (io.StringIO(), {"FORCE_COLOR": ""}, False),
    (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
])
def test_who_decides(out: io.StringIO, settings: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert coloured(out) is expected


@pytest.mark.parametrize(("choice", "on_terminal", "piped"), [("always", True, True), ("never", False, False), ("auto", True, False), (None, True, False)])
def test_a_choice_holds_while_it_is_made(choice: str | None, on_terminal: bool, piped: bool) -> None:
    before = dict(os.environ)
    with choosing(choice):
        assert (coloured(Terminal()), coloured(io.StringIO())) == (on_terminal, piped)
    assert dict(os.environ) == before


def test_a_choice_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with choosing("always"):
        assert coloured(io.StringIO())
    assert os.environ["NO_COLOR"] == "1"


def test_only_a_terminal_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert width(Terminal()) == 72
    assert width(io.StringIO()) is None


@pytest.mark.parametrize("words", [["--color", "always", "check"], ["check", "--color", "always"], ["check", "--color=always", "main"]])
def test_the_option_stands_before_the_command_or_after_it(words: list[str]) -> None:
    said = CliRunner().invoke(cli, ["-C", str(FIXTURE), *words], standalone_mode=False)
    assert said.return_value == 1
    assert "\x1b[1;31merror[M0106]" in said.output
    piped = CliRunner().invoke(cli, ["-C", str(FIXTURE), "check"], standalone_mode=False).output
    assert "\x1b" not in piped and re.sub("\x1b\\[[0-9;]*m", "", said.output) == piped


def test_rows_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from composer import report
    from composer.diagnostics import error

    monkeypatch.setenv("COLUMNS", "40")
    screen = Terminal()
    report.diagnostics([error("M0106", "word " * 30, help="word " * 30)], screen)
    plain = re.sub("\x1b\\[[0-9;]*m", "", screen.getvalue())
    assert max(map(len, plain.splitlines())) <= 40 and plain.count("word") == 60
