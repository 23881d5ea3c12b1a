"""Rules about what a manifest asks for and the binary does not use: each is a permission that can go.

Gets the resolved system and its apps' facts; gives warnings with the tightened text, which surplus.py decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composer.check.binaries import called, field_span, known_functions, section, sound
from composer.check.imports import VERBS
from composer.check.operands import UNITS
from composer.diagnostics import Diagnostic, at, rule, warning, words
from composer.edit import shown
from composer.surplus import Surplus, is_mistaken, surplus
from composer.system import App, Need, Provide, System
from composer.wasm.facts import AppFacts
from composer.wasm.shown import shown as shown_name


@rule("M0320", "an app asks for something that its binary never uses")
def check_unused_needs(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one warning for each need of which the binary imports no function."""
    for app, found in sound(system, facts):
        for each in surplus(app, found):
            if each.field is None:
                yield warning(
                    "M0320", f"`{app.name}` asks for `{_named(each.need)}`, which its binary never uses",
                    at(each.need.span, "no code uses this"), help=f"remove `[{section(each.need)}]`{_and_grants(system, app, each.need)}",
                )


def _named(need: Need) -> str:
    return f"{need.capability}.{need.name}"


def _and_grants(system: System, app: App, need: Need) -> str:
    """What goes with the need: the grants of its instances."""
    mine = [(i.name, i.grant(need.capability, need.name)) for i in system.instances if i.app.name == app.name]
    holders = [name for name, grant in mine if grant and grant.granted and grant.value]
    return f", and `grant.{_named(need)}` from {words(holders)}" if holders else ""


@rule("M0321", "an app asks for more than its binary uses")
def check_tightness(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one warning for each need whose `access`, `widths` or `length` could be less. A function that escapes counts as used."""
    for app, found in sound(system, facts):
        for each in surplus(app, found):
            if each.field is not None:
                message, label = _EXCESS[each.field](each)
                written = "more than the binary uses" if each.field in each.need.spans else label
                yield warning("M0321", message, at(field_span(each.need, each.field), written),
                              help=f"`{each.field} = {shown(each.enough)}` is enough")


def _loose_access(each: Surplus) -> tuple[str, str]:
    return (f"`{each.app.name}` may read and write `{_named(each.need)}`, but only {VERBS[each.enough]} it",
            '`access` is "rw" by default')


def _loose_widths(each: Surplus) -> tuple[str, str]:
    spare = " and ".join(f"{width} bits" for width in each.need.fields["widths"] if width not in each.enough)
    return f"`{each.app.name}` lists {spare} for `{_named(each.need)}`, but never uses that", "these are listed by default"


def _loose_length(each: Surplus) -> tuple[str, str]:
    has, enough = each.need.fields["length"], each.enough
    reached = "offset 0 alone" if enough == 1 else f"offsets 0x0 to {enough - 1:#x}"
    asks = f"`{each.app.name}` asks for {has} {UNITS[each.need.capability][1]} as `{_named(each.need)}`"
    return f"{asks}, but its code reaches {reached}", "so many by default"


_EXCESS = {"access": _loose_access, "widths": _loose_widths, "length": _loose_length}


@rule("M0326", "a binary imports what no code of it calls")
def check_dead_imports(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one warning for each function of a need that is imported and never called: it keeps a manifest from asking for less."""
    for app, found, imported, looked_up in known_functions(system, facts):
        need = looked_up.party
        if isinstance(need, Need) and not found.uses(imported.module, imported.name):
            yield warning(
                "M0326", f"`{app.name}` imports `{shown_name(imported.name)}` of `{_named(need)}`, which no code of it calls",
                at(need.span, "this has to cover it all the same"), at(found.at(imported.offset), f"imports {called(imported)}"),
                help="build it without this import, as a linker does that drops what is unused; then the need can ask for less",
            )


@rule("M0323", "an app provides something that its binary never serves")
def check_unserved_provides(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one warning for each provide of which the binary uses no function: its clients would wait for ever."""
    for app, found in sound(system, facts):
        for provide in app.provides:
            if not _is_used(provide, found) and not is_mistaken(app, provide, found):
                yield warning(
                    "M0323", f"`{app.name}` provides `{provide.capability}.{provide.name}`, which its binary never serves",
                    at(provide.span, f"no code uses {provide.module}"),
                    help=f"serve it with the functions of `{provide.module}`, or remove `[{section(provide)}]`",
                )


def _is_used(party: Need | Provide, facts: AppFacts) -> bool:
    return any(facts.uses(party.module, imported.name) for imported in facts.imports_of(party.module))
