"""Every instruction that the kernel runs: its immediates and what it does to the operand stack, in one table.

Source: WebAssembly specification 2.0, section 5.4, and 3.0 for tail calls and relaxed SIMD. Instructions behind a
prefix byte are numbered (prefix << 12) | number. Control instructions have their stack effect in interpret.py.
"""

from __future__ import annotations

from typing import NamedTuple

NONE, INDEX, INDEX2, I32, I64, F32, F64, BLOCK, TABLE, MEMARG, TYPES, HEAP, LANE, MEMARG_LANE, BYTES16 = range(15)
"""The kinds of immediates: INDEX is one u32 and INDEX2 two, TABLE the targets of br_table, HEAP a reference's type."""

MISC, SIMD = 0xFC, 0xFD

UNREACHABLE, NOP, BLOCK_OP, LOOP, IF, ELSE, END = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B
BR, BR_IF, BR_TABLE, RETURN = 0x0C, 0x0D, 0x0E, 0x0F
CALL, CALL_INDIRECT, RETURN_CALL, RETURN_CALL_INDIRECT = 0x10, 0x11, 0x12, 0x13
DROP, SELECT, SELECT_T = 0x1A, 0x1B, 0x1C
LOCAL_GET, LOCAL_SET, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET = 0x20, 0x21, 0x22, 0x23, 0x24
I32_CONST, I64_CONST, F32_CONST, F64_CONST = 0x41, 0x42, 0x43, 0x44
REF_NULL, REF_FUNC = 0xD0, 0xD2
MEMORY_SIZE, MEMORY_GROW, MEMORY_COPY, MEMORY_FILL = 0x3F, 0x40, MISC << 12 | 10, MISC << 12 | 11
V128_CONST, SHUFFLE = SIMD << 12 | 0x0C, SIMD << 12 | 0x0D


class Effect(NamedTuple):
    """What follows an opcode, how many operands it takes and how many values it leaves."""

    immediate: int
    pops: int
    pushes: int


_ROWS = (
    # first, last, immediate, pops, pushes
    (0x00, 0x01, NONE, 0, 0), (0x02, 0x04, BLOCK, 0, 0), (0x05, 0x05, NONE, 0, 0), (0x0B, 0x0B, NONE, 0, 0),
    (0x0C, 0x0D, INDEX, 0, 0), (0x0E, 0x0E, TABLE, 0, 0), (0x0F, 0x0F, NONE, 0, 0), (0x10, 0x10, INDEX, 0, 0),
    (0x11, 0x11, INDEX2, 0, 0), (0x12, 0x12, INDEX, 0, 0), (0x13, 0x13, INDEX2, 0, 0),
    (0x1A, 0x1A, NONE, 1, 0), (0x1B, 0x1B, NONE, 3, 1), (0x1C, 0x1C, TYPES, 3, 1),
    (0x20, 0x20, INDEX, 0, 1), (0x21, 0x21, INDEX, 1, 0), (0x22, 0x22, INDEX, 1, 1),
    (0x23, 0x23, INDEX, 0, 1), (0x24, 0x24, INDEX, 1, 0), (0x25, 0x25, INDEX, 1, 1), (0x26, 0x26, INDEX, 2, 0),
    (0x28, 0x35, MEMARG, 1, 1), (0x36, 0x3E, MEMARG, 2, 0), (0x3F, 0x3F, INDEX, 0, 1), (0x40, 0x40, INDEX, 1, 1),
    (0x41, 0x41, I32, 0, 1), (0x42, 0x42, I64, 0, 1), (0x43, 0x43, F32, 0, 1), (0x44, 0x44, F64, 0, 1),
    (0x45, 0x45, NONE, 1, 1), (0x46, 0x4F, NONE, 2, 1), (0x50, 0x50, NONE, 1, 1), (0x51, 0x66, NONE, 2, 1),
    (0x67, 0x69, NONE, 1, 1), (0x6A, 0x78, NONE, 2, 1), (0x79, 0x7B, NONE, 1, 1), (0x7C, 0x8A, NONE, 2, 1),
    (0x8B, 0x91, NONE, 1, 1), (0x92, 0x98, NONE, 2, 1), (0x99, 0x9F, NONE, 1, 1), (0xA0, 0xA6, NONE, 2, 1),
    (0xA7, 0xC4, NONE, 1, 1), (0xD0, 0xD0, HEAP, 0, 1), (0xD1, 0xD1, NONE, 1, 1), (0xD2, 0xD2, INDEX, 0, 1),
)

_MISC_ROWS = (
    (0, 7, NONE, 1, 1), (8, 8, INDEX2, 3, 0), (9, 9, INDEX, 0, 0), (10, 10, INDEX2, 3, 0), (11, 11, INDEX, 3, 0),
    (12, 12, INDEX2, 3, 0), (13, 13, INDEX, 0, 0), (14, 14, INDEX2, 3, 0), (15, 15, INDEX, 2, 1), (16, 16, INDEX, 0, 1),
    (17, 17, INDEX, 3, 0),
)

_SIMD_ROWS = (
    (0x00, 0x0A, MEMARG, 1, 1), (0x0B, 0x0B, MEMARG, 2, 0), (0x0C, 0x0C, BYTES16, 0, 1), (0x0D, 0x0D, BYTES16, 2, 1),
    (0x0E, 0x0E, NONE, 2, 1), (0x0F, 0x14, NONE, 1, 1), (0x15, 0x16, LANE, 1, 1), (0x17, 0x17, LANE, 2, 1),
    (0x18, 0x19, LANE, 1, 1), (0x1A, 0x1A, LANE, 2, 1), (0x1B, 0x1B, LANE, 1, 1), (0x1C, 0x1C, LANE, 2, 1),
    (0x1D, 0x1D, LANE, 1, 1), (0x1E, 0x1E, LANE, 2, 1), (0x1F, 0x1F, LANE, 1, 1), (0x20, 0x20, LANE, 2, 1),
    (0x21, 0x21, LANE, 1, 1), (0x22, 0x22, LANE, 2, 1), (0x23, 0x4C, NONE, 2, 1), (0x4D, 0x4D, NONE, 1, 1),
    (0x4E, 0x51, NONE, 2, 1), (0x52, 0x52, NONE, 3, 1), (0x53, 0x53, NONE, 1, 1), (0x54, 0x57, MEMARG_LANE, 2, 1),
    (0x58, 0x5B, MEMARG_LANE, 2, 0), (0x5C, 0x5D, MEMARG, 1, 1), (0x5E, 0x64, NONE, 1, 1), (0x65, 0x66, NONE, 2, 1),
    (0x67, 0x6A, NONE, 1, 1), (0x6B, 0x73, NONE, 2, 1), (0x74, 0x75, NONE, 1, 1), (0x76, 0x79, NONE, 2, 1),
    (0x7A, 0x7A, NONE, 1, 1), (0x7B, 0x7B, NONE, 2, 1), (0x7C, 0x81, NONE, 1, 1), (0x82, 0x82, NONE, 2, 1),
    (0x83, 0x84, NONE, 1, 1), (0x85, 0x86, NONE, 2, 1), (0x87, 0x8A, NONE, 1, 1), (0x8B, 0x93, NONE, 2, 1),
    (0x94, 0x94, NONE, 1, 1), (0x95, 0x99, NONE, 2, 1), (0x9B, 0x9F, NONE, 2, 1), (0xA0, 0xA1, NONE, 1, 1),
    (0xA3, 0xA4, NONE, 1, 1), (0xA7, 0xAA, NONE, 1, 1), (0xAB, 0xAE, NONE, 2, 1), (0xB1, 0xB1, NONE, 2, 1),
    (0xB5, 0xBA, NONE, 2, 1), (0xBC, 0xBF, NONE, 2, 1), (0xC0, 0xC1, NONE, 1, 1), (0xC3, 0xC4, NONE, 1, 1),
    (0xC7, 0xCA, NONE, 1, 1), (0xCB, 0xCE, NONE, 2, 1), (0xD1, 0xD1, NONE, 2, 1), (0xD5, 0xDF, NONE, 2, 1),
    (0xE0, 0xE1, NONE, 1, 1), (0xE3, 0xE3, NONE, 1, 1), (0xE4, 0xEB, NONE, 2, 1), (0xEC, 0xED, NONE, 1, 1),
    (0xEF, 0xEF, NONE, 1, 1), (0xF0, 0xF7, NONE, 2, 1), (0xF8, 0xFF, NONE, 1, 1), (0x100, 0x100, NONE, 2, 1),
    (0x101, 0x104, NONE, 1, 1), (0x105, 0x10C, NONE, 3, 1), (0x10D, 0x112, NONE, 2, 1), (0x113, 0x113, NONE, 3, 1),
)

FEATURES = (
    (0x06, 0x0A, "exception handling"), (0x18, 0x19, "exception handling"), (0x1F, 0x1F, "exception handling"),
    (0x14, 0x15, "typed function references"), (0xD4, 0xD6, "typed function references"), (0xD3, 0xD3, "garbage collection"),
    (0xE0, 0xE5, "stack switching"), (0xFB, 0xFB, "garbage collection"), (0xFE, 0xFE, "threads"),
    (MISC << 12 | 19, MISC << 12 | 22, "wide arithmetic"),
)
"""Instructions of proposals that the kernel is not built for, to name them in errors."""


def _spread(rows: tuple[tuple[int, int, int, int, int], ...], prefix: int) -> dict[int, Effect]:
    return {prefix << 12 | op: Effect(*effect) for first, last, *effect in rows for op in range(first, last + 1)}


EFFECTS: dict[int, Effect] = {**_spread(_ROWS, 0), **_spread(_MISC_ROWS, MISC), **_spread(_SIMD_ROWS, SIMD)}


def feature_of(op: int) -> str | None:
    """The proposal that an instruction outside of EFFECTS belongs to, where it is a known one."""
    return next((name for first, last, name in FEATURES if first <= op <= last), None)
