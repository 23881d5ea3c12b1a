"""Compiles many modules for the lab, as the composer compiles an app's, and packs them; all of them are kept under one key.

A module's machine code is some 12 KB at least, most of it alignment: packed, it is a tenth. Only the packed bytes are kept, and
processes of their own make them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import sched_getaffinity

import cbor2

from composer import cache, compile
from tests.lab.script import Module

KIND = "lab"
SHARE = 64
"""Modules that a process gets at a time."""


def settings_key() -> str:
    """Changes whenever the same wasm may compile to other code."""
    return cache.digest(compile.WASMTIME, json.dumps([compile.SETTINGS, compile.PRIVATE_SETTINGS], sort_keys=True))


def packed(wasm: Sequence[bytes]) -> list[Module]:
    """The machine code of each module, packed, in their order. Raises ValueError where wasmtime refuses one."""
    key = cache.digest("packed", settings_key(), *wasm)
    kept = cache.read(KIND, key)
    if kept is None:
        with pool() as workers:
            modules = list(workers.map(_pack, wasm, chunksize=SHARE))
        kept = cbor2.dumps([[module.data, module.unpacked] for module in modules])
        cache.store(KIND, key, kept)
    return [Module(data, unpacked) for data, unpacked in cbor2.loads(kept)]


def pool() -> ProcessPoolExecutor:
    """Processes started afresh, as many as there are processors: a fork of a process with threads can stand still."""
    return ProcessPoolExecutor(len(sched_getaffinity(0)), get_context("spawn"))


def _pack(wasm: bytes) -> Module:
    return Module.packed(compile.compile_module(wasm))
