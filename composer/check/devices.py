"""Rules about granted devices: a PCI function that is granted by its place has one holder.

Which function a grant without a place comes to is known to a machine's kernel alone, which gives none to two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.device import slot_text
from composer.diagnostics import Diagnostic, Label, at, error, rule
from composer.hardware import Held, Space, hardware
from composer.system import System


@rule("M0319", "one PCI function is granted twice")
def check_function_twice(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each grant of a function after its first, in the order of the instances' names."""
    holders: dict[int, Held] = {}
    for held in (each for each in hardware(system) if each.space is Space.FUNCTION):
        first, slot = holders.setdefault(held.range.base, held), slot_text(held.range.base)
        if first is held:
            continue
        who = (f"`{held.instance}` holds the function {slot} twice" if first.instance == held.instance
               else f"`{first.instance}` and `{held.instance}` both hold the function {slot}")
        yield error("M0319", who, _here(first), _here(held), help="a device belongs to one driver: grant another, or share it through a service",
                    notes=(*first.grant.notes, *held.grant.notes))


def _here(held: Held) -> Label:
    return at(held.span, f"`{held.instance}` holds it as `{held.need}` here")
