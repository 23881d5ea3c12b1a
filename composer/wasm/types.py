"""Value types, function types and limits, as they are written in a binary.

Gets a cursor; gives names a person knows (`i32`, `funcref`), or a WasmError that names the feature that is missing.
"""

from __future__ import annotations

from typing import NamedTuple

from composer.wasm.cursor import Cursor, WasmError

VALUE_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref"}
_FOREIGN_TYPES = {
    0x64: "typed function references", 0x63: "typed function references", 0x69: "exception handling", 0x74: "exception handling",
    0x6F: "externref",
    **{byte: "garbage collection" for byte in (0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x71, 0x72, 0x73)},
}
_MAX_PAGES = 1 << 16
_MAX_TABLE = (1 << 32) - 1


class FuncType(NamedTuple):
    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        return f"({', '.join(self.params)}) -> ({', '.join(self.results)})"


class Limits(NamedTuple):
    """Pages of 64 KiB for a memory, elements for a table."""

    min: int
    max: int | None


class GlobalType(NamedTuple):
    type: str
    mutable: bool


def value_type(cursor: Cursor) -> str:
    at = cursor.pos
    byte = cursor.byte()
    name = VALUE_TYPES.get(byte)
    if name is None:
        raise unknown_type(byte, at)
    return name


def reference_type(cursor: Cursor) -> str:
    at = cursor.pos
    name = value_type(cursor)
    if name != "funcref":
        raise cursor.fail(f"a table holds functions, not {name}", at)
    return name


def unknown_type(byte: int, at: int) -> WasmError:
    return WasmError(f"unknown value type {byte:#04x}", at, _FOREIGN_TYPES.get(byte))


def func_type(cursor: Cursor) -> FuncType:
    at = cursor.pos
    form = cursor.byte()
    if form in (0x4E, 0x4F, 0x50, 0x5E, 0x5F):
        raise WasmError(f"type form {form:#04x} is none of a function", at, "garbage collection")
    if form != 0x60:
        raise cursor.fail(f"type form {form:#04x} is none of a function", at)
    params = tuple([value_type(cursor) for _ in range(cursor.count("parameters"))])
    results = tuple([value_type(cursor) for _ in range(cursor.count("results"))])
    return FuncType(params, results)


def memory_limits(cursor: Cursor) -> Limits:
    """A memory of 32-bit addresses that one SIP has for itself."""
    at = cursor.pos
    flags = cursor.byte()
    if flags & 0x02:
        raise WasmError("a memory that is shared between threads", at, "threads")
    if flags & 0x04:
        raise WasmError("a memory of 64-bit addresses", at, "memory64")
    if flags & 0x08:
        raise WasmError("a memory with pages of another size than 64 KiB", at, "custom page sizes")
    return _limits(cursor, flags, at, _MAX_PAGES, "memory")


def table_limits(cursor: Cursor) -> Limits:
    at = cursor.pos
    flags = cursor.byte()
    if flags & 0x02:
        raise WasmError("a table that is shared between threads", at, "threads")
    if flags & 0x04:
        raise WasmError("a table with 64-bit indexes", at, "memory64")
    return _limits(cursor, flags, at, _MAX_TABLE, "table")


def _limits(cursor: Cursor, flags: int, at: int, most: int, what: str) -> Limits:
    if flags > 1:
        raise cursor.fail(f"a {what}'s limits begin with the unknown flags {flags:#04x}", at)
    # Limits are written as 64-bit numbers (WebAssembly 3.0, section 5.3.10), in as many bytes as those may take.
    least = cursor.u64()
    limit = cursor.u64() if flags else None
    if least > most or (limit is not None and limit > most):
        raise cursor.fail(f"a {what} may have at most {most} {'pages' if what == 'memory' else 'elements'}", at)
    if limit is not None and limit < least:
        raise cursor.fail(f"a {what}'s maximum {limit} is less than its minimum {least}", at)
    return Limits(least, limit)


def global_type(cursor: Cursor) -> GlobalType:
    kind = value_type(cursor)
    at = cursor.pos
    mutable = cursor.byte()
    if mutable > 1:
        raise cursor.fail(f"a global's mutability is 0 or 1, not {mutable}", at)
    return GlobalType(kind, bool(mutable))
