"""Texts with a unit as numbers: sizes as bytes, shares as permille, durations as milliseconds.

A text that says none raises `Complaint`, which carries the code and the advice that the diagnostic will show.
"""

from __future__ import annotations

import re

from composer.diagnostics import declare

M0106 = declare("M0106", "a value of the wrong type")
M0107 = declare("M0107", "a number or a size out of its range")
M0108 = declare("M0108", "a text that says no size, share or duration")

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SIZES = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}
DURATIONS = {"ms": 1, "s": 1000, "min": 60_000}

_QUANTITY = re.compile(r"([0-9]{1,12})(?:\.([0-9]))? ?(%|[A-Za-z]+)", re.ASCII)


class Complaint(ValueError):
    """What is wrong with a value, in words for a person."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def parse_size(written: object) -> int:
    """Bytes of a text like "256 KiB". Raises Complaint."""
    return _scaled(written, SIZES, "a size", '"256 KiB"')


def parse_duration(written: object) -> int:
    """Milliseconds of a text like "100 ms". Raises Complaint."""
    return _scaled(written, DURATIONS, "a duration", '"100 ms"')


def parse_share(written: object) -> int:
    """Permille of a text like "20 %" or "12.5 %". Raises Complaint."""
    number, tenths, _ = _parts(written, {"%": 10}, "a share", '"20 %"')
    return number * 10 + tenths


def format_size(size: int) -> str:
    """The shortest text that says this many bytes exactly."""
    unit = next(name for name in ("GiB", "MiB", "KiB", "B") if size % SIZES[name] == 0)
    return f"{size // SIZES[unit]} {unit}"


def format_share(permille: int) -> str:
    return f"{permille // 10} %" if permille % 10 == 0 else f"{permille / 10:.1f} %"


def format_duration(milliseconds: int) -> str:
    unit = next(name for name in ("min", "s", "ms") if milliseconds % DURATIONS[name] == 0)
    return f"{milliseconds // DURATIONS[unit]} {unit}"


def _scaled(written: object, units: dict[str, int], what: str, example: str) -> int:
    number, tenths, unit = _parts(written, units, what, example)
    scaled = number * 10 + tenths
    if scaled * units[unit] % 10:
        raise Complaint(M0108, f"`{number}.{tenths} {unit}` is no whole number", "write it in a smaller unit, without a fraction")
    return scaled * units[unit] // 10


def _parts(written: object, units: dict[str, int], what: str, example: str) -> tuple[int, int, str]:
    """Number, tenths and unit. Numbers have at most twelve digits, so that no text makes a huge one."""
    if not isinstance(written, str):
        raise Complaint(M0106, f"expected {what} with its unit", f"write a text like {example}")
    found = _QUANTITY.fullmatch(written)
    if not found:
        raise Complaint(M0108, f'"{written[:40]}" is not {what}', f"write a text like {example}")
    if found[3] not in units:
        known = ", ".join(f"`{unit}`" for unit in units)
        raise Complaint(M0108, f"`{found[3][:40]}` is no unit of {what}", f"the units are {known}" if len(units) > 1 else f"write a text like {example}")
    return int(found[1]), int(found[2] or 0), found[3]
