"""What rules about binaries share: the apps and functions they judge, and how they point at call sites and fields.

Gets facts; gives what is to be judged, and labels. No rule stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composer.contract import Contract, contract
from composer.diagnostics import Label, at
from composer.interfaces import load_interfaces
from composer.spans import Span
from composer.system import App, Need, Provide, System
from composer.wasm.facts import AppFacts, Import
from composer.wasm.shown import shown

SHOWN_CALLS = 3
"""Calls that one diagnostic points at; the rest is counted in a note."""


def sound(system: System, facts: Mapping[str, AppFacts]) -> Iterator[tuple[App, AppFacts]]:
    """Each app whose binary could be read. What is wrong with the others is said by check_binary alone."""
    for app in system.apps:
        if app.name in facts and facts[app.name].fault is None:
            yield app, facts[app.name]


def functions_of(facts: AppFacts) -> Iterator[Import]:
    """Each imported function once, in the order of the binary."""
    seen = set()
    for imported in facts.imports:
        if imported.kind == "func" and (imported.module, imported.name) not in seen:
            seen.add((imported.module, imported.name))
            yield imported


def known_functions(system: System, facts: Mapping[str, AppFacts]) -> Iterator[tuple[App, AppFacts, Import, Contract]]:
    """Each imported function that a need or a provide covers, with what stands behind it."""
    for app, found in sound(system, facts):
        for imported in functions_of(found):
            looked_up = contract(app, load_interfaces(), imported.module, imported.name)
            if looked_up.covered and looked_up.function:
                yield app, found, imported, looked_up


def called(imported: Import) -> str:
    """`munal:port/regs write8`, fit to be shown."""
    return f"{shown(imported.module)} {shown(imported.name)}"


def use_labels(facts: AppFacts, imported: Import) -> list[Label]:
    """Where the code uses an import: its first calls, else how it escapes, else where it is imported."""
    calls = facts.calls_of(imported.module, imported.name)
    if calls:
        return [at(facts.place(call.site), f"calls {called(imported)}") for call in calls[:SHOWN_CALLS]]
    escape = facts.escape_of(imported.module, imported.name)
    if escape:
        return [at(facts.place(escape.site), f"{called(imported)} is reached by {escape.how}")]
    return [at(facts.at(imported.offset), f"imports {called(imported)}")]


def use_notes(facts: AppFacts, imported: Import) -> tuple[str, ...]:
    """How many calls `use_labels` left out."""
    more = len(facts.calls_of(imported.module, imported.name)) - SHOWN_CALLS
    return (f"{more} more call{'s' if more > 1 else ''} of {called(imported)}",) if more > 0 else ()


def field_span(party: Need | Provide, field: str) -> Span:
    """Where a field of a need is written; the need itself where it is left at its default."""
    return party.spans.get(field, party.span)


def section(party: Need | Provide) -> str:
    """The header of its table: `needs.port.regs`."""
    return f"{'needs' if isinstance(party, Need) else 'provides'}.{party.capability}.{party.name}"
