"""Puts readable names in place of mangled ones in a module's `name` section, for the backtraces that the kernel writes.

Gets wasm; gives wasm whose code is where it was, so that offsets of instructions stay those of the file: a `name` section that
comes before the code, or is broken, stays as it is.
"""

from __future__ import annotations

from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.names import readable

LONGEST = 120
"""Characters of one name that a backtrace shows."""
HEADER = 8
CUSTOM, CODE = 0, 10
"""Kinds of sections (specification 2.0, section 5.5.2)."""
NAME, FUNCTIONS = "name", 1
"""The section, and the kind of its part that names functions (specification 2.0, appendix 7.4)."""


def with_plain_names(wasm: bytes) -> bytes:
    """The module with names of functions as their authors wrote them, at most LONGEST characters each; no other names of its
    `name` section stay, since nobody reads them."""
    try:
        found = _name_section(wasm)
        return wasm if found is None else wasm[:found.start] + _section(_names(wasm, found)) + wasm[found.stop:]
    except WasmError:
        return wasm


def _name_section(wasm: bytes) -> range | None:
    """Where the `name` section lies, if it comes after the code."""
    cursor, after_code = Cursor(wasm, HEADER, len(wasm), "the file"), False
    while cursor.left:
        start, kind = cursor.pos, cursor.byte()
        content = cursor.part(cursor.u32(), "a section")
        after_code |= kind == CODE
        if after_code and kind == CUSTOM and content.name("a section's name") == NAME:
            return range(start, cursor.pos)
    return None


def _names(wasm: bytes, section: range) -> list[tuple[int, str]]:
    cursor, names = Cursor(wasm, section.start + 1, section.stop, "the name section"), []
    cursor.u32()
    cursor.name("its name")
    while cursor.left:
        kind = cursor.byte()
        part = cursor.part(cursor.u32(), "a part of the name section")
        if kind == FUNCTIONS:
            names += [(part.u32(), readable(part.name("a function's name"))[:LONGEST]) for _ in range(part.count("names", least=2))]
    return names


def _section(names: list[tuple[int, str]]) -> bytes:
    listed = _number(len(names)) + b"".join(_number(index) + _text(name) for index, name in names)
    content = _text(NAME) + bytes([FUNCTIONS]) + _number(len(listed)) + listed
    return bytes([CUSTOM]) + _number(len(content)) + content


def _text(name: str) -> bytes:
    data = name.encode()
    return _number(len(data)) + data


def _number(value: int) -> bytes:
    """LEB128 (specification 2.0, section 5.2.2)."""
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])
