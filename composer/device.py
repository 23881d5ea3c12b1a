"""What is granted with a device, as plain values: what it may be, which function it is, and its model.

Gets texts and numbers that device_model.py and shapes.py have checked; gives frozen values, in the order and with the numbers in which
the kernel reads them from the system table (kernel/logic/src/device/mod.rs). The order of fields here is that of the keys there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, get_args, get_type_hints

MEMORY = "memory"
"""What a pointer calls the driver's own memory; no table can be called so."""
ANY = "any"
"""The slot of a grant that leaves to the kernel which of the functions that match it is."""

# The kernel's bounds (kernel/logic/src/device/check.rs); sizes are in bytes.
MOST_MATCHES = 32
MOST_RULES = 64
"""Ranges of free bytes, limits or pointers of one region or table, each."""
MOST_PARTS = 32
"""Regions, tables with their copies, or steps of a reset, each."""
LARGEST_REGION = 1 << 24
LARGEST_TABLE = 1 << 16
MOST_REPEATED = 4096
BARS = 6
ADDRESS = 8
"""Bytes of a pointer."""

_MATCH = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})|([0-9a-fA-F]{2}):([0-9a-fA-F]{2})(?::([0-9a-fA-F]{2}))?", re.ASCII)
_SLOT = re.compile(r"([0-9a-fA-F]{2}):([01][0-9a-fA-F])\.([0-7])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Match:
    """32 bits of configuration space at `offset`, of which those of `mask` are `value`: an identity, or a class."""

    offset: int
    value: int
    mask: int

    def __str__(self) -> str:
        if self.offset == 0:
            return f"{self.value & 0xFFFF:04x}:{self.value >> 16:04x}"
        parts = [self.value >> 24, self.value >> 16 & 0xFF, self.value >> 8 & 0xFF][: 3 if self.mask & 0xFF00 else 2]
        return ":".join(f"{part:02x}" for part in parts)


@dataclass(frozen=True, slots=True)
class Limit:
    """Numbers of `bytes` bytes whose bits are among those of `mask`, none below `least` or above `most`."""

    offset: int
    bytes: int
    mask: int
    least: int
    most: int
    count: int
    stride: int


@dataclass(frozen=True, slots=True)
class Length:
    """Where an entry says for how many bytes its pointer is: those of `mask`, and `more`."""

    offset: int
    bytes: int
    mask: int
    more: int


@dataclass(frozen=True, slots=True)
class Written:
    """The bit by which the device writes where a pointer leads, and what it may lead to then."""

    offset: int
    bit: int
    to: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """An address of 64 bits. `to` is bit 0 for the driver's memory and bit n + 1 for table n."""

    offset: int
    count: int
    stride: int
    halves: bool
    reach: int
    length: Length | None
    to: int
    written: Written | None


@dataclass(frozen=True, slots=True)
class Rules:
    """Which bytes may be written, `free` ones as [start, end); those that nothing here names may not."""

    free: tuple[tuple[int, int], ...] = ()
    limits: tuple[Limit, ...] = ()
    pointers: tuple[Pointer, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """Registers: from a base address register on, or where the vendor's capability `(id, at, is)` says."""

    name: str
    bar: int | None
    capability: tuple[int, int, int] | None
    length: int
    rules: Rules


@dataclass(frozen=True, slots=True)
class Table:
    """Memory that the device reads: `count` entries of `entry` bytes, and the rules of one."""

    name: str
    entry: int
    count: int
    rules: Rules


@dataclass(frozen=True, slots=True)
class Step:
    """A register that gets `value`, or with a `mask` is waited for until those bits of it are `value`."""

    region: int
    offset: int
    bytes: int
    value: int
    mask: int | None


@dataclass(frozen=True, slots=True)
class Model:
    """A model file, checked. `path` is relative to the workspace."""

    path: str
    summary: str
    regions: tuple[Region, ...]
    tables: tuple[Table, ...]
    reset: tuple[Step, ...]

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Device:
    """One granted device, as the system table has it: `instance` is an index, `slot` a function's number."""

    need: str
    instance: int
    matches: tuple[Match, ...]
    slot: int | None
    skip: int
    regions: tuple[Region, ...]
    tables: tuple[Table, ...]
    reset: tuple[Step, ...]


def parse_match(text: str) -> Match | None:
    """`vendor:device`, or `class:subclass` with or without `:interface`; None for what is neither."""
    found = _MATCH.fullmatch(text)
    if not found:
        return None
    vendor, device, kind, subclass, interface = (int(part, 16) if part else 0 for part in found.groups())
    if found[1]:
        return Match(0, device << 16 | vendor, 0xFFFF_FFFF)
    return Match(8, kind << 24 | subclass << 16 | interface << 8, 0xFFFF_FF00 if found[5] else 0xFFFF_0000)


def is_slot(text: str) -> bool:
    """Whether this is `bus:device.function`, or `any`."""
    return text == ANY or _SLOT.fullmatch(text) is not None


def slot_number(text: str) -> int | None:
    """Bus x 256 + device x 8 + function of a slot; None for any."""
    found = _SLOT.fullmatch(text)
    return int(found[1], 16) << 8 | int(found[2], 16) << 3 | int(found[3]) if found else None


def slot_text(number: int) -> str:
    """A function's number as a person writes it."""
    return f"{number >> 8:02x}:{number >> 3 & 0x1F:02x}.{number & 7}"


# The system table

def keys(kind: type) -> tuple[str, ...]:
    """The names of a map's keys, in the order of their numbers."""
    return tuple(field.name for field in fields(kind))


def numbered(value: Any) -> Any:
    """A value with numbers for names: what the system table holds."""
    if is_dataclass(value):
        return {number: numbered(getattr(value, field.name)) for number, field in enumerate(fields(value))}
    return [numbered(each) for each in value] if isinstance(value, tuple) else value


def named(kind: type, value: Mapping[int, Any]) -> dict[str, Any]:
    """What `numbered` made of one of these, with names for numbers again. Raises ValueError for other keys."""
    if set(value) != set(range(len(fields(kind)))):
        raise ValueError(f"a map with the keys {sorted(value)} where {', '.join(keys(kind))} were expected")
    inner = _inner(kind)
    return {name: _named(inner.get(name), value[number]) for number, name in enumerate(keys(kind))}


def _named(kind: type | None, value: Any) -> Any:
    if kind is None or value is None:
        return value
    return [named(kind, each) for each in value] if isinstance(value, list) else named(kind, value)


@lru_cache(maxsize=16)
def _inner(kind: type) -> dict[str, type]:
    """The fields of a value that hold values like it, or tuples of them."""
    hints = {name: (hint, *get_args(hint)) for name, hint in get_type_hints(kind).items()}
    return {name: next(each for each in among if is_dataclass(each)) for name, among in hints.items() if any(map(is_dataclass, among))}


def words(device: Mapping[str, Any]) -> str:
    """What a device of a system table is, as `named` gives it: `1af4:1044 or 1af4:1005, at 00:03.0, after 1 other`."""
    kinds = " or ".join(str(Match(**match)) for match in device["matches"])
    return ", ".join((kinds, *which(device["slot"], device["skip"])))


def which(slot: int | None, skip: int) -> tuple[str, ...]:
    """Which of the functions that match a grant means, in words; none where it is the first."""
    place = () if slot is None else (f"at {slot_text(slot)}",)
    return (*place, f"after {skip} other{'s' if skip > 1 else ''}") if skip else place
