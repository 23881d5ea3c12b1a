"""Rules about what a manifest asks for and the binary does not use: each is a permission that can go.

Gets the resolved system and its apps' facts; gives warnings with the tightened text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composer.check.binaries import field_span, section, sound
from composer.check.imports import VERBS
from composer.contract import contract
from composer.diagnostics import Diagnostic, at, rule, warning, words
from composer.interfaces import load_interfaces
from composer.system import App, Need, Provide, System
from composer.wasm.facts import AppFacts


@rule("M0320", "an app asks for something that its binary never uses")
def check_unused_needs(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one warning for each need of which the binary uses no function."""
    for app, found in sound(system, facts):
        for need in app.needs:
            if not _is_used(need, found) and not _is_mistaken(app, need, found):
                yield warning(
                    "M0320", f"`{app.name}` asks for `{need.capability}.{need.name}`, which its binary never uses",
                    at(need.span, "no code uses this"), help=f"remove `[{section(need)}]`{_and_grants(system, app, need)}",
                )


def _and_grants(system: System, app: App, need: Need) -> str:
    """What goes with the need: the grants of its instances."""
    mine = [(i.name, i.grant(need.capability, need.name)) for i in system.instances if i.app.name == app.name]
    holders = [name for name, grant in mine if grant and grant.granted and grant.value]
    return f", and `grant.{need.capability}.{need.name}` from {words(holders)}" if holders else ""


@rule("M0323", "an app provides something that its binary never serves")
def check_unserved_provides(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one warning for each provide of which the binary uses no function: its clients would wait for ever."""
    for app, found in sound(system, facts):
        for provide in app.provides:
            if not _is_used(provide, found) and not _is_mistaken(app, provide, found):
                yield warning(
                    "M0323", f"`{app.name}` provides `{provide.capability}.{provide.name}`, which its binary never serves",
                    at(provide.span, f"no code uses {provide.module}"),
                    help=f"serve it with the functions of `{provide.module}`, or remove `[{section(provide)}]`",
                )


def _is_used(party: Need | Provide, facts: AppFacts) -> bool:
    return any(facts.uses(party.module, imported.name) for imported in facts.imports_of(party.module))


def _is_mistaken(app: App, party: Need | Provide, facts: AppFacts) -> bool:
    """True where an import that is refused probably means this very need."""
    prefix = party.module.partition("/")[0] + "/"
    mine = {other.module for other in (*app.needs, *app.provides)}
    return any(
        i.module not in mine or contract(app, load_interfaces(), i.module, i.name).function is None
        for i in facts.imports if i.module.startswith(prefix)
    )


@rule("M0321", "an app asks for more than its binary uses")
def check_tightness(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one warning for each need whose `access` or `widths` could be less. A function that escapes counts as used."""
    for app, found in sound(system, facts):
        for need in app.needs:
            used = [function for imported in found.imports_of(need.module) if found.uses(need.module, imported.name)
                    and (function := contract(app, load_interfaces(), need.module, imported.name).function)]
            yield from _loose_access(app, need, {function.access for function in used if function.access})
            yield from _loose_widths(app, need, {function.width for function in used if function.width})


def _loose_access(app: App, need: Need, used: set[str]) -> Iterator[Diagnostic]:
    if need.fields.get("access") == "rw" and len(used) == 1:
        only = used.pop()
        yield warning(
            "M0321", f"`{app.name}` may read and write `{need.capability}.{need.name}`, but only {VERBS[only]} it",
            at(field_span(need, "access"), "more than the binary uses" if "access" in need.spans else '`access` is "rw" by default'),
            help=f'`access = "{only}"` is enough',
        )


def _loose_widths(app: App, need: Need, used: set[int]) -> Iterator[Diagnostic]:
    listed = set(need.fields.get("widths", ()))
    spare, enough = sorted(listed - used), sorted(listed & used)
    if enough and spare:
        widths = " and ".join(f"{width} bits" for width in spare)
        yield warning(
            "M0321", f"`{app.name}` lists {widths} for `{need.capability}.{need.name}`, but never uses that",
            at(field_span(need, "widths"), "more than the binary uses"), help=f"`widths = {enough}` is enough",
        )
