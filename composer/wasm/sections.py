"""Reads the sections of a core wasm binary (WebAssembly specification 2.0, section 5.5); code is only located.

Gets bytes; gives a Module whose indexes are all in range, or a WasmError. Work and memory are linear in the bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from composer.wasm import constant
from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.module import Escape, Export, Global, Import, Module, Segment
from composer.wasm.sniff import check_header
from composer.wasm.types import (
    func_type,
    global_type,
    memory_limits,
    reference_type,
    table_limits,
)

_NAMES = ("custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code",
          "data", "data count")
_ORDER = {section: place for place, section in enumerate((1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11))}
_TAG = 13
_KINDS = ("func", "table", "memory", "global")


def read_module(data: bytes) -> Module:
    """Read every section. Raises WasmError where the bytes are no module of the features that the kernel runs."""
    check_header(data)
    module = Module(data)
    cursor = Cursor(data, 8, len(data), "the file")
    last = -1
    while cursor.left:
        at = cursor.pos
        section = cursor.byte()
        if section == _TAG:
            raise WasmError("a section of exception tags", at, "exception handling")
        if section >= len(_NAMES):
            raise WasmError(f"unknown section {section}", at)
        part = cursor.part(cursor.u32(), f"the {_NAMES[section]} section")
        if section == 0:
            _custom(part, module)
            continue
        if _ORDER[section] <= last:
            raise WasmError(f"the {_NAMES[section]} section is out of order or there twice", at)
        last = _ORDER[section]
        _READERS[section](part, module)
        part.must_end()
    _check_counts(module, len(data))
    return module


def _check_counts(module: Module, end: int) -> None:
    declared = len(module.functions) - module.imported_functions
    if declared != len(module.bodies):
        raise WasmError(f"{declared} functions are declared, but {len(module.bodies)} have code", end)
    if module.data_count is not None and module.data_count != module.data_segments:
        raise WasmError(f"{module.data_count} data segments are announced, but {module.data_segments} are there", end)


def _custom(cursor: Cursor, module: Module) -> None:
    if cursor.name("a custom section's name") == "name":
        module.names_at = (cursor.pos, cursor.end)


def _types(cursor: Cursor, module: Module) -> None:
    module.types = [func_type(cursor) for _ in range(cursor.count("types"))]


def _type_index(cursor: Cursor, module: Module) -> int:
    at = cursor.pos
    index = cursor.u32()
    if index >= len(module.types):
        raise cursor.fail(f"a function has type {index}, but there are {len(module.types)} types", at)
    return index


def _imports(cursor: Cursor, module: Module) -> None:
    for _ in range(cursor.count("imports", least=4)):
        at = cursor.pos
        where, name = cursor.name("an import's module"), cursor.name("an import's name")
        kind_at = cursor.pos
        kind = cursor.byte()
        if kind == 4:
            raise WasmError("an imported exception tag", kind_at, "exception handling")
        if kind == 0x20:
            raise WasmError("an imported function of an exact type", kind_at, "custom descriptors")
        if kind >= len(_KINDS):
            raise cursor.fail(f"an import is of the unknown kind {kind}", kind_at)
        _import(cursor, module, where, name, _KINDS[kind], at)


def _import(cursor: Cursor, module: Module, where: str, name: str, kind: str, at: int) -> None:
    if kind == "func":
        index = _type_index(cursor, module)
        made = Import(where, name, kind, module.types[index], at)
        module.functions.append(index)
        module.function_imports.append(made)
    elif kind == "table":
        reference_type(cursor)
        made = Import(where, name, kind, table_limits(cursor), at)
        module.tables.append(made.type)
    elif kind == "memory":
        made = Import(where, name, kind, memory_limits(cursor), at)
        _add_memory(module, made.type, at)
    else:
        made = Import(where, name, kind, global_type(cursor), at)
        module.globals.append(Global(made.type, None))
    module.imports.append(made)


def _functions(cursor: Cursor, module: Module) -> None:
    module.functions += [_type_index(cursor, module) for _ in range(cursor.count("functions"))]


def _tables(cursor: Cursor, module: Module) -> None:
    for _ in range(cursor.count("tables", least=3)):
        if cursor.data[cursor.pos] == 0x40:
            raise WasmError("a table with an initial value", cursor.pos, "typed function references")
        reference_type(cursor)
        module.tables.append(table_limits(cursor))


def _memories(cursor: Cursor, module: Module) -> None:
    for _ in range(cursor.count("memories", least=2)):
        at = cursor.pos
        _add_memory(module, memory_limits(cursor), at)


def _add_memory(module: Module, limits: object, at: int) -> None:
    if module.memories:
        raise WasmError("a second memory", at, "multi-memory")
    module.memories.append(limits)


def _globals(cursor: Cursor, module: Module) -> None:
    for _ in range(cursor.count("globals", least=3)):
        kind = global_type(cursor)
        value = constant.expression(cursor, module, "a global")
        module.globals.append(Global(kind, None if kind.mutable else value))


def _exports(cursor: Cursor, module: Module) -> None:
    seen = set()
    for _ in range(cursor.count("exports", least=3)):
        at = cursor.pos
        name = cursor.name("an export's name")
        if name in seen:
            raise cursor.fail("two exports have one name", at)
        seen.add(name)
        kind_at = cursor.pos
        kind = cursor.byte()
        if kind == 4:
            raise WasmError("an exported exception tag", kind_at, "exception handling")
        if kind >= len(_KINDS):
            raise cursor.fail(f"an export is of the unknown kind {kind}", kind_at)
        index = _index(cursor, (module.functions, module.tables, module.memories, module.globals)[kind], _KINDS[kind])
        module.exports.append(Export(name, _KINDS[kind], index, at))
        if _KINDS[kind] == "func":
            module.escapes.append(Escape(index, "an export", at))


def _index(cursor: Cursor, known: list, what: str) -> int:
    at = cursor.pos
    index = cursor.u32()
    if index >= len(known):
        raise cursor.fail(f"{what} {index} is named, but there are {len(known)}", at)
    return index


def _start(cursor: Cursor, module: Module) -> None:
    module.start = _index(cursor, module.functions, "func")


def _elements(cursor: Cursor, module: Module) -> None:
    for _ in range(cursor.count("element segments", least=2)):
        _element_segment(cursor, module)
        module.element_segments += 1


def _element_segment(cursor: Cursor, module: Module) -> None:
    """One of the eight forms of section 5.5.12: bit 0 no table, bit 1 a table's index or declared, bit 2 expressions."""
    start = cursor.pos
    flags = cursor.u32()
    if flags > 7:
        raise cursor.fail(f"an element segment begins with the unknown flags {flags}", start)
    active, expressions = not flags & 1, flags & 4
    table = _index(cursor, module.tables, "table") if active and flags & 2 else 0
    if active and table >= len(module.tables):
        raise cursor.fail("elements for table 0, but there is no table", start)
    at = constant.expression(cursor, module, "an element segment's place") if active else None
    if flags & 3:
        _element_kind(cursor, bool(expressions))
    count, how = cursor.count("elements"), "ref.func" if flags & 3 == 3 else "a table"
    for _ in range(count):
        if expressions:
            constant.expression(cursor, module, "an element")
        else:
            where = cursor.pos
            module.escapes.append(Escape(_index(cursor, module.functions, "func"), how, where))
    if active:
        module.segments.append(Segment("element", table, at, count, start))


def _element_kind(cursor: Cursor, expressions: bool) -> None:
    at = cursor.pos
    if expressions:
        reference_type(cursor)
    elif cursor.byte() != 0:
        raise cursor.fail("an element segment holds something other than functions", at)


def _code(cursor: Cursor, module: Module) -> None:
    for _ in range(cursor.count("functions", least=2)):
        body = cursor.part(cursor.u32(), "a function's code")
        module.bodies.append((body.pos, body.end))


def _data(cursor: Cursor, module: Module) -> None:
    for _ in range(cursor.count("data segments", least=2)):
        start = cursor.pos
        flags = cursor.u32()
        if flags > 2:
            raise cursor.fail(f"a data segment begins with the unknown flags {flags}", start)
        memory = cursor.u32() if flags == 2 else 0
        if flags != 1 and memory >= len(module.memories):
            raise cursor.fail(f"data for memory {memory}, but there are {len(module.memories)}", start)
        at = constant.expression(cursor, module, "a data segment's place") if flags != 1 else None
        length = cursor.part(cursor.u32(), "a data segment").left
        module.data_segments += 1
        if flags != 1:
            module.segments.append(Segment("data", memory, at, length, start))


def _data_count(cursor: Cursor, module: Module) -> None:
    module.data_count = cursor.u32()


_READERS: dict[int, Callable[[Cursor, Module], None]] = {
    1: _types, 2: _imports, 3: _functions, 4: _tables, 5: _memories, 6: _globals, 7: _exports, 8: _start, 9: _elements,
    10: _code, 11: _data, 12: _data_count,
}
