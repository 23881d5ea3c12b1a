"""Rules about wires: both ends exist, speak the same protocol, are two instances, and nobody waits for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.diagnostics import Diagnostic, at, did_you_mean, error, rule, words
from composer.graph import circles
from composer.interfaces import load_interfaces
from composer.resolve import KERNEL_LOG
from composer.system import Access, Grant, Instance, System, Wire


def wired_grants(system: System) -> Iterator[tuple[Instance, Grant, str, str]]:
    """Every grant of a wire with the server and the name that it wants; the kernel's log left out."""
    capabilities = load_interfaces().capabilities
    for instance in system.instances:
        for grant in instance.grants:
            if grant.value and capabilities[grant.need.capability].wire and (grant.need.capability, grant.value["from"]) != KERNEL_LOG:
                server, _, name = grant.value["from"].partition(".")
                yield instance, grant, server, name


@rule("M0210", "a wire from an instance that does not exist")
def check_servers_exist(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    known = [instance.name for instance in system.instances]
    for client, grant, server, name in wired_grants(system):
        if server in known or server in system.lost:
            continue
        offered = [f"{other.name}.{provide.name}" for other in system.instances for provide in other.app.provides
                   if provide.capability == grant.need.capability]
        near = did_you_mean(server, known) or did_you_mean(f"{server}.{name}", offered)
        message = f"`{client.name}` is wired to `{server}.{name}`, but there is no instance `{server}`"
        if server == "kernel":
            message = f"`{client.name}` is wired to `{server}.{name}`, which the kernel does not provide"
            near = f"the kernel provides one {KERNEL_LOG[0]}, `{KERNEL_LOG[1]}`"
        yield error("M0210", message, at(grant.spans["from"]), help=near or f"add it to the profile; what there is: {words(known)}", notes=grant.notes)


@rule("M0211", "a wire from something that the instance does not provide")
def check_provides_exist(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for client, grant, server_name, name in wired_grants(system):
        server, capability = system.instance(server_name), grant.need.capability
        if server is None or server.app.provide(capability, name):
            continue
        other = next((p for p in server.app.provides if p.name == name), None)
        there = at(other.span, _this(other.capability)) if other else at(server.app.span, f"`{server.app.name}` is described here")
        offered = [p.name for p in server.app.provides if p.capability == capability]
        advice = did_you_mean(name, offered) or (f"it provides {words(offered)}" if offered else f"`{server.app.name}` provides no {capability}")
        yield error("M0211", f"`{client.name}` is wired to the {capability} `{server_name}.{name}`, which `{server.app.name}` does not provide",
                    at(grant.spans["from"], _wanted(capability)), there, help=advice, notes=grant.notes)


def _wanted(capability: str) -> str:
    return "files are wanted here" if capability == "files" else f"a {capability} is wanted here"


def _this(capability: str) -> str:
    return "these are files" if capability == "files" else f"this is a {capability}"


@rule("M0212", "the two ends of a wire speak different protocols")
def check_protocols(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for wire in system.wires:
        if wire.provide is None:
            continue
        asked, offered = wire.need.fields.get("protocol"), wire.provide.fields.get("protocol")
        if asked != offered:
            yield error(
                "M0212", f"`{wire.client}` speaks `{asked}` and `{wire.server}` speaks `{offered}`",
                at(wire.span, "wired here"),
                at(wire.need.spans.get("protocol", wire.need.span), f"`{wire.client}` asks for `{asked}`"),
                at(wire.provide.spans.get("protocol", wire.provide.span), f"`{wire.server}` offers `{offered}`"),
                help="wire it to an instance that speaks the same, or change one of the two apps", notes=grant_notes(system, wire),
            )


@rule("M0213", "an instance is wired to itself")
def check_wired_to_itself(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for wire in system.wires:
        if wire.client == wire.server and wire.provide:
            yield error("M0213", f"`{wire.client}` is wired to itself", at(wire.span, "this is what it provides itself"),
                        at(wire.provide.span, "provided here"), help="it would wait for its own answer: wire it to another instance",
                        notes=grant_notes(system, wire))


@rule("M0214", "instances are wired in a circle")
def check_wiring_circles(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each knot of instances that can reach each other by wires, with its shortest circle."""
    wires = {(wire.client, wire.server): wire for wire in reversed(system.wires) if wire.server and wire.server != wire.client}
    edges: dict[str, list[str]] = {}
    for client, server in wires:
        edges.setdefault(client, []).append(server)
    for circle in circles(edges):
        steps = [wires[step] for step in zip(circle, circle[1:] + circle[:1], strict=True)]
        yield error("M0214", f"{words(circle)} are wired in a circle",
                    *(at(wire.span, f"`{wire.client}` waits for `{wire.server}`") for wire in steps),
                    help="they could all wait for each other for ever: take one of these wires out",
                    notes=tuple(note for wire in steps for note in grant_notes(system, wire)))


@rule("M0219", "a writer of the kernel's log, which can only be read")
def check_kernel_log_readers(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for wire in system.wires:
        access = wire.need.fields.get("access", Access.READ)
        if wire.server is None and not Access.READ.allows(access):
            yield error("M0219", f"`{wire.client}` is wired to `{KERNEL_LOG[1]}`, but asks for writes too",
                        at(wire.span, "the kernel's log can only be read"),
                        at(wire.need.spans.get("access", wire.need.span), f'`{wire.need.name}` asks for "{access}"'),
                        help='ask for reads alone with `access = "r"`', notes=grant_notes(system, wire))


def grant_notes(system: System, wire: Wire) -> tuple[str, ...]:
    client = system.instance(wire.client)
    grant = client.grant(wire.need.capability, wire.need.name) if client else None
    return grant.notes if grant else ()
