"""All that each instance of a system may do, as sets of numbers: two systems can then be compared exactly, unit by unit.

Gets a system table as `table.decode` gives it, of a profile or out of an image; gives a set for each right. Limits are sets
too: a limit of n is all numbers below n, so that a raised one holds what the lower one did not.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from composer import badge as badges
from composer.check.ports import EMERGENCY_LENGTH
from composer.device import words
from composer.layout import OBJECTS
from composer.questions.numbers import Numbers
from composer.system import Range
from composer.table import POLICIES, PRIORITIES

LONGEST_WAIT = 1 << 63
_OF = " of "
"""Between a path and its provider, in what files are called."""
UNLIMITED_MS = 1 << 62
"""What stands for CPU time without an end."""

KERNEL = "kernel"
"""Who holds the emergency writer's ports; no instance can be called so."""

_PLAIN = {"log": "log", "clock": "clock", "audit": "audit", "acpi": "acpi", "pci": "pci", "framebuffer": "framebuffer", "random": "random", "service server": "serves"}
_RIGHTS_COUNT = ("stream client", "stream server", "kernel log")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One thing that can be allowed. `kind` is a capability or a limit, `object` names what it is about where numbers do
    not; `access` is r or w where reading and writing are told apart, and `width` counts bits."""

    instance: str
    kind: str
    object: str = ""
    access: str = ""
    width: int = 0


Authority = Mapping[Right, Numbers]
"""What is allowed. For ports and memory the numbers are those at which an access may start, for interrupts the lines, for
limits what is below them, and for all else how many there are of it."""


def authority(table: Mapping[str, Any]) -> dict[Right, Numbers]:
    """Every right in a system table. Rights without any number are not in it."""
    found: dict[Right, list[Range]] = defaultdict(list)
    for right, held in _all(table):
        found[right].append(held)
    sets = ((right, _counted(ranges) if _is_counted(right) else Numbers.of(ranges)) for right, ranges in found.items())
    return {right: held for right, held in sorted(sets) if held}


def _is_counted(right: Right) -> bool:
    """Whether two grants of the same are twice as much: two connections to one stream are, and two devices of a kind."""
    return right.kind == "device" or (right.kind in ("stream", "serves") and right.access != "")


def _counted(ranges: list[Range]) -> Numbers:
    return Numbers.of((Range(0, len(ranges)),))


def _all(table: Mapping[str, Any]) -> Iterator[tuple[Right, Range]]:
    for instance in table["instances"]:
        name = instance["name"]
        for kind, key in (("port", "ports"), ("mmio", "mmio")):
            for grant in instance[key]:
                yield from _accesses(name, kind, grant)
        for handle in instance["handles"]:
            yield from _handle(table, name, handle)
        yield from _limits(instance)
    for stream in table["streams"]:
        server = table["instances"][stream["server"]]["name"]
        client = table["instances"][stream["client"]]["name"]
        yield Right(server, "capacity", f"{stream['name']} to {client}"), Range(0, stream["capacity"])
    for channel in table["channels"]:
        server, client = (table["instances"][channel[end]]["name"] for end in ("server", "client"))
        yield Right(server, "depth", f"{channel['name']} to {client}"), Range(0, channel["depth"])
        yield Right(server, "largest", f"{channel['name']} to {client}"), Range(0, channel["largest"])
        for kind in channel["carries"]:
            yield from ((Right(end, "carries", f"{kind} over {channel['name']}"), Range(0, 1)) for end in (server, client))
    if table["emergency_port"]:
        yield Right(KERNEL, "emergency"), Range(table["emergency_port"], EMERGENCY_LENGTH)


def _accesses(instance: str, kind: str, grant: Mapping[str, Any]) -> Iterator[tuple[Right, Range]]:
    """Where an access of each width may start: all of its bytes lie inside the grant, as glue checks it."""
    for access in grant["access"]:
        for width in grant["widths"]:
            yield Right(instance, kind, "", access, width), Range(grant["base"], grant["length"] - width // 8 + 1)


def _handle(table: Mapping[str, Any], instance: str, handle: Mapping[str, Any]) -> Iterator[tuple[Right, Range]]:
    kind, number, once = handle["kind"], handle["object"], Range(0, 1)
    if kind in ("irq isa", "irq global"):
        yield Right(instance, "irq", kind.removeprefix("irq ")), Range(number, 1)
    elif kind == "control":
        for index in handle["instances"]:
            yield Right(instance, "control", table["instances"][index]["name"]), once
    elif kind == "service client":
        yield Right(instance, "service", table["services"][number]["name"]), once
    elif kind == "service badged":
        yield from _files(table, instance, number)
    elif kind == "channel client":
        yield Right(instance, "channel", table["channels"][number]["name"]), once
    elif kind == "channel server":
        channel = table["channels"][number]
        yield Right(instance, "serves", f"{channel['name'].partition('.')[2]} to {table['instances'][channel['client']]['name']}"), once
    elif kind == "device":
        device = table["devices"][number]
        yield Right(instance, "device", f"{words(device)} by the model {_model(device)}"), once
    elif kind == "clock" and number == OBJECTS["wall"]:
        yield Right(instance, "wall"), once
    elif kind in _RIGHTS_COUNT:
        for access in handle["rights"].removesuffix("s"):
            yield _stream_end(table, instance, kind, number, access), once
    else:
        yield Right(instance, _PLAIN.get(kind, kind), handle["name"] if kind == "service server" else ""), once
    if "s" in handle["rights"]:
        yield Right(instance, "share", f"{kind.partition(' ')[0]} {handle['name']}"), once


def _files(table: Mapping[str, Any], instance: str, number: int) -> Iterator[tuple[Right, Range]]:
    """What a provider is told that the instance may do below a path, and how much room it has there where it writes."""
    listed = table["badges"][number]
    badge = badges.decode(bytes.fromhex(listed["data"]))
    folder = f"{badge.path}{_OF}{table['services'][listed['service']]['name']}"
    for access in badge.access.value:
        yield Right(instance, listed["capability"], folder, access), Range(0, 1)
    if "w" in badge.access.value:
        yield Right(instance, "room", folder), Range(0, badges.UNLIMITED if badge.quota is None else badge.quota)


def including(right: Right) -> Iterator[Right]:
    """The rights of which each allows all that this one does: itself, and of files those of every folder above."""
    yield right
    if right.kind in ("files", "room"):
        path, _, provider = right.object.rpartition(_OF)
        parts = path.split("/")[1:] if path != "/" else []
        yield from (replace(right, object=f"/{'/'.join(parts[:count])}{_OF}{provider}") for count in range(len(parts)))


def _model(device: Mapping[str, Any]) -> str:
    """What tells one model from another: which registers and tables there are, and what may be written to them."""
    text = json.dumps([device["regions"], device["tables"], device["reset"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _stream_end(table: Mapping[str, Any], instance: str, kind: str, number: int, access: str) -> Right:
    if kind == "kernel log":
        return Right(instance, "stream", "kernel.log", access)
    stream = table["streams"][number]
    if kind == "stream client":
        return Right(instance, "stream", stream["name"], access)
    client = table["instances"][stream["client"]]["name"]
    return Right(instance, "serves", f"{stream['name'].partition('.')[2]} to {client}", access)


def _limits(instance: Mapping[str, Any]) -> Iterator[tuple[Right, Range]]:
    name, policy = instance["name"], POLICIES.index(instance["restart"])
    yield Right(name, "memory"), Range(0, instance["memory"])
    yield Right(name, "cpu"), Range(0, instance["cpu_permille"])
    yield Right(name, "priority"), Range(0, PRIORITIES.index(instance["priority"]))
    yield Right(name, "cpu time"), Range(0, instance["cpu_time_ms"] or UNLIMITED_MS)
    yield Right(name, "handles"), Range(0, instance["handle_limit"])
    yield Right(name, "restart"), Range(0, policy)
    if policy:
        yield Right(name, "restarts"), Range(0, instance["restart_limit"])
        yield Right(name, "backoff"), Range(instance["backoff_ms"], LONGEST_WAIT - instance["backoff_ms"])
