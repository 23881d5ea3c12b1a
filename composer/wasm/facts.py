"""What the rest of the composer knows of a binary: imports, exports, and the constants that reach the imports.

Made by inspect.py, kept in the cache as JSON, read by rules, `explain` and reports. Names are as in the binary: use
`shown` of shown.py before a person sees one; places are fit to be shown.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass, fields
from typing import NamedTuple

from composer.spans import Excerpt, WasmPlace

PAGE = 64 << 10
"""Bytes in a page of wasm memory."""


class Site(NamedTuple):
    """An instruction or an entry of a section: `function` is its name as shown, or empty outside of functions."""

    function: str
    offset: int


class Known(NamedTuple):
    """One number that an operand takes; `site` is the call that passes it into the calling function, if not written there."""

    value: int
    site: Site | None = None


class Operand(NamedTuple):
    """What is known of one operand, unsigned: all its numbers, else a closed range of them, else (both empty) nothing.
    `below` is the (module, name) of an imported function without parameters, where it is always less than what that answers."""

    values: tuple[Known, ...] = ()
    range: tuple[int, int] | None = None
    below: tuple[str, str] | None = None

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest number it can be."""
        if self.values:
            numbers = [known.value for known in self.values]
            return min(numbers), max(numbers)
        return self.range


class Import(NamedTuple):
    """`kind` is func, table, memory or global; `params` and `results` are those of a func, as wasm types."""

    module: str
    name: str
    kind: str
    params: tuple[str, ...]
    results: tuple[str, ...]
    offset: int


class Export(NamedTuple):
    name: str
    kind: str
    params: tuple[str, ...]
    results: tuple[str, ...]
    offset: int


class Call(NamedTuple):
    """A direct call of an imported function, one operand for each wasm parameter."""

    module: str
    name: str
    site: Site
    operands: tuple[Operand, ...]


class Escape(NamedTuple):
    """An imported function that more than direct calls can reach, `how`: an export, a table or ref.func."""

    module: str
    name: str
    how: str
    site: Site


class Stray(NamedTuple):
    """An active segment that does not fit where it goes at the start: `kind` data or element, `size` what is there."""

    kind: str
    at: int
    length: int
    size: int
    offset: int


class Fault(NamedTuple):
    """Why the file is no binary that can be used; `feature` names what it uses and the kernel lacks, if that is why."""

    message: str
    offset: int
    feature: str | None = None


@dataclass(frozen=True, slots=True)
class AppFacts:
    """One app's binary. `path` is what people are shown; `memory` is (pages, most pages) of its own or imported memory;
    `elements` are those that its tables start with.

    `traced` is False where code was not read, as nothing that it imports calls for it; `calls` and `escapes` are empty then.
    `listing` shows, by offset, the code that calls, escapes and faults lie in. With a `fault` all else is empty.
    """

    app: str
    path: str
    sha256: str
    size: int
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()
    memory: tuple[int, int | None] | None = None
    elements: int = 0
    traced: bool = False
    calls: tuple[Call, ...] = ()
    escapes: tuple[Escape, ...] = ()
    strays: tuple[Stray, ...] = ()
    fault: Fault | None = None
    listing: tuple[tuple[int, Excerpt], ...] = ()

    def place(self, site: Site) -> WasmPlace:
        return WasmPlace(self.path, site.function, site.offset, self.excerpt(site.offset))

    def at(self, offset: int) -> WasmPlace:
        """A place outside of functions."""
        return WasmPlace(self.path, "", offset, self.excerpt(offset))

    def excerpt(self, offset: int) -> Excerpt | None:
        """What stands at an offset, where somebody points at it: code, an import, an export or a segment."""
        place = bisect_left(self.listing, offset, key=lambda listed: listed[0])
        if place < len(self.listing) and self.listing[place][0] == offset:
            return self.listing[place][1]
        entry = next((entry for entry in (*self.imports, *self.exports, *self.strays) if entry.offset == offset), None)
        return _entry(entry) if entry else None

    def imports_of(self, module: str) -> tuple[Import, ...]:
        return tuple(i for i in self.imports if i.module == module)

    def calls_of(self, module: str, name: str) -> tuple[Call, ...]:
        return tuple(c for c in self.calls if (c.module, c.name) == (module, name))

    def escape_of(self, module: str, name: str) -> Escape | None:
        """How a function can be called other than directly, where it can."""
        return next((e for e in self.escapes if (e.module, e.name) == (module, name)), None)

    def uses(self, module: str, name: str) -> bool:
        """Whether anything can call this import; importing is enough where code was not read."""
        if not any((i.module, i.name) == (module, name) for i in self.imports):
            return False
        return not self.traced or bool(self.calls_of(module, name)) or self.escape_of(module, name) is not None

    def export(self, name: str) -> Export | None:
        return next((e for e in self.exports if e.name == name), None)


def to_json(facts: AppFacts) -> bytes:
    """The facts of a content, without the app that it belongs to."""
    content = {field.name: getattr(facts, field.name) for field in fields(facts)[2:]}
    return json.dumps(content, separators=(",", ":")).encode()


def from_json(text: bytes, app: str, path: str) -> AppFacts:
    """What `to_json` gave, for this app."""
    table = json.loads(text)
    return AppFacts(
        app, path, table["sha256"], table["size"],
        tuple(Import(module, name, kind, tuple(params), tuple(results), offset)
              for module, name, kind, params, results, offset in table["imports"]),
        tuple(Export(name, kind, tuple(params), tuple(results), offset) for name, kind, params, results, offset in table["exports"]),
        tuple(table["memory"]) if table["memory"] else None, table["elements"],
        table["traced"],
        tuple(Call(module, name, Site(*site), tuple(map(_operand, operands))) for module, name, site, operands in table["calls"]),
        tuple(Escape(module, name, how, Site(*site)) for module, name, how, site in table["escapes"]),
        tuple(Stray(*stray) for stray in table["strays"]),
        Fault(*table["fault"]) if table["fault"] else None,
        tuple((offset, Excerpt(tuple((at, text) for at, text in lines), start, length)) for offset, (lines, start, length) in table["listing"]),
    )


def _operand(written: list) -> Operand:
    values, reach, below = written
    known = tuple(Known(number, Site(*site) if site else None) for number, site in values)
    return Operand(known, tuple(reach) if reach else None, tuple(below) if below else None)


def _entry(entry: Import | Export | Stray) -> Excerpt:
    """An entry of a section as WebAssembly text has it; carets stand below its first word."""
    from composer.wasm.shown import shown

    if isinstance(entry, Stray):
        word, unit = ("data", "byte") if entry.kind == "data" else ("elem", "element")
        text = f"{word} (i32.const {entry.at:#x}) ;; {entry.length:,} {unit}{'' if entry.length == 1 else 's'}"
    else:
        word = "import" if isinstance(entry, Import) else "export"
        names = (entry.module, entry.name) if isinstance(entry, Import) else (entry.name,)
        quoted = " ".join(f'"{shown(name)}"' for name in names)
        text = f"{word} {quoted} ({_typed(entry)})"
    return Excerpt(((entry.offset, text),), 0, len(word))


def _typed(entry: Import | Export) -> str:
    types = (("param", entry.params), ("result", entry.results))
    return " ".join((entry.kind, *(f"({word} {' '.join(each)})" for word, each in types if each)))
