"""Changes to the text of a manifest that a person wrote: one key is set or taken away, and every other byte stays as it is.

Gets TOML text, a path of keys and a value; gives the new text. Each change is read back and compared before it is given
out: what cannot be changed safely raises Uneditable, and nothing is ever guessed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from composer.toml_layout import Entry, Layout, Path, lay_out

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Uneditable(ValueError):
    """The text cannot be changed in this way; says why in words for a person."""


class Hex(int):
    """An integer that is written in hexadecimal, as ports are."""


def set_value(text: str, path: Sequence[str], value: Any) -> str:
    """The text with `value` at `path`: in the place of what stands there, else as a new pair in the table where its neighbours
    are, else in a new table at the end. A comment behind a replaced value stays. Raises Uneditable."""
    path = tuple(path)
    layout = _laid_out(text)
    wanted = _with(_plain(text), path, value)
    node = layout.tree.get(*path)
    if node is None:
        made = _add(layout, path, value)
    elif any(entry.path == path and not entry.header for entry in layout.entries):
        made = f"{text[: node.span.start]}{shown(value)}{text[node.span.end :]}"
    else:
        raise Uneditable(f"`{dotted(path)}` is written as a table of several lines, which no value can stand in place of")
    return _sure(made, wanted, path)


def add_table(text: str, path: Sequence[str], pairs: Mapping[str, Any]) -> str:
    """The text with a new table `[path]` of these pairs, behind the tables that it is closest to. Raises Uneditable where
    something stands at `path`."""
    path = tuple(path)
    layout = _laid_out(text)
    if layout.tree.get(*path) is not None:
        raise Uneditable(f"`{dotted(path)}` is there already")
    return _sure(_add_section(layout, path, pairs), _with(_plain(text), path, dict(pairs)), path)


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands at `path`, a value or a whole table with all below it.

    What belongs to it goes with it: the rest of its line; for a table the comment right above its header, comments among its
    pairs and the blank lines that set it off. Tables that only its dotted key named go, too. Raises Uneditable.
    """
    path = tuple(path)
    layout = _laid_out(text)
    if layout.tree.get(*path) is None:
        raise Uneditable(f"`{dotted(path)}` is not there")
    gone = [entry for entry in layout.entries if entry.path[: len(path)] == path]
    outer = [entry for entry in gone if entry.inside is None] or gone
    left = [entry for entry in layout.entries if entry not in gone]
    kept, position = [], 0
    for start, end in sorted(_extent(layout, entry, outer) for entry in outer):
        kept.append(text[position:start])
        position = max(position, end)
    made = "".join((*kept, text[position:]))
    return _sure(made, _without(_plain(text), path, left), path)


def dotted(path: Sequence[str]) -> str:
    """A path as a TOML key."""
    return ".".join(part if _BARE.fullmatch(part) else _string(part) for part in path)


def shown(value: Any) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Hex):
        return f"{value:#x}"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{dotted((key,))} = {shown(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    raise Uneditable(f"a {type(value).__name__} is no value of a manifest")


def _string(text: str) -> str:
    """JSON's strings are TOML's, but for one control character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


# Adding

def _add(layout: Layout, path: Path, value: Any) -> str:
    """A new pair in the deepest table on the way that can take it."""
    depth = max(n for n in range(len(path)) if layout.tree.get(*path[:n]) is not None)
    there = path[:depth]
    inline = next((e for e in layout.entries if e.path == there and not e.header), None)
    if inline is not None:
        return _add_inline(layout, inline, path[depth:], value)
    neighbours = [e for e in layout.lines if not e.header and e.path[:depth] == there and len(e.base) <= depth]
    opened = next((e for e in layout.lines if e.header and e.path == there), None)
    if neighbours:
        last = neighbours[-1]
        return _insert_line(layout, last.end, _indent(layout, last), f"{dotted(path[len(last.base) :])} = {shown(value)}")
    if opened:
        return _insert_line(layout, opened.end, _indent(layout, opened), f"{dotted(path[depth:])} = {shown(value)}")
    if len(path) == 1:
        return _insert_at_top(layout, f"{dotted(path)} = {shown(value)}")
    return _add_section(layout, path[:-1], {path[-1]: value})


def _add_inline(layout: Layout, holder: Entry, key: Path, value: Any) -> str:
    node = layout.tree.get(*holder.path)
    if node is None or not isinstance(node.value, dict):
        raise Uneditable(f"`{dotted(holder.path)}` is no table")
    pair = f"{dotted(key)} = {shown(value)}"
    inside = [e for e in layout.entries if e.inside is node]
    if not inside:
        return f"{layout.text[: node.span.start]}{{ {pair} }}{layout.text[node.span.end :]}"
    end = inside[-1].end
    return f"{layout.text[:end]}, {pair}{layout.text[end:]}"


def _indent(layout: Layout, entry: Entry) -> str:
    return layout.text[layout.line_start(entry.start) : entry.start]


def _insert_line(layout: Layout, after: int, indent: str, line: str) -> str:
    """A line behind the one that `after` stands in."""
    end = layout.line_end(after)
    before = layout.text[:end]
    if not before.endswith("\n"):
        before += layout.newline
    return f"{before}{indent}{line}{layout.newline}{layout.text[end:]}"


def _insert_at_top(layout: Layout, line: str) -> str:
    """Before the first header and the comment above it: behind it, keys would belong to its table."""
    first = next((e for e in layout.lines if e.header), None)
    at = _with_comment_above(layout, first.start) if first else len(layout.text)
    before = layout.text[:at]
    if before and not before.endswith("\n"):
        before += layout.newline
    blank = layout.newline if first else ""
    return f"{before}{line}{layout.newline}{blank}{layout.text[at:]}"


def _add_section(layout: Layout, path: Path, pairs: Mapping[str, Any]) -> str:
    """A table with a header, behind the last one that shares most of its path."""
    lines = [f"[{dotted(path)}]", *(f"{dotted((key,))} = {shown(value)}" for key, value in pairs.items())]
    headers = [e for e in layout.lines if e.header]
    shared = [_shared(e.path, path) for e in headers]
    last = max((n for n, count in enumerate(shared) if count == max(shared) and count), default=len(headers) - 1)
    at = _section_end(layout, headers[last]) if headers else len(layout.text)
    before, after = layout.text[:at], layout.text[at:]
    if before and not before.endswith("\n"):
        before += layout.newline
    blank = layout.newline if before.strip() else ""
    return f"{before}{blank}{''.join(line + layout.newline for line in lines)}{after}"


def _shared(one: Path, other: Path) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _section_end(layout: Layout, header: Entry) -> int:
    """Behind the last line of a header's pairs and the comments right below them."""
    later = [e for e in layout.lines if e.start > header.start]
    pairs = [header]
    for entry in later:
        if entry.header:
            break
        pairs.append(entry)
    end = layout.line_end(pairs[-1].end)
    following = later[len(pairs) - 1].start if len(later) >= len(pairs) else len(layout.text)
    stop = _with_comment_above(layout, following) if following < len(layout.text) else following
    while end < stop and layout.text[end : layout.line_end(end)].lstrip(" \t").startswith("#"):
        end = layout.line_end(end)
    return end


# Taking away

def _extent(layout: Layout, entry: Entry, gone: list[Entry]) -> tuple[int, int]:
    """All characters that go with an entry."""
    if entry.inside is not None:
        return _inline_extent(layout, entry, gone)
    if not entry.header:
        return layout.line_start(entry.start), layout.line_end(entry.end)
    start, end = _with_comment_above(layout, entry.start), _section_end(layout, entry)
    blank_end = end
    while blank_end < len(layout.text) and not layout.text[blank_end : layout.line_end(blank_end)].strip():
        blank_end = layout.line_end(blank_end)
    if blank_end < len(layout.text):
        return start, blank_end
    while start and not layout.text[layout.line_start(start - 1) : start].strip():
        start = layout.line_start(start - 1)
    return start, blank_end


def _with_comment_above(layout: Layout, start: int) -> int:
    """The start of the comment lines right above the line of `start`; the words that a file opens with are nobody's."""
    first = at = layout.line_start(start)
    while at and layout.text[layout.line_start(at - 1) : at].lstrip(" \t").startswith("#"):
        at = layout.line_start(at - 1)
    return first if at == 0 else at


def _inline_extent(layout: Layout, entry: Entry, gone: list[Entry]) -> tuple[int, int]:
    """A pair of an inline table with one of the commas beside it, or with all blanks where it is the last that is left."""
    assert entry.inside is not None
    pairs = [e for e in layout.entries if e.inside is entry.inside]
    kept = [e for e in pairs if e not in gone]
    if not kept:
        return entry.inside.span.start + 1, entry.inside.span.end - 1
    if any(e.start > entry.start for e in kept):
        return entry.start, next(e.start for e in pairs if e.start > entry.start)
    return kept[-1].end, entry.end


# What is wanted, and whether it was reached

def _laid_out(text: str) -> Layout:
    layout = lay_out(text)
    if layout is None:
        raise Uneditable("the text is not valid TOML")
    return layout


def _plain(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def _with(table: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The table with `value` at `path`; raises Uneditable where something on the way is no table."""
    whole = inner = deepcopy(table)
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Uneditable(f"`{part}` of `{dotted(path)}` is no table")
    inner[path[-1]] = value
    return whole


def _without(table: dict[str, Any], path: Path, left: list[Entry]) -> dict[str, Any]:
    """The table without what is at `path`, and without the tables around it that no entry writes any more."""
    whole = deepcopy(table)
    for depth in range(len(path), 0, -1):
        around = whole
        for part in path[: depth - 1]:
            around = around[part]
        del around[path[depth - 1]]
        above = path[: depth - 1]
        if around or not above or any(entry.is_at_or_below(above) for entry in left):
            break
    return whole


def _sure(made: str, wanted: dict[str, Any], path: Path) -> str:
    """The text that was made, if it says what is wanted."""
    try:
        says = _plain(made)
    except ValueError:
        says = None
    if says != wanted:
        raise Uneditable(f"`{dotted(path)}` is written in a way that cannot be changed line by line")
    return made
