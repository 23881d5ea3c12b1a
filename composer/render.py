"""Diagnostics as text for a person and as JSON for a program.

Gets diagnostics; gives strings and prints nothing. What labels point at is drawn by snippets.py; SARIF is in sarif.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from composer.diagnostics import Diagnostic, Label, Severity
from composer.snippets import BLUE, BOLD, Style, escape, margin, rows, wrapped
from composer.spans import Span

_TONES = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m"}


def to_text(diagnostics: Iterable[Diagnostic], color: bool = False, width: int | None = None) -> str:
    """Every diagnostic with its places, a blank line between two; empty for none. Ends with a line end.

    With `width`, the columns of a terminal, rows are broken between words to fit.
    """
    return "\n".join(_diagnostic(diagnostic, color, width) for diagnostic in diagnostics)


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


def _diagnostic(diagnostic: Diagnostic, color: bool, width: int | None) -> str:
    style = Style(color, _TONES[diagnostic.severity], margin(diagnostic.labels), width)
    lines = [*_headline(diagnostic, style), *rows(diagnostic.labels, style)]
    advice = [("help", diagnostic.help)] if diagnostic.help else []
    for word, text in (*advice, *(("note", note) for note in diagnostic.notes)):
        lines += _advice(word, text, style)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _headline(diagnostic: Diagnostic, style: Style) -> Iterator[str]:
    what = f"{diagnostic.severity.value}[{diagnostic.code}]"
    first, *rest = wrapped(escape(diagnostic.message), len(what) + 2, style.margin + 3, style.width)
    yield f"{style.paint(style.tone, what)}{style.paint(BOLD, f': {first}')}"
    yield from (f"{style.gutter}  {style.paint(BOLD, row)}" for row in rest)


def _advice(word: str, text: str, style: Style) -> Iterator[str]:
    hang = style.margin + len(word) + 5
    first, *rest = wrapped(escape(text), hang, hang, style.width)
    yield f"{style.gutter}{style.paint(BLUE, '=')} {style.paint(BOLD, f'{word}:')} {first}"
    yield from (f"{' ' * hang}{row}" for row in rest)


def _label_data(label: Label) -> dict[str, Any]:
    place = label.place
    if not isinstance(place, Span):
        code = [{"offset": offset, "text": text} for offset, text in place.excerpt.lines] if place.excerpt else []
        return {"path": place.path, "function": place.function, "offset": place.offset, "code": code, "text": label.text}
    line, column = place.source.position(place.start)
    end_line, end_column = place.source.position(place.end)
    return {"path": place.source.path, "line": line, "column": column, "end_line": end_line, "end_column": end_column, "text": label.text}
