"""What there is to draw of a system: boxes with their connectors, and lines between them.

Gets a resolved system; gives a Picture, in an order that depends on names alone. What every instance has (its log, the
monotonic clock) is left out: it would tell nothing apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from composer.badge import granted_access
from composer.device import which
from composer.hardware import Held, Space, hardware
from composer.interfaces import load_interfaces
from composer.system import Access, Grant, Instance, Provide, System, Wire

KERNEL = "kernel"
_KERNEL_WORDS = {"acpi": "ACPI tables", "pci": "PCI functions", "framebuffer": "the firmware's picture", "audit": "audit of instances"}
EVERY = "*"


class Tie(StrEnum):
    """What a line stands for."""

    HARDWARE = "hardware"
    STREAM = "stream"
    CHANNEL = "channel"
    SERVICE = "service"
    FILES = "files"
    KERNEL = "kernel"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Connector:
    """One line of a box where lines start or end: a need on its left, something provided on its right."""

    key: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Box:
    """An instance. `kind` is its app's; needs stand left, what it provides right."""

    name: str
    app: str
    kind: str
    needs: tuple[Connector, ...]
    provides: tuple[Connector, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Something that no instance provides: hardware, or a part of the kernel. `kind` is a space of hardware, or `kernel`."""

    key: str
    kind: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Line:
    """From who asks to who answers: `need` is a connector's key in `client`; `provide` is one in `server`, or empty where the
    line ends at a source or, for control, at an instance as a whole. `label` is what is spoken."""

    tie: Tie
    client: str
    need: str
    server: str
    provide: str
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    summary: str
    boxes: tuple[Box, ...]
    sources: tuple[Source, ...]
    lines: tuple[Line, ...]

    def box(self, name: str) -> Box | None:
        return next((box for box in self.boxes if box.name == name), None)


def make_picture(system: System) -> Picture:
    """The picture of a system: hardware first, by what it is and where; instances by their names."""
    held = [each for each in hardware(system) if each.space is not Space.FUNCTION]
    devices = [(instance, grant) for instance in system.instances for grant in instance.grants if grant.need.capability == "device" and grant.granted]
    kernel = list(_kernel_lines(system))
    sources = [_source(each) for each in held] + [_device(*each) for each in devices] + [_kernel_source(key) for key in sorted({line.server for line in kernel})]
    lines = [Line(Tie.HARDWARE, each.instance, _key(each.grant), _hardware_key(each), "", "") for each in held]
    lines += [Line(Tie.HARDWARE, instance.name, _key(grant), _device_key(instance, grant), "", "") for instance, grant in devices]
    lines += [*kernel, *(_wire(system, wire) for wire in system.wires if wire.server), *_control(system)]
    return Picture(system.profile, _count(system), tuple(_box(system, i) for i in system.instances), tuple(sources), tuple(lines))


def _count(system: System) -> str:
    wires = sum(1 for wire in system.wires if wire.server)
    return f"{_number(len(system.instances), 'instance')}, {_number(wires, 'wire')}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _key(grant: Grant) -> str:
    return f"{grant.need.capability}.{grant.need.name}"


def _hardware_key(held: Held) -> str:
    return f"{held.instance}:{held.need}"


def _source(held: Held) -> Source:
    fields = held.grant.need.fields
    if held.space is Space.LINE:
        word = next(iter(held.grant.value or {"irq": 0}))
        return Source(_hardware_key(held), held.space.value, f"{'ISA' if word == 'isa' else word.upper()} {held.range.base}", "interrupt")
    access = Access(fields.get("access", Access.BOTH))
    return Source(_hardware_key(held), held.space.value, _extent(held), f"{held.space.value}, {access.value}, {_widths(fields)}")


def _device_key(instance: Instance, grant: Grant) -> str:
    return f"{instance.name}:{_key(grant)}"


def _device(instance: Instance, grant: Grant) -> Source:
    """A device that is granted whole, whether the grant says where it is or not."""
    name = "/".join(map(str, grant.need.fields["matches"]))
    place = which(grant.slot, (grant.value or {}).get("skip", 0))
    return Source(_device_key(instance, grant), Space.FUNCTION.value, name, ", ".join((Space.FUNCTION.value, *place)))


def _extent(held: Held) -> str:
    """Where the hardware is: ports by their numbers, pages by the addresses in them."""
    if held.space is Space.PORT:
        return str(held.range)
    return f"{held.range.base << 12:#x}..{(held.range.end << 12) - 1:#x}"


def _widths(fields: dict[str, Any]) -> str:
    return f"{'/'.join(map(str, fields['widths']))} bits" if "widths" in fields else "any width"


def _kernel_source(key: str) -> Source:
    return Source(key, KERNEL, _KERNEL_WORDS.get(key, key), "of the kernel")


def _kernel_lines(system: System) -> Iterator[Line]:
    """What the kernel itself gives to those that ask for it: its log, and capabilities that are neither hardware nor wires."""
    for instance in system.instances:
        for grant in instance.grants:
            capability = load_interfaces().capabilities[grant.need.capability]
            if grant.value == {} and capability.grant == "explicit" and not capability.grant_fields:
                yield Line(Tie.KERNEL, instance.name, _key(grant), capability.name, "", "")
    for wire in system.wires:
        if wire.server is None:
            yield Line(Tie.KERNEL, wire.client, f"stream.{wire.need.name}", "kernel.log", "", "r")


def _wire(system: System, wire: Wire) -> Line:
    provide = wire.provide
    assert provide is not None and wire.server is not None
    return Line(Tie(wire.capability), wire.client, f"{wire.capability}.{wire.need.name}", wire.server, f"{wire.capability}.{provide.name}", spoken(system, wire))


def spoken(system: System, wire: Wire) -> str:
    """What goes over a wire: `bytes, rw`, a service's protocol, `jobs, carries stream` of a channel, or `/home, rw` of files."""
    if wire.capability == "files":
        client = system.instance(wire.client)
        grant = client.grant(wire.capability, wire.need.name) if client else None
        return f"{grant.value['path']}, {granted_access(grant).value}" if grant and grant.value else ""
    protocol = str(wire.need.fields.get("protocol", ""))
    access, carries = wire.need.fields.get("access"), wire.need.fields.get("carries")
    if carries:
        return f"{protocol}, carries {' and '.join(carries)}"
    return f"{protocol}, {Access(access).value}" if access else protocol


def _control(system: System) -> Iterator[Line]:
    for instance in system.instances:
        for grant in instance.grants:
            if grant.need.capability == "control" and grant.value:
                for name in controlled(system, grant):
                    yield Line(Tie.CONTROL, instance.name, _key(grant), name, "", "control")


def controlled(system: System, grant: Grant) -> tuple[str, ...]:
    """The instances that a grant of `control` reaches."""
    names = (grant.value or {}).get("instances", ())
    every = tuple(instance.name for instance in system.instances)
    return every if EVERY in names else tuple(name for name in every if name in names)


def _box(system: System, instance: Instance) -> Box:
    needs = tuple(_need(system, grant) for grant in instance.grants if grant.granted and _is_drawn(grant))
    provides = tuple(_provide(provide) for provide in instance.app.provides)
    return Box(instance.name, instance.app.name, instance.app.kind.value, needs, provides)


def _is_drawn(grant: Grant) -> bool:
    return load_interfaces().capabilities[grant.need.capability].grant == "explicit"


def _need(system: System, grant: Grant) -> Connector:
    need = grant.need
    access = granted_access(grant) if need.capability == "files" else need.fields.get("access")
    detail = Access(access).value if access else ""
    if need.capability == "control" and EVERY in (grant.value or {}).get("instances", ()):
        detail = "all"
    return Connector(_key(grant), f"{need.capability} {need.name}", detail)


def _provide(provide: Provide) -> Connector:
    return Connector(f"{provide.capability}.{provide.name}", f"{provide.capability} {provide.name}", str(provide.fields.get("protocol", "")))
