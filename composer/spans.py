"""Places in what a person wrote: a source text, a span of it, and a place in a wasm binary.

Gets texts as read; gives lines and columns (both from 1, columns in characters) for diagnostics.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple


@dataclass(frozen=True, eq=False)
class Source:
    """One text file of the workspace; `path` is relative to the workspace, with forward slashes."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of a line, without its end."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line}:{self.column}"


class Excerpt(NamedTuple):
    """Lines that show what stands at a place of a binary, each with its offset in the file; what is meant are `length`
    characters from `start` of the last line."""

    lines: tuple[tuple[int, str], ...]
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class WasmPlace:
    """A place in a wasm binary: `offset` counts bytes from the start of the file, `function` is empty outside of code;
    `excerpt` is what stands there, where that is known."""

    path: str
    function: str
    offset: int
    excerpt: Excerpt | None = field(default=None, compare=False)

    def __str__(self) -> str:
        function = f", function `{self.function}`" if self.function else ""
        return f"{self.path}{function}, offset {self.offset:#x}"


Place = Span | WasmPlace
