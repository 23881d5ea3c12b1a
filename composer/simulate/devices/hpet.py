"""A simulated high precision event timer at 0xfed00000: its main counter, and registers for timers that never fire (IA-PC HPET
Specification 1.0a, section 2.3). The counter runs with this computer's monotonic clock while it is enabled.
"""

from __future__ import annotations

import time

from composer.simulate.devices import Device, memory_device
from composer.simulate.machine import Machine

CAPABILITIES, CONFIGURATION, MAIN_COUNTER = 0x000, 0x010, 0x0F0
PERIOD = 10_000_000
"""Femtoseconds between two ticks: 100 MHz."""
NANOSECONDS_A_TICK = PERIOD // 1_000_000
VENDOR, COUNTER_IS_WIDE, TIMERS, REVISION = 0x8086 << 16, 1 << 13, 3, 1
ENABLE = 1
FULL = (1 << 64) - 1


@memory_device(0xFED0_0000, 0x400)
class Hpet(Device):
    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.enabled = False
        self.counted = 0
        self.since = 0

    def read(self, offset: int, width: int) -> int:
        """Registers have 64 bits and are read whole or by halves; anything else answers all ones."""
        register, place = offset & ~7, offset & 7
        if width not in (32, 64) or place % (width // 8):
            return super().read(offset, width)
        values = {CAPABILITIES: PERIOD << 32 | VENDOR | COUNTER_IS_WIDE | (TIMERS - 1) << 8 | REVISION,
                  CONFIGURATION: int(self.enabled), MAIN_COUNTER: self._count()}
        return values.get(register, 0) >> 8 * place & (1 << width) - 1

    def write(self, offset: int, width: int, value: int) -> None:
        if offset == CONFIGURATION and width in (32, 64):
            self._enable(bool(value & ENABLE))
        elif offset == MAIN_COUNTER and width == 64 and not self.enabled:
            self.counted = value

    def _enable(self, enabled: bool) -> None:
        self.counted, self.since, self.enabled = self._count(), time.monotonic_ns(), enabled

    def _count(self) -> int:
        elapsed = time.monotonic_ns() - self.since if self.enabled else 0
        return self.counted + elapsed // NANOSECONDS_A_TICK & FULL
