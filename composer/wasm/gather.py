"""Makes facts of bytes: reads, validates and, where asked, traces a binary. Imported only when no fact is cached.

Gets an app's name, the path to show and the bytes; gives AppFacts, with a fault in place of an exception.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from composer.spans import Excerpt
from composer.wasm.cursor import WasmError
from composer.wasm.facts import (
    PAGE,
    AppFacts,
    Call,
    Escape,
    Export,
    Fault,
    Import,
    Known,
    Operand,
    Site,
    Stray,
)
from composer.wasm.listing import Listed, called, list_bytes, list_code
from composer.wasm.module import Module
from composer.wasm.names import function_name, function_names
from composer.wasm.sections import read_module
from composer.wasm.trace import Trace, trace
from composer.wasm.validate import validate
from composer.wasm.values import Below, Value, ranged


def gather(app: str, path: str, data: bytes, traced: bool) -> AppFacts:
    """The facts of a binary; the calls and escapes of its imports only where `traced`."""
    digest, module = hashlib.sha256(data).hexdigest(), None
    try:
        module = read_module(data)
        validate(data)
        found = trace(module) if traced else Trace([], [])
    except WasmError as fault:
        return AppFacts(app, path, digest, len(data), fault=Fault(fault.message, fault.offset, fault.feature),
                        listing=_around(data, module, fault.offset))
    sites = _Sites(module) if found.calls or found.escapes else None
    calls = tuple(_call(module, sites, call) for call in found.calls)
    escapes = tuple(_escape(module, sites, escape) for escape in found.escapes)
    return AppFacts(
        app, path, digest, len(data), _imports(module), _exports(module),
        tuple(module.memories[0]) if module.memories else None, sum(table[0] for table in module.tables), traced,
        calls, escapes, tuple(_strays(module)), listing=sites.listing(found.escapes) if sites else (),
    )


def _around(data: bytes, module: Module | None, offset: int) -> tuple[Listed, ...]:
    """What stands where a binary is at fault: an instruction where it can be read as one, else the bytes."""
    listed: tuple[Listed, ...] = ()
    if module:
        with suppress(WasmError):
            listed = list_code(module, function_names(module), [offset])
    return listed or (((offset, list_bytes(data, offset)),) if data else ())


class _Sites:
    """Names the function that an offset lies in, and remembers what was asked for, to list it."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = function_names(module)
        self.bodies = module.bodies
        self.first = module.imported_functions
        self.asked: set[int] = set()

    def site(self, offset: int) -> Site:
        place = bisect_right(self.bodies, (offset, len(self.bodies) and self.bodies[-1][1])) - 1
        if place < 0 or offset >= self.bodies[place][1]:
            return Site("", offset)
        self.asked.add(offset)
        return Site(function_name(self.names, self.first + place), offset)

    def answer(self, function: int) -> tuple[str, str]:
        """The names of an imported function."""
        imported = self.module.function_imports[function]
        return imported.module, imported.name

    def listing(self, escapes: Iterable[Any]) -> tuple[Listed, ...]:
        """Everything that was asked for, and the entries of segments by which functions escape; exports are facts already."""
        entries = ((e.offset, _entry(e.offset, e.how, called(self.module, self.names, e.function)))
                   for e in escapes if e.how != "an export" and e.offset not in self.asked)
        return tuple(sorted({**dict(entries), **dict(list_code(self.module, self.names, self.asked))}.items()))


def _entry(offset: int, how: str, function: str) -> Excerpt:
    word = how if how == "ref.func" else "elem"
    return Excerpt(((offset, f"{word} {function}"),), 0, len(word))


def _imports(module: Module) -> tuple[Import, ...]:
    return tuple(
        Import(i.module, i.name, i.kind, *(i.type if i.kind == "func" else ((), ())), i.offset) for i in module.imports
    )


def _exports(module: Module) -> tuple[Export, ...]:
    return tuple(
        Export(e.name, e.kind, *(module.type_of(e.index) if e.kind == "func" else ((), ())), e.offset) for e in module.exports
    )


def _call(module: Module, sites: _Sites, call) -> Call:
    imported = module.function_imports[call.imported]
    operands = tuple(map(partial(_operand, sites), call.operands, imported.type.params))
    return Call(imported.module, imported.name, sites.site(call.offset), operands)


def _operand(sites: _Sites, value: Value, kind: str) -> Operand:
    if isinstance(value, tuple):
        value = ranged(*value, 64 if kind == "i64" else 32)
    if isinstance(value, dict):
        return Operand(tuple(Known(number, sites.site(at) if at else None) for number, at in sorted(value.items())))
    return Operand((), value if isinstance(value, tuple) else None, sites.answer(value.function) if isinstance(value, Below) else None)


def _escape(module: Module, sites: _Sites, escape) -> Escape:
    imported = module.function_imports[escape.function]
    return Escape(imported.module, imported.name, escape.how, sites.site(escape.offset))


def _strays(module: Module) -> list[Stray]:
    """Segments whose place and length are known to reach past the end: starting the module would always trap."""
    found = []
    for segment in module.segments:
        limits = (module.memories if segment.kind == "data" else module.tables)[segment.target]
        imported = any(i.type is limits for i in module.imports)
        size = limits.min * (PAGE if segment.kind == "data" else 1)
        if not imported and segment.at is not None and segment.at + segment.length > size:
            found.append(Stray(segment.kind, segment.at, segment.length, size, segment.offset))
    return found
