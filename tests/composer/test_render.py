"""Diagnostics as text: exactly the form of the design, aligned carets, and nothing that steers a terminal."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.diagnostics import at, error, warning
from composer.render import WIDEST, escape, summary, to_json, to_text
from composer.spans import Source, Span, WasmPlace

APP = Source("apps/drivers/uart16550/app.toml", "\n" * 8 + 'access = "r"\n')
DESIGNED = error(
    "M0301", "`uart16550` writes a port that its manifest does not ask for",
    at(Span(APP, 17, 20), "only reads are asked for here"),
    at(WasmPlace("build/uart16550.wasm", "putc", 0x1C4), "calls munal:port/regs write8"),
    help='ask for writes with `access = "rw"`, or stop calling write8',
)


def test_the_form_is_that_of_the_design():
    assert to_text([DESIGNED]) == """\
error[M0301]: `uart16550` writes a port that its manifest does not ask for
  ┌─ apps/drivers/uart16550/app.toml:9:10
9 │ access = "r"
  │          ^^^ only reads are asked for here
  ┌─ build/uart16550.wasm, function `putc`, offset 0x1c4
  │ calls munal:port/regs write8
  = help: ask for writes with `access = "rw"`, or stop calling write8
"""


def test_the_margin_is_that_of_the_longest_line_number():
    source = Source("a.toml", "\n" * 99 + "x = 1\n")
    text = to_text([error("M0105", "no", at(Span(source, 99, 100)), at(Span(source, 0, 0), "here"), notes=("a", "b"))])
    assert text == """\
error[M0105]: no
    ┌─ a.toml:100:1
100 │ x = 1
    │ ^
    ┌─ a.toml:1:1
  1 │
    │ ^ here
    = note: a
    = note: b
"""


def test_several_are_apart_by_a_blank_line_and_none_is_nothing():
    plain = warning("M0105", "no")
    assert to_text([plain, plain]) == "warning[M0105]: no\n\nwarning[M0105]: no\n"
    assert to_text([]) == ""


def test_a_file_without_text_is_named_alone():
    assert to_text([error("M0102", "gone", at(Span(Source("a.toml", ""), 0, 0), "look"))]) == "error[M0102]: gone\n  ┌─ a.toml\n  │ look\n"


def shown(text, start, end):
    """The manifest's line and the carets below it."""
    lines = to_text([error("M0105", "no", at(Span(Source("a.toml", text), start, end)))]).splitlines()
    return lines[2].removeprefix("1 │ "), lines[3].removeprefix("  │ ")


@pytest.mark.parametrize(("text", "word", "line", "carets"), [
    ("a = true", "true", "a = true", "    ^^^^"),
    ("\ta = true", "true", "    a = true", "        ^^^^"),
    ("a\t= true", "true", "a   = true", "      ^^^^"),
    ('"日本" = true', "true", '"日本" = true', "         ^^^^"),
    ('a = "日本"', '"日本"', 'a = "日本"', "    ^^^^^^"),
    ('"e\u0301" = true', "true", '"e\u0301" = true', "      ^^^^"),
    ('"\x1b[2J" = true', "true", '"\\u{1b}[2J" = true', "              ^^^^"),
    ('"\u202e" = true', "true", '"\\u{202e}" = true', "             ^^^^"),
    ("a = '''x\ny'''", "'''x\ny'''", "a = '''x", "    ^^^^"),
    ("a = true\r\n", "true", "a = true", "    ^^^^"),
])
def test_carets_stand_under_what_is_meant(text, word, line, carets):
    start = text.index(word)
    assert shown(text, start, start + len(word)) == (line, carets)


def test_a_place_behind_the_last_character_has_its_caret():
    assert shown("a =", 3, 3) == ("a =", "   ^")


def columns(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=400), st.data())
def test_every_line_is_short_enough_and_its_carets_are_below_it(line, data):
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    source = Source("a.toml", line + "\n")
    rendered = to_text([error("M0105", "no", at(Span(source, start, end)))]).splitlines()
    assert len(rendered) == 4
    text, carets = rendered[2].removeprefix("1 │").removeprefix(" "), rendered[3].removeprefix("  │ ")
    assert columns(text) <= WIDEST + 2
    assert set(carets) <= {" ", "^"} and "^" in carets
    assert len(carets) <= WIDEST + 3


@given(st.text())
def test_nothing_that_steers_a_terminal_survives(text):
    diagnostic = error(text[:5] or "M", text, at(Span(Source("a" + text.replace("\n", ""), text), 0, len(text)), text),
                       at(WasmPlace(text, text, 1), text), help=text, notes=(text,))
    output = to_text([diagnostic]).replace(f"[{diagnostic.code}]", "")
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in output)
    output.encode()
    assert json.loads(to_json([diagnostic]))[0]["message"] == text


def test_a_name_cannot_break_out_of_its_line():
    assert escape("a\nb\x1b[31m") == "a\\u{a}b\\u{1b}[31m"


def test_colour_comes_only_when_told_and_changes_no_text():
    import re

    coloured = to_text([DESIGNED], color=True)
    assert "\x1b[1;31merror[M0301]" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == to_text([DESIGNED])


def test_json_has_every_place():
    [data] = json.loads(to_json([DESIGNED]))
    assert data == {
        "code": "M0301", "severity": "error", "message": DESIGNED.message, "help": DESIGNED.help, "notes": [],
        "labels": [
            {"path": APP.path, "line": 9, "column": 10, "end_line": 9, "end_column": 13, "text": "only reads are asked for here"},
            {"path": "build/uart16550.wasm", "function": "putc", "offset": 452, "text": "calls munal:port/regs write8"},
        ],
    }


@pytest.mark.parametrize(("errors", "warnings", "text"), [(0, 0, ""), (1, 0, "1 error"), (2, 1, "2 errors, 1 warning"), (0, 2, "2 warnings")])
def test_the_summary_counts(errors, warnings, text):
    assert summary([error("M0105", "a")] * errors + [warning("M0105", "b")] * warnings) == text


@pytest.mark.parametrize(("width", "whole"), [(WIDEST, True), (WIDEST + 1, False)])
def test_a_line_of_the_widest_is_shown_whole_and_a_longer_one_is_not(width, whole):
    line, carets = shown("x" * width, 0, 1)
    assert (line == "x" * width) == whole and (line == "x" * WIDEST + "…") != whole
    assert carets == "^"
