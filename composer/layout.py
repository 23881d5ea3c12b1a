"""Numbers what a system grants: the handles of each instance, the streams and the services between instances.

Gets a resolved system; gives the numbers that glue holds as constants, that the system table lists and that the simulator
obeys. The order of handles is that of docs/formats.md, section "Handles".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from composer.badge import badge_of
from composer.device import Device
from composer.system import SHARE, SHARED, Access, Grant, Instance, Need, Provide, System, Wire


class HandleKind(IntEnum):
    """What a handle stands for; the numbers are the system table's."""

    IRQ_ISA = 1
    IRQ_GLOBAL = 2
    STREAM_CLIENT = 3
    STREAM_SERVER = 4
    SERVICE_CLIENT = 5
    SERVICE_SERVER = 6
    LOG = 7
    CLOCK = 8
    AUDIT = 9
    CONTROL = 10
    ACPI = 11
    KERNEL_LOG = 12
    CHANNEL_CLIENT = 13
    CHANNEL_SERVER = 14
    RANDOM = 15
    PCI = 16
    DEVICE = 17
    FRAMEBUFFER = 18
    SERVICE_BADGED = 19


SINGLETONS = {
    "log": HandleKind.LOG,
    "clock": HandleKind.CLOCK,
    "wall": HandleKind.CLOCK,
    "random": HandleKind.RANDOM,
    "audit": HandleKind.AUDIT,
    "control": HandleKind.CONTROL,
    "acpi": HandleKind.ACPI,
    "pci": HandleKind.PCI,
    "framebuffer": HandleKind.FRAMEBUFFER,
}
"""Capabilities of which the kernel has one object, numbered 0 where `OBJECTS` has no other."""
ASKED = ("service", "files")
"""Capabilities whose providers answer requests, one at a time."""

OBJECTS = {"wall": 1}
"""The monotonic clock is clock 0, the time of day is clock 1."""


@dataclass(frozen=True, slots=True)
class Handle:
    """One entry of an instance's table of handles.

    `module` is the wasm module whose functions use it, `name` its need or provide. `object` is an interrupt's number, or an
    index in the layout's streams, services, channels, devices or badges. `instances` are indexes in the system's instances, for `control` alone.
    """

    number: int
    module: str
    name: str
    kind: HandleKind
    object: int
    rights: int
    instances: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """One connection; `server` and `client` are indexes of instances, `capacity` is bytes in each direction."""

    name: str
    server: int
    client: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Service:
    """What one instance answers requests for; `server` is its index."""

    name: str
    server: int


@dataclass(frozen=True, slots=True)
class Badge:
    """What the server of `services[service]` is told of requests that are made by one grant: `data` means nothing to the kernel,
    `words` say it to a person. `capability` is what was granted."""

    service: int
    data: bytes
    capability: str
    words: str


@dataclass(frozen=True, slots=True)
class Channel:
    """One connection that carries messages; `server` and `client` are indexes of instances, `depth` is messages in each direction, `largest` the bytes
    of one; `carries` the kinds of handles that they may carry, as bits: 1 streams, 2 channels, 4 services to ask."""

    name: str
    server: int
    client: int
    depth: int
    largest: int
    carries: int


@dataclass(frozen=True, slots=True)
class Layout:
    """`handles` has one table for each instance, by its name; the place in a table is the handle's number."""

    handles: dict[str, tuple[Handle, ...]]
    streams: tuple[Stream, ...]
    services: tuple[Service, ...]
    channels: tuple[Channel, ...] = ()
    devices: tuple[Device, ...] = ()
    badges: tuple[Badge, ...] = ()

    def of(self, instance: str, module: str) -> tuple[Handle, ...]:
        """The handles that the functions of `module` use in `instance`: one for a need, one a connection for a stream's server."""
        return tuple(h for h in self.handles[instance] if h.module == module)


@dataclass(frozen=True, slots=True)
class _Numbering:
    """Which number each connection and each badge (by client and the need's module), each service (by server and the provide's
    module) and each device (by instance and the need's module) has."""

    system: System
    streams: dict[tuple[str, str], tuple[int, Wire]]
    channels: dict[tuple[str, str], tuple[int, Wire]]
    services: dict[tuple[str, str], int]
    devices: dict[tuple[str, str], int]
    badges: dict[tuple[str, str], int]


def make_layout(system: System) -> Layout:
    """Number every handle, stream and service of a system that resolve.py accepted."""
    streams, channels, badged = (_joints(system, capability) for capability in ("stream", "channel", "files"))
    numbers = _Numbering(system, {(w.client, w.need.module): (k, w) for k, w in enumerate(streams)},
                         {(w.client, w.need.module): (k, w) for k, w in enumerate(channels)},
                         {key: k for k, key in enumerate(_services(system))},
                         {(i.name, grant.need.module): k for k, (i, grant) in enumerate(_devices(system))},
                         {(w.client, w.need.module): k for k, w in enumerate(badged)})
    handles = {i.name: _handles(numbers, i) for i in system.instances}
    return Layout(handles, tuple(_stream(system, w) for w in streams),
                  tuple(Service(f"{server}.{module.partition('/')[2]}", system.index(server)) for server, module in numbers.services),
                  tuple(_channel(system, w) for w in channels), tuple(_device(system, *granted) for granted in _devices(system)),
                  tuple(_badge(numbers, w) for w in badged))


def mirrored(rights: int) -> int:
    """What the other end of a connection may do: it reads what this one writes, and the other way round."""
    return (rights & Access.READ.bits) << 1 | (rights & Access.WRITE.bits) >> 1


def _joints(system: System, capability: str) -> list[Wire]:
    """The wires of one capability between instances in the order of the servers, what they provide, their clients and the clients' needs."""

    def order(wire: Wire) -> tuple[int, ...]:
        server, client = system.index(wire.server), system.index(wire.client)
        return (server, _place(system.instances[server].app.provides, wire.provide.module),
                client, _place(system.instances[client].app.needs, wire.need.module))

    return sorted((w for w in system.wires if w.capability == capability and w.server is not None), key=order)


def _place(parts: tuple[Any, ...], module: str) -> int:
    return next(k for k, part in enumerate(parts) if part.module == module)


def _services(system: System) -> Iterator[tuple[str, str]]:
    for instance in system.instances:
        for provide in instance.app.provides:
            if provide.capability in ASKED:
                yield instance.name, provide.module


def _stream(system: System, wire: Wire) -> Stream:
    capacity = wire.provide.fields["capacity"]
    return Stream(f"{wire.server}.{wire.provide.name}", system.index(wire.server), system.index(wire.client), capacity)


def _channel(system: System, wire: Wire) -> Channel:
    fields = wire.provide.fields
    return Channel(f"{wire.server}.{wire.provide.name}", system.index(wire.server), system.index(wire.client),
                   fields["depth"], fields["largest"], sum(1 << SHARED.index(kind) for kind in fields["carries"]))


def _badge(numbers: _Numbering, wire: Wire) -> Badge:
    client = next(i for i in numbers.system.instances if i.name == wire.client)
    grant = client.grant(wire.capability, wire.need.name)
    assert grant is not None, "a wire is what a grant decides"
    badge = badge_of(wire.client, grant)
    return Badge(numbers.services[wire.server, wire.provide.module], badge.encode(), wire.capability, badge.words)


def _devices(system: System) -> Iterator[tuple[Instance, Grant]]:
    return ((instance, grant) for instance in system.instances for grant in _granted(instance) if grant.need.capability == "device")


def _device(system: System, instance: Instance, grant: Grant) -> Device:
    fields, value = grant.need.fields, grant.value or {}
    model = fields["model"]
    return Device(grant.need.name, system.index(instance.name), fields["matches"], grant.slot, value.get("skip", 0),
                  model.regions, model.tables, model.reset)


def _handles(numbers: _Numbering, instance: Instance) -> tuple[Handle, ...]:
    parts = [_need_handle(numbers, instance, grant) for grant in _granted(instance)]
    for provide in instance.app.provides:
        parts.extend(_provide_handles(numbers, instance, provide))
    return tuple(Handle(number, *part) for number, part in enumerate(parts))


def _granted(instance: Instance) -> Iterator[Grant]:
    """The granted needs that take a handle, in the order of the app's manifest."""
    for need in instance.app.needs:
        grant = instance.grant(need.capability, need.name)
        if grant is not None and grant.granted and grant.window is None:
            yield grant


def _rights(need: Need) -> int:
    """What a client may do: what its need asks for, or all that the interface has where the kernel does not divide it."""
    return Access.BOTH.bits if need.capability in ASKED else Access(need.fields.get("access", Access.BOTH)).bits


def _shared(party: Need | Provide) -> int:
    """The right to share a handle, where the manifest asks for it."""
    return SHARE if party.fields.get("share") else 0


def _need_handle(numbers: _Numbering, instance: Instance, grant: Grant) -> tuple[Any, ...]:
    need, rights, listed = grant.need, _rights(grant.need) | _shared(grant.need), ()
    if need.capability == "irq":
        kind, number = _interrupt(grant.value)
    elif need.capability == "device":
        kind, number = HandleKind.DEVICE, numbers.devices[instance.name, need.module]
    elif need.capability == "service":
        kind, number = HandleKind.SERVICE_CLIENT, _service(numbers, instance, need)
    elif need.capability == "files":
        kind, number = HandleKind.SERVICE_BADGED, numbers.badges[instance.name, need.module]
    elif (instance.name, need.module) in numbers.streams:
        kind, number = HandleKind.STREAM_CLIENT, numbers.streams[instance.name, need.module][0]
    elif (instance.name, need.module) in numbers.channels:
        kind, number = HandleKind.CHANNEL_CLIENT, numbers.channels[instance.name, need.module][0]
    elif need.capability == "stream":
        kind, number, rights = HandleKind.KERNEL_LOG, 0, rights & Access.READ.bits
    else:
        kind, number = SINGLETONS[need.capability], OBJECTS.get(need.capability, 0)
        listed = _controlled(numbers.system, grant.value)
    return need.module, need.name, kind, number, rights, listed


def _interrupt(value: dict[str, Any]) -> tuple[HandleKind, int]:
    isa = value.get("isa")
    return (HandleKind.IRQ_ISA, isa) if isa is not None else (HandleKind.IRQ_GLOBAL, value["gsi"])


def _service(numbers: _Numbering, instance: Instance, need: Need) -> int:
    wire = next(w for w in numbers.system.wires if w.client == instance.name and w.need.module == need.module)
    return numbers.services[wire.server, wire.provide.module]


def _controlled(system: System, value: dict[str, Any]) -> tuple[int, ...]:
    names = value.get("instances", ())
    if "*" in names:
        return tuple(range(len(system.instances)))
    return tuple(sorted({system.index(name) for name in names}))


def _provide_handles(numbers: _Numbering, instance: Instance, provide: Provide) -> Iterator[tuple[Any, ...]]:
    both = Access.BOTH.bits
    if provide.capability in ASKED:
        number = numbers.services[instance.name, provide.module]
        yield provide.module, provide.name, HandleKind.SERVICE_SERVER, number, both
    for number, wire in numbers.streams.values():
        if (wire.server, wire.provide.module) == (instance.name, provide.module):
            yield provide.module, provide.name, HandleKind.STREAM_SERVER, number, mirrored(_rights(wire.need)) | _shared(provide)
    for number, wire in numbers.channels.values():
        if (wire.server, wire.provide.module) == (instance.name, provide.module):
            yield provide.module, provide.name, HandleKind.CHANNEL_SERVER, number, both | _shared(provide)
