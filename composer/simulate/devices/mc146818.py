"""A simulated MC146818 real-time clock at ports 0x70 and 0x71 (Motorola MC146818 data sheet; century as ACPI's FADT names it).

It shows the machine's wall clock in UTC, plus what the guest set it off by, and interrupts as status B asks.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from composer.simulate.devices import Device, device
from composer.simulate.machine import Machine

SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR, CENTURY = 0, 2, 4, 6, 7, 8, 9, 0x32
STATUS_A, STATUS_B, STATUS_C, STATUS_D = 10, 11, 12, 13
A_UPDATING, A_RUNNING = 0x80, 0x26
B_SET, B_PERIODIC, B_ALARM, B_UPDATE, B_BINARY, B_24_HOURS = 0x80, 0x40, 0x20, 0x10, 0x04, 0x02
C_ANY, C_PERIODIC, C_ALARM, C_UPDATE = 0x80, 0x40, 0x20, 0x10
D_BATTERY = 0x80
ALARMS = {1: SECONDS, 3: MINUTES, 5: HOURS}
"""Each alarm register, and what it is compared with; values from 0xc0 on stand for any."""
ANY = 0xC0
TICKS_A_SECOND = 32768
PM = 0x80
IRQ = 8
UPDATE_MICROSECONDS = 244
"""The update flag comes up this long before the registers change (figure 15)."""


@device(0x70, 2)
class Mc146818(Device):
    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.index = 0
        self.memory = bytearray(128)
        self.memory[STATUS_A], self.memory[STATUS_B] = A_RUNNING, B_24_HOURS
        self.offset = timedelta()
        self.held: datetime | None = None
        self.flags = 0
        self.second = self._now().second
        self.period_at = time.monotonic()

    def read(self, offset: int, width: int) -> int:
        if width != 8 or offset == 0:
            return super().read(offset, width)
        if self.index in (SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR, CENTURY):
            return self._encode(self.index, self._now())
        if self.index == STATUS_A:
            return self.memory[STATUS_A] | (A_UPDATING if self._updating() else 0)
        if self.index == STATUS_C:
            flags, self.flags = self.flags, 0
            self.machine.interrupt(IRQ, False)
            return flags
        return D_BATTERY if self.index == STATUS_D else self.memory[self.index]

    def write(self, offset: int, width: int, value: int) -> None:
        if width != 8:
            return
        if offset == 0:
            self.index = value & 0x7F
        elif self.index == STATUS_B:
            self._set_status_b(value)
        elif self.index in (SECONDS, MINUTES, HOURS, DAY, MONTH, YEAR, CENTURY):
            self._set_time(self.index, value)
        elif self.index not in (STATUS_C, STATUS_D):
            self.memory[self.index] = value & ~A_UPDATING if self.index == STATUS_A else value

    def next_tick(self) -> float | None:
        """The next second, or the end of the period, where either interrupts."""
        asked, moments = self.memory[STATUS_B], []
        if asked & (B_UPDATE | B_ALARM) and self.held is None:
            moments.append(time.monotonic() + 1 - self._now().microsecond / 1e6)
        if asked & B_PERIODIC and self._period():
            moments.append(self.period_at + self._period())
        return min(moments, default=None)

    def tick(self) -> None:
        now = self._now()
        if now.second != self.second and self.held is None:
            self.second = now.second
            self.flags |= C_UPDATE | (C_ALARM if self._alarm(now) else 0)
        if self._period() and time.monotonic() >= self.period_at + self._period():
            self.period_at = time.monotonic()
            self.flags |= C_PERIODIC
        self._interrupt()

    def _interrupt(self) -> None:
        """Status C's flags are where status B's enables are."""
        if self.flags & self.memory[STATUS_B] & (C_PERIODIC | C_ALARM | C_UPDATE):
            self.flags |= C_ANY
            self.machine.interrupt(IRQ, True)

    def _alarm(self, now: datetime) -> bool:
        return all(self.memory[alarm] >= ANY or self.memory[alarm] == self._encode(of, now) for alarm, of in ALARMS.items())

    def _period(self) -> float:
        """Seconds between periodic interrupts (table 5): rates 1 and 2 are as 8 and 9; 0 for none."""
        rate = self.memory[STATUS_A] & 0xF
        return 0.0 if rate == 0 else (1 << (rate + 6 if rate < 3 else rate - 1)) / TICKS_A_SECOND

    def _now(self) -> datetime:
        return self.held or self.machine.wall_clock() + self.offset

    def _updating(self) -> bool:
        return self.held is None and self._now().microsecond >= 1_000_000 - UPDATE_MICROSECONDS

    def _set_status_b(self, value: int) -> None:
        now = self._now()
        self.memory[STATUS_B] = value
        if value & B_SET:
            self.held = now.replace(microsecond=0)
        elif self.held is not None:
            self.offset, self.held = self.held - self.machine.wall_clock(), None
        self.machine.wake()

    def _encode(self, register: int, now: datetime) -> int:
        value = {SECONDS: now.second, MINUTES: now.minute, WEEKDAY: now.isoweekday() % 7 + 1, DAY: now.day,
                 MONTH: now.month, YEAR: now.year % 100, CENTURY: now.year // 100, HOURS: now.hour}[register]
        flag = 0
        if register == HOURS and not self.memory[STATUS_B] & B_24_HOURS:
            flag, value = (PM if value >= 12 else 0), (value % 12) or 12
        binary = self.memory[STATUS_B] & B_BINARY
        return flag | (value if binary else value // 10 << 4 | value % 10)

    def _set_time(self, register: int, value: int) -> None:
        before = self._now()
        number = self._decode(register, value)
        changes = {SECONDS: {"second": number}, MINUTES: {"minute": number}, HOURS: {"hour": number}, DAY: {"day": number},
                   MONTH: {"month": number}, YEAR: {"year": before.year // 100 * 100 + number},
                   CENTURY: {"year": number * 100 + before.year % 100}}[register]
        try:
            after = before.replace(**changes)
        except ValueError:
            return
        if self.held is not None:
            self.held = after
        else:
            self.offset += after - before

    def _decode(self, register: int, value: int) -> int:
        afternoon = register == HOURS and bool(value & PM) and not self.memory[STATUS_B] & B_24_HOURS
        value &= ~PM if register == HOURS and not self.memory[STATUS_B] & B_24_HOURS else 0xFF
        if not self.memory[STATUS_B] & B_BINARY:
            value = (value >> 4) * 10 + (value & 0xF)
        if register == HOURS and not self.memory[STATUS_B] & B_24_HOURS:
            return value % 12 + (12 if afternoon else 0)
        return value

