"""The hardware that the kernel keeps for itself, as kernel/interfaces/kept.toml says: for rules, documents and tests."""

from __future__ import annotations

from dataclasses import dataclass

from composer.hardware import pages_of
from composer.interfaces import load_interfaces
from composer.system import Range


@dataclass(frozen=True, slots=True)
class Kept:
    """Ports, or pages by their numbers."""

    range: Range
    reason: str


KERNEL_PORTS = tuple(Kept(Range(base, length), reason) for base, length, reason in load_interfaces().kept_ports)
KERNEL_PAGES = tuple(Kept(pages_of(Range(base, length)), reason) for base, length, reason in load_interfaces().kept_pages)
KERNEL_LINES = load_interfaces().kept_lines
"""Interrupt lines by number, ISA and global alike."""
