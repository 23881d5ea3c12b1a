"""Runs a module on this machine as the kernel runs it, and tells the steps that must come out the same there.

The machine code is the very same; values go to and from it as bits, which wasmtime's Python package would lose of floats.
"""

from __future__ import annotations

import ctypes
import hashlib
import random
import re
import struct
from collections.abc import Sequence
from functools import lru_cache

import wasmtime
from wasmtime import _ffi as ffi

from composer import compile
from composer.wasm.gather import gather
from tests.lab import script
from tests.lab.script import Limits, Step, Type, Value, exactly, failure, invoke

STACK = 256 << 10
"""Bytes of stack that wasm may use in one SIP: `STACK` in kernel/src/wasm.rs."""
CALLS = 2
"""How often each exported function is called."""
EXHAUSTED = "call stack exhausted"
SPENT = "wasm `unreachable` instruction executed"
"""Where a module ends that went round its loops too often: it is instantiated again, or every later call would end at once."""
BLOCK = 4096

KINDS = {"i32": Type.I32, "i64": Type.I64, "f32": Type.F32, "f64": Type.F64, "v128": Type.V128, "funcref": Type.FUNCTION}
SPECIAL = {
    Type.I32: (0, 1, 2, 0x7F, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF),
    Type.I64: (0, 1, 0xFFFF_FFFF, 0x1_0000_0000, 2**63 - 1, 2**63, 2**64 - 1),
    Type.F32: (0, 0x8000_0000, 0x3F80_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 1, 0x7F7F_FFFF, 0x4F00_0000, 0xCF00_0001),
    Type.F64: (0, 1 << 63, 0x3FF0 << 48, 0x7FF0 << 48, 0xFFF0 << 48, 0x7FF8 << 48, 1, 0x7FEF_FFFF_FFFF_FFFF, 0x43E0 << 48),
}
BITS = {Type.I32: 32, Type.I64: 64, Type.F32: 32, Type.F64: 64}
_TRAP = re.compile(r"wasm trap: (.+)")


def steps(wasm: bytes, code: bytes, seed: int, limits: Limits, number: int) -> list[Step]:
    """Steps over module `number`, whose machine code is `code`: instantiate it, call every export with arguments that the seed
    gives, and compare all that it exports; each with what came of it here. Types are the composer's reading of `wasm`: wasmtime's
    C interface has none for functions of vectors."""
    store = wasmtime.Store(_engine())
    store.set_limits(memory_size=limits.memory, table_elements=limits.table)
    module = wasmtime.Module.deserialize(_engine(), code)
    try:
        instance = wasmtime.Instance(store, module, [])
    except (wasmtime.Trap, wasmtime.WasmtimeError) as fault:
        return [script.instantiate(number, None, failure(_words(fault)))]
    done, choose, exports = [script.instantiate(number)], random.Random(seed), instance.exports(store)
    types = {each.name: each for each in gather("module", "module.wasm", wasm, traced=False).exports if each.kind == "func"}
    for name in (each for each in exports if each in types for _ in range(CALLS)):
        arguments = [_argument(KINDS[each], choose) for each in types[name].params]
        expected = _call(store, exports[name], arguments, len(types[name].results))
        done.append(invoke(name, arguments, expected))
        if expected == failure(EXHAUSTED):
            return done  # how much of the stack the callers took differs, and so does where exactly it ends
        if expected == failure(SPENT):
            done += [script.state(_state(store, exports.by_index)), script.instantiate(number)]
            exports = wasmtime.Instance(store, module, []).exports(store)
    return [*done, script.state(_state(store, exports.by_index))]


@lru_cache(maxsize=1)
def _engine() -> wasmtime.Engine:
    config = compile.make_config()
    config.max_wasm_stack = STACK
    return wasmtime.Engine(config)


def _words(fault: Exception) -> str:
    """The trap's kind, or why there is no instance: what the kernel's runtime says too."""
    text = fault.message if isinstance(fault, wasmtime.Trap) else str(fault)
    found = _TRAP.findall(text)
    return found[-1] if found else text.strip().splitlines()[-1].strip()


def _argument(kind: Type, choose: random.Random) -> Value:
    if kind is Type.FUNCTION:
        return [kind, False]
    if kind is Type.V128:
        return [kind, choose.randbytes(16)]
    return [kind, choose.choice(SPECIAL[kind]) if choose.random() < 0.6 else choose.getrandbits(BITS[kind])]


def _call(store: wasmtime.Store, function: wasmtime.Func, arguments: Sequence[Value], count: int) -> script.Expected:
    """What a call gives: its `count` values, or its trap."""
    given, results = (ffi.wasmtime_val_t * len(arguments))(), (ffi.wasmtime_val_t * count)()
    for raw, (kind, bits) in zip(given, arguments, strict=True):
        raw.kind = int(kind)
        ctypes.memset(ctypes.addressof(raw.of), 0, ctypes.sizeof(raw.of))
        if kind is not Type.FUNCTION:
            data = bits if kind is Type.V128 else struct.pack("<Q", bits)
            ctypes.memmove(ctypes.addressof(raw.of), data, len(data))
    trap = ctypes.POINTER(ffi.wasm_trap_t)()
    error = ffi.wasmtime_func_call(store._context(), ctypes.byref(function._func), given, len(given), results, len(results), ctypes.byref(trap))
    if error:
        return failure(_words(wasmtime.WasmtimeError._from_ptr(error)))
    if trap:
        return failure(_words(wasmtime.Trap._from_ptr(trap)))
    return script.values(exactly(_value(raw)) for raw in results)


def _value(raw: ffi.wasmtime_val_t) -> Value:
    kind, data = Type(raw.kind), ctypes.string_at(ctypes.addressof(raw.of), 16)
    if kind is Type.V128:
        return [kind, data]
    if kind is Type.FUNCTION:
        return [kind, data[:8] != bytes(8)]  # a null reference belongs to no store
    return [kind, int.from_bytes(data[:BITS[kind] // 8], "little")]


def _state(store: wasmtime.Store, exports: Sequence[object]) -> bytes:
    """The digest of what the exports hold (docs/lab.md, "The script", step 4)."""
    made = hashlib.sha256()
    for item in exports:
        if isinstance(item, wasmtime.Global):
            raw = ffi.wasmtime_val_t()
            ffi.wasmtime_global_get(store._context(), ctypes.byref(item._global), ctypes.byref(raw))
            kind, bits = _value(raw)
            made.update(bits if kind is Type.V128 else int(bits).to_bytes(16, "little"))
        elif isinstance(item, wasmtime.Memory):
            _add_memory(made, ctypes.string_at(item.data_ptr(store), item.data_len(store)))
        elif isinstance(item, wasmtime.Table):
            size = item.size(store)
            made.update(struct.pack("<Q", size) + bytes(isinstance(item.get(store, at), wasmtime.Func) for at in range(size)))
    return made.digest()


def _add_memory(made: hashlib._Hash, data: bytes) -> None:
    made.update(struct.pack("<Q", len(data)))
    zero = bytes(BLOCK)
    for start in range(0, len(data), BLOCK):
        if data[start:start + BLOCK] != zero:
            made.update(struct.pack("<Q", start // BLOCK) + data[start:start + BLOCK])
