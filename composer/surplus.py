"""What a manifest asks for beyond what its app's binary uses, decided once for the warnings of `check` and for `tighten`.

Gets an app and the facts of its binary; gives each need, or field of a need, that could be less, with what is enough. What is
enough is always accepted: an import that is never called still has to be covered by its need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from composer.contract import contract
from composer.interfaces import Function, load_interfaces
from composer.proof import width_in_ports
from composer.system import App, Need, Provide
from composer.wasm.facts import AppFacts

ACCESSES = {frozenset("r"): "r", frozenset("w"): "w"}


@dataclass(frozen=True, slots=True)
class Surplus:
    """A need that can go, where `field` is None, or a field of it of which `enough` is enough."""

    app: App
    need: Need
    field: str | None = None
    enough: Any = None


def surplus(app: App, facts: AppFacts) -> Iterator[Surplus]:
    """Everything that can be less, by the order of the needs; nothing for what rules refuse."""
    for need in app.needs:
        used = _functions(app, need, facts)
        if not facts.imports_of(need.module):
            if not is_mistaken(app, need, facts):
                yield Surplus(app, need)
        else:
            yield from _fields(app, need, used, facts)


def _functions(app: App, need: Need, facts: AppFacts) -> list[Function]:
    """The functions of a need that the binary imports."""
    found = (contract(app, load_interfaces(), imported.module, imported.name).function for imported in facts.imports_of(need.module))
    return [function for function in found if function]


def is_mistaken(app: App, wanted: Need | Provide, facts: AppFacts) -> bool:
    """True where an import that is refused probably means this very need or provide."""
    prefix = wanted.module.partition("/")[0] + "/"
    mine = {party.module for party in (*app.needs, *app.provides)}
    return any(
        i.module not in mine or contract(app, load_interfaces(), i.module, i.name).function is None
        for i in facts.imports if i.module.startswith(prefix)
    )


def _fields(app: App, need: Need, used: list[Function], facts: AppFacts) -> Iterator[Surplus]:
    access = ACCESSES.get(frozenset(function.access for function in used if function.access))
    if access and need.fields.get("access") == "rw":
        yield Surplus(app, need, "access", access)
    listed = set(need.fields.get("widths", ()))
    widths = sorted(listed & {function.width for function in used if function.width})
    if widths and len(widths) < len(listed):
        yield Surplus(app, need, "widths", widths)
    length = _length(need, used, widths or sorted(listed), facts)
    if length is not None and length < need.fields["length"]:
        yield Surplus(app, need, "length", length)


def _length(need: Need, used: list[Function], widths: list[int], facts: AppFacts) -> int | None:
    """How much of its range a need reaches, at least one access of its widest; None where it has no length, where nothing calls,
    or where one call's offset may be anything."""
    functions = [function for function in used if function.glue == "offset"]
    if "length" not in need.fields or any(facts.escape_of(need.module, function.name) for function in functions):
        return None
    reached = [(call.operands[0].bounds, width_in_ports(function)) for function in functions
               for call in facts.calls_of(need.module, function.name) if call.operands]
    if not reached or any(bounds is None for bounds, _ in reached):
        return None
    return max(widths[-1] // 8 if widths else 1, *(bounds[1] + width for bounds, width in reached if bounds))
