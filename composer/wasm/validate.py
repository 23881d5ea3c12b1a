"""Asks wasmtime whether a binary is valid with exactly the features that the kernel's modules are compiled with.

Our own reader says more about broken sections; types and control flow are proved here, before any fact is believed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from composer.wasm.cursor import WasmError

if TYPE_CHECKING:
    import wasmtime

ABSENT = ("wasm_gc", "wasm_function_references", "wasm_exceptions", "wasm_stack_switching", "wasm_threads", "shared_memory",
          "wasm_memory64", "wasm_multi_memory", "wasm_custom_page_sizes", "wasm_wide_arithmetic")
"""Settings of wasmtime that are off: the kernel has no garbage collector, one thread a SIP and one 32-bit memory each."""

_FEATURES = (
    (r"gc (types|support|proposal|feature)|requires gc|the gc feature|global\.get of locally defined", "garbage collection"),
    (r"^threads ", "threads"), (r"memory64|64-bit memories", "memory64"), (r"multiple memories", "multi-memory"),
    (r"function.references", "typed function references"), (r"^exceptions ", "exception handling"),
    (r"^([a-z ]+) support is not enabled", r"\1"),
)
"""What wasmtime says where a setting is off, and the name that people have for it."""

_WHERE = re.compile(r"\s*\(at offset 0x([0-9a-f]+)\)")


def validate(data: bytes) -> None:
    """Raise WasmError where wasmtime would refuse to compile `data`."""
    import wasmtime

    try:
        wasmtime.Module.validate(_engine(), data)
    except wasmtime.WasmtimeError as fault:
        raise _error(str(fault)) from None


def _engine() -> wasmtime.Engine:
    """Made anew each time, which takes 0.1 ms: one that lived on would be freed after wasmtime itself."""
    import wasmtime

    config = wasmtime.Config()
    config.gc_support = False
    for setting in ABSENT:
        setattr(config, setting, False)
    return wasmtime.Engine(config)


def _error(text: str) -> WasmError:
    """The innermost cause, on one line, with the offset that wasmtime names."""
    match = _WHERE.search(text)
    causes = [line.strip() for line in _WHERE.sub("", text).splitlines() if line.strip()]
    cause = re.sub(r"^\d+:\s*", "", causes[-1]) if causes else "it is refused by wasmtime"
    return WasmError(cause, int(match.group(1), 16) if match else 0, _feature(cause))


def _feature(cause: str) -> str | None:
    for pattern, name in _FEATURES:
        if match := re.search(pattern, cause):
            return match.expand(name)
    return None
