"""Every instruction is read as wasmtime reads it, and the quick scan agrees with the precise decoder."""

from __future__ import annotations

import pytest

from composer.wasm import opcodes as op
from composer.wasm.code import instruction, instructions
from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.interpret import Budget, walk
from composer.wasm.scan import MAX_DEPTH, MAX_LOCALS, scan
from composer.wasm.sections import read_module
from composer.wasm.validate import validate
from tests.composer.wasm.encode import module, one_function, section, uleb, vector, wat

IMMEDIATES = {
    op.NONE: b"", op.INDEX: b"\0", op.INDEX2: b"\0\0", op.I32: b"\x7f", op.I64: b"\x7f", op.F32: bytes(4), op.F64: bytes(8),
    op.BLOCK: b"\x40", op.TABLE: b"\0\0", op.MEMARG: b"\0\0", op.TYPES: b"\x01\x7f", op.HEAP: b"\x70", op.LANE: b"\0",
    op.MEMARG_LANE: b"\0\0\0", op.BYTES16: bytes(16),
}
UNREACHABLE, END = b"\0", b"\x0b"


def encoded(code: int) -> bytes:
    return bytes([code]) if code < 0x100 else bytes([code >> 12]) + uleb(code & 0xFFF)


def holding(code: int) -> bytes:
    """A valid module in which the instruction stands between two `unreachable`, where operands of any type are there."""
    instruction = encoded(code) + IMMEDIATES[op.EFFECTS[code].immediate]
    if code in (op.BLOCK_OP, op.LOOP, op.IF):
        instruction += END
    elif code == op.ELSE:
        instruction = b"\x04\x40" + instruction + END
    elif code == op.END:
        instruction = b"\x02\x40" + instruction
    function = b"\x01\x01\x7f" + UNREACHABLE + instruction + UNREACHABLE + END
    return module(
        section(1, vector(b"\x60\0\0")), section(3, vector(b"\0", b"\0")), section(4, vector(b"\x70\0\x01")), section(5, vector(b"\0\x01")),
        section(6, vector(b"\x7f\x01\x41\0\x0b")), section(7, vector(b"\x01f\0\0")), section(9, vector(b"\x01\0\x01\x01")),
        section(12, b"\x01"), section(10, vector(uleb(len(function)) + function, b"\x02\0\x0b")), section(11, vector(b"\x01\0")),
    )


@pytest.mark.parametrize("code", sorted(op.EFFECTS), ids=hex)
def test_each_instruction_has_the_length_that_wasmtime_gives_it(code: int) -> None:
    data = holding(code)
    validate(data)
    read = read_module(data)
    scan(read)
    walk(read, 0, [], Budget(10_000), None)


@pytest.mark.parametrize("code", [code for code in range(0x100) if code not in op.EFFECTS and code not in (op.MISC, op.SIMD)], ids=hex)
def test_other_bytes_are_no_instructions_for_wasmtime_either(code: int) -> None:
    data = one_function(b"\0" + bytes([code]) + bytes(8) + b"\x0b")
    with pytest.raises(WasmError):
        validate(data)
    with pytest.raises(WasmError, match=f"unsupported instruction {code:#04x}") as caught:
        scan(read_module(data))
    assert caught.value.offset == len(data) - 10


@pytest.mark.parametrize(("prefix", "first", "last"), [(op.MISC, 0, 40), (op.SIMD, 0, 0x140)])
def test_behind_prefixes_both_know_the_same_instructions(prefix: int, first: int, last: int) -> None:
    for number in range(first, last):
        if prefix << 12 | number in op.EFFECTS:
            continue
        data = one_function(b"\0" + bytes([prefix]) + uleb(number) + bytes(20) + b"\x0b")
        with pytest.raises(WasmError, match="unsupported instruction"):
            scan(read_module(data))
        with pytest.raises(WasmError):
            validate(data)


@pytest.mark.parametrize(("code", "feature"), [
    (b"\x06\x40", "exception handling"), (b"\x1f\x40\0", "exception handling"), (b"\x14\0", "typed function references"),
    (b"\xfe\x03\0", "threads"), (b"\xfb\0\0", "garbage collection"), (b"\xfc\x13", "wide arithmetic"), (b"\x28\x42\0\0", "multi-memory"),
    (b"\xd0\x6f", "externref"), (b"\xd0\x6e", "garbage collection"), (b"\xd0\0", "typed function references"),
    (b"\x02\x6e", "garbage collection"), (b"\xfc\xff\xff\x03", None), (b"\x28\x05\0", None), (b"\x1c\x01\x00", None),
])
def test_what_is_unsupported_names_its_feature_where_there_is_one(code: bytes, feature: str | None) -> None:
    with pytest.raises(WasmError) as caught:
        scan(read_module(one_function(code + b"\x0b")))
    assert caught.value.feature == feature


def test_long_forms_of_numbers_scan_as_short_ones() -> None:
    padded = b"\x41\x80\x80\x80\x80\x78\x1a\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f\x1a\x0c\x80\x80\x80\x80\x00\x0b"
    data = one_function(padded)
    validate(data)
    scan(read_module(data))
    start, end = read_module(data).bodies[0]
    assert [i[2] for i in instructions(Cursor(data, start + 1, end, "code"))] == [-(2**31), None, -(2**63), None, 0, None]


@pytest.mark.parametrize("wrong", [b"\x41\x80\x80\x80\x80\x08", b"\x0c\x80\x80\x80\x80\x10", b"\x42" + b"\x80" * 10 + b"\0", b"\x43\0\0"])
def test_numbers_that_are_too_long_stop_the_scan(wrong: bytes) -> None:
    with pytest.raises(WasmError):
        scan(read_module(one_function(wrong + b"\x0b")))


@pytest.mark.parametrize(("code", "said"), [
    (b"", "has no end"), (b"\x01", "has no end"), (b"\x02\x40\x0b", "has no end"), (b"\x0b\x0b", "1 byte left over"),
    (b"\x10\x05\x0b", "function 5 is named, but there are 1"), (b"\xd2\x05\x0b", "function 5 is named"), (b"\x41", "middle of a value"),
    (b"\x0e\xff\xff\xff\xff\x0f\x0b", "branch targets"),
])
def test_code_that_lies_is_found(code: bytes, said: str) -> None:
    with pytest.raises(WasmError, match=said):
        scan(read_module(one_function(code)))


def test_blocks_nest_only_so_deep() -> None:
    def nested(depth: int) -> bytes:
        return one_function(b"\x02\x40" * depth + b"\x0b" * depth + b"\x0b")

    scan(read_module(nested(MAX_DEPTH - 1)))
    with pytest.raises(WasmError, match="nested deeper"):
        scan(read_module(nested(MAX_DEPTH)))


def test_locals_are_counted_and_not_believed() -> None:
    scan(read_module(one_function(b"\x0b", vector(uleb(MAX_LOCALS) + b"\x7f"))))
    for groups in (vector(uleb(MAX_LOCALS + 1) + b"\x7f"), vector(*[uleb(0xFFFFFFFF) + b"\x7f"] * 3)):
        with pytest.raises(WasmError, match="at most 50000 are allowed"):
            scan(read_module(one_function(b"\x0b", groups)))


def test_calls_and_references_are_found_wherever_they_stand() -> None:
    found = scan(read_module(wat("""(module (import "a" "f" (func $f)) (table 1 funcref) (elem declare func $g)
      (func $g (block (loop (if (i32.const 1) (then (call $f)) (else (call $h))))) (drop (ref.func $g)))
      (func $h (return_call $f)))""")))
    assert {caller: [callee for _, callee in calls] for caller, calls in found.calls.items()} == {1: [0, 2], 2: [0]}
    assert [(e.function, e.how) for e in found.escapes] == [(1, "ref.func")]


def test_an_instruction_knows_where_it_stands() -> None:
    at, code, immediate = instruction(Cursor(b"\x01\x01\x28\x02\x90\x03", 2, 6, "code"))
    assert (at, code, immediate) == (2, 0x28, 400)
