"""What carries out a grant below the manifests: the calls in the binary, the glue, the kernel's table, and the proof over them.

Gets a profile that can be asked, and a grant of it; gives layers that tell. None of them denies: what is granted is granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composer.device import slot_text
from composer.generate import Export, sections
from composer.interfaces import Interfaces, load_interfaces
from composer.layout import make_layout
from composer.proof import Operation, Use, Verdict, prove
from composer.questions.asked import Asked
from composer.questions.authority import authority
from composer.questions.diff import Change, joined
from composer.questions.layers import Layer
from composer.questions.report_diff import phrase
from composer.questions.resources import Resource
from composer.spans import Place
from composer.system import Grant, Instance, Range
from composer.table import Module, app_module, decode, encode, glue_module

MOST_SITES = 4
"""Calls that are shown; the rest is counted."""


def evidence(asked: Asked, instance: Instance, grant: Grant, resource: Resource) -> Iterator[Layer]:
    """Code, glue, kernel and proof, in this order."""
    operations = list(_operations(asked, instance, grant, resource))
    yield _code(asked, instance, operations, resource)
    if asked.errors:
        yield Layer("check", False, f"`munal check {asked.system.profile}` refuses this profile: there is no image of it", (), _messages(asked))
        return
    yield _glue(asked, instance, grant, resource, {operation.function.name for operation in operations})
    yield _kernel(asked, instance, resource)
    yield _proof(operations)


def _messages(asked: Asked) -> tuple[str, ...]:
    return tuple(f"{each.code}: {each.message}" for each in asked.errors)


# The binary

def _operations(asked: Asked, instance: Instance, grant: Grant, resource: Resource) -> Iterator[Operation]:
    """What the instance's code can do with the grant that has to do with the resource."""
    proof = next((each for each in prove(asked.system, asked.facts) if each.instance.name == instance.name), None)
    for operation in proof.operations if proof else ():
        if operation.party is grant.need and _concerns(operation, resource):
            yield operation


def _concerns(operation: Operation, resource: Resource) -> bool:
    function = operation.function
    if resource.width and function.width not in (None, resource.width):
        return False
    if resource.access and function.access not in (None, resource.access):
        return False
    return not _is_numbered(operation, resource) or any(_meets(use, resource) for use in operation.uses)


def _is_numbered(operation: Operation, resource: Resource) -> bool:
    """Whether a number is asked about and calls tell which numbers they reach."""
    return resource.numbers is not None and operation.function.width is not None


def _meets(use: Use, resource: Resource) -> bool:
    return resource.numbers is None or any(each & resource.numbers for each in use.reach)


def _code(asked: Asked, instance: Instance, operations: list[Operation], resource: Resource) -> Layer:
    facts = asked.facts.get(instance.app.name)
    if facts is None or facts.fault:
        return Layer("code", True, f"the binary of `{instance.app.name}` could not be read")
    uses = [(operation, use) for operation in operations for use in operation.uses if not _is_numbered(operation, resource) or _meets(use, resource)]
    names = sorted({operation.name for operation in operations})
    if not operations:
        return Layer("code", True, f"the code of `{instance.app.name}` never uses it")
    places: tuple[Place, ...] = tuple(use.place for _, use in uses[:MOST_SITES])
    more = (f"{len(uses) - MOST_SITES} more",) if len(uses) > MOST_SITES else ()
    sites = f", at {len(uses)} place{'' if len(uses) == 1 else 's'} in its code" if uses else ", which its code imports"
    return Layer("code", True, f"`{instance.app.name}` calls {', '.join(names)}{sites}", places, more)


def _proof(operations: list[Operation]) -> Layer:
    if not operations:
        return Layer("proof", True, "proved: no code reaches it")
    doubts = [(operation, use) for operation in operations for use in operation.uses if use.verdict is not Verdict.PROVED]
    verdict = max((operation.verdict for operation in operations), key=list(Verdict).index)
    if not doubts:
        return Layer("proof", True, f"{verdict.value}: every operand that decides is known, or a constant of the glue")
    places = tuple(use.place for _, use in doubts[:MOST_SITES])
    reasons = tuple(dict.fromkeys(f"{operation.name}: {use.why}" for operation, use in doubts if use.why))
    return Layer("proof", True, f"{verdict.value}: {len(doubts)} call{'' if len(doubts) == 1 else 's'} cannot be judged beforehand", places, reasons)


# What is generated

def _glue(asked: Asked, instance: Instance, grant: Grant, resource: Resource, used: set[str]) -> Layer:
    """The functions of the glue that lead there; those that the code calls come first."""
    interfaces = load_interfaces()
    exports = [export for section in sections(instance, make_layout(asked.system), interfaces) if section.module == grant.need.module
               for export in section.exports if export.calls and _leads(export, resource)]
    exports.sort(key=lambda export: export.function.name not in used)
    told = [_told(export) for export in exports]
    return Layer("glue", True, f"{len(told)} function{'' if len(told) == 1 else 's'} of `{grant.need.module}` lead{'s' if len(told) == 1 else ''} there", (), tuple(told))


def _leads(export: Export, resource: Resource) -> bool:
    function = export.function
    return not (resource.width and function.width not in (None, resource.width)) and not (resource.access and function.access not in (None, resource.access))


def _told(export: Export) -> str:
    assert export.raw is not None
    if export.form == "offset":
        limit = "is 0" if export.last == 0 else f"is at most {export.last:#x}"
        return f"{export.function.name}: traps unless its offset {limit}; then {export.raw.name} at {export.base:#x} + offset"
    if export.form == "connection":
        return f"{export.function.name}: refuses connections from {export.count} on; then {export.raw.name} with handle {export.handle} + connection"
    return f"{export.function.name}: {export.raw.name} with handle {export.handle}"


def _kernel(asked: Asked, instance: Instance, resource: Resource) -> Layer:
    """What the system table lets the kernel's own check allow, of the kind that was asked about."""
    table = table_of(asked, load_interfaces())
    rights = {right: held for right, held in authority(table).items() if (right.instance, right.kind) == (instance.name, resource.kind)}
    told = [phrase(change) for change in sorted(joined(rights)) if _is_about(change, resource)]
    how = "tells the provider so with each request, by the badge of the handle" if resource.kind == "files" else "checks once more, against the system table"
    return Layer("kernel", True, how, (), tuple(told))


def _is_about(change: Change, resource: Resource) -> bool:
    """Whether what the table allows touches what was asked about: a wide access touches more than its first port."""
    if resource.numbers is None:
        return not resource.server or change.object == resource.server or (change.kind == "files" and change.object.endswith(f" of {resource.server}"))
    if resource.kind == "device":
        return f"at {slot_text(resource.numbers.base)}" in change.object
    if resource.width and change.widths and resource.width not in change.widths:
        return False
    reach = max(change.widths, default=8) // 8 - 1
    return any(Range(each.base, each.length + reach) & resource.numbers for each in change.numbers.ranges)


def table_of(asked: Asked, interfaces: Interfaces) -> dict[str, Any]:
    """The system table as `table.decode` gives it, without the machine code that it will list."""
    system = asked.system
    names = sorted({app_module(app.name) for app in system.apps} | {glue_module(each.name) for each in system.instances})
    return decode(encode(system, make_layout(system), [Module(name, 0, 0, b"") for name in names], interfaces))
