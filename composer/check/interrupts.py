"""Rules about interrupts: one line, one holder, and none of the kernel's.

ISA line n and global system interrupt n count as the same line: without an override in ACPI's MADT they are (ACPI 6.5,
section 5.2.12.5), and the composer does not know the machine's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.check.kept import KERNEL_LINES
from composer.diagnostics import Diagnostic, Label, at, error, rule
from composer.system import Grant, Instance, System


def interrupt_grants(system: System) -> Iterator[tuple[int, Instance, Grant]]:
    """Every granted line with its holder."""
    for instance in system.instances:
        for grant in instance.grants:
            if grant.need.capability == "irq" and grant.value:
                yield next(iter(grant.value.values())), instance, grant


@rule("M0312", "one interrupt is granted twice")
def check_interrupt_twice(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each grant of a line after its first, in the order of the instances' names."""
    holders: dict[int, tuple[Instance, Grant]] = {}
    for line, instance, grant in interrupt_grants(system):
        first, first_grant = holders.setdefault(line, (instance, grant))
        if first_grant is grant:
            continue
        who = f"`{first.name}` holds interrupt {line} twice" if first is instance else f"`{first.name}` and `{instance.name}` both hold interrupt {line}"
        yield error("M0312", who, _label(first, first_grant), _label(instance, grant),
                    help="a line wakes one driver: use another line, or share the device through a service",
                    notes=(*first_grant.notes, *grant.notes))


@rule("M0313", "an instance holds an interrupt that the kernel keeps")
def check_kernel_interrupts(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for line, instance, grant in interrupt_grants(system):
        if line in KERNEL_LINES:
            yield error("M0313", f"`{instance.name}` holds interrupt {line}, which the kernel keeps", _label(instance, grant),
                        help="grant the line of the device itself", notes=(f"interrupt {line} is {KERNEL_LINES[line]}", *grant.notes))


def _label(instance: Instance, grant: Grant) -> Label:
    kind, span = next(iter(grant.spans.items()))
    return at(span, f"`{instance.name}` holds it as `{kind}` here")
