"""Decides again, from an image's bytes alone, that no hardware is shared, and compares the certificate beside it.

Gets the bytes of both; gives one line a check. Nothing of the composer is imported, so that no fault of the code that made
image and certificate can hide here: this reads PE, CBOR, JSON and kept.toml by itself (docs/formats.md, docs/certificate.md).
"""

from __future__ import annotations

import hashlib
import json
import struct
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import cbor2

HERE = Path(__file__).resolve().parent
KEPT = HERE.parent.parent / "kernel" / "interfaces" / "kept.toml"
WORDS = HERE.parent / "certificate.toml"

PORTS, LINES, PAGES = 0x1_0000, 240, 1 << 40
FUNCTIONS = 0x1_0000
PAGE = 4096
MOST_BYTES = 1 << 24
"""The most device memory that one need can ask for."""
ISA_LINE, GLOBAL_LINE = 1, 2
"""The kinds of handles that stand for an interrupt line."""
FUNCTION = "PCI function"
"""The space of those that are granted by their place."""
EMERGENCY_PORTS = 8

class Check(NamedTuple):
    """One thing that was looked at: whether it holds, and what was found, in words."""

    name: str
    ok: bool
    text: str


class Unsound(Exception):
    """Why something cannot be read at all, or does not hold, in words."""


Grant = tuple[str, int, int, str]
"""Instance, first unit, number of units, and the need that they are held by."""


@dataclass
class Space:
    """One space as the system table has it: for each unit that somebody holds, the grants that give it.

    `kept` are the units that the kernel in the image keeps; `reasons` those that kept.toml lists, with why.
    """

    name: str
    size: int
    kept: frozenset[int] = frozenset()
    reasons: dict[int, str] = field(default_factory=dict)
    holders: dict[int, list[Grant]] = field(default_factory=dict)

    def hold(self, instance: str, first: int, count: int, need: str) -> None:
        """Count each unit of a grant. Raises Unsound where it leaves the space."""
        if count < 1 or first < 0 or first + count > self.size:
            raise Unsound(f"`{instance}` would hold {count} of space `{self.name}` from {first:#x} on, and there are {self.size:#x}")
        for unit in range(first, first + count):
            self.holders.setdefault(unit, []).append((instance, first, count, need))

    def has(self, unit: int) -> tuple[list[Grant], str | None]:
        """Who has a unit: the grants in the order of a certificate, or why it is kept."""
        return sorted(self.holders.get(unit, ()), key=lambda grant: (grant[1:3], grant[0], grant[3])), self.reasons.get(unit)


@dataclass
class Image:
    """What the image says: digests in hexadecimal, the table, the kernel's emergency port, the spaces by name, and the record of
    what it was made of, where it has one."""

    digest: str
    table_digest: str
    table: dict[int, Any]
    emergency: int
    spaces: dict[str, Space]
    origin: dict[str, Any] | None


def recheck(image: bytes, certificate: bytes | None) -> list[Check]:
    """Every check, in order. An image that cannot be read gives one that fails, and so does a certificate that is not there."""
    try:
        found = _read_image(image)
    except Unsound as why:
        return [Check("hardware", False, str(why))]
    checks = list(_decide(found))
    if certificate is None:
        return [*checks, Check("certificate", False, "there is none beside the image")]
    try:
        claims = _read_certificate(certificate)
    except Unsound as why:
        return [*checks, Check("certificate", False, str(why))]
    return [*checks, *_compare(found, claims)]


def _check(name: str, job: Callable[[], str]) -> Check:
    """Run one check; whatever a value of the wrong type does to it is a failure of what was given."""
    try:
        return Check(name, True, job())
    except Unsound as why:
        return Check(name, False, str(why))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as why:
        return Check(name, False, f"has not the form that it should have ({type(why).__name__})")


# The image

def _read_image(data: bytes) -> Image:
    section = _section(data, b".munal")
    if section is None:
        raise Unsound("the image has no section `.munal`")
    try:
        magic, layout, emergency, start, length, digest = struct.unpack_from("<8sIIQQ32s", section)
    except struct.error:
        raise Unsound("the image's section `.munal` is cut short") from None
    if (magic, layout) != (b"MUNALSYS", 1) or start + length > len(section):
        raise Unsound("the image's section `.munal` has no header that is known")
    table_bytes = section[start:start + length]
    if hashlib.sha256(table_bytes).digest() != digest:
        raise Unsound("the system table is not the one whose SHA-256 the image holds")
    table = _cbor(table_bytes)
    try:
        spaces = _spaces(table, _kept_by_image(data, table[4]))
        return Image(hashlib.sha256(data).hexdigest(), digest.hex(), table, emergency, spaces, _origin(data))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise Unsound("the system table has not the form that it should have") from None


def _origin(data: bytes) -> dict[str, Any] | None:
    """The record of what the image was made of; None where it has none."""
    record = _section(data, b".origin")
    try:
        value = json.loads(record) if record is not None else None
    except (ValueError, RecursionError):
        raise Unsound("the image's section `.origin` is no JSON") from None
    return value


def _section(data: bytes, wanted: bytes) -> bytes | None:
    """A section's bytes in the file, by its name in the PE headers (Microsoft PE format); None where there is none."""
    try:
        if data[:2] != b"MZ":
            raise Unsound("this is no PE image")
        headers = struct.unpack_from("<I", data, 0x3C)[0]
        count, optional = struct.unpack_from("<H12xH", data, headers + 6)
        for number in range(count):
            name, size, _, stored, place = struct.unpack_from("<8sIIII", data, headers + 24 + optional + 40 * number)
            if name.rstrip(b"\0") == wanted:
                return data[place:place + min(size, stored)]
    except struct.error:
        raise Unsound("the image's headers are cut short") from None
    return None


def _cbor(data: bytes) -> dict[int, Any]:
    try:
        value = cbor2.loads(data)
        sound = isinstance(value, dict) and cbor2.dumps(value, canonical=True) == data
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError, EOFError):
        sound = False
    if not sound:
        raise Unsound("the system table is no map in deterministic CBOR")
    return value


def _kept_by_image(data: bytes, digest: bytes) -> dict[str, Any]:
    """What the kernel in this image keeps: it carries its interfaces as JSON, and the table names them by their SHA-256."""
    start = data.find(b'{"errors":')
    while start >= 0:
        try:
            text = data[start:start + (1 << 16)].decode("latin-1")
            value, length = json.JSONDecoder().raw_decode(text)
            if hashlib.sha256(data[start:start + length]).digest() == digest:
                return value["kept"]
        except (ValueError, RecursionError):
            pass
        start = data.find(b'{"errors":', start + 1)
    raise Unsound("the kernel in the image does not carry the interfaces that the system table names: what it keeps is unknown")


def _spaces(table: dict[int, Any], kept: dict[str, Any]) -> dict[str, Space]:
    """Every unit that the table gives to anybody."""
    listed = tomllib.loads(KEPT.read_text())
    reasons = {unit: each["reason"] for each in listed["ports"] for unit in range(each["base"], each["base"] + each["length"])}
    ports = Space("port", PORTS, frozenset(unit for base, length in kept["ports"] for unit in range(base, base + length)), reasons)
    lines = Space("interrupt", LINES, frozenset(kept["lines"]), {each["number"]: each["reason"] for each in listed["lines"]})
    pages = Space("MMIO page", PAGES, frozenset(unit for base, length in kept["pages"] for unit in _pages(base, length)),
                  {unit: each["reason"] for each in listed["pages"] for unit in _pages(each["base"], each["length"])})
    for instance in table[7]:
        name = instance[0]
        for grant in instance[10]:
            ports.hold(name, grant[1], grant[2], f"port.{grant[0]}")
        for handle in instance[11]:
            if handle[1] in (ISA_LINE, GLOBAL_LINE):
                lines.hold(name, handle[2], 1, f"irq.{handle[0]}")
        for grant in instance[12]:
            if grant[1] < 0 or not 0 < grant[2] <= MOST_BYTES:
                raise Unsound(f"`{name}` would hold {grant[2]} bytes of device memory from {grant[1]:#x} on")
            touched = _pages(grant[1], grant[2])
            pages.hold(name, touched.start, len(touched), f"mmio.{grant[0]}")
    functions = Space(FUNCTION, FUNCTIONS)
    for device in table[12]:
        if device[3] is not None:
            functions.hold(table[7][device[1]][0], device[3], 1, f"device.{device[0]}")
    return {space.name: space for space in (ports, lines, pages, Space("DMA page", PAGES), functions)}


def _pages(base: int, length: int) -> range:
    """The numbers of the pages that bytes [base, base + length) touch."""
    return range(base // PAGE, (base + length - 1) // PAGE + 1)


# The decision

def _decide(image: Image) -> Iterator[Check]:
    for space in image.spaces.values():
        yield _check(f"{space.name}s", lambda space=space: _one_holder(space))
    yield _check("emergency port", lambda: _emergency(image))
    yield _check("kept hardware", lambda: _same_kept(image))


def _one_holder(space: Space) -> str:
    """Looks at every port and line there is, and at every page that anybody has."""
    for unit, grants in _every_unit(space):
        if not grants:
            continue
        holders = sorted({grant[0] for grant in grants})
        if len(holders) > 1:
            raise Unsound(f"{space.name} {_shown(space, unit)} is held by `{holders[0]}` and by `{holders[1]}`")
        if unit in space.kept:
            raise Unsound(f"{space.name} {_shown(space, unit)} is held by `{holders[0]}`, and the kernel keeps it")
    count = len({grant[0] for grants in space.holders.values() for grant in grants})
    instances = f"{count} instance{'' if count == 1 else 's'}"
    return f"{len(space.holders)} of {space.size} held, by {instances}, none by two; {len(space.kept)} kept by the kernel"


def _every_unit(space: Space) -> Iterable[tuple[int, Sequence[Grant]]]:
    """Each unit with its grants: from an array of them all, but of pages only those that somebody has."""
    if space.size > PORTS:
        return sorted(space.holders.items())
    owners: list[Sequence[Grant]] = [()] * space.size
    for unit, grants in space.holders.items():
        owners[unit] = grants
    return enumerate(owners)


def _emergency(image: Image) -> str:
    listed = image.table[5] or 0
    if image.emergency != listed:
        raise Unsound(f"the image's header names {image.emergency:#x}, the system table {listed:#x}")
    if not listed:
        return "none"
    used = range(listed, listed + EMERGENCY_PORTS)
    kept = [port for port in used if port in image.spaces["port"].kept or port >= PORTS]
    if kept:
        raise Unsound(f"the emergency writer would use port {kept[0]:#x}, where no serial port can be")
    return f"{used[0]:#x}..{used[-1]:#x}, for the kernel when it panics"


def _same_kept(image: Image) -> str:
    """What the image's kernel keeps is what this source tree says that kernels keep."""
    for space in image.spaces.values():
        if other := sorted(space.kept ^ space.reasons.keys()):
            by = "the kernel in the image" if other[0] in space.kept else "kept.toml"
            raise Unsound(f"{space.name} {_shown(space, other[0])} is kept by {by} alone")
    return "the kernel in the image keeps what kept.toml lists"


# The certificate

def _read_certificate(data: bytes) -> dict[str, Any]:
    """Its claims. Raises Unsound for any text but the canonical one, and for one that was changed since it was sealed."""
    try:
        claims = json.loads(data)
        sound = isinstance(claims, dict) and _canonical(claims) == data
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise Unsound("the certificate is no JSON object in its canonical form")
    sealed = claims.pop("sha256", None)
    if sealed != hashlib.sha256(_canonical(claims)).hexdigest():
        raise Unsound("the certificate was changed after it was written: its own SHA-256 differs")
    return claims


def _canonical(claims: dict[str, Any]) -> bytes:
    return json.dumps(claims, indent=2, sort_keys=True).encode() + b"\n"


def _compare(image: Image, claims: dict[str, Any]) -> Iterator[Check]:
    """The certificate must be, but for places in manifests, exactly what this image's certificate is."""
    yield _check("certificate: image", lambda: _same_digest(claims["image"], image.digest, "image"))
    yield _check("certificate: system table", lambda: _same_digest(claims["table"], image.table_digest, "system table"))
    claimed: dict[str, Any] = {}
    wanted: dict[str, Any] = {}

    def derive() -> str:
        claimed.update(_without_places(image, claims))
        wanted.update(_wanted(image))
        if more := sorted(claimed.keys() - {"image", "table", *wanted}):
            raise Unsound(f"`{more[0]}` is nothing that a certificate says")
        return "every grant with its file and line, which an image does not hold"

    places = _check("certificate: places", derive)
    yield places
    if places.ok:
        for part, value in wanted.items():
            name = "kind" if part == "certificate" else part
            yield _check(f"certificate: {name}", lambda part=part, value=value: _same(claimed.get(part), value, part))


def _same_digest(claimed: str, found: str, what: str) -> str:
    if claimed != found:
        raise Unsound(f"it is about the {what} {claimed[:12]}…, and this is {found[:12]}…")
    return f"sha256 {found}"


def _without_places(image: Image, claims: dict[str, Any]) -> dict[str, Any]:
    """The claims without what this image does not know: who wrote what where, and without a record, what it was made of."""
    claims = json.loads(json.dumps(claims))
    texts = [grant.pop("at") for space in claims["spaces"] for entry in space["ranges"] for grant in entry.get("grants", ())]
    texts += [claims["emergency"].pop("at")] if claims["emergency"] else []
    if image.origin is None:
        texts += [claims.pop("composer"), claims["system"].pop("target") or "none", *claims["system"].pop("settings").values()]
    if not all(isinstance(text, str) for text in texts):
        raise Unsound("a place, or what the image was made of, is no text")
    return claims


def _wanted(image: Image) -> dict[str, Any]:
    """The parts of the certificate that this image has, made from its bytes."""
    words = tomllib.loads(WORDS.read_text())
    spaces = [_wanted_space(image.spaces[space["name"]], space["unit"]) for space in words["spaces"]]
    table, origin = image.table, image.origin
    system = {"name": table[1], "version": table[2], "profile": table[3]}
    made = {"composer": origin["composer"]["version"]} if origin else {}
    if origin:
        system |= {"target": origin["target"], "settings": origin["settings"]}
    return {"certificate": words["kind"], "version": words["version"], "statement": words["statement"], "premises": words["premises"],
            "system": system, **made,
            "spaces": spaces, "emergency": _wanted_emergency(image, words["emergency"])}


def _wanted_space(space: Space, unit: str) -> dict[str, Any]:
    ranges = list(_wanted_ranges(space))
    totals = {state: sum(e["last"] - e["first"] + 1 for e in ranges if e["state"] == state) for state in ("held", "kept", "free")}
    holders = Counter(name for grants in space.holders.values() for name in {grant[0] for grant in grants})
    return {"space": space.name, "unit": unit, "size": space.size, "totals": totals, "holders": dict(holders), "ranges": ranges}


def _wanted_ranges(space: Space) -> Iterator[dict[str, Any]]:
    """The space from its first unit to its last: where who has a unit changes, another range begins."""
    places = sorted({0, space.size, *(edge for unit in {*space.holders, *space.kept} for edge in (unit, unit + 1))})
    first = 0
    for place in places[1:]:
        if place == space.size or space.has(place) != space.has(first):
            yield _wanted_range(space, first, place - 1)
            first = place


def _wanted_range(space: Space, first: int, last: int) -> dict[str, Any]:
    grants, reason = space.has(first)
    entry = {"first": first, "last": last, "range": _shown(space, first, last)}
    if grants:
        return {**entry, "state": "held", "holder": grants[0][0], "grants": [{"need": need} for _, _, _, need in grants]}
    return {**entry, "state": "free"} if reason is None else {**entry, "state": "kept", "reason": reason}


def _wanted_emergency(image: Image, statement: str) -> dict[str, Any] | None:
    if not image.table[5]:
        return None
    ports, first = image.spaces["port"], image.table[5]
    last = first + EMERGENCY_PORTS - 1
    holders = sorted({grant[0] for unit in range(first, last + 1) for grant in ports.holders.get(unit, ())})
    return {"first": first, "last": last, "range": _shown(ports, first, last), "holders": holders, "statement": statement}


def _same(claimed: Any, wanted: Any, what: str) -> str:
    """Compares as texts, so that 1, 1.0 and true are three."""
    if _text(claimed) != _text(wanted):
        raise Unsound(_difference(claimed, wanted, what))
    return "as the image has it"


def _difference(claimed: Any, wanted: Any, what: str) -> str:
    """The first place where two values part."""
    if isinstance(claimed, dict) and isinstance(wanted, dict):
        for key in sorted({*claimed, *wanted}, key=lambda key: (key not in wanted, list(wanted).index(key) if key in wanted else 0, key)):
            if _text(claimed.get(key)) != _text(wanted.get(key)) or (key in claimed) != (key in wanted):
                return _difference(claimed.get(key), wanted.get(key), f"{what}.{key}")
    if isinstance(claimed, list) and isinstance(wanted, list):
        for number, (one, other) in enumerate(zip_longest(claimed, wanted)):
            if _text(one) != _text(other):
                return _difference(one, other, f"{what}[{number}]")
    return f"`{what}` is {_text(claimed)[:200]} in the certificate, and should be {_text(wanted)[:200]}"


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _shown(space: Space, first: int, last: int | None = None) -> str:
    """Units in words: lines in decimal, ports in hexadecimal, pages by their first and last byte, functions as bus:device.function."""
    last = first if last is None else last
    if space.size == PAGES:
        return f"{first * PAGE:#x}..{(last + 1) * PAGE - 1:#x}"
    if space.name == FUNCTION:
        one, other = (f"{unit >> 8:02x}:{unit >> 3 & 31:02x}.{unit & 7}" for unit in (first, last))
        return one if first == last else f"{one}..{other}"
    one, other = (str(first), str(last)) if space.size == LINES else (f"{first:#x}", f"{last:#x}")
    return one if first == last else f"{one}..{other}"
