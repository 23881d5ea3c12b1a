"""Compiles wasm to machine code for the kernel, ahead of time, by the one version of wasmtime that the kernel's runtime fits.

Gets modules by name, as bytes or as WAT; gives what wasmtime serialized, from the cache where the same was compiled before.
The target and its CPU features are settings and never those of this machine: the same input gives the same code anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer import cache
from composer.tools import ToolFailure

if TYPE_CHECKING:
    import wasmtime

WASMTIME = "48.0.0"
"""The wheel's version. The kernel's crate is of the same long-term-support line; it loads what this version serializes."""

CACHE_KIND = "code"
POOL_BYTES = 256 << 10
"""Below this much stale wasm, starting processes costs more than it gains; one process then uses every core anyway."""

SETTINGS: dict[str, Any] = {
    "target": "x86_64-unknown-linux-gnu",
    "signals_based_traps": True,
    "memory_reservation": 4 << 30,
    "memory_guard_size": 32 << 20,
    "memory_reservation_for_growth": 0,
    "memory_init_cow": False,
    "epoch_interruption": False,
    "native_unwind_info": False,
    "gc_support": False,
    "wasm_gc": False,
    "wasm_function_references": False,
    "wasm_exceptions": False,
    "wasm_stack_switching": False,
    "wasm_threads": False,
    "wasm_component_model": False,
    "shared_memory": False,
}
"""What the kernel's engine expects, by the names of wasmtime's public setters. A named target also means: its baseline,
x86-64 with SSE2, and nothing that only this machine's processor has."""

PRIVATE_SETTINGS = {
    "wasmtime_config_concurrency_support_set": False,
}
"""What the wheel binds but gives no setter; the version is pinned, and a test tells when that goes."""


def compile_modules(modules: Mapping[str, bytes | str]) -> dict[str, bytes]:
    """Machine code by name, in the order of the names. A module is wasm, or WAT where it is text.

    Raises ToolFailure that names every module which wasmtime refuses, or where wasmtime is another than the pinned one.
    """
    keys = {name: _key(modules[name]) for name in sorted(modules)}
    code = {key: cache.read(CACHE_KIND, key) for key in set(keys.values())}
    stale = {keys[name]: modules[name] for name in keys if code[keys[name]] is None}
    faults: dict[str, str] = {}
    for key, (made, fault) in zip(stale, _compile_all(list(stale.values())), strict=True):
        if fault:
            faults[key] = fault
        else:
            cache.store(CACHE_KIND, key, made)
            code[key] = made
    if faults:
        raise _failure({name: faults[key] for name, key in keys.items() if key in faults})
    return {name: code[key] for name, key in keys.items()}


def compile_module(module: bytes | str) -> bytes:
    """Compile one module here and now. Raises ValueError with wasmtime's words where it is not valid."""
    import wasmtime

    try:
        wasm = wasmtime.wat2wasm(module) if isinstance(module, str) else module
        return bytes(wasmtime.Module(_engine(), wasm).serialize())
    except wasmtime.WasmtimeError as error:
        raise ValueError(str(error)) from error


def _key(module: bytes | str) -> str:
    form = "wat" if isinstance(module, str) else "wasm"
    return cache.digest(WASMTIME, json.dumps([SETTINGS, PRIVATE_SETTINGS], sort_keys=True), form, module)


def _compile_all(modules: list[bytes | str]) -> Iterable[tuple[bytes, str]]:
    if not modules:
        return []
    require_version()
    if len(modules) > 1 and sum(map(len, modules)) >= POOL_BYTES:
        return _in_pool(modules)
    return map(_attempt, modules)


def _in_pool(modules: list[bytes | str]) -> list[tuple[bytes, str]]:
    """Compile in processes of their own; started afresh, since a fork of a process with threads can stand still."""
    import multiprocessing
    import os
    from concurrent.futures import ProcessPoolExecutor

    workers = min(len(modules), len(os.sched_getaffinity(0)))
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _leave_interrupts_to_the_parent)
    try:
        return list(pool.map(_attempt, modules))
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of the terminal; one of them is enough to stop, and none says more about it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _attempt(module: bytes | str) -> tuple[bytes, str]:
    """The code and no fault, or nothing and the fault: an exception would not always survive the way between processes."""
    try:
        return compile_module(module), ""
    except ValueError as error:
        return b"", str(error) or "wasmtime gave no reason"


def _installed() -> str:
    """The wheel's version: as its folder of metadata is called, since reading that takes longer than compiling glue."""
    import wasmtime

    folders = list(Path(wasmtime.__file__).parent.parent.glob("wasmtime-*.dist-info"))
    if len(folders) == 1:
        return folders[0].name.removeprefix("wasmtime-").removesuffix(".dist-info")
    from importlib.metadata import version

    return version("wasmtime")


def require_version() -> None:
    """Raise ToolFailure unless the wheel is the pinned one."""
    found = _installed()
    if found != WASMTIME:
        raise ToolFailure("wasmtime", f"version {found} is installed, and the kernel loads code of {WASMTIME} alone: "
                                      "install what the lock file lists")


@lru_cache(maxsize=1)
def _engine() -> wasmtime.Engine:
    import wasmtime

    return wasmtime.Engine(make_config())


def make_config() -> wasmtime.Config:
    """wasmtime's configuration with every setting of SETTINGS and PRIVATE_SETTINGS."""
    import wasmtime
    from wasmtime import _bindings

    config = wasmtime.Config()
    for name, value in SETTINGS.items():
        setattr(config, name, value)
    for name, value in PRIVATE_SETTINGS.items():
        getattr(_bindings, name)(config.ptr(), value)
    return config


def _failure(faults: Mapping[str, str]) -> ToolFailure:
    names = ", ".join(f"`{_plain(name)}`" for name in faults)
    output = "\n".join(f"{_plain(name)}: {fault}" for name, fault in faults.items())
    return ToolFailure("wasmtime", f"cannot compile {names}", output)


def _plain(name: str) -> str:
    """`app/uart` is the app uart to a person, and `glue/com1` the glue of com1."""
    kind, _, rest = name.partition("/")
    return {"app": f"app {rest}", "glue": f"glue of {rest}"}.get(kind, name)
