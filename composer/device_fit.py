"""Whether a device of a system table is one that the kernel works by: what kernel/logic/src/device/check.rs asks of it.

Gets plain values out of a table that nobody has vouched for; gives an answer, or what is wrong in words. The form comes first,
by the types of the values that device.py writes there; then what numbers say of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import lru_cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from composer.device import (
    ADDRESS, BARS, LARGEST_REGION, LARGEST_TABLE, MOST_MATCHES, MOST_PARTS, MOST_REPEATED, MOST_RULES, Device, Match, Region, keys,
)

U8, U16, U32, U64 = ((1 << bits) - 1 for bits in (8, 16, 32, 64))
GREATEST = {(Match, "offset"): U8, (Device, "slot"): U16, (Region, "bar"): U8, (Region, "capability"): U8}
"""Numbers that the kernel reads in less than 32 bits, wherever they stand."""
_WIDE = ("mask", "least", "most", "more", "reach", "to", "value")
_BYTES = ("bytes", "bit")
_WIDTHS = (1, 2, 4, 8)

Values = Mapping[str, Any]


def is_form_of(kind: type, value: Any, is_name: Callable[[Any], bool]) -> bool:
    """Whether this is a map with the keys and the types of values that `device.numbered` gives for a value of this kind."""
    hints = _hints(kind)
    known = isinstance(value, dict) and all(type(key) is int for key in value) and set(value) == set(range(len(hints)))
    return known and all(_fits(hint, value[number], _greatest(kind, name), is_name) for number, (name, hint) in enumerate(hints.items()))


@lru_cache(maxsize=16)
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in keys(kind)}


def _greatest(kind: type, name: str) -> int:
    if kind is Match:
        return GREATEST.get((kind, name), U32)
    return U64 if name in _WIDE else U8 if name in _BYTES else GREATEST.get((kind, name), U32)


def _fits(hint: Any, value: Any, most: int, is_name: Callable[[Any], bool]) -> bool:
    arguments = get_args(hint)
    if NoneType in arguments:
        return value is None or _fits(arguments[0], value, most, is_name)
    if get_origin(hint) is tuple:
        if type(value) is not list:
            return False
        many = arguments[-1] is Ellipsis
        return (many or len(value) == len(arguments)) and all(_fits(arguments[0], each, most, is_name) for each in value)
    if is_dataclass(hint):
        return is_form_of(hint, value, is_name)  # type: ignore[arg-type]
    if hint is str:
        return is_name(value)
    return type(value) is hint and (hint is bool or 0 <= value <= most)


def fault_of(device: Values, instances: int) -> str | None:
    """What is wrong with a device of the right form, `table.decode` having named it; None where nothing is."""
    tables = device["tables"]
    parts = device["regions"], tables, device["reset"]
    if not (device["instance"] < instances and 1 <= len(device["matches"]) <= MOST_MATCHES and all(len(part) <= MOST_PARTS for part in parts)):
        return "is of nobody, is none, or has too many parts"
    if not all(_is_table(table, tables) for table in tables):
        return "has a table that is none"
    if not all(_is_region(region, tables) for region in device["regions"]):
        return "has a region that is none"
    return None if all(_is_step(step, device["regions"]) for step in device["reset"]) else "has a reset that writes what is not there"


def _is_region(region: Values, tables: list[Values]) -> bool:
    plain = all(pointer["length"] is None and pointer["written"] is None for pointer in region["rules"]["pointers"])
    return ((region["bar"] is None) != (region["capability"] is None) and (region["bar"] or 0) < BARS and 1 <= region["length"] <= LARGEST_REGION
            and _are_rules(region["rules"], region["length"], tables) and plain)


def _is_table(table: Values, tables: list[Values]) -> bool:
    return (1 <= table["entry"] * table["count"] <= LARGEST_TABLE and _are_rules(table["rules"], table["entry"], tables)
            and not any(pointer["halves"] for pointer in table["rules"]["pointers"]))


def _is_step(step: Values, regions: list[Values]) -> bool:
    return (step["bytes"] in _WIDTHS and step["region"] < len(regions)
            and step["offset"] + step["bytes"] <= regions[step["region"]]["length"])


def _are_rules(rules: Values, size: int, tables: list[Values]) -> bool:
    few = all(len(rules[part]) <= MOST_RULES for part in ("free", "limits", "pointers"))
    return (few and all(start < end <= size for start, end in rules["free"])
            and all(limit["bytes"] in _WIDTHS and _are_inside(limit["offset"], limit["bytes"], limit, size) for limit in rules["limits"])
            and all(_is_pointer(pointer, rules["free"], size, tables) for pointer in rules["pointers"]))


def _is_pointer(pointer: Values, free: list[tuple[int, int]], size: int, tables: list[Values]) -> bool:
    length, written, known = pointer["length"], pointer["written"], (2 << len(tables)) - 1
    led = [table for number, table in enumerate(tables) if pointer["to"] >> number + 1 & 1]
    return ((length is None or (length["bytes"] in _WIDTHS and length["more"] <= U32))
            and (written is None or (written["bit"] < 8 and not written["to"] & ~known)) and not pointer["to"] & ~known
            and (length is not None or all(reaches(pointer["reach"], table["entry"], table["count"]) for table in led))
            and all(_are_inside(offset, count, pointer, size) and not any(overlaps(pointer, offset, count, *some) for some in free)
                    for offset, count in _parts(pointer)))


def _parts(pointer: Values) -> Iterator[tuple[int, int]]:
    """Where the bytes begin that are written together, and how many there are of each."""
    yield pointer["offset"], ADDRESS
    if pointer["length"]:
        yield pointer["length"]["offset"], pointer["length"]["bytes"]
    if pointer["written"]:
        yield pointer["written"]["offset"], 1


def reaches(reach: int, entry: int, count: int) -> bool:
    """Whether a table of `count` entries has `reach` bytes for a pointer to lead to: whole entries from the first on."""
    return 0 < reach <= entry * count and reach % entry == 0


def overlaps(repeated: Values, offset: int, count: int, start: int, end: int) -> bool:
    """Whether any repetition of `count` bytes from `offset` on has one of [start, end)."""
    number = max(0, -(-(start + 1 - offset - count) // repeated["stride"])) if repeated["stride"] else 0
    first = offset + number * repeated["stride"]
    return number < repeated["count"] and start < first + count and first < end


def _are_inside(offset: int, bytes: int, repeated: Values, size: int) -> bool:
    count, stride = repeated["count"], repeated["stride"]
    return 1 <= count <= MOST_REPEATED and (count == 1 or stride >= bytes) and offset + bytes + (count - 1) * stride <= size
