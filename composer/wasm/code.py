"""Instructions, one after the other, out of the code of a function.

Gets the bytes of an expression; gives (file offset, opcode, immediate) for each instruction, driven by the table in
opcodes.py. What the table does not hold is an error that names the instruction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from composer.wasm import opcodes as op
from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.types import VALUE_TYPES, unknown_type, value_type

Instruction = tuple[int, int, Any]


def instructions(cursor: Cursor) -> Iterator[Instruction]:
    """Each instruction up to the cursor's end."""
    while cursor.pos < cursor.end:
        yield instruction(cursor)


def instruction(cursor: Cursor) -> Instruction:
    """The instruction at the cursor, which steps over it."""
    at = cursor.pos
    code = cursor.byte()
    if code in (op.MISC, op.SIMD):
        code = _behind_prefix(code, cursor)
    effect = op.EFFECTS.get(code)
    if effect is None:
        raise _unsupported(code, at)
    read = _READERS[effect.immediate]
    return at, code, read(cursor) if read else None


def _behind_prefix(prefix: int, cursor: Cursor) -> int:
    at = cursor.pos - 1
    number = cursor.u32()
    if number > 0xFFF:
        raise WasmError(f"unsupported instruction {prefix:#x} {number:#x}", at)
    return prefix << 12 | number


def _unsupported(code: int, at: int) -> WasmError:
    shown = f"{code >> 12:#x} {code & 0xFFF:#x}" if code > 0xFF else f"{code:#04x}"
    return WasmError(f"unsupported instruction {shown}", at, op.feature_of(code))


def block_type(cursor: Cursor) -> int | str | None:
    """None for no values, the name of one result's type, or the index of a function type."""
    byte = cursor.data[cursor.pos] if cursor.left else cursor.byte()
    if byte == 0x40:
        cursor.pos += 1
        return None
    if byte in VALUE_TYPES:
        return value_type(cursor)
    at = cursor.pos
    index = cursor.s33()
    if index < 0:
        raise unknown_type(byte, at)
    return index


def _branch_table(cursor: Cursor) -> list[int]:
    """All targets of a br_table, the default last."""
    return [cursor.u32() for _ in range(cursor.count("branch targets") + 1)]


def _memory_argument(cursor: Cursor) -> int:
    """The offset that an access adds; its alignment is only a hint."""
    at = cursor.pos
    align = cursor.u32()
    if 64 <= align < 128:
        raise WasmError("an access names one of several memories", at, "multi-memory")
    if align > 4:
        raise cursor.fail(f"an access asks for an alignment of 2^{align}", at)
    return cursor.u32()


def _heap_type(cursor: Cursor) -> str:
    """Only functions can be referred to: a kernel without garbage collection has nothing else."""
    at = cursor.pos
    byte = cursor.byte()
    if byte != 0x70:
        feature = unknown_type(byte, at).feature or ("typed function references" if byte < 0x40 else None)
        raise WasmError(f"ref.null of the unknown type {byte:#04x}", at, feature)
    return VALUE_TYPES[byte]


_READERS: list[Callable[[Cursor], Any] | None] = [None] * 15
_READERS[op.INDEX] = Cursor.u32
_READERS[op.INDEX2] = lambda cursor: (cursor.u32(), cursor.u32())
_READERS[op.I32] = Cursor.s32
_READERS[op.I64] = Cursor.s64
_READERS[op.F32] = lambda cursor: cursor.take(4)
_READERS[op.F64] = lambda cursor: cursor.take(8)
_READERS[op.BLOCK] = block_type
_READERS[op.TABLE] = _branch_table
_READERS[op.MEMARG] = _memory_argument
_READERS[op.TYPES] = lambda cursor: tuple([value_type(cursor) for _ in range(cursor.count("types"))])
_READERS[op.HEAP] = _heap_type
_READERS[op.LANE] = Cursor.byte
_READERS[op.MEMARG_LANE] = lambda cursor: (_memory_argument(cursor), cursor.byte())
_READERS[op.BYTES16] = lambda cursor: cursor.take(16)
