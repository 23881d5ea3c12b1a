"""Rules about device memory: each page has one holder, none of the kernel's, all of it there, accesses that fit.

A page of 4 KiB belongs to one instance whole, although glue and kernel let it reach its own bytes alone: the processor maps
whole pages, and who writes beside a device's registers may write to another's (Intel SDM volume 3, section 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.check.kept import KERNEL_PAGES
from composer.check.ports import overlapping
from composer.diagnostics import Diagnostic, Label, at, error, rule
from composer.hardware import PAGE, Held, Space, hardware
from composer.interfaces import load_interfaces
from composer.system import Range, System

ALIGNMENT = 8
"""The widest access has eight bytes: from such a base on, an offset is aligned as its address is."""


def page_grants(system: System) -> list[Held]:
    """All granted pages, by their numbers."""
    return [held for held in hardware(system) if held.space is Space.MMIO]


@rule("M0316", "two instances hold the same page of device memory")
def check_page_overlap(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each grant whose first page is another instance's already."""
    for a, b in overlapping(page_grants(system)):
        common = a.range & b.range
        yield error(
            "M0316", f"`{a.instance}` and `{b.instance}` both hold {_pages(common)}", _here(a), _here(b),
            help="whole pages of 4 KiB belong to one instance: let one driver own both devices, and offer them as services",
            notes=(*a.grant.notes, *b.grant.notes),
        )


@rule("M0317", "an instance holds a page of device memory that the kernel keeps")
def check_kernel_pages(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each grant and each of the kernel's pages in it; what is kept on one machine, its kernel says at boot."""
    for held in page_grants(system):
        for kept in KERNEL_PAGES:
            if common := held.range & kept.range:
                yield error("M0317", f"`{held.instance}` holds {_pages(common)}, which the kernel keeps", _here(held),
                            help="grant other memory: this cannot be given away", notes=(f"{_bytes(kept.range)} is {kept.reason}", *held.grant.notes))


@rule("M0318", "a range of device memory goes past the last address")
def check_memory_end(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    end = load_interfaces().physical_end
    for held in page_grants(system):
        memory, need = held.grant.memory, held.grant.need
        if memory and memory.end > end:
            yield error(
                "M0318", f"`{held.instance}` would hold {memory}, past the last address {end - 1:#x} that the kernel maps",
                at(held.span, "it starts here"), at(need.spans.get("length", need.span), f"and has {memory.length} bytes"),
                help=f"the last base that fits is {(end - memory.length) // ALIGNMENT * ALIGNMENT:#x}", notes=held.grant.notes,
            )


@rule("M0340", "device memory that begins where no register can")
def check_memory_alignment(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for held in page_grants(system):
        memory = held.grant.memory
        if memory and memory.base % ALIGNMENT:
            near = memory.base // ALIGNMENT * ALIGNMENT
            yield error("M0340", f"`{held.instance}` would hold device memory from {memory.base:#x} on, which is no multiple of {ALIGNMENT}",
                        at(held.span, "it starts here"), help=f"begin at {near:#x} or {near + ALIGNMENT:#x}: offsets count from there",
                        notes=held.grant.notes)


@rule("M0341", "an access to device memory that is wider than all of it")
def check_memory_widths(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """A width in bits takes as many bytes as it has eights."""
    for need in (need for app in system.apps for need in app.needs if need.capability == "mmio"):
        length, widest = need.fields["length"], max(need.fields["widths"])
        if widest // 8 > length:
            yield error(
                "M0341", f"`mmio.{need.name}` has accesses of {widest} bits to {length} byte{'s' if length > 1 else ''}",
                at(need.spans.get("widths", need.span), f"{widest} bits take {widest // 8} bytes"),
                at(need.spans.get("length", need.span), "this is all there is"), help="ask for more bytes or for narrower accesses",
            )


def _here(held: Held) -> Label:
    return at(held.span, f"`{held.instance}` holds {held.grant.memory} here")


def _pages(pages: Range | None) -> str:
    return f"the page{'s' if pages and pages.length > 1 else ''} {_bytes(pages)} of device memory" if pages else "device memory"


def _bytes(pages: Range) -> str:
    return str(Range(pages.base * PAGE, pages.length * PAGE))
