"""Writes the system table, which the kernel reads at boot and obeys: CBOR in deterministic encoding (RFC 8949, section 4.2.1).

Gets the system, its layout and where each module lies in the image; gives bytes. `decode` turns them back into a plain
value with names for keys, to look at. The keys' numbers are those of docs/formats.md, "The system table".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from composer.device import Device, named, numbered
from composer.interfaces import Interfaces
from composer.layout import Handle, HandleKind, Layout
from composer.system import SHARE, SHARED, Access, Instance, Kind, Need, OnPanic, Priority, Range, Restart, System

VERSION = 5
KINDS = (Kind.DRIVER, Kind.SERVICE, Kind.PROGRAM)
POLICIES = ("never", "on-failure", "always")
PRIORITIES = tuple(priority.value for priority in Priority)
PANICS = tuple(OnPanic)
WIDTH_BITS = {8: 1, 16: 2, 32: 4, 64: 8}

TABLE_KEYS = ("layout", "name", "version", "profile", "abi", "emergency_port", "modules", "instances", "streams", "services",
              "channels", "panic", "devices", "badges")
MODULE_KEYS = ("name", "offset", "length", "sha256")
INSTANCE_KEYS = ("name", "app", "kind", "module", "glue", "memory", "cpu_permille", "restart", "backoff_ms", "restart_limit",
                 "ports", "handles", "mmio", "priority", "period_us", "cpu_time_ms", "handle_limit")
WINDOW_KEYS = ("need", "base", "length", "access", "widths")
"""Of a grant of ports, and of one of device memory."""
HANDLE_KEYS = ("name", "kind", "object", "rights", "instances")
STREAM_KEYS = ("name", "server", "client", "capacity")
SERVICE_KEYS = ("name", "server")
BADGE_KEYS = ("service", "data", "capability", "words")
CHANNEL_KEYS = ("name", "server", "client", "depth", "largest", "carries")


@dataclass(frozen=True, slots=True)
class Module:
    """One piece of machine code in the image: `offset` and `length` are bytes, from the start of the section `.munal`."""

    name: str
    offset: int
    length: int
    sha256: bytes


def app_module(app: str) -> str:
    """The name under which an app's code is listed."""
    return f"app/{app}"


def glue_module(instance: str) -> str:
    """The name under which an instance's glue is listed."""
    return f"glue/{instance}"


def encode(system: System, layout: Layout, modules: Sequence[Module], interfaces: Interfaces) -> bytes:
    """The table's bytes. Raises KeyError where a module that an instance runs is not among `modules`."""
    import cbor2

    listed = sorted(modules, key=lambda m: m.name)
    places = {m.name: index for index, m in enumerate(listed)}
    return cbor2.dumps(_numbered(
        VERSION, system.name, system.version, system.profile, interfaces.digest, system.emergency_port,
        [_numbered(m.name, m.offset, m.length, m.sha256) for m in listed],
        [_instance(i, layout.handles[i.name], places) for i in system.instances],
        [_numbered(s.name, s.server, s.client, s.capacity) for s in layout.streams],
        [_numbered(s.name, s.server) for s in layout.services],
        [_numbered(c.name, c.server, c.client, c.depth, c.largest, c.carries) for c in layout.channels],
        PANICS.index(system.panic),
        numbered(layout.devices),
        [_numbered(b.service, b.data, b.capability, b.words) for b in layout.badges],
    ), canonical=True)


def decode(table: bytes) -> dict[str, Any]:
    """The table with names for numbers, fit for JSON: digests in hexadecimal, rights as the letters r, w and s (may be shared)."""
    import cbor2

    made = _named(TABLE_KEYS, cbor2.loads(table))
    return {
        **made,
        "abi": made["abi"].hex(),
        "modules": [_shown(MODULE_KEYS, m, sha256=bytes.hex) for m in made["modules"]],
        "instances": [_shown(INSTANCE_KEYS, i, kind=lambda k: KINDS[k].value, restart=POLICIES.__getitem__,
                             ports=_shown_windows, handles=_shown_handles, mmio=_shown_windows, priority=PRIORITIES.__getitem__) for i in made["instances"]],
        "streams": [_named(STREAM_KEYS, s) for s in made["streams"]],
        "services": [_named(SERVICE_KEYS, s) for s in made["services"]],
        "channels": [_shown(CHANNEL_KEYS, c, carries=_kinds) for c in made["channels"]],
        "panic": PANICS[made["panic"]].value,
        "devices": [named(Device, d) for d in made["devices"]],
        "badges": [_shown(BADGE_KEYS, b, data=bytes.hex) for b in made["badges"]],
    }


def _numbered(*values: Any) -> dict[int, Any]:
    return dict(enumerate(values))


def _instance(instance: Instance, handles: Sequence[Handle], places: Mapping[str, int]) -> dict[int, Any]:
    restart: Restart = instance.restart
    return _numbered(
        instance.name, instance.app.name, KINDS.index(instance.app.kind), places[app_module(instance.app.name)],
        places[glue_module(instance.name)], instance.memory, instance.cpu_permille, POLICIES.index(restart.policy),
        restart.backoff_ms, restart.limit, [_window(g.need, g.ports) for g in instance.grants if g.ports],
        [_numbered(h.name, int(h.kind), h.object, h.rights, list(h.instances)) for h in handles],
        [_window(g.need, g.memory) for g in instance.grants if g.memory],
        instance.bounds.priority.rank, instance.bounds.period_ms * 1000, instance.bounds.cpu_time_ms or 0, instance.bounds.handles,
    )


def _window(need: Need, window: Range) -> dict[int, Any]:
    widths = sum(WIDTH_BITS[w] for w in set(need.fields["widths"]))
    return _numbered(need.name, window.base, window.length, Access(need.fields["access"]).bits, widths)


def _named(keys: Sequence[str], numbered: Mapping[int, Any]) -> dict[str, Any]:
    if set(numbered) != set(range(len(keys))):
        raise ValueError(f"a map with the keys {sorted(numbered)} where {', '.join(keys)} were expected")
    return {key: numbered[number] for number, key in enumerate(keys)}


def _shown(keys: Sequence[str], numbered: Mapping[int, Any], **how: Any) -> dict[str, Any]:
    return {key: how[key](value) if key in how else value for key, value in _named(keys, numbered).items()}


def _letters(bits: int) -> str:
    return ("r" if bits & Access.READ.bits else "") + ("w" if bits & Access.WRITE.bits else "") + ("s" if bits & SHARE else "")


def _kinds(bits: int) -> list[str]:
    return [kind for place, kind in enumerate(SHARED) if bits & 1 << place]


def _shown_windows(windows: list[Mapping[int, Any]]) -> list[dict[str, Any]]:
    return [_shown(WINDOW_KEYS, w, access=_letters, widths=lambda b: [w for w, bit in WIDTH_BITS.items() if b & bit])
            for w in windows]


def _shown_handles(handles: list[Mapping[int, Any]]) -> list[dict[str, Any]]:
    return [_shown(HANDLE_KEYS, h, kind=lambda k: HandleKind(k).name.lower().replace("_", " "), rights=_letters)
            for h in handles]
