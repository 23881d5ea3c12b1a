"""Names of functions for backtraces: readable, bounded, and no instruction is moved by them."""

from __future__ import annotations

import wasmtime

from composer.wasm.names import function_names
from composer.wasm.plain_names import LONGEST, with_plain_names
from composer.wasm.sections import read_module

MANGLED = "_RNvNtCs3x_4uart4uart4send"
SOURCE = f'(module (func $"{MANGLED}" (param $deep i32)) (func $"{"x" * 300}") (func $plain))'


def custom(name: bytes, content: bytes) -> bytes:
    return bytes([0, 1 + len(name) + len(content), len(name)]) + name + content


def test_names_are_as_their_authors_wrote_them_and_bounded():
    wasm = bytes(wasmtime.wat2wasm(SOURCE))
    plain = with_plain_names(wasm)
    assert function_names(read_module(plain)) == {0: "uart::uart::send", 1: "x" * LONGEST, 2: "plain"}
    assert len(plain) < len(wasm) - 180
    wasmtime.Module(wasmtime.Engine(), plain)


def test_every_instruction_is_where_it_was():
    wasm = bytes(wasmtime.wat2wasm(SOURCE)) + custom(b"producers", b"")
    plain = with_plain_names(wasm)
    bodies = [body for _, body in read_module(wasm).defined()]
    assert [body for _, body in read_module(plain).defined()] == bodies
    assert plain[:bodies[-1][1]] == wasm[:bodies[-1][1]] and plain.endswith(custom(b"producers", b""))


def test_names_before_the_code_and_broken_ones_stay():
    early = b"\0asm\1\0\0\0" + custom(b"name", b"\1\1\0") + b"\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\x0b"
    broken = b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\x0b" + custom(b"name", b"\1\xff\0")
    nameless = bytes(wasmtime.wat2wasm("(module (func))"))
    for wasm in (early, broken, nameless, b"", b"no wasm at all"):
        assert with_plain_names(wasm) == wasm
