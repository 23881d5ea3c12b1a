"""Constant expressions: where a global starts, where a segment goes, what a table holds.

Gets the cursor before the expression and leaves it behind its `end`; gives the unsigned value where it is known.
Functions that an expression refers to are noted in the module as escaping.
"""

from __future__ import annotations

from composer.wasm import opcodes as op
from composer.wasm.code import instruction
from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.module import Escape, Module

_MASK32, _MASK64 = (1 << 32) - 1, (1 << 64) - 1
_ARITHMETIC = {
    0x6A: lambda a, b: (a + b) & _MASK32, 0x6B: lambda a, b: (a - b) & _MASK32, 0x6C: lambda a, b: (a * b) & _MASK32,
    0x7C: lambda a, b: (a + b) & _MASK64, 0x7D: lambda a, b: (a - b) & _MASK64, 0x7E: lambda a, b: (a * b) & _MASK64,
}
_PLAIN = (op.F32_CONST, op.F64_CONST, op.V128_CONST, op.REF_NULL)


def expression(cursor: Cursor, module: Module, what: str) -> int | None:
    """The value of the expression, or None where it is no integer or depends on an import."""
    start = cursor.pos
    stack: list[int | None] = []
    while True:
        if not cursor.left:
            raise WasmError(f"the constant of {what} does not end", start)
        at, code, immediate = instruction(cursor)
        if code == op.END:
            break
        _step(stack, module, at, code, immediate)
    if len(stack) != 1:
        raise WasmError(f"the constant of {what} leaves {len(stack)} values and not one", start)
    return stack[0]


def _step(stack: list[int | None], module: Module, at: int, code: int, immediate: int) -> None:
    if code == op.I32_CONST:
        stack.append(immediate & _MASK32)
    elif code == op.I64_CONST:
        stack.append(immediate & _MASK64)
    elif code in _PLAIN:
        stack.append(None)
    elif code == op.GLOBAL_GET:
        stack.append(_global(module, immediate, at))
    elif code == op.REF_FUNC:
        stack.append(_function(module, immediate, at))
    elif code in _ARITHMETIC:
        _arithmetic(stack, code, at)
    else:
        raise WasmError(f"instruction {code:#04x} is not allowed in a constant", at)


def _global(module: Module, index: int, at: int) -> int | None:
    if index >= len(module.globals) or module.globals[index].type.mutable:
        raise WasmError(f"a constant reads global {index}, which is not there or can change", at)
    return module.globals[index].value


def _function(module: Module, index: int, at: int) -> None:
    if index >= len(module.functions):
        raise WasmError(f"a constant refers to function {index} of {len(module.functions)}", at)
    module.escapes.append(Escape(index, "ref.func", at))


def _arithmetic(stack: list[int | None], code: int, at: int) -> None:
    if len(stack) < 2:
        raise WasmError("a constant adds what is not there", at)
    right, left = stack.pop(), stack.pop()
    stack.append(None if left is None or right is None else _ARITHMETIC[code](left, right))
