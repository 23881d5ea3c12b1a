"""Each layer that decides over one resource for one instance: what the app asks, what the profile grants, who else holds it.

Gets a profile that can be asked and a resource; gives the layers in the order in which they decide, each with its places and,
where a change to a manifest would turn a denial, that change. `why` and `why-not` tell the same layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from composer.badge import badge_of, granted_access
from composer.check.kept import KERNEL_LINES, KERNEL_PAGES, KERNEL_PORTS
from composer.check.mmio import ALIGNMENT
from composer.check.ports import EMERGENCY_LENGTH
from composer.diagnostics import words
from composer.edit import Hex
from composer.hardware import PAGE, Space, hardware, pages_of
from composer.interfaces import load_interfaces
from composer.device import slot_text, which
from composer.questions.asked import Asked, instances_in
from composer.questions.resources import KERNEL_LOG, LIMITS, NUMBERED, Resource
from composer.questions.takeover import Edit, profile_path, taken_over
from composer.spans import Place
from composer.system import Access, App, Grant, Instance, Need, Provide, Range
from composer.units import format_share, format_size

ACCESS = {"r": "read", "w": "write", "rw": "read and write"}
KEPT = "kept"
"""The name of the layer that no edit of a manifest turns: what the kernel keeps for itself."""
NEW_NEED = {"port": "ports", "mmio": "registers", "irq": "line", "control": "instances", "acpi": "tables", "pci": "functions", "framebuffer": "picture", "audit": "all", "clock": "time", "device": "card"}
"""What a need is called that is asked for anew; where nothing better is known, like its capability."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer says. `edits` would turn a denial of this layer; there are none where no edit can."""

    name: str
    allows: bool
    text: str
    places: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()


def layers(asked: Asked, name: str, resource: Resource) -> list[Layer]:
    """The layers for the instance `name`, up to the first without which the next make no sense."""
    instance = asked.system.instance(name)
    if instance is None:
        return [_absent(asked, name)]
    if resource.kind in LIMITS:
        return [_limit(asked, instance, resource)]
    given = list(_provider(asked, resource))
    if not all(layer.allows for layer in given):
        return given
    need = _need_for(instance, resource, asked)
    if need is None:
        return [*given, _unasked(asked, instance, resource), *_held_by_others(asked, instance, resource)]
    grant = instance.grant(need.capability, need.name)
    assert grant is not None
    return [*given, *_need_layers(instance.app, need, resource), _grant_layer(asked, instance, grant, resource),
            *_held_by_others(asked, instance, resource)]


def granting(instance: Instance, resource: Resource) -> Grant | None:
    """The grant that gives the resource, as far as numbers and names go; its need may still ask for too little."""
    return next((grant for grant in instance.grants if covers(grant, resource)), None)


def covers(grant: Grant, resource: Resource) -> bool:
    need, value = grant.need, grant.value
    if need.capability != resource.kind or value is None or (resource.need and need.name != resource.need):
        return False
    if resource.numbers and resource.kind == "irq":
        return value.get(resource.line) == resource.numbers.base
    if resource.numbers and resource.kind == "device":
        return grant.slot == resource.numbers.base
    if resource.numbers:
        touched = _touched(resource)
        return Range(value["base"], need.fields["length"]) & touched == touched
    if resource.kind == "control" and resource.server:
        return bool({"*", resource.server} & set(value["instances"]))
    if resource.kind == "files" and not _reaches(grant, resource):
        return False
    return not resource.server or value.get("from") == resource.server


def _reaches(grant: Grant, resource: Resource) -> bool:
    """Whether a grant of files holds the path that is asked about, and allows what is asked."""
    granted = grant.value["path"].rstrip("/") if grant.value else ""
    below = not resource.path or f"{resource.path}/".startswith(f"{granted}/")
    return below and (not resource.access or granted_access(grant).allows(Access(resource.access)))


def _touched(resource: Resource) -> Range:
    """All ports or bytes that accesses of the width asked about touch: of 8 bits, those asked about and no more."""
    assert resource.numbers is not None
    return Range(resource.numbers.base, resource.numbers.length + max(resource.width // 8 - 1, 0))


def _window(resource: Resource) -> Range:
    """What a grant of its own would hold; device memory begins at a register (M0340), and is asked for in whole ones."""
    touched = _touched(resource)
    if resource.kind != "mmio":
        return touched
    base, end = touched.base // ALIGNMENT * ALIGNMENT, -(-touched.end // ALIGNMENT) * ALIGNMENT
    return Range(base, end - base)


# Who there is

def _absent(asked: Asked, name: str) -> Layer:
    """The instance is not in this profile; another may have it, to be taken over as it is there."""
    found = list(asked.written(name))
    if found:
        node, others = instances_in(asked.models.manifests[found[0][0]].tree)[name], words([profile for profile, _ in found])
        return Layer("instance", False, f"`{name}` is not in `{asked.system.profile}`, but in {others}", (node.place,), (),
                     tuple(taken_over(asked, name, {each.name for each in asked.system.instances})))
    app = asked.models.apps.get(name)
    edits = (Edit(profile_path(asked), ("instance", name), {"app": name}, True),) if app else ()
    return Layer("instance", False, f"no profile runs an instance `{name}`", (app.span,) if app else (), (), edits)


def _provider(asked: Asked, resource: Resource) -> Iterator[Layer]:
    """The other end: who provides what is asked about, or who would be controlled."""
    if not resource.server or resource.server == KERNEL_LOG:
        return
    name, _, provide = resource.server.partition(".")
    server = asked.system.instance(name)
    if server is None:
        absent = _absent(asked, name)
        yield Layer("provider", False, absent.text, absent.places, absent.notes, absent.edits)
    elif resource.kind != "control":
        offered = server.app.provide(resource.kind, provide)
        assert offered is not None
        yield Layer("provider", True, f"`{name}` provides the {resource.kind} `{provide}`{_protocol(offered)}", (offered.span,), server.notes)


def _protocol(party: Need | Provide) -> str:
    protocol = party.fields.get("protocol")
    return f", protocol `{protocol}`" if protocol else ""


def offered_by(asked: Asked, resource: Resource) -> Provide | None:
    """What `resource.server` names, wherever that instance is written."""
    name, _, provide = resource.server.partition(".")
    app = asked.app_of(name)
    return app.provide(resource.kind, provide) if app else None


# What the app asks for

def _need_for(instance: Instance, resource: Resource, asked: Asked) -> Need | None:
    """The need that the resource is given by, or would be: one that has it, else one that has nothing yet and fits."""
    if found := granting(instance, resource):
        return found.need
    mine = [grant for grant in instance.grants if grant.need.capability == resource.kind and resource.need in ("", grant.need.name)]
    if resource.kind == "control":
        return mine[0].need if mine else None
    free = [grant.need for grant in mine if not grant.granted and _fits(grant.need, resource, asked)]
    if resource.kind == "device":
        # One that is granted wherever it is can be granted by its place instead.
        free += [grant.need for grant in mine if grant.granted and grant.slot is None]
    if resource.kind == "files":
        # One that is granted with less can be granted with more.
        free += [grant.need for grant in mine if grant.granted]
    if resource.need or not (resource.numbers or resource.server):
        free += [grant.need for grant in mine]
    return free[0] if free else None


def _fits(need: Need, resource: Resource, asked: Asked) -> bool:
    if resource.numbers and resource.kind in NUMBERED:
        return need.fields["length"] >= _window(resource).length
    if resource.server == KERNEL_LOG:
        return need.fields["access"] == Access.READ
    offered = offered_by(asked, resource)
    return offered is None or need.fields.get("protocol") == offered.fields.get("protocol")


def _unasked(asked: Asked, instance: Instance, resource: Resource) -> Layer:
    """No need that could take the resource: a new one has to be asked for."""
    app = instance.app
    others = [grant for grant in instance.grants if grant.need.capability == resource.kind]
    rest = f"its {words([_need_name(grant.need) for grant in others])} {'is' if len(others) == 1 else 'are'} for something else" if others else \
        f"it has no need of `{resource.kind}`"
    if resource.need:
        rest = f"it has no need `{resource.kind}.{resource.need}`"
    edits = _new_need(asked, instance, resource)
    plain = replace(resource, access="", width=0)
    return Layer("need", False, f"`{app.name}` does not ask for {plain}: {rest}", tuple(grant.need.span for grant in others) or (app.span,),
                 () if edits else (_UNTOLD.get(resource.kind, "ask about one by its number or its provider's name, to be told the edit"),), edits)


_UNTOLD = {"device": "a need of a device says what it may be and names its model: docs/drivers.md tells how"}
"""Why there is no edit for a need, where no question could say enough for one."""


def _need_name(need: Need) -> str:
    return f"{need.capability}.{need.name}"


def _new_need(asked: Asked, instance: Instance, resource: Resource) -> tuple[Edit, ...]:
    """A table for the app's manifest; optional where other instances of the app would lack it. None where numbers or names
    are missing that a need cannot do without."""
    app, fields = instance.app, {}
    capability = load_interfaces().capabilities[resource.kind]
    if resource.kind in _UNTOLD or (capability.grant_fields and not (resource.numbers or resource.server)):
        return ()
    if resource.numbers and resource.kind in NUMBERED:
        fields["length"] = _window(resource).length
    if resource.access and any(field.name == "access" for field in capability.need_fields):
        fields["access"] = "rw" if resource.kind == "files" and resource.access == "w" else resource.access
    if resource.width and resource.width not in _default_widths(resource.kind):
        fields["widths"] = [resource.width]
    if resource.server == KERNEL_LOG:
        fields["access"] = "r"
    elif capability.wire and (offered := offered_by(asked, resource)):
        fields |= _asked_protocol(resource, offered)
    if len(asked.instances_of(app.name)) > 1 or any(len(list(asked.written(name))) > 1 for name in asked.instances_of(app.name)):
        fields["optional"] = True
    return (Edit(app.path, ("needs", resource.kind, _free_name(app, resource)), fields, True),)


def _default_widths(capability: str) -> Any:
    return next((f.default for f in load_interfaces().capabilities[capability].need_fields if f.name == "widths"), ())


def _asked_protocol(resource: Resource, offered: Provide) -> dict[str, Any]:
    """What a client has to say of its protocol; nothing where the default is right."""
    default = next((f.default for f in load_interfaces().capabilities[resource.kind].need_fields if f.name == "protocol"), None)
    protocol = offered.fields.get("protocol")
    return {} if protocol == default else {"protocol": protocol}


def _free_name(app: App, resource: Resource) -> str:
    wanted = resource.need or (resource.server.partition(".")[2] if "." in resource.server and resource.server != KERNEL_LOG else "")
    wanted = wanted or {KERNEL_LOG: "messages"}.get(resource.server) or NEW_NEED.get(resource.kind, resource.kind)
    taken = {need.name for need in app.needs if need.capability == resource.kind}
    return wanted if wanted not in taken else next(f"{wanted}{k}" for k in range(2, 99) if f"{wanted}{k}" not in taken)


def _need_layers(app: App, need: Need, resource: Resource) -> Iterator[Layer]:
    """That the app asks, and whether it asks for enough."""
    yield Layer("need", True, f"`{app.name}` asks for {describe_need(need)}", (need.span,))
    access = need.fields.get("access")
    if resource.access and access and not Access(access).allows(Access(resource.access)):
        yield Layer("access", False, f"it asks to {ACCESS[access]} only", (need.spans.get("access", need.span),), (),
                    (Edit(app.path, (*_keys(need), "access"), "rw"),))
    widths = need.fields.get("widths")
    if resource.width and widths and resource.width not in widths:
        yield Layer("width", False, f"it asks for {_bits(widths)} only", (need.spans.get("widths", need.span),), (),
                    (Edit(app.path, (*_keys(need), "widths"), sorted({*widths, resource.width})),))


def _keys(need: Need) -> tuple[str, ...]:
    return ("needs", need.capability, need.name)


def describe_need(need: Need) -> str:
    """`port.regs`: 8 ports, read and write, 8 bits."""
    fields, parts = need.fields, []
    if "length" in fields:
        parts.append(f"{fields['length']} {'bytes' if need.capability == 'mmio' else 'port' if fields['length'] == 1 else 'ports'}")
    if "access" in fields:
        parts.append(f"to {ACCESS[fields['access']]}")
    if "widths" in fields:
        parts.append(_bits(fields["widths"]))
    if "protocol" in fields:
        parts.append(f"protocol `{fields['protocol']}`")
    if need.capability == "device":
        parts += [" or ".join(map(str, fields["matches"])), f"model `{fields['model']}`"]
    if need.optional:
        parts.append("optional")
    return f"`{_need_name(need)}`{': ' if parts else ''}{', '.join(parts)}"


def _bits(widths: Any) -> str:
    return f"{' and '.join(map(str, widths))} bits"


# What the profile grants

def _grant_layer(asked: Asked, instance: Instance, grant: Grant, resource: Resource) -> Layer:
    need = grant.need
    path = profile_path(asked)
    keys = ("instance", instance.name, "grant", need.capability, need.name)
    if covers(grant, resource):
        implicit = grant.value == {} and load_interfaces().capabilities[need.capability].grant == "implicit"
        how = "the kernel gives it to all who ask" if implicit else f"`{asked.system.profile}` grants {describe_grant(grant)}"
        place = next(iter(grant.spans.values()), grant.span)
        return Layer("grant", True, how, (place,), grant.notes)
    value = _granted_value(grant, resource)
    edits = () if value is None else (Edit(path, keys, value),)
    if not grant.granted:
        return Layer("grant", False, f"`{asked.system.profile}` does not grant `{_need_name(need)}` to `{instance.name}`", (grant.span,), grant.notes, edits)
    return Layer("grant", False, f"`{asked.system.profile}` grants {describe_grant(grant)} only", (next(iter(grant.spans.values()), grant.span),),
                 grant.notes, edits)


def _granted_value(grant: Grant, resource: Resource) -> Any:
    """What to write for the grant; None where the question does not say enough for that."""
    if resource.kind == "irq" and resource.numbers:
        return {resource.line: resource.numbers.base}
    if resource.kind == "device":
        return {"slot": slot_text(resource.numbers.base)} if resource.numbers else {}
    if resource.kind == "files":
        return _granted_files(grant, resource)
    if resource.numbers:
        return {"base": Hex(_window(resource).base)}
    if resource.kind == "control":
        before = (grant.value or {}).get("instances", ())
        return {"instances": sorted({*before, resource.server})} if resource.server else None
    if resource.server:
        return {"from": resource.server}
    return None if load_interfaces().capabilities[resource.kind].grant_fields else True


def _granted_files(grant: Grant, resource: Resource) -> Any:
    """A grant of what is asked about; where there is one, with what it says of the rest."""
    before = grant.value or {}
    provider, path = resource.server or before.get("from"), resource.path or before.get("path")
    if not provider or not path:
        return None
    quota = {"quota": format_size(before["quota"])} if before.get("quota") else {}
    return {"from": provider, "path": path, **quota}


def describe_grant(grant: Grant) -> str:
    """`port.regs`: 0x3f8..0x3ff."""
    value = grant.value or {}
    if "base" in value:
        what = str(Range(value["base"], grant.need.fields["length"]))
    elif grant.need.capability == "files" and value:
        what = f"{value['from']}, {badge_of('', grant).words}"
    elif grant.need.capability == "device":
        what = ", ".join(which(grant.slot, value.get("skip", 0))) or "the first that matches"
    else:
        what = ", ".join(each if isinstance(each, str) else ", ".join(each) if isinstance(each, tuple) else f"{key} {each}" for key, each in value.items())
    return f"`{_need_name(grant.need)}`{': ' if what else ''}{what}"


def _limit(asked: Asked, instance: Instance, resource: Resource) -> Layer:
    held, form = (instance.memory, format_size) if resource.kind == "memory" else (instance.cpu_permille, format_share)
    path = profile_path(asked)
    enough = resource.amount is None or resource.amount <= held
    word = "of memory" if resource.kind == "memory" else "of one processor"
    text = f"`{instance.name}` may use {'' if enough else 'only '}{form(held)} {word}"
    edits = () if enough else (Edit(path, ("instance", instance.name, "limits", resource.kind), form(resource.amount)),)
    node = asked.models.manifests[asked.system.profile].tree.get("instance", instance.name, "limits", resource.kind)
    return Layer("limit", enough, text, (node.span if node else instance.span,), instance.notes, edits)


# Who else has it

_SPACES = {"port": Space.PORT, "irq": Space.LINE, "mmio": Space.MMIO, "device": Space.FUNCTION}


def _held_by_others(asked: Asked, instance: Instance, resource: Resource) -> Iterator[Layer]:
    """Hardware belongs to one: whom it belongs to, if not to nobody, and what the kernel keeps."""
    if resource.numbers is None or resource.kind not in _SPACES:
        return
    wanted = _in_units(resource)
    rivals = [held for held in hardware(asked.system)
              if held.space is _SPACES[resource.kind] and held.instance != instance.name and held.range & wanted]
    for held in rivals:
        yield Layer("holder", False, f"`{held.instance}` holds {describe_grant(held.grant)}, and hardware belongs to one instance", (held.span,),
                    (*held.grant.notes, *_instead(asked, held.instance)))
    kept = list(_kept(resource, wanted))
    for text in kept:
        yield Layer(KEPT, False, text)
    if not rivals and not kept:
        yield Layer("holder", True, f"nobody else holds {replace(resource, access='', width=0)}{_emergency(asked, resource)}",
                    (asked.system.emergency_span,) if _emergency(asked, resource) and asked.system.emergency_span else ())


def _instead(asked: Asked, holder: str) -> Iterator[str]:
    """What an instance offers to those that cannot have its hardware."""
    app = asked.app_of(holder)
    if app and app.provides:
        yield f"it provides {words([f'{holder}.{provide.name}' for provide in app.provides])}: ask about that instead"


def _in_units(resource: Resource) -> Range:
    assert resource.numbers is not None
    return pages_of(resource.numbers) if resource.kind == "mmio" else resource.numbers


def _kept(resource: Resource, wanted: Range) -> Iterator[str]:
    if resource.kind == "irq" and wanted.base in KERNEL_LINES:
        yield f"the kernel keeps line {wanted.base}: it is {KERNEL_LINES[wanted.base]}"
    elif resource.kind == "port":
        yield from (f"the kernel keeps {kept.range}: it is {kept.reason}" for kept in KERNEL_PORTS if kept.range & wanted)
    elif resource.kind == "mmio":
        yield from (f"the kernel keeps page {_page(kept.range)}: it is {kept.reason}" for kept in KERNEL_PAGES if kept.range & wanted)


def _page(pages: Range) -> str:
    return str(Range(pages.base * PAGE, pages.length * PAGE))


def _emergency(asked: Asked, resource: Resource) -> str:
    port = asked.system.emergency_port
    shared = resource.kind == "port" and port and resource.numbers and Range(port, EMERGENCY_LENGTH) & resource.numbers
    return "; the kernel writes there after a panic, when no instance runs any more" if shared else ""
