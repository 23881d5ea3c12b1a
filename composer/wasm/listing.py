"""What stands at a place of a binary, as text for a person: the instruction there and those that make its operands.

Gets a Module and the offsets that somebody may point at; gives an excerpt for each. What that costs is bounded: of code
beyond the budget, only the instruction itself is shown.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from composer.spans import Excerpt
from composer.wasm import opcodes as op
from composer.wasm.code import Instruction, instruction, instructions
from composer.wasm.cursor import Cursor
from composer.wasm.mnemonics import mnemonics
from composer.wasm.module import Module
from composer.wasm.names import function_name
from composer.wasm.scan import read_locals
from composer.wasm.shown import shown

BUDGET = 1 << 20
"""Bytes of code that are read to list what stands before the instructions that are pointed at."""
BEFORE = 4
"""Instructions shown before the one that is meant."""
_ROW = 12
"""Bytes that are shown around a place that cannot be read."""
_LARGEST_PLAIN = 9
_SHOWN_TARGETS = 8
_CONTROL = {op.BLOCK_OP, op.LOOP, op.IF, op.ELSE, op.END, op.BR, op.BR_IF, op.BR_TABLE, op.RETURN, op.UNREACHABLE,
            op.CALL_INDIRECT, op.RETURN_CALL, op.RETURN_CALL_INDIRECT}
_OF_THE_MEMORY = {op.MEMORY_SIZE, op.MEMORY_GROW, op.MEMORY_COPY, op.MEMORY_FILL}

Listed = tuple[int, Excerpt]


def list_code(module: Module, names: dict[int, str], offsets: Iterable[int]) -> tuple[Listed, ...]:
    """The excerpt for each of the offsets at which an instruction of a function begins, by offset."""
    wanted: dict[int, set[int]] = {}
    for offset in offsets:
        place = bisect_right(module.bodies, offset, key=lambda body: body[0]) - 1
        if place >= 0 and offset < module.bodies[place][1]:
            wanted.setdefault(place, set()).add(offset)
    writer, spent, found = _Writer(module, names), 0, []
    for place, inside in sorted(wanted.items()):
        start, end = module.bodies[place]
        spent += max(inside) - start
        found += _in_context(writer, start, end, inside) if spent <= BUDGET else _alone(writer, end, inside)
    return tuple(sorted(found))


def _in_context(writer: _Writer, start: int, end: int, wanted: set[int]) -> Iterator[Listed]:
    cursor = Cursor(writer.module.data, start, end, "a function's code")
    read_locals(cursor)
    last, recent = max(wanted), deque[Instruction](maxlen=BEFORE + 1)
    for each in instructions(cursor):
        recent.append(each)
        if each[0] in wanted:
            yield each[0], _excerpt([(at, writer.text(code, immediate)) for at, code, immediate in _with_operands(writer.module, list(recent))])
        if each[0] >= last:
            return


def _alone(writer: _Writer, end: int, wanted: set[int]) -> Iterator[Listed]:
    for offset in sorted(wanted):
        at, code, immediate = instruction(Cursor(writer.module.data, offset, end, "a function's code"))
        yield at, _excerpt([(at, writer.text(code, immediate))])


def _excerpt(lines: list[tuple[int, str]]) -> Excerpt:
    """Carets stand below the name of the last instruction."""
    return Excerpt(tuple(lines), 0, len(lines[-1][1].split(" ")[0]))


def _with_operands(module: Module, recent: list[Instruction]) -> list[Instruction]:
    """The last instruction with those before it that make its operands; fewer where control flow stands between them."""
    lacking, first = _effect(module, recent[-1])[0], len(recent) - 1
    while lacking > 0 and first > 0 and recent[first - 1][1] not in _CONTROL:
        first -= 1
        pops, pushes = _effect(module, recent[first])
        lacking += pops - pushes
    return recent[first:]


def _effect(module: Module, each: Instruction) -> tuple[int, int]:
    """How many operands an instruction takes and leaves; nothing is known of control flow."""
    _, code, immediate = each
    if code in (op.CALL, op.RETURN_CALL):
        if immediate >= len(module.functions):
            # What is listed may be at fault just for this.
            return 0, 0
        called = module.type_of(immediate)
        return len(called.params), len(called.results)
    return op.EFFECTS[code].pops, op.EFFECTS[code].pushes


def list_bytes(data: bytes, offset: int) -> Excerpt:
    """The bytes around an offset, in hexadecimal and as ASCII, where they cannot be read as anything else."""
    offset = min(offset, len(data))
    start = max(0, offset - 4)
    around = data[start:start + _ROW]
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in around)
    return Excerpt(((start, f"{around.hex(' '):{3 * _ROW}} {text}"),), 3 * (offset - start), 2)


class _Writer:
    """Writes instructions as WebAssembly text has them, with functions by their names and numbers in hexadecimal."""

    def __init__(self, module: Module, names: dict[int, str]) -> None:
        self.module, self.names = module, names

    def text(self, code: int, immediate: Any) -> str:
        words = [mnemonics()[code], *self._words(code, op.EFFECTS[code].immediate, immediate)]
        return " ".join(words)

    def _words(self, code: int, kind: int, immediate: Any) -> list[str]:
        if code in (op.CALL, op.RETURN_CALL, op.REF_FUNC):
            return [called(self.module, self.names, immediate)]
        if code in (op.CALL_INDIRECT, op.RETURN_CALL_INDIRECT):
            return [*([str(immediate[1])] if immediate[1] else []), f"(type {immediate[0]})"]
        if code == op.SHUFFLE:
            return [str(lane) for lane in immediate]
        if code in _OF_THE_MEMORY:
            return []
        return _IMMEDIATES[kind](immediate) if kind in _IMMEDIATES else []


def called(module: Module, names: dict[int, str], function: int) -> str:
    """A function as text names it: an import by its module and name, another by its own name or else its number."""
    if function < module.imported_functions:
        imported = module.function_imports[function]
        return f"${shown(imported.module)}#{shown(imported.name)}"
    return f"${function_name(names, function)}" if function in names else str(function)


def _segment(pair: tuple[int, int]) -> list[str]:
    """A segment and what it is copied into, or the two sides of a copy; the first table or memory goes without saying."""
    first, second = pair
    return [*([str(second)] if second else []), str(first)]


def _number(value: int) -> str:
    return str(value) if -_LARGEST_PLAIN <= value <= _LARGEST_PLAIN else f"{value:#x}"


def _float(content: bytes) -> str:
    value = struct.unpack("<f" if len(content) == 4 else "<d", content)[0]
    if value != value:
        return f"nan ;; {int.from_bytes(content, 'little'):#x}"
    return "inf" if value == float("inf") else "-inf" if value == float("-inf") else f"{value:.9g}" if len(content) == 4 else repr(value)


def _vector(content: bytes) -> list[str]:
    return ["i32x4", *(f"{lane:#x}" for lane in struct.unpack("<4I", content))]


def _access(offset: int) -> list[str]:
    return [f"offset={_number(offset)}"] if offset else []


def _block(kind: int | str | None) -> list[str]:
    return [] if kind is None else [f"(type {kind})" if isinstance(kind, int) else f"(result {kind})"]


def _targets(targets: list[int]) -> list[str]:
    more = len(targets) - _SHOWN_TARGETS
    return [*map(str, targets[:_SHOWN_TARGETS]), *([f";; and {more} more"] if more > 0 else [])]


_IMMEDIATES = {
    op.INDEX: lambda index: [str(index)], op.INDEX2: _segment, op.I32: lambda value: [_number(value)],
    op.I64: lambda value: [_number(value)], op.F32: lambda content: [_float(content)], op.F64: lambda content: [_float(content)],
    op.BLOCK: _block, op.TABLE: _targets, op.MEMARG: _access, op.TYPES: lambda types: [f"(result {' '.join(types)})"],
    op.HEAP: lambda kind: [kind.removesuffix("ref")], op.LANE: lambda lane: [str(lane)],
    op.MEMARG_LANE: lambda pair: [*_access(pair[0]), str(pair[1])], op.BYTES16: _vector,
}
