"""The certificate of no shared hardware: who holds each port, interrupt line and page of a system, with the proof's words.

Gets a resolved system and its linked image; gives the text that a build leaves beside the image (docs/certificate.md). The
decision counts: each unit in anybody's hands is looked at by itself, so it owes nothing to the sweeps of the rules.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer import __version__
from composer.device import slot_text
from composer.diagnostics import Diagnostic, at, declare, error
from composer.hardware import PAGE, Held, Space, hardware, pages_of
from composer.interfaces import load_interfaces
from composer.result import Result
from composer.system import Range, System

if TYPE_CHECKING:
    from composer.link import Image

M0520 = declare("M0520", "hardware that cannot be certified to have one holder")

WORDS = tomllib.loads((Path(__file__).resolve().parent / "certificate.toml").read_text())
"""What a certificate says in words, and the spaces that it is about."""

SIZES = {Space(space["name"]): space["size"] for space in WORDS["spaces"]}
UNITS = {Space(space["name"]): space["unit"] for space in WORDS["spaces"]}
EMERGENCY_LENGTH = 8
"""Registers of the 16550 that the kernel's emergency writer uses, from the emergency port on."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring units of a space that are in the same hands: by which grants, or kept by the kernel for which reason."""

    range: Range
    grants: tuple[Held, ...] = ()
    reason: str | None = None

    @property
    def state(self) -> str:
        return "held" if self.grants else "free" if self.reason is None else "kept"

    @property
    def holders(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(held.instance for held in self.grants))

    @property
    def fault(self) -> bool:
        """Whether more than one party holds these units."""
        return len(self.holders) + (self.reason is not None) > 1


def certify(image: Image, system: System) -> Result[bytes]:
    """The certificate's bytes, the same for the same system and image. Refuses with M0520 where hardware is shared."""
    return decide(system).accepted().then(lambda spaces: Result(seal(_claims(image, system, spaces))))


def decide(system: System) -> Result[dict[Space, tuple[Stretch, ...]]]:
    """Every space, partitioned, and one M0520 for each stretch of it that has two holders."""
    spaces = {space: partition(system, space) for space in SIZES}
    return Result(spaces, tuple(said for space, stretches in spaces.items() for said in _faults(space, stretches)))


def partition(system: System, space: Space) -> tuple[Stretch, ...]:
    """All of a space, in order: neighbouring units with the same holders make one stretch.

    Counts units: O(n) in the number of units that are held or kept, whatever overlaps.
    """
    held = [each for each in hardware(system) if each.space is space]
    owners: dict[int, tuple[int, ...]] = {}
    for index, each in enumerate(held):
        for unit in range(each.range.base, each.range.end):
            owners[unit] = (*owners.get(unit, ()), index)
    reasons = {unit: reason for kept, reason in kept_by_kernel(space) for unit in range(kept.base, kept.end)}
    return tuple(_stretches(held, owners, reasons, SIZES[space]))


def kept_by_kernel(space: Space) -> tuple[tuple[Range, str], ...]:
    """What the kernel keeps of a space, with the reason for each, as kernel/interfaces/kept.toml says."""
    interfaces = load_interfaces()
    if space is Space.PORT:
        return tuple((Range(base, length), reason) for base, length, reason in interfaces.kept_ports)
    if space is Space.LINE:
        return tuple((Range(line, 1), reason) for line, reason in sorted(interfaces.kept_lines.items()))
    if space is Space.MMIO:
        return tuple((pages_of(Range(base, length)), reason) for base, length, reason in interfaces.kept_pages)
    return ()


def seal(claims: dict[str, Any]) -> bytes:
    """The canonical text of a certificate: keys sorted, and the SHA-256 of that text without this very line."""
    return canonical({**claims, "sha256": hashlib.sha256(canonical(claims)).hexdigest()})


def canonical(claims: dict[str, Any]) -> bytes:
    """JSON in ASCII with sorted keys, an indent of two spaces, and one line feed at the end."""
    return json.dumps(claims, indent=2, sort_keys=True).encode() + b"\n"


def shown(space: Space, units: Range) -> str:
    """Units as a person reads them: lines in decimal, ports in hexadecimal, pages by their first and last byte,
    functions by bus, device and function."""
    if space is Space.LINE:
        return str(units.base) if units.length == 1 else f"{units.base}..{units.end - 1}"
    if space is Space.PORT:
        return str(units)
    if space is Space.FUNCTION:
        return slot_text(units.base) if units.length == 1 else f"{slot_text(units.base)}..{slot_text(units.end - 1)}"
    return str(Range(units.base * PAGE, units.length * PAGE))


def _stretches(held: Sequence[Held], owners: dict[int, tuple[int, ...]], reasons: dict[int, str], size: int) -> Iterator[Stretch]:
    """Group the units that somebody has, and put what is free between them; units past the end of the space stay visible."""
    def hands(numbered: tuple[int, int]) -> tuple[int, tuple[int, ...], str | None]:
        place, unit = numbered
        return unit - place, owners.get(unit, ()), reasons.get(unit)

    end = 0
    for (_, holders, reason), group in groupby(enumerate(sorted(owners.keys() | reasons.keys())), key=hands):
        units = [unit for _, unit in group]
        if end < units[0]:
            yield Stretch(Range(end, units[0] - end))
        yield Stretch(Range(units[0], len(units)), tuple(held[index] for index in holders), reason)
        end = units[-1] + 1
    if end < size:
        yield Stretch(Range(end, size - end))


def _faults(space: Space, stretches: Iterable[Stretch]) -> Iterator[Diagnostic]:
    """One diagnostic for each stretch with two holders, and for each that is no part of the space at all."""
    for stretch in stretches:
        labels = [at(held.span, f"`{held.instance}` holds {shown(space, held.range)} here") for held in stretch.grants]
        where = f"{space} {shown(space, stretch.range)}"
        if stretch.fault:
            parties = [f"`{name}`" for name in stretch.holders] + ["the kernel"] * (stretch.reason is not None)
            yield error(M0520, f"{where} is held by {' and '.join(parties)}", *labels,
                        help="give it to one of them", notes=(stretch.reason,) if stretch.reason else ())
        elif stretch.range.end > SIZES[space]:
            yield error(M0520, f"{where} goes past the last one, {shown(space, Range(SIZES[space] - 1, 1))}", *labels, help="grant what exists")


def _claims(image: Image, system: System, spaces: dict[Space, tuple[Stretch, ...]]) -> dict[str, Any]:
    return {
        "certificate": WORDS["kind"], "version": WORDS["version"], "composer": __version__,
        "system": {"name": system.name, "version": system.version, "profile": system.profile,
                   "target": system.target, "settings": dict(system.settings)},
        "image": hashlib.sha256(image.data).hexdigest(), "table": hashlib.sha256(image.table).hexdigest(),
        "statement": WORDS["statement"], "premises": WORDS["premises"],
        "spaces": [_space(space, stretches) for space, stretches in spaces.items()],
        "emergency": _emergency(system, spaces[Space.PORT]),
    }


def _space(space: Space, stretches: Sequence[Stretch]) -> dict[str, Any]:
    totals = dict.fromkeys(("held", "kept", "free"), 0)
    holders: dict[str, int] = {}
    for stretch in stretches:
        totals[stretch.state] += stretch.range.length
        for name in stretch.holders:
            holders[name] = holders.get(name, 0) + stretch.range.length
    return {"space": space.value, "unit": UNITS[space], "size": SIZES[space], "totals": totals, "holders": holders,
            "ranges": [_range(space, stretch) for stretch in stretches]}


def _range(space: Space, stretch: Stretch) -> dict[str, Any]:
    units = stretch.range
    entry: dict[str, Any] = {"first": units.base, "last": units.end - 1, "range": shown(space, units), "state": stretch.state}
    if stretch.grants:
        entry["holder"] = stretch.holders[0]
        entry["grants"] = [{"need": held.need, "at": f"{held.span.source.path}:{held.span.line}"} for held in stretch.grants]
    elif stretch.reason is not None:
        entry["reason"] = stretch.reason
    return entry


def _emergency(system: System, ports: Sequence[Stretch]) -> dict[str, Any] | None:
    """The kernel's own way to the serial port that panics go to, and whose driver has it otherwise."""
    if system.emergency_port is None:
        return None
    used = Range(system.emergency_port, EMERGENCY_LENGTH)
    holders = sorted({name for stretch in ports if stretch.range & used for name in stretch.holders})
    place = system.emergency_span or system.span
    return {"first": used.base, "last": used.end - 1, "range": shown(Space.PORT, used), "holders": holders, "statement": WORDS["emergency"],
            "at": f"{place.source.path}:{place.line}"}
