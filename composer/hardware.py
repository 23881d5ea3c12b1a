"""The hardware in a system's grants: who holds which ports, lines and pages, in one form for rules, reports and certificates.

Gets a resolved system; gives what is held, each with the place where that is written. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from composer.spans import Span
from composer.system import Grant, Range, System


PAGE = 4096
"""Bytes of a page, the least that the processor maps (Intel SDM volume 3, section 4.2)."""


class Space(StrEnum):
    """What a range counts: I/O ports, interrupt lines, pages of 4 KiB or PCI functions, by their numbers."""

    PORT = "port"
    LINE = "interrupt"
    MMIO = "MMIO page"
    DMA = "DMA page"
    FUNCTION = "PCI function"


@dataclass(frozen=True, slots=True)
class Held:
    """Part of the hardware in one instance's hands, by one grant."""

    instance: str
    space: Space
    range: Range
    span: Span
    grant: Grant

    @property
    def need(self) -> str:
        return f"{self.grant.need.capability}.{self.grant.need.name}"


def hardware(system: System) -> tuple[Held, ...]:
    """All that is held, by space, then by range, then by holder."""
    held = (each for instance in system.instances for grant in instance.grants for each in _held(instance.name, grant))
    order = list(Space)
    return tuple(sorted(held, key=lambda each: (order.index(each.space), each.range, each.instance, each.need)))


def pages_of(memory: Range) -> Range:
    """The pages, by number, that a range of bytes touches: a page belongs to one instance whole, since it is mapped whole."""
    first = memory.base // PAGE
    return Range(first, -(-memory.end // PAGE) - first)


def _held(instance: str, grant: Grant) -> Iterator[Held]:
    if grant.ports:
        yield Held(instance, Space.PORT, grant.ports, grant.spans["base"], grant)
    elif grant.memory:
        yield Held(instance, Space.MMIO, pages_of(grant.memory), grant.spans["base"], grant)
    elif grant.need.capability == "irq" and grant.value:
        key, line = next(iter(grant.value.items()))
        yield Held(instance, Space.LINE, Range(line, 1), grant.spans[key], grant)
    elif grant.need.capability == "device" and grant.slot is not None:
        yield Held(instance, Space.FUNCTION, Range(grant.slot, 1), grant.spans["slot"], grant)
