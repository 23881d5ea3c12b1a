"""Wasm binaries for tests: from text by wasmtime, or put together byte by byte where no sound tool would make them."""

from __future__ import annotations

HEADER = b"\0asm\x01\0\0\0"
PORTS = """
  (import "munal:port/regs" "read8" (func $read8 (param i32) (result i32)))
  (import "munal:port/regs" "write8" (func $write8 (param i32 i32)))"""


def wat(text: str) -> bytes:
    import wasmtime

    return bytes(wasmtime.wat2wasm(text))


def driver(body: str, more: str = "") -> bytes:
    """A module that imports both port functions and whose `_start` is `body`; `more` stands before it."""
    return wat(f'(module {PORTS} {more} (func (export "_start") {body}))')


def uleb(number: int) -> bytes:
    """Unsigned LEB128, as short as it can be."""
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def section(kind: int, *content: bytes) -> bytes:
    body = b"".join(content)
    return bytes([kind]) + uleb(len(body)) + body


def vector(*entries: bytes) -> bytes:
    return uleb(len(entries)) + b"".join(entries)


def name(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return uleb(len(data)) + data


def module(*sections: bytes) -> bytes:
    return HEADER + b"".join(sections)


def one_function(code: bytes, locals_: bytes = b"\0") -> bytes:
    """A module of one function () -> () with exactly these locals and this code."""
    body = locals_ + code
    return module(section(1, vector(b"\x60\0\0")), section(3, vector(b"\0")), section(10, vector(uleb(len(body)) + body)))
