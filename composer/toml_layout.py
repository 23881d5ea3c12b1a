"""How a TOML text is laid out: its headers and its pairs with their places, for edits that leave all else as it is.

Gets the text of a manifest that parses; gives its tree of nodes, and for each header and each pair of a key and a value
the characters that it takes. Walks the text with the scanner of toml_spans.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from composer.spans import Source
from composer.toml_spans import Node, Scanner, parse

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A header with its brackets, or a pair from the start of its key to the end of its value. `path` is that of the table
    that the header opens, or of the value; `base` that of the table which a pair's key counts from. `inside` is the inline
    table that a pair stands in, None for one that has a line of its own."""

    path: Path
    base: Path
    start: int
    end: int
    header: bool = False
    inside: Node | None = None

    def is_at_or_below(self, path: Path) -> bool:
        return self.path[: len(path)] == path


@dataclass(frozen=True)
class Layout:
    """A manifest's text, its tree of places (its scalars are left empty), and its entries in the order of the text, without
    those in elements of arrays."""

    text: str
    tree: Node
    entries: tuple[Entry, ...]

    @cached_property
    def newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    @property
    def lines(self) -> tuple[Entry, ...]:
        """The entries that have lines of their own: headers, and pairs outside of inline tables."""
        return tuple(entry for entry in self.entries if entry.inside is None)

    def line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Behind the end of the line that `offset` stands in."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1


def lay_out(text: str) -> Layout | None:
    """The layout of a text, or None where it is not TOML that a manifest can be written in."""
    source = Source("", text)
    if parse(source).value is None:
        return None
    reader = _Reader(source)
    tree = reader.document()
    return Layout(text, tree, reader.entries(tree))


class _Reader(Scanner):
    """The scanner, remembering where each header and each pair starts and ends."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.headers_at: list[tuple[Node, int, int]] = []
        self.pairs_at: list[tuple[Node, Path, int, int]] = []
        self.inline: set[int] = set()

    def entries(self, root: Node) -> tuple[Entry, ...]:
        paths = dict(_paths(root, ()))
        found = [Entry(paths[id(table)], (), start, end, header=True) for table, start, end in self.headers_at if id(table) in paths]
        found += [Entry((*paths[id(table)], *names), paths[id(table)], start, end, inside=table if id(table) in self.inline else None)
                  for table, names, start, end in self.pairs_at if id(table) in paths]
        return tuple(sorted(found, key=lambda entry: (entry.start, -entry.end)))

    def _header(self, root: Node, position: int) -> tuple[Node, int, int]:
        table, depth, end = super()._header(root, position)
        self.headers_at.append((table, position, end))
        return table, depth, end

    def _pair(self, table: Node, position: int, depth: int) -> int:
        end = super()._pair(table, position, depth)
        self.pairs_at.append((table, tuple(part.name for part in self._key(position)[0]), position, end))
        return end

    def _inline_table(self, start: int, depth: int) -> tuple[Node, int]:
        node, end = super()._inline_table(start, depth)
        self.inline.add(id(node))
        return node, end


def _paths(node: Node, path: Path) -> list[tuple[int, Path]]:
    """The path of each table that is no element of an array, by its identity."""
    found = [(id(node), path)]
    for key, child in node.table.items():
        if isinstance(child.value, dict):
            found += _paths(child, (*path, key))
    return found
