"""Rules about I/O ports: no two holders, none of the kernel's, all of them real, accesses that fit.

Ports are 16-bit I/O addresses (Intel SDM volume 1, chapter 19).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.check.kept import KERNEL_PORTS
from composer.diagnostics import Diagnostic, at, error, rule
from composer.hardware import Held, Space, hardware
from composer.system import Range, System

PORTS = Range(0, 0x10000)
EMERGENCY_LENGTH = 8
"""Registers of the 16550 that the emergency writer uses."""


def port_grants(system: System) -> list[Held]:
    """All granted port ranges, by their bases."""
    return [held for held in hardware(system) if held.space is Space.PORT]


@rule("M0310", "two instances hold the same port")
def check_port_overlap(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each grant that begins inside another instance's."""
    for a, b in overlapping(port_grants(system)):
        yield error(
            "M0310", f"`{a.instance}` and `{b.instance}` both hold {_ports(a.range & b.range)}",
            at(a.span, f"`{a.instance}` holds {a.range} here"),
            at(b.span, f"`{b.instance}` holds {b.range} here"),
            help="a port belongs to one instance: move one, or share it through a service",
            notes=(*a.grant.notes, *b.grant.notes),
        )


def overlapping(held: list[Held]) -> Iterator[tuple[Held, Held]]:
    """Each range, in the order of bases, with the furthest reaching one before it of another instance, if they overlap.

    The furthest two of different instances are enough to know: O(n) after sorting, and at most n - 1 pairs.
    """
    furthest: Held | None = None
    other: Held | None = None
    for each in held:
        rival = other if furthest and furthest.instance == each.instance else furthest
        if rival and rival.range & each.range:
            yield rival, each
        if furthest is None or each.range.end > furthest.range.end:
            other = other if furthest and furthest.instance == each.instance else furthest
            furthest = each
        elif each.instance != furthest.instance and (other is None or each.range.end > other.range.end):
            other = each


def _ports(range: Range | None) -> str:
    return f"port{'s' if range and range.length > 1 else ''} {range}"


@rule("M0311", "an instance holds a port that the kernel keeps")
def check_kernel_ports(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each grant and each range of the kernel's in it; the emergency writer counts too."""
    for held in port_grants(system):
        for kept in KERNEL_PORTS:
            if common := held.range & kept.range:
                yield error(
                    "M0311", f"`{held.instance}` holds {_ports(common)}, which the kernel keeps",
                    at(held.span, f"`{held.instance}` holds {held.range} here"),
                    help="grant other ports: these cannot be given away", notes=(f"{kept.range} is {kept.reason}", *held.grant.notes),
                )
    yield from _check_emergency(system)


def _check_emergency(system: System) -> Iterator[Diagnostic]:
    if system.emergency_port is None:
        return
    used = Range(system.emergency_port, EMERGENCY_LENGTH)
    for kept in KERNEL_PORTS:
        if common := used & kept.range:
            yield error("M0311", f"the emergency writer would use {_ports(common)}, where no serial port can be",
                        at(system.emergency_span or system.span, f"a 16550 at {used}"),
                        help="a first serial port is at 0x3f8", notes=(f"{kept.range} is {kept.reason}", *system.emergency_notes))


@rule("M0314", "a range of ports goes past the last port")
def check_port_end(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for held in port_grants(system):
        if held.range.end > PORTS.end:
            need = held.grant.need
            yield error(
                "M0314", f"`{held.instance}` would hold ports {held.range}, past the last port {PORTS.end - 1:#x}",
                at(held.span, "it starts here"), at(need.spans.get("length", need.span), f"and has {held.range.length} ports"),
                help=f"the last base that fits is {PORTS.end - held.range.length:#x}", notes=held.grant.notes,
            )


@rule("M0315", "a port's widths do not fit its length")
def check_port_widths(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """A width in bits takes as many ports as it has bytes."""
    for app in system.apps:
        for need in app.needs:
            if need.capability != "port":
                continue
            length, widest = need.fields["length"], max(need.fields["widths"])
            if widest // 8 > length:
                yield error(
                    "M0315", f"`{app.name}` asks for accesses of {widest} bits to {length} port{'s' if length > 1 else ''}",
                    at(need.spans.get("widths", need.span), f"{widest} bits take {widest // 8} ports"),
                    at(need.spans.get("length", need.span), "this is all there is"),
                    help="ask for more ports or for narrower accesses",
                )
