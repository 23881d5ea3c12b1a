"""The hardware that the kernel keeps for itself, with the reason for each: one place for rules, documents and tests."""

from __future__ import annotations

from dataclasses import dataclass

from composer.system import Range


@dataclass(frozen=True, slots=True)
class KeptPorts:
    range: Range
    reason: str


KERNEL_PORTS = (
    KeptPorts(Range(0x20, 2), "the first interrupt controller (8259A), which the kernel masks for good"),
    KeptPorts(Range(0x40, 4), "the interval timer (8254), by which the kernel measures its clocks"),
    KeptPorts(Range(0x61, 1), "the gate of the interval timer's second channel, for the same measurement"),
    KeptPorts(Range(0xA0, 2), "the second interrupt controller (8259A), which the kernel masks for good"),
    KeptPorts(Range(0xCF8, 1), "the address of PCI configuration: who writes it can move any device's registers"),
    KeptPorts(Range(0xCFA, 6), "PCI configuration: who writes it can move any device's registers"),
)
"""Port 0xcf9 between the last two is the reset control register, which can be granted (by bytes; PCI takes 32 bits at 0xcf8)."""

KERNEL_LINES = {
    0: "the timer's interrupt",
    2: "the cascade of the two interrupt controllers, and where an I/O APIC has the timer",
}
"""Interrupt lines by number, ISA and global alike."""
