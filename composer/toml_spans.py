"""TOML with places: a tree in which every key and every value knows its span in the text.

Gets a source; gives nodes, or diagnostics with line and column. The standard library's tomllib decides what is valid and
what values are; the scanner here walks the same text, in linear time, to find where they stand.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from composer.diagnostics import Diagnostic, at, declare, error
from composer.result import Result
from composer.spans import Source, Span

M0101 = declare("M0101", "the text of a manifest is not valid TOML")
M0103 = declare("M0103", "a manifest is nested too deeply")
M0104 = declare("M0104", "a key or a table is written twice")

DEEPEST = 32
"""How many tables and arrays may stand in each other; no manifest of ours needs more than seven."""

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_GAP = re.compile(r"[ \t]*+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]++")
_STRING = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']++|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\[^\n])*+"'
    r"|'[^'\n]*+'",
    re.DOTALL,
)
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^,\]}\s#]*+|[^,\]}\[{\s#\"'=]++")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


_PLAINER = {
    "Invalid value": "here should be a value",
    "Invalid statement": "here should be a key or a table",
    "Illegal character '\\n'": "this string is not closed on its line",
    "Unterminated string": "this string is not closed",
    "Unclosed array": "this array is not closed",
}
"""tomllib's messages that a person may take for something else."""


@dataclass(slots=True, eq=False)
class Node:
    """A value and its places. `value` is a dict of nodes, a list of nodes or a scalar; `span` is the value's own text, or
    for a table of several lines its header; `key` is the key's, None for an array's elements and the document."""

    value: Any
    span: Span
    key: Span | None = None

    @property
    def place(self) -> Span:
        """Where to point when the thing as a whole is meant: its key, where it has one."""
        return self.key or self.span

    @property
    def table(self) -> dict[str, Node]:
        """The children by key; none for what is no table."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, *path: str) -> Node | None:
        """The node at a path of keys, None where it ends early."""
        node: Node | None = self
        for key in path:
            node = node.table.get(key) if node else None
        return node

    def plain(self) -> Any:
        """The value without its places, as tomllib gives it."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    @property
    def text(self) -> str:
        """What stands in the manifest for this value."""
        return self.span.source.text[self.span.start : self.span.end]


class _Stop(Exception):
    """The scanner cannot go on; tomllib will say why, unless `diagnostic` says it better."""

    def __init__(self, diagnostic: Diagnostic | None = None) -> None:
        self.diagnostic = diagnostic


def parse(source: Source) -> Result[Node]:
    """Read one manifest. No text makes this raise; what is wrong comes back as M0101, M0103 or M0104."""
    try:
        tree, better = Scanner(source).document(), None
    except _Stop as stop:
        if stop.diagnostic and stop.diagnostic.code == M0103:
            return Result(None, (stop.diagnostic,))
        tree, better = None, stop.diagnostic
    try:
        values = tomllib.loads(source.text)
    except RecursionError:
        return Result(None, (_too_deep(Span(source, 0, 0)),))
    except ValueError as problem:
        return Result(None, (better or _syntax_error(source, str(problem)),))
    if tree is None or not _fill(tree, values):
        return Result(None, (error(M0101, "this manifest uses TOML in a way that cannot be followed", at(Span(source, 0, 0)),
                                   help="write it plainer: one key a line"),))
    return Result(tree)


def _fill(node: Node, value: Any) -> bool:
    """Give the scanned tree tomllib's scalars; False where the two trees have different shapes."""
    if isinstance(node.value, dict):
        same = isinstance(value, dict) and list(node.value) == list(value)
        return same and all(_fill(child, value[key]) for key, child in node.value.items())
    if isinstance(node.value, list):
        same = isinstance(value, list) and len(node.value) == len(value)
        return same and all(_fill(*pair) for pair in zip(node.value, value, strict=True))
    node.value = value
    return not isinstance(value, (dict, list))


def _syntax_error(source: Source, message: str) -> Diagnostic:
    """tomllib's message, with the place that it names in its text."""
    found = _AT.search(message)
    offset = len(source.text.rstrip())
    if found and found[1]:
        line = min(int(found[1]), len(source.line_starts))
        offset = min(source.line_starts[line - 1] + int(found[2]) - 1, len(source.text))
    said = message[: found.start()] if found else "an integer has more digits than any value needs"
    what = _PLAINER.get(said) or (said[:1].lower() + said[1:]) or "this is no value"
    where = "here the text ends" if found and not found[1] else ""
    return error(M0101, f"not valid TOML: {what}", at(Span(source, offset, min(offset + 1, len(source.text))), where))


def _too_deep(span: Span) -> Diagnostic:
    return error(M0103, f"more than {DEEPEST} tables and arrays stand in each other", at(span, "this is one too many"),
                 help="no key of a manifest lies this deep")


def _twice(name: str, first: Span, second: Span) -> Diagnostic:
    return error(M0104, f"`{name}` is written twice", at(second, "this is the second"), at(first, "the first is here"),
                 help="keep one of them; to change what another profile says, extend that profile")


def _two_kinds(first: Node, second: Span) -> Diagnostic:
    """For a key that is no table where it is written first, and is one where it is written again; or the other way round."""
    name = first.key.source.text[first.key.start : first.key.end] if first.key else first.text
    kind = "a table" if isinstance(first.value, dict) else "an array" if isinstance(first.value, list) else "a value"
    return error(M0104, f"`{name}` is written twice, as two different things", at(second, "this is the second"), at(first.place, f"{kind} here"),
                 help="a key is a value, an array or a table, and stays what it is: rename or drop one of the two")


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a dotted key."""

    name: str
    start: int
    end: int


class Scanner:
    """Walks a text that is TOML or almost TOML; raises _Stop where it cannot follow."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.headers: dict[int, Span] = {}

    def document(self) -> Node:
        root = Node({}, self._span(0, 0))
        table, depth = root, 0
        position = self._after_blank(0)
        while position < len(self.text):
            if self.text[position] == "[":
                table, depth, position = self._header(root, position)
            else:
                position = self._pair(table, position, depth)
            position = self._after_blank(position)
        return root

    def _header(self, root: Node, position: int) -> tuple[Node, int, int]:
        """`[a.b]` or `[[a.b]]`: the table that it opens, how deep that is, and where to go on."""
        several = self.text.startswith("[[", position)
        parts, position = self._key(position + (2 if several else 1))
        closing = "]]" if several else "]"
        if not self.text.startswith(closing, position):
            raise _Stop
        span = self._span(parts[0].start, parts[-1].end)
        if len(parts) > DEEPEST:
            raise _Stop(_too_deep(span))
        parent = self._descend(root, parts[:-1])
        table = (self._append if several else self._open)(parent, parts, span)
        return table, len(parts), position + len(closing)

    def _descend(self, table: Node, parts: list[_Part]) -> Node:
        """Follow a dotted key, making the tables that it implies; through an array of tables its last one."""
        for part in parts:
            span = self._span(part.start, part.end)
            if not isinstance(table.value, dict):
                raise _Stop(_two_kinds(table, span))
            table = table.value.setdefault(part.name, Node({}, span, span))
            if isinstance(table.value, list):
                if not table.value or not isinstance(table.value[-1].value, dict):
                    raise _Stop(_two_kinds(table, span))
                table = table.value[-1]
        return table

    def _open(self, parent: Node, parts: list[_Part], span: Span) -> Node:
        last = parts[-1]
        if not isinstance(parent.value, dict):
            raise _Stop(_two_kinds(parent, span))
        table: Node = parent.value.setdefault(last.name, Node({}, span))
        if id(table) in self.headers:
            raise _Stop(_twice(".".join(p.name for p in parts), self.headers[id(table)], span))
        if not isinstance(table.value, dict):
            raise _Stop(_two_kinds(table, span))
        self.headers[id(table)] = span
        table.span, table.key = span, self._span(last.start, last.end)
        return table

    def _append(self, parent: Node, parts: list[_Part], span: Span) -> Node:
        last = parts[-1]
        if not isinstance(parent.value, dict):
            raise _Stop(_two_kinds(parent, span))
        array = parent.value.setdefault(last.name, Node([], span, self._span(last.start, last.end)))
        if not isinstance(array.value, list):
            raise _Stop(_two_kinds(array, span))
        table = Node({}, span)
        array.value.append(table)
        return table

    def _pair(self, table: Node, position: int, depth: int) -> int:
        parts, position = self._key(position)
        if self.text[position : position + 1] != "=":
            raise _Stop
        if depth + len(parts) > DEEPEST:
            raise _Stop(_too_deep(self._span(parts[0].start, parts[-1].end)))
        parent = self._descend(table, parts[:-1])
        node, position = self._value(self._after_gap(position + 1), depth + len(parts))
        last = parts[-1]
        node.key = self._span(last.start, last.end)
        if not isinstance(parent.value, dict):
            raise _Stop(_two_kinds(parent, node.key))
        if last.name in parent.value:
            raise _Stop(_twice(".".join(p.name for p in parts), parent.value[last.name].place, node.key))
        parent.value[last.name] = node
        return position

    def _value(self, position: int, depth: int) -> tuple[Node, int]:
        first = self.text[position : position + 1]
        if first and first in "[{":
            if depth >= DEEPEST:
                raise _Stop(_too_deep(self._span(position, position + 1)))
            return self._array(position, depth + 1) if first == "[" else self._inline_table(position, depth)
        pattern = _STRING if first and first in "\"'" else _SCALAR
        end = self._match(pattern, position)
        return Node(None, self._span(position, end)), end

    def _array(self, start: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        position = self._after_blank(start + 1)
        while self.text[position : position + 1] != "]":
            item, position = self._value(position, depth)
            items.append(item)
            position = self._after_comma(position, "]")
        return Node(items, self._span(start, position + 1)), position + 1

    def _inline_table(self, start: int, depth: int) -> tuple[Node, int]:
        table = Node({}, self._span(start, start + 1))
        position = self._after_blank(start + 1)
        while self.text[position : position + 1] != "}":
            position = self._pair(table, position, depth)
            position = self._after_comma(position, "}")
        table.span = self._span(start, position + 1)
        return table, position + 1

    def _after_comma(self, position: int, closing: str) -> int:
        position = self._after_blank(position)
        found = self.text[position : position + 1]
        if found == ",":
            return self._after_blank(position + 1)
        if found != closing:
            raise _Stop
        return position

    def _key(self, position: int) -> tuple[list[_Part], int]:
        """A dotted key and where what follows it starts."""
        parts: list[_Part] = []
        while True:
            start = self._after_gap(position)
            quoted = self.text[start : start + 1] in ('"', "'")
            end = self._match(_STRING if quoted else _BARE_KEY, start)
            name = self.text[start:end]
            parts.append(_Part(_unquote(name) if quoted else name, start, end))
            position = self._after_gap(end)
            if self.text[position : position + 1] != ".":
                return parts, position
            position += 1

    def _match(self, pattern: re.Pattern[str], position: int) -> int:
        found = pattern.match(self.text, position)
        if not found:
            raise _Stop
        return found.end()

    def _after_blank(self, position: int) -> int:
        found = _BLANK.match(self.text, position)
        return found.end() if found else position

    def _after_gap(self, position: int) -> int:
        found = _GAP.match(self.text, position)
        return found.end() if found else position

    def _span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)


def _unquote(written: str) -> str:
    """The name that a quoted key stands for."""
    if "\\" not in written:
        return written[1:-1]
    try:
        return str(tomllib.loads(f"key = {written}")["key"])
    except ValueError as problem:
        raise _Stop from problem


def leaves(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every value that is no table, with its path of keys; an array counts as one value, an empty table too."""
    if not node.table:
        yield path, node
    for key, child in node.table.items():
        yield from leaves(child, (*path, key))
