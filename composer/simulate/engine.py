"""Runs wasm for the simulator: one engine, modules compiled once a content, primitives linked by name, endings by epoch.

All that leans on the inside of the pinned wasmtime wheel is here. The wheel's own way to raise from a host function keeps
the exception in one variable of the process, so two threads could be given each other's; ours stays with its SIP.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi

from composer import cache
from composer.compile import SETTINGS, WASMTIME, require_version
from composer.interfaces import POINTERS, Raw, load_interfaces

KINDS = {"i32": wasmtime.ValType.i32, "i64": wasmtime.ValType.i64}
UNSIGNED = {"u8": 0xFF, "u16": 0xFFFF, "u32": 0xFFFF_FFFF, "u64": 0xFFFF_FFFF_FFFF_FFFF}
POINTER = 0xFFFF_FFFF
LANGUAGE = {name: value for name, value in SETTINGS.items() if name.startswith("wasm_") or name in ("gc_support", "shared_memory")}
"""What wasm the image's compiler takes, and so does this engine; everything else is for this computer's processor."""
CONFIGURATION = f"{WASMTIME} {sorted(LANGUAGE.items())} epochs"

EPOCH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.POINTER(ffi.wasmtime_context_t), ctypes.c_void_p,
                                  ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(ffi.wasmtime_update_deadline_kind_t))
FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
NOTHING = ctypes.cast(None, FINALIZER)
GO_ON = 0
"""WASMTIME_UPDATE_DEADLINE_CONTINUE in wasmtime/store.h"""

DEEPEST = 16
"""Frames of a backtrace."""
_NUMBER = re.compile(r"^\d+: ")

_here = threading.local()


class Fault(Exception):
    """A SIP did what ends it: the message is for its log, and so are `frames`, the lines of its backtrace. One that left by
    itself, not `trapped`, has none."""

    def __init__(self, message: str, frames: Sequence[str] = (), *, trapped: bool = True) -> None:
        super().__init__(message)
        self.frames, self.trapped = tuple(frames), trapped


class Finished(Exception):
    """A SIP's thread ends here, by its own exit or from outside."""


def new_engine() -> wasmtime.Engine:
    """An engine whose code looks at the epoch in each loop, which is how a thread is ended on a computer that is not ours."""
    require_version()
    config = wasmtime.Config()
    for name, value in LANGUAGE.items():
        setattr(config, name, value)
    config.epoch_interruption = True
    return wasmtime.Engine(config)


def compile_module(engine: wasmtime.Engine, source: bytes | str) -> wasmtime.Module:
    """A module from wasm or WAT, compiled the first time and read from the cache from then on. Raises WasmtimeError."""
    key = cache.digest(type(source).__name__, CONFIGURATION, source)
    kept = cache.read("simulate", key)
    if kept is not None:
        return wasmtime.Module.deserialize(engine, kept)
    module = wasmtime.Module(engine, source)
    cache.store("simulate", key, bytes(module.serialize()))
    return module


class Linked:
    """The raw primitives, linkable by glue; each runs for the SIP whose thread calls it."""

    def __init__(self, engine: wasmtime.Engine, raw: Mapping[str, Raw]) -> None:
        self.linker = wasmtime.Linker(engine)
        self._callbacks = [_define(self.linker, primitive) for primitive in raw.values()]


def _define(linker: wasmtime.Linker, raw: Raw) -> Any:
    """Define one primitive; answers what must stay alive as long as the linker."""
    callback = ffi.wasmtime_func_callback_t(_trampoline(raw))
    types = wasmtime.FuncType([KINDS[t]() for t in raw.wasm_params], [KINDS[raw.wasm_result]()] if raw.wasm_result else [])
    module, name = b"munal:raw", raw.name.encode()
    error = ffi.wasmtime_linker_define_func(linker.ptr(), ctypes.create_string_buffer(module), len(module),
                                            ctypes.create_string_buffer(name), len(name), types.ptr(), callback, None, NOTHING)
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)
    return callback


def _trampoline(raw: Raw) -> Callable[..., int]:
    """What wasmtime calls: turns wasm's values into the primitive's parameters, and an exception into a trap."""
    masks = [mask for p in raw.params for mask in _masks(p.type)]
    wide = raw.wasm_result == "i64"

    def call(_env: Any, _caller: Any, params: Any, _count: int, results: Any, _result_count: int) -> int:
        try:
            values = [_value(params[i], masks[i]) for i in range(len(masks))]
            answer = _here.sip.primitives.call(raw.name, raw.result, values)
            if raw.wasm_result:
                results[0].kind = ffi.WASMTIME_I64.value if wide else ffi.WASMTIME_I32.value
                if wide:
                    results[0].of.i64 = ctypes.c_int64(answer).value
                else:
                    results[0].of.i32 = ctypes.c_int32(answer).value
        except BaseException as fault:
            _here.fault = fault
            text = str(fault).encode() or b"ended"
            return ctypes.cast(ffi.wasmtime_trap_new(ctypes.create_string_buffer(text), len(text)), ctypes.c_void_p).value or 0
        return 0

    return call


def _masks(kind: str) -> list[int | None]:
    """How each wasm value of a parameter is read: masked where it is unsigned, as it is where it is signed."""
    if kind in POINTERS:
        return [POINTER, POINTER]
    return [UNSIGNED.get(kind)]


def _value(value: Any, mask: int | None) -> int:
    number = value.of.i64 if value.kind == ffi.WASMTIME_I64.value else value.of.i32
    return number if mask is None else number & mask


class Life:
    """One run of an app's wasm behind its glue, on the thread that makes it, with a Store of its own."""

    def __init__(self, sip: Any, linked: Linked, glue: wasmtime.Module, app: wasmtime.Module, memory_limit: int) -> None:
        _here.sip, _here.fault = sip, None
        self._glue, self._app, self._linked = glue, app, linked
        self._memory: wasmtime.Memory | None = None
        self.store = wasmtime.Store(linked.linker.engine)
        self.store.set_limits(memory_size=load_interfaces().quota.largest_memory(memory_limit))
        self.store.set_epoch_deadline(1)
        self._on_epoch = _epoch_callback(sip)
        ffi.wasmtime_store_epoch_deadline_callback(self.store.ptr(), self._on_epoch, None, NOTHING)

    def run(self) -> None:
        """Instantiate glue and app, call `_start`. Raises Fault where the SIP failed, Finished where it is done early."""
        try:
            glue = self._linked.linker.instantiate(self.store, self._glue)
            functions = glue.exports(self.store)
            wanted = [functions[f"{i.module}#{i.name}"] for i in self._app.imports]
            app = wasmtime.Instance(self.store, self._app, wanted).exports(self.store)
            memory = app.get("memory")
            self._memory = memory if isinstance(memory, wasmtime.Memory) else None
            _call(self.store, app["_start"])
        except KeyError as missing:
            raise Fault(f"the glue offers no {missing.args[0]}") from None
        except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
            raise self._cause(trap) from None

    def _cause(self, trap: Exception) -> Exception:
        fault = _here.fault
        if isinstance(fault, Finished | Fault):
            return Fault(str(fault), _frames(trap)) if isinstance(fault, Fault) and fault.trapped else fault
        if fault is not None:
            return fault
        if _here.sip.ending:
            return Finished()
        return Fault(_sentence(trap), _frames(trap))

    @property
    def memory_length(self) -> int:
        return self._memory.data_len(self.store) if self._memory else 0

    @property
    def window(self) -> tuple[int, int]:
        """Where its memory is in this process, which stays so, and how many bytes it has now. Its own thread alone can ask."""
        return (self._at(0, 0), self.memory_length) if self._memory else (0, 0)

    def read(self, address: int, length: int) -> bytes:
        """Bytes of the SIP's memory. Raises Fault where they leave it."""
        return ctypes.string_at(self._at(address, length), length) if length else b""

    def write(self, address: int, length: int, data: bytes) -> int:
        """Put as much of `data` as the buffer takes; answers how many bytes. Raises Fault where the buffer leaves the memory."""
        place, count = self._at(address, length), min(length, len(data))
        ctypes.memmove(place, data, count)
        return count

    def _at(self, address: int, length: int) -> int:
        if self._memory is None:
            raise Fault("passed a pointer before its memory was there")
        size = self._memory.data_len(self.store)
        if address + length > size:
            raise Fault(f"passed {length} bytes at {address:#x}, which leave its memory of {size:#x}")
        return ctypes.addressof(self._memory.data_ptr(self.store).contents) + address


def _epoch_callback(sip: Any) -> Any:
    """At each step of the epoch: the SIP that is to end gets an error, all others another step."""

    def decide(_context: Any, _data: Any, step: Any, kind: Any) -> int:
        if sip.ending:
            return ctypes.cast(ffi.wasmtime_error_new(b"ended"), ctypes.c_void_p).value or 0
        step[0], kind[0] = 1, GO_ON
        return 0

    return EPOCH_CALLBACK(decide)


def _call(store: wasmtime.Store, function: Any) -> None:
    """Call a function `() -> ()` without the wheel's shared variable for exceptions."""
    trap = ctypes.POINTER(ffi.wasm_trap_t)()
    error = ffi.wasmtime_func_call(store._context(), ctypes.byref(function._func), None, 0, None, 0, ctypes.byref(trap))
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)
    if trap:
        raise wasmtime.Trap._from_ptr(trap)


def _sentence(trap: Exception) -> str:
    """What wasmtime says at last: the cause."""
    text = trap.message if isinstance(trap, wasmtime.Trap) else str(trap)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _NUMBER.sub("", lines[-1]) if lines else "failed"


def _frames(trap: Exception) -> list[str]:
    """The backtrace as the kernel writes it: the innermost frames, each with its offset in the wasm and its function."""
    frames = trap.frames[:DEEPEST] if isinstance(trap, wasmtime.Trap) else []
    names = (frame.func_name or f"func[{frame.func_index}]" for frame in frames)
    return [f"{number:5}: {frame.module_offset:#8x} {'glue: ' if '#' in name else ''}{name}"
            for number, (frame, name) in enumerate(zip(frames, names, strict=True))]
