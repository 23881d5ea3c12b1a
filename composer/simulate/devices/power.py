"""Simulated ways to end: ACPI's PM1a control block, the reset control register and QEMU's debug exit, at QEMU q35's ports."""

from __future__ import annotations

from composer.simulate import acpi
from composer.simulate.devices import Device, device
from composer.simulate.machine import Machine, Outcome

PM1_SLEEP_TYPE_SHIFT, PM1_SLEEP_TYPE_MASK, PM1_SLEEP_ENABLE = 10, 7, 1 << 13
PM1_SCI_ENABLED = 1


@device(acpi.PM1A_CONTROL, 2)
class Pm1aControl(Device):
    """PM1 control registers (ACPI 6.5, section 4.8.3.2.1): sleep type S5 with sleep enable powers off."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.value = PM1_SCI_ENABLED

    def read(self, offset: int, width: int) -> int:
        return self.value >> (8 * offset) & ((1 << width) - 1)

    def write(self, offset: int, width: int, value: int) -> None:
        mask = ((1 << width) - 1) << (8 * offset)
        value = (self.value & ~mask) | (value << (8 * offset) & mask)
        self.value = value & ~PM1_SLEEP_ENABLE & 0xFFFF
        if value & PM1_SLEEP_ENABLE and value >> PM1_SLEEP_TYPE_SHIFT & PM1_SLEEP_TYPE_MASK == acpi.S5_SLEEP_TYPE:
            self.machine.end(Outcome.POWER_OFF)


@device(acpi.RESET_PORT, 1)
class ResetControl(Device):
    """The chipset's reset control register (Intel ICH9 data sheet, section 13.7.5): bit 2 rising resets the processor."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.value = 0

    def read(self, offset: int, width: int) -> int:
        return self.value

    def write(self, offset: int, width: int, value: int) -> None:
        if value & 4 and not self.value & 4:
            self.machine.end(Outcome.RESET)
        self.value = value & 0x0E


@device(0xF4, 1)
class DebugExit(Device):
    """QEMU's isa-debug-exit: what is written becomes the exit status."""

    def write(self, offset: int, width: int, value: int) -> None:
        self.machine.end(Outcome.EXIT, value)
