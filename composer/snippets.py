"""What labels point at, as rows of text: lines of a manifest or of a binary with carets below, those that are close together.

Gets labels; gives rows without line ends. What came from a file is escaped, so that no name or line can send control codes to
a terminal; carets stay under wide characters and tabs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from composer.diagnostics import Label
from composer.spans import Source, Span, WasmPlace

WIDEST = 120
"""Columns of a line that are shown; of a longer one, a window around the place."""
CLOSE = 6
"""Lines of one file that are at most so far apart are shown together."""
TAB = 4
_BEFORE = 40
"""Columns shown before the place in a window."""
_NARROWEST = 24
"""Columns that text gets at least, however narrow the terminal."""

RESET, BOLD, BLUE = "\x1b[0m", "\x1b[1m", "\x1b[1;34m"


@dataclass(frozen=True, slots=True)
class Style:
    """How rows are drawn: `tone` colours carets, `margin` is the width of the numbers before a line, and `width` the columns
    of the terminal, None where there is none to fit."""

    color: bool
    tone: str
    margin: int
    width: int | None = None

    def paint(self, style: str, text: str) -> str:
        return f"{style}{text}{RESET}" if self.color else text

    @property
    def gutter(self) -> str:
        return " " * (self.margin + 1)

    @property
    def bar(self) -> str:
        return self.paint(BLUE, "│")

    @property
    def widest(self) -> int:
        return WIDEST if self.width is None else min(WIDEST, max(_NARROWEST, self.width - self.margin - 5))


def margin(labels: Sequence[Label]) -> int:
    """The width of the longest number that stands before a line."""
    return max((len(number) for label in labels for number in _numbers(label.place)), default=1)


def _numbers(place: Span | WasmPlace) -> Iterator[str]:
    if isinstance(place, Span):
        yield str(place.line)
    elif place.excerpt:
        yield from (f"{offset:#x}" for offset, _ in place.excerpt.lines)


def rows(labels: Sequence[Label], style: Style) -> Iterator[str]:
    """Every label: those of one file that are close together below one header, all else in the order of the labels."""
    for group in _groups(labels):
        place = group[0].place
        yield f"{style.gutter}{style.paint(BLUE, '┌─')} {escape(place.source.path if _has_no_text(place) else str(place))}"
        if isinstance(place, WasmPlace):
            yield from _binary(place, group[0].text, style)
        elif _has_no_text(place):
            yield from _text_alone(group[0].text, style)
        else:
            yield from _lines(group, style)


def _groups(labels: Sequence[Label]) -> list[list[Label]]:
    groups: list[list[Label]] = []
    for label in labels:
        near = next((group for group in groups if any(_are_close(label, other) for other in group)), None)
        near.append(label) if near else groups.append([label])
    return groups


def _are_close(a: Label, b: Label) -> bool:
    one, other = a.place, b.place
    if not isinstance(one, Span) or not isinstance(other, Span) or one.source is not other.source:
        return False
    return abs(one.line - other.line) <= CLOSE


def _has_no_text(place: Span | WasmPlace) -> bool:
    return isinstance(place, Span) and not place.source.text


def _lines(group: list[Label], style: Style) -> Iterator[str]:
    """The lines of a manifest that a group of labels points at, in their order; a single line between two is shown, too."""
    source = group[0].place.source
    labelled = sorted({label.place.line for label in group})
    between = {a + 1 for a, b in pairwise(labelled) if b == a + 2}
    previous = labelled[0]
    for line in sorted({*labelled, *between}):
        if line > previous + 1:
            yield f"{style.gutter}{style.paint(BLUE, '⋮')}"
        yield from _line(source, line, [label for label in group if label.place.line == line], style)
        previous = line


def _line(source: Source, line: int, labels: list[Label], style: Style) -> Iterator[str]:
    """One line with the carets of its labels, from left to right; of a wide one, a window around each place."""
    text, number = source.line_text(line), style.paint(BLUE, str(line).rjust(style.margin))
    if not labels:
        yield f"{number} {style.bar} {_window(text, 0, 1, style.widest)[0]}"
    last = None
    for label in sorted(labels, key=lambda label: label.place.start):
        shown, start, width = _window(text, label.place.column - 1, label.place.end - label.place.start, style.widest)
        if shown != last:
            yield f"{number} {style.bar} {shown}"
        yield from _carets(start, width, label.text, style)
        last = shown


def _binary(place: WasmPlace, text: str, style: Style) -> Iterator[str]:
    """What stands at a place of a binary, where that is known."""
    if place.excerpt is None:
        yield from _text_alone(text, style)
        return
    for offset, line in place.excerpt.lines:
        shown, _, _ = _window(line, 0, 1, style.widest)
        yield f"{style.paint(BLUE, f'{offset:#x}'.rjust(style.margin))} {style.bar} {shown}"
    yield from _carets(place.excerpt.start, place.excerpt.length, text, style)


def _text_alone(text: str, style: Style) -> Iterator[str]:
    if not text:
        return
    for row in wrapped(escape(text), style.margin + 3, style.margin + 3, style.width):
        yield f"{style.gutter}{style.bar} {row}"


def _carets(start: int, length: int, text: str, style: Style) -> Iterator[str]:
    """Carets and what is to be seen there; where that does not fit beside them, it goes on below."""
    before = style.margin + 3
    hang = start if style.width is None or style.width - before - start >= _NARROWEST else 0
    first, *rest = wrapped(escape(text), before + start + length + 1, before + hang, style.width)
    carets = "^" * length
    yield f"{style.gutter}{style.bar} {' ' * start}{style.paint(style.tone, f'{carets} {first}'.rstrip())}"
    for row in rest:
        yield f"{style.gutter}{style.bar} {' ' * hang}{style.paint(style.tone, row)}"


def wrapped(text: str, used: int, hang: int, width: int | None) -> list[str]:
    """The text broken at spaces: its first row begins at column `used`, the others at `hang`; whole where nothing has to fit."""
    if width is None or used + columns(text) <= width:
        return [text]
    found, room = [""], width - used
    for word in text.split(" "):
        longer = f"{found[-1]} {word}" if found[-1] else word
        if columns(longer) <= room or (not found[-1] and len(found) > 1):
            found[-1] = longer
        else:
            found.append(word)
            room = max(_NARROWEST, width - hang)
    return found


def _window(text: str, start: int, length: int, widest: int) -> tuple[str, int, int]:
    """The line as shown, the column where the carets start, and how many there are: one at least, none past the line."""
    cells = _cells(text)
    starts = [0]
    for cell in cells:
        starts.append(starts[-1] + columns(cell))
    start, end = min(start, len(cells)), min(start + length, len(cells))
    first, last = 0, len(cells)
    if starts[-1] > widest:
        before = min(_BEFORE, widest // 3)
        first = next(k for k in range(len(cells) + 1) if starts[k] >= min(starts[start] - before, starts[-1] - widest) or k == start)
        last = max(k for k in range(first, len(cells) + 1) if starts[k] - starts[first] <= widest)
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
        column += columns(cell)
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


def columns(text: str) -> int:
    """Columns on a terminal (Unicode Standard Annex 11); combining marks take none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
