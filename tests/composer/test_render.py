"""Diagnostics as text: exactly the form of the design, aligned carets, and nothing that steers a terminal."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.diagnostics import at, error, warning
from composer.render import summary, to_json, to_text
from composer.snippets import CLOSE, WIDEST, columns, escape
from composer.spans import Excerpt, Source, Span, WasmPlace

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
                       at(WasmPlace(text, text, 1, Excerpt(((1, text),), 0, 1)), text), help=text, notes=(text,))
    output = to_text([diagnostic]).replace(f"[{diagnostic.code}]", "")
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in output)
    output.encode()
    assert json.loads(to_json([diagnostic]))[0]["message"] == text


def test_a_name_cannot_break_out_of_its_line():
    assert escape("a\nb\x1b[31m") == "a\\u{a}b\\u{1b}[31m"


def test_colour_comes_only_when_told_and_changes_no_text():
    coloured = to_text([DESIGNED], color=True)
    assert "\x1b[1;31merror[M0301]" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == to_text([DESIGNED])


def test_json_has_every_place():
    [data] = json.loads(to_json([DESIGNED]))
    assert data == {
        "code": "M0301", "severity": "error", "message": DESIGNED.message, "help": DESIGNED.help, "notes": [],
        "labels": [
            {"path": APP.path, "line": 9, "column": 10, "end_line": 9, "end_column": 13, "text": "only reads are asked for here"},
            {"path": "build/uart16550.wasm", "function": "putc", "offset": 452, "code": [], "text": "calls munal:port/regs write8"},
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


def test_code_of_a_binary_has_its_offsets_before_it_and_carets_below_the_last_line():
    excerpt = Excerpt(((0x9, "i32.const 7"), (0x10, "call $munal:port/regs#read16")), 0, 4)
    coded = error("M0303", "no", at(Span(APP, 17, 20), "asked"), at(WasmPlace("uart.wasm", "_start", 0x10, excerpt), "calls it"))
    assert to_text([coded]) == """\
error[M0303]: no
     ┌─ apps/drivers/uart16550/app.toml:9:10
   9 │ access = "r"
     │          ^^^ asked
     ┌─ uart.wasm, function `_start`, offset 0x10
 0x9 │ i32.const 7
0x10 │ call $munal:port/regs#read16
     │ ^^^^ calls it
"""
    [data] = json.loads(to_json([coded]))
    assert data["labels"][1]["code"] == [{"offset": 9, "text": "i32.const 7"}, {"offset": 16, "text": "call $munal:port/regs#read16"}]


def lines_of(*places, count=40):
    """Labels on lines of one file, as they are shown below the message; each line is its number in words."""
    source = Source("a.toml", "".join(f"line{n}\n" for n in range(1, count)))
    labels = [at(Span(source, source.line_starts[line - 1], source.line_starts[line - 1] + 4), text) for line, text in places]
    return to_text([error("M0105", "no", *labels)]).splitlines()[1:]


def test_labels_that_are_close_are_shown_in_the_order_of_their_lines():
    assert lines_of((3, "second"), (2, "first")) == [
        "  ┌─ a.toml:3:1", "2 │ line2", "  │ ^^^^ first", "3 │ line3", "  │ ^^^^ second"]


def test_one_line_between_two_is_shown_and_more_are_left_out():
    assert lines_of((1, "a"), (3, "b")) == ["  ┌─ a.toml:1:1", "1 │ line1", "  │ ^^^^ a", "2 │ line2", "3 │ line3", "  │ ^^^^ b"]
    assert lines_of((1, "a"), (4, "b")) == ["  ┌─ a.toml:1:1", "1 │ line1", "  │ ^^^^ a", "  ⋮", "4 │ line4", "  │ ^^^^ b"]


@pytest.mark.parametrize(("apart", "headers"), [(CLOSE, 1), (CLOSE + 1, 2)])
def test_labels_that_are_far_apart_have_headers_of_their_own(apart, headers):
    assert sum("┌─" in row for row in lines_of((1, "a"), (1 + apart, "b"))) == headers


def test_two_labels_on_one_line_are_shown_from_left_to_right():
    source = Source("a.toml", "one two\n")
    shown = to_text([error("M0105", "no", at(Span(source, 4, 7), "b"), at(Span(source, 0, 3), "a"))]).splitlines()
    assert shown[1:] == ["  ┌─ a.toml:1:5", "1 │ one two", "  │ ^^^ a", "  │     ^^^ b"]


def test_two_labels_on_a_wide_line_have_a_window_each():
    source = Source("a.toml", f"one{' ' * 300}two\n")
    shown = to_text([error("M0105", "no", at(Span(source, 0, 3), "a"), at(Span(source, 303, 306), "b"))]).splitlines()
    assert [row[:9].rstrip() for row in shown[2:]] == ["1 │ one", "  │ ^^^ a", "1 │ …", "  │"]
    assert shown[4].index("two") == shown[5].index("^^^ b")


def test_two_files_of_one_name_are_not_mixed():
    one, other = Source("a.toml", "x\n"), Source("a.toml", "y\n")
    assert sum("┌─" in row for row in to_text([error("M0105", "no", at(Span(one, 0, 1)), at(Span(other, 0, 1)))]).splitlines()) == 2


@given(st.integers(20, 160), st.lists(st.text("abc d", max_size=30), max_size=12), st.integers(0, 60))
def test_on_a_terminal_no_row_is_wider_than_it(width, words, start):
    """Rows keep to the terminal as far as words and its least room allow, and lose no word on the way."""
    text = " ".join(words)
    source = Source("a.toml", "x" * 80 + "\n")
    diagnostic = error("M0105", text, at(Span(source, start, start + 2), text), help=text, notes=(text,))
    rows = to_text([diagnostic], width=width).splitlines()
    longest = max((len(word) for word in text.split(" ")), default=0)
    assert max(map(columns, rows)) <= max(width, 24 + 40 + longest)
    if width >= 80:
        assert max(map(columns, rows)) <= max(width, 60 + 10 + longest)
    assert re.sub(r"\W", "", " ".join(rows)).count("abc") == re.sub(r"\W", "", to_text([diagnostic]).replace("\n", " ")).count("abc")


def test_what_does_not_fit_goes_on_below_where_it_began():
    source = Source("a.toml", "key = 1\n")
    diagnostic = error("M0105", "a message of some words", at(Span(source, 6, 7), "a label of many words that go on"), help="advice of several words, too")
    assert to_text([diagnostic], width=36).splitlines() == [
        "error[M0105]: a message of some", "    words", "  ┌─ a.toml:1:7", "1 │ key = 1",
        "  │       ^ a label of many words", "  │       that go on", "  = help: advice of several words,", "          too"]
