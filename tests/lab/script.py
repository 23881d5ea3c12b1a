"""Writes the lab's scripts (docs/lab.md, "The script"): what kernel/logic/src/lab.rs reads.

Gets modules as machine code and units of steps; gives the content of an image's section `.munal`.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import cbor2

from composer import link, qemu
from composer.pe import MEMORY_ALIGNMENT

MAGIC, VERSION = "munal lab", 1
EMERGENCY_PORT = 0x3F8
MIB = 1 << 20


class Type(IntEnum):
    """A value's type, as its first number says it. Floats are bits, vectors 16 bytes, references whether there is a function."""

    I32, I64, F32, F64, V128, FUNCTION = range(6)


Value = list[Any]
"""A type and its bits, as [Type.I32, 7]."""
Pattern = list[Any]
Expected = list[Any]
Step = list[Any]


class Nan(IntEnum):
    """Patterns that only floats match."""

    CANONICAL_F32, ARITHMETIC_F32, CANONICAL_F64, ARITHMETIC_F64 = range(1, 5)


def exactly(value: Value) -> Pattern:
    return [0, value]


def nan(kind: Nan) -> Pattern:
    return [int(kind)]


def lanes(patterns: Sequence[Pattern]) -> Pattern:
    """A vector: as many lanes, from the lowest, as there are patterns of floats, 2 or 4."""
    return [5, list(patterns)]


def either(patterns: Sequence[Pattern]) -> Pattern:
    return [6, list(patterns)]


SUCCESS: Expected = [0]


def values(patterns: Iterable[Pattern]) -> Expected:
    return [1, list(patterns)]


def failure(*words: str) -> Expected:
    """A failure whose words hold at least one of these."""
    return [2, list(words)]


def instantiate(module: int, name: str | None = None, expected: Expected = SUCCESS) -> Step:
    return [0, module, name, expected]


def register(instance: str | None, name: str) -> Step:
    return [1, instance, name]


def invoke(field: str, arguments: Sequence[Value] = (), expected: Expected = SUCCESS, instance: str | None = None) -> Step:
    return [2, instance, field, list(arguments), expected]


def get(field: str, expected: Expected, instance: str | None = None) -> Step:
    return [3, instance, field, expected]


def state(sha256: bytes, instance: str | None = None) -> Step:
    return [4, instance, sha256]


def measure(field: str, times: int, arguments: Sequence[Value] = (), instance: str | None = None) -> Step:
    return [5, instance, field, list(arguments), times]


def race(module: int, wasm: int, field: str, times: int, arguments: Sequence[Value] = ()) -> Step:
    """Call the same of a module of machine code and of its wasm, which an interpreter runs."""
    return [6, module, wasm, field, list(arguments), times]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a store of the lab may take: bytes of each memory, elements of each table."""

    memory: int = 128 * MIB
    table: int = 100_000


@dataclass(frozen=True, slots=True)
class Unit:
    """Steps that share a store. `name` is what the lab's lines call it."""

    name: str
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Module:
    """Machine code as an image carries it: packed where `unpacked`, its length before, is not 0."""

    data: bytes
    unpacked: int

    @staticmethod
    def packed(code: bytes) -> Module:
        return Module(zlib.compress(code, 6), len(code))

    @staticmethod
    def plain(data: bytes) -> Module:
        return Module(data, 0)


def payload(modules: Sequence[Module], units: Sequence[Unit], limits: Limits, neighbour: int | None = None) -> bytes:
    """The section `.munal`: the page of the header, the modules one behind the other, then the script. `neighbour` is the number of a module."""
    body = bytearray(MEMORY_ALIGNMENT)
    placed = []
    for module in modules:
        placed.append([len(body), len(module.data), module.unpacked, hashlib.sha256(module.data).digest()])
        body += module.data
    script = [MAGIC, VERSION, qemu.DEBUG_EXIT_PORT, [limits.memory, limits.table], placed, neighbour,
              [[unit.name, unit.steps] for unit in units]]
    return link.seal(EMERGENCY_PORT, body, cbor2.dumps(script))
