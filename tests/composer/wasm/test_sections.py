"""Sections as they should be, and every way in which they lie."""

from __future__ import annotations

import pytest

from composer.wasm.cursor import WasmError
from composer.wasm.sections import read_module
from composer.wasm.types import FuncType, Limits
from tests.composer.wasm.encode import HEADER, module, name, section, uleb, vector, wat

TYPE = section(1, vector(b"\x60\0\0"))
FUNCTION = section(3, vector(b"\0"))
CODE = section(10, vector(b"\x02\0\x0b"))


def fault(data: bytes) -> WasmError:
    with pytest.raises(WasmError) as caught:
        read_module(data)
    return caught.value


def test_everything_that_sections_say_is_read() -> None:
    read = read_module(wat("""(module
      (type (func (param i32 i64) (result f32)))
      (import "a" "f" (func (param i32))) (import "a" "g" (global i64))
      (table 3 4 funcref) (memory 2 5)
      (global $c i32 (i32.const -1)) (global $v (mut i32) (i32.const 7)) (global i64 (global.get 0))
      (func $one (result i32) (i32.const 1)) (func $two)
      (export "one" (func $one)) (export "m" (memory 0))
      (start $two)
      (elem (i32.const 1) $one $two) (elem func $two) (elem declare func $one)
      (data (i32.const 10) "abc") (data "passive"))"""))
    assert read.types[0] == FuncType(("i32", "i64"), ("f32",))
    assert [(i.module, i.name, i.kind) for i in read.imports] == [("a", "f", "func"), ("a", "g", "global")]
    assert (read.tables, read.memories) == ([Limits(3, 4)], [Limits(2, 5)])
    assert [g.value for g in read.globals] == [None, 0xFFFFFFFF, None, None]
    assert [(e.name, e.kind, e.index) for e in read.exports] == [("one", "func", 1), ("m", "memory", 0)]
    assert (read.start, read.imported_functions, len(read.bodies), read.data_segments) == (2, 1, 2, 2)
    assert [(e.function, e.how) for e in read.escapes] == [(1, "an export"), (1, "a table"), (2, "a table"), (2, "a table"), (1, "ref.func")]
    assert [(s.kind, s.at, s.length) for s in read.segments] == [("element", 1, 2), ("data", 10, 3)]
    assert [data for start, end in read.bodies for data in [read.data[end - 1]]] == [0x0B, 0x0B]


def test_extended_constants_are_computed() -> None:
    read = read_module(wat("(module (global i32 (i32.mul (i32.add (i32.const 5) (i32.const -7)) (i32.const 3))))"))
    assert read.globals[0].value == 0xFFFFFFFA


def test_functions_in_element_expressions_escape() -> None:
    read = read_module(wat("""(module (table 2 funcref) (func $f) (elem (i32.const 0) funcref (ref.func $f) (ref.null func))
      (global funcref (ref.func $f)))"""))
    assert [(e.function, e.how) for e in read.escapes] == [(0, "ref.func"), (0, "ref.func")]


def test_custom_sections_may_stand_anywhere() -> None:
    custom = section(0, name("x"), b"anything")
    assert len(read_module(module(custom, TYPE, custom, custom, FUNCTION, CODE, custom)).bodies) == 1


@pytest.mark.parametrize(("data", "said"), [
    (b"", "the file is empty"),
    (b"\0as", "ends within its header"),
    (HEADER[:6], "ends within its header"),
    (b"\x7fELF" + bytes(60), "an ELF file"),
    (b"(module)", "wasm text"),
    (b"\xef\xbb\xbf\n ;; text\n(module)", "wasm text"),
    (b"MZ\x90\0", "Windows or UEFI"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"#!/bin/sh\n", "a script"),
    (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    (b"hello", r"but with 68 65 6c 6c"),
    (b"\0asm\x02\0\0\0", "binary version is 2"),
])
def test_what_is_no_module_is_named(data: bytes, said: str) -> None:
    found = fault(data)
    assert said in found.message
    assert found.feature is None


def test_a_component_is_a_feature_and_no_damage() -> None:
    assert fault(b"\0asm\x0d\0\x01\0").feature == "the component model"


@pytest.mark.parametrize(("sections", "said", "offset"), [
    ([b"\x01\xff\xff\xff\xff\x0f"], "the type section says it is 4294967295 bytes long, but 0 are left", 14),
    ([section(1, b"\xff\xff\xff\xff\x0f")], "says it holds 4294967295 types", 10),
    ([section(1, vector(b"\x61\0\0"))], "type form 0x61", 11),
    ([section(1, vector(b"\x60\x01\x01\0"))], "unknown value type 0x01", 13),
    ([section(1, vector(b"\x60\0\0"), b"\0")], "1 byte left over", 14),
    ([FUNCTION], "has type 0, but there are 0 types", 11),
    ([TYPE, FUNCTION], "1 functions are declared, but 0 have code", 18),
    ([TYPE, FUNCTION, section(10, vector())], "but 0 have code", 21),
    ([TYPE, TYPE], "out of order or there twice", 14),
    ([FUNCTION, TYPE], "there are 0 types", 11),
    ([section(5, vector(b"\0\x01")), section(4, vector())], "the table section is out of order", 13),
    ([section(14)], "unknown section 14", 8),
    ([section(0, b"\x05ab")], "a custom section's name says it is 5 bytes long, but 2 are left", 10),
    ([section(0, name(b"\xff"))], "not UTF-8", 11),
    ([section(2, vector(name("a") + name("b") + b"\x05\0"))], "unknown kind 5", 15),
    ([section(2, vector(name("a") + name("b") + b"\0\x07"))], "has type 7", 16),
    ([section(4, vector(b"\x70\x11\0"))], "unknown flags 0x11", 12),
    ([section(4, vector(b"\x7f\0\0"))], "a table holds functions, not i32", 11),
    ([section(5, vector(b"\0" + uleb(65537)))], "at most 65536 pages", 11),
    ([section(5, vector(b"\x01\x02\x01"))], "maximum 1 is less than its minimum 2", 11),
    ([section(6, vector(b"\x7f\x02\x41\0\x0b"))], "mutability is 0 or 1, not 2", 12),
    ([section(6, vector(b"\x7f\0\x41\0"))], "does not end", 13),
    ([section(6, vector(b"\x7f\0\x0b"))], "leaves 0 values", 13),
    ([section(6, vector(b"\x7f\0\x6a\x0b"))], "adds what is not there", 13),
    ([section(6, vector(b"\x7f\0\x01\x0b"))], "0x01 is not allowed in a constant", 13),
    ([section(6, vector(b"\x7f\0\x23\0\x0b"))], "reads global 0", 13),
    ([section(6, vector(b"\x70\0\xd2\0\x0b"))], "refers to function 0 of 0", 13),
    ([section(7, vector(name("a") + b"\0\0"))], "func 0 is named, but there are 0", 14),
    ([section(7, vector(name("a") + b"\x09\0"))], "unknown kind 9", 13),
    ([section(5, vector(b"\0\x01")), section(7, vector(name("a") + b"\x02\0", name("a") + b"\x02\0"))], "two exports have one name", 20),
    ([section(8, b"\0")], "func 0 is named", 10),
    ([section(9, vector(b"\x08\x00"))], "unknown flags 8", 11),
    ([section(9, vector(b"\0\x41\0\x0b\0"))], "there is no table", 11),
    ([section(11, vector(b"\0\x41\0\x0b\0"))], "data for memory 0, but there are 0", 11),
    ([section(11, vector(b"\x03\0"))], "unknown flags 3", 11),
    ([section(11, vector(b"\x01\xff\xff\xff\xff\x0f"))], "a data segment says it is 4294967295 bytes long", 17),
    ([section(12, b"\x03")], "3 data segments are announced, but 0 are there", 11),
    ([TYPE, FUNCTION, section(10, vector(b"\x7f\0\x0b"))], "a function's code says it is 127 bytes long, but 2 are left", 22),
])
def test_sections_that_lie_are_found_at_their_offset(sections: list[bytes], said: str, offset: int) -> None:
    found = fault(module(*sections))
    assert said in found.message
    assert found.offset == offset
    assert found.feature is None


def test_an_import_of_an_exact_type_is_a_feature_though_wasmtime_lets_it_pass() -> None:
    assert fault(module(TYPE, section(2, vector(name("a") + name("b") + b"\x20\0")))).feature == "custom descriptors"


@pytest.mark.parametrize(("text", "feature"), [
    ("(module (memory i64 1))", "memory64"),
    ("(module (table i64 1 funcref))", "memory64"),
    ("(module (memory 1 1 shared))", "threads"),
    ('(module (import "a" "m" (memory 1 1 shared)))', "threads"),
    ("(module (memory 1) (memory 1))", "multi-memory"),
    ("(module (memory 1 (pagesize 1)))", "custom page sizes"),
    ("(module (tag))", "exception handling"),
    ('(module (import "a" "t" (tag)))', "exception handling"),
    ("(module (type (struct)))", "garbage collection"),
    ("(module (func (param (ref func))))", "typed function references"),
    ("(module (table 1 anyref))", "garbage collection"),
    ("(module (func (param externref)))", "externref"),
    ("(module (table 1 funcref (ref.null func)))", "typed function references"),
])
def test_features_that_the_kernel_lacks_are_named(text: str, feature: str) -> None:
    assert fault(wat(text)).feature == feature


@pytest.mark.parametrize(("kind", "before"), [(4, b"\x70"), (5, b"")])
def test_limits_may_be_written_as_numbers_of_64_bits(kind: int, before: bytes) -> None:
    long_three = b"\x83\x80\x80\x80\x80\x80\x80\x80\x80\x00"
    read = read_module(module(section(kind, vector(before + b"\x01\x02" + long_three))))
    assert (read.tables or read.memories) == [Limits(2, 3)]
    for beyond in (uleb(2**32), uleb(2**63)):
        with pytest.raises(WasmError, match="may have at most"):
            read_module(module(section(kind, vector(before + b"\x01\x02" + beyond))))
