"""One quick pass over the code of a module: which functions are called directly, and which are referred to.

Gets a Module; gives each function's direct calls. Runs of instructions that neither call nor open a block are stepped
over by one regular expression made from the table of opcodes, as reading each in Python would cost twenty times as
much; whatever it does not match goes through the precise decoder, which also words the errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from composer.wasm import opcodes as op
from composer.wasm.code import instruction
from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.module import Escape, Module
from composer.wasm.types import value_type

MAX_LOCALS = 50_000
"""Locals of one function, as wasmtime and browsers limit them."""
MAX_DEPTH = 10_000
"""Blocks inside of blocks; compilers stay below a few hundred."""

_STOP = {op.BLOCK_OP, op.LOOP, op.IF, op.ELSE, op.END, op.CALL, op.RETURN_CALL, op.REF_FUNC}
_U32 = rb"(?:[\x80-\xff]{0,3}[\x00-\x7f]|[\x80-\xff]{4}[\x00-\x0f])"
_S32 = rb"(?:[\x80-\xff]{0,3}[\x00-\x7f]|[\x80-\xff]{4}[\x00-\x07\x78-\x7f])"
_S64 = rb"(?:[\x80-\xff]{0,8}[\x00-\x7f]|[\x80-\xff]{9}[\x00\x7f])"
_AFTER = {op.NONE: b"", op.INDEX: _U32, op.INDEX2: _U32 + _U32, op.MEMARG: rb"[\x00-\x04]" + _U32, op.I32: _S32,
          op.I64: _S64, op.F32: b".{4}", op.F64: b".{8}"}
_RUN = 400
"""Instructions a match: bounds what the regular expression remembers."""


@dataclass(slots=True)
class Scanned:
    """`calls` holds (offset, callee) of each direct call, by caller; `escapes` the functions that code refers to."""

    calls: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    escapes: list[Escape] = field(default_factory=list)


def scan(module: Module) -> Scanned:
    """Read all code. Raises WasmError where it does not decode; types are not checked here."""
    found = Scanned()
    for function, (start, end) in module.defined():
        cursor = Cursor(module.data, start, end, "a function's code")
        read_locals(cursor)
        calls = _scan_body(cursor, module, found.escapes)
        if calls:
            found.calls[function] = calls
    return found


def read_locals(cursor: Cursor) -> list[tuple[int, str]]:
    """(how many, type) of each group of locals before a function's code."""
    groups, total = [], 0
    for _ in range(cursor.count("groups of locals", least=2)):
        at = cursor.pos
        count = cursor.u32()
        total += count
        if total > MAX_LOCALS:
            raise cursor.fail(f"a function has {total} locals; at most {MAX_LOCALS} are allowed", at)
        groups.append((count, value_type(cursor)))
    return groups


def _scan_body(cursor: Cursor, module: Module, escapes: list[Escape]) -> list[tuple[int, int]]:
    calls: list[tuple[int, int]] = []
    run = _plain_run().match
    data, end, depth = cursor.data, cursor.end, 1
    while depth:
        matched = run(data, cursor.pos, end)
        if matched:
            cursor.pos = matched.end()
        if cursor.pos == end:
            raise WasmError("a function's code has no end", end)
        at, code, immediate = instruction(cursor)
        if code == op.END:
            depth -= 1
        elif code in (op.BLOCK_OP, op.LOOP, op.IF):
            depth += 1
            if depth > MAX_DEPTH:
                raise WasmError(f"blocks are nested deeper than {MAX_DEPTH}", at)
        elif code in (op.CALL, op.RETURN_CALL):
            calls.append((at, _known(module, immediate, at)))
        elif code == op.REF_FUNC:
            escapes.append(Escape(_known(module, immediate, at), "ref.func", at))
    cursor.must_end()
    return calls


def _known(module: Module, function: int, at: int) -> int:
    if function >= len(module.functions):
        raise WasmError(f"function {function} is named, but there are {len(module.functions)}", at)
    return function


@lru_cache(maxsize=1)
def _plain_run() -> re.Pattern[bytes]:
    """Matches a run of instructions of one byte and simple immediates that scanning need not look at."""
    by_form: dict[int, bytes] = {}
    for code, effect in op.EFFECTS.items():
        if code < 0x100 and code not in _STOP and effect.immediate in _AFTER:
            by_form[effect.immediate] = by_form.get(effect.immediate, b"") + b"\\x%02x" % code
    choices = [b"[" + codes + b"]" + _AFTER[form] for form, codes in by_form.items()]
    return re.compile(b"(?:" + b"|".join(choices) + b"){1,%d}" % _RUN, re.DOTALL)
