"""What an image's bytes are for: by part, by module, and within each app by wasm section and function.

Gets a profile or an image as a Side, and the wasm of its apps where it is at hand; gives every list with its biggest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from composer.questions.diff import Side
from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.names import function_name, function_names
from composer.wasm.sections import read_module

Entry = tuple[str, int]
"""A name and its bytes."""

SECTIONS = ("custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count")
"""Names by number (WebAssembly specification 2.0, section 5.5.2)."""
HEADER = 8


@dataclass(frozen=True, slots=True)
class Wasm:
    """An app's binary, from which its machine code was made. Sections count their headers; functions their locals and code."""

    app: str
    size: int
    sections: tuple[Entry, ...]
    functions: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """`parts` together are the image; `modules` are machine code; `apps` is empty where only an image is at hand."""

    name: str
    parts: tuple[Entry, ...]
    modules: tuple[Entry, ...]
    apps: tuple[Wasm, ...] = ()

    @property
    def total(self) -> int:
        return sum(size for _, size in self.parts)


def sizes(side: Side, wasm: Mapping[str, Path]) -> Sizes:
    """All sizes of a side; `wasm` are the binaries by app."""
    modules = ((name, size) for name, (_, size) in side.modules.items())
    apps = (weigh(app, path.read_bytes()) for app, path in wasm.items())
    return Sizes(side.name, _biggest_first(side.parts.items()), _biggest_first(modules), tuple(sorted(apps, key=lambda each: (-each.size, each.app))))


def weigh(app: str, data: bytes) -> Wasm:
    """The sections and functions of one binary. Of one that is no module, only its size is known."""
    try:
        module = read_module(data)
        sections = list(_sections(data))
    except WasmError:
        return Wasm(app, len(data), (), ())
    names = function_names(module)
    functions = ((function_name(names, index), end - start) for index, (start, end) in module.defined())
    return Wasm(app, len(data), _biggest_first(sections), _biggest_first(functions))


def _sections(data: bytes) -> Iterator[Entry]:
    """Each section with all of its bytes, those that say its kind and its length too; custom ones by their names."""
    cursor = Cursor(data, HEADER, len(data), "the file")
    yield "header", HEADER
    while cursor.left:
        start, kind = cursor.pos, cursor.byte()
        part = cursor.part(cursor.u32(), "a section")
        yield f"custom {part.name('a name')}" if kind == 0 else SECTIONS[kind], part.end - start


def _biggest_first(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: (-entry[1], entry[0])))
