"""Diagnostics as text for a person and as JSON for a program.

Gets diagnostics; gives strings and prints nothing. What came from a manifest is escaped, so that no name or line can send
control codes to a terminal; carets stay under wide characters and tabs.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from typing import Any

from composer.diagnostics import Diagnostic, Label, Severity
from composer.spans import Span

WIDEST = 120
"""Columns of a manifest's line that are shown; of a longer one, a window around the place."""

TAB = 4
_BEFORE = 40
"""Columns shown before the place in a window."""

_RESET, _BOLD, _BLUE = "\x1b[0m", "\x1b[1m", "\x1b[1;34m"
_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m"}


def to_text(diagnostics: Iterable[Diagnostic], color: bool = False) -> str:
    """Every diagnostic with its places, a blank line between two; empty for none. Ends with a line end."""
    return "\n".join(_diagnostic(diagnostic, _Paint(color)) for diagnostic in diagnostics)


def to_data(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Every diagnostic as plain values; lines and columns count from 1, columns in characters, ends are exclusive."""
    return [
        {"code": d.code, "severity": d.severity.value, "message": d.message, "labels": [_label_data(label) for label in d.labels],
         "help": d.help, "notes": list(d.notes)}
        for d in diagnostics
    ]


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """`to_data` as one JSON array, in ASCII."""
    return json.dumps(to_data(diagnostics), indent=2)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """How many of what: "2 errors, 1 warning"; empty for none."""
    found = [diagnostic.severity for diagnostic in diagnostics]
    counts = [(found.count(severity), severity.value) for severity in Severity]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count)


class _Paint:
    """Colours, or none."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self.color else text


def _diagnostic(diagnostic: Diagnostic, paint: _Paint) -> str:
    tone = _COLOURS[diagnostic.severity]
    margin = max((len(str(label.place.line)) for label in diagnostic.labels if isinstance(label.place, Span)), default=1)
    lines = [f"{paint(tone, f'{diagnostic.severity.value}[{diagnostic.code}]')}{paint(_BOLD, f': {escape(diagnostic.message)}')}"]
    for label in diagnostic.labels:
        lines += _label(label, margin, paint, tone)
    advice = [("help", diagnostic.help)] if diagnostic.help else []
    for word, text in (*advice, *(("note", note) for note in diagnostic.notes)):
        lines.append(f"{' ' * (margin + 1)}{paint(_BLUE, '=')} {paint(_BOLD, f'{word}:')} {escape(text)}")
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _label(label: Label, margin: int, paint: _Paint, tone: str) -> list[str]:
    gutter = " " * (margin + 1)
    place, text = label.place, escape(label.text)
    bar = paint(_BLUE, "│")
    if not isinstance(place, Span):
        return [f"{gutter}{paint(_BLUE, '┌─')} {escape(str(place))}", *([f"{gutter}{bar} {text}"] if text else [])]
    if not place.source.text:
        return [f"{gutter}{paint(_BLUE, '┌─')} {escape(place.source.path)}", *([f"{gutter}{bar} {text}"] if text else [])]
    line, column = place.source.position(place.start)
    shown, start, width = _window(place.source.line_text(line), column - 1, place.end - place.start)
    carets = paint(tone, f"{'^' * width} {text}".rstrip())
    return [
        f"{gutter}{paint(_BLUE, '┌─')} {escape(str(place))}",
        f"{paint(_BLUE, str(line).rjust(margin))} {bar} {shown}",
        f"{gutter}{bar} {' ' * start}{carets}",
    ]


def _window(text: str, start: int, length: int) -> tuple[str, int, int]:
    """The line as shown, the column where the carets start, and how many there are: one at least, none past the line."""
    cells = _cells(text)
    starts = [0]
    for cell in cells:
        starts.append(starts[-1] + _width(cell))
    start, end = min(start, len(cells)), min(start + length, len(cells))
    first, last = 0, len(cells)
    if starts[-1] > WIDEST:
        first = next(k for k in range(len(cells) + 1) if starts[k] >= min(starts[start] - _BEFORE, starts[-1] - WIDEST) or k == start)
        last = max(k for k in range(first, len(cells) + 1) if starts[k] - starts[first] <= WIDEST)
    end = max(start, min(end, last))
    left, right = "…" if first else "", "…" if last < len(cells) else ""
    shown = f"{left}{''.join(cells[first:last])}{right}"
    return shown, len(left) + starts[start] - starts[first], max(1, starts[end] - starts[start])


def _cells(text: str) -> list[str]:
    """What each character of a line is shown as; tabs reach to the next multiple of four columns."""
    if text.isascii() and text.isprintable():
        return list(text)
    cells, column = [], 0
    for char in text:
        cell = " " * (TAB - column % TAB) if char == "\t" else _shown(char)
        column += _width(cell)
        cells.append(cell)
    return cells


def escape(text: str) -> str:
    """The text with everything that steers a terminal, or hides, written out."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    """Controls, formats (as those that turn the direction of text), surrogates and line ends as `\\u{…}`."""
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\u{{{ord(char):x}}}"
    return char


def _width(cell: str) -> int:
    """Columns on a terminal (Unicode Standard Annex 11); combining marks take none."""
    if cell.isascii():
        return len(cell)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell)


def _label_data(label: Label) -> dict[str, Any]:
    place = label.place
    if not isinstance(place, Span):
        return {"path": place.path, "function": place.function, "offset": place.offset, "text": label.text}
    line, column = place.source.position(place.start)
    end_line, end_column = place.source.position(place.end)
    return {"path": place.source.path, "line": line, "column": column, "end_line": end_line, "end_column": end_column, "text": label.text}
