"""Simulated devices by their data sheets: what a driver reads after what it wrote."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.simulate import acpi
from composer.simulate.machine import OUTPUT_ROOM, Machine, Outcome

COM1 = 0x3F8
DATA, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCRATCH = 0, 1, 2, 2, 3, 4, 5, 6, 7


def read(machine: Machine, register: int) -> int:
    return machine.read(COM1 + register, 8)


def write(machine: Machine, register: int, value: int) -> None:
    machine.write(COM1 + register, 8, value)


def receive(machine: Machine, data: bytes) -> None:
    with machine.changed:
        machine.serial.receive(data)


def test_a_port_where_nothing_is_reads_as_all_ones(machine):
    assert [machine.read(0x2F8, width) for width in (8, 16, 32)] == [0xFF, 0xFFFF, 0xFFFF_FFFF]


def test_the_divisor_latch_hides_data_and_interrupt_enables(machine):
    write(machine, IER, 0x0F)
    write(machine, LCR, 0x83)
    write(machine, DATA, 0x01)
    write(machine, IER, 0x02)
    assert (read(machine, DATA), read(machine, IER)) == (0x01, 0x02)
    write(machine, LCR, 0x03)
    assert (read(machine, IER), machine.output) == (0x0F, b"")


def test_loop_mode_gives_back_what_was_sent_and_sends_nothing(machine):
    write(machine, MCR, 0x1B)
    write(machine, DATA, 0xAE)
    assert (read(machine, LSR) & 1, read(machine, DATA), read(machine, LSR) & 1, machine.output) == (1, 0xAE, 0, b"")
    assert read(machine, MSR) == 0xB0


def test_an_overrun_is_told_once(machine):
    write(machine, MCR, 0x10)
    write(machine, FCR, 0x01)
    for byte in range(17):
        write(machine, DATA, byte)
    assert (read(machine, LSR) & 2, read(machine, LSR) & 2) == (2, 0)
    assert [read(machine, DATA) for _ in range(17)] == [*range(16), 0]


def test_the_interrupt_follows_its_cause_and_the_gate(machine):
    write(machine, IER, 0x01)
    receive(machine, b"a")
    assert machine.interrupts[4].count == 0, "OUT2 gates the line"
    write(machine, MCR, 0x08)
    assert (machine.interrupts[4].count, read(machine, IIR) & 0x0F) == (1, 0x04)
    read(machine, DATA)
    assert (machine.interrupts[4].raised, read(machine, IIR) & 0x0F) == (False, 0x01)


def test_below_the_trigger_level_received_bytes_time_out(machine):
    write(machine, MCR, 0x08)
    write(machine, IER, 0x01)
    write(machine, FCR, 0x81)
    receive(machine, b"1234567")
    assert read(machine, IIR) == 0xCC
    receive(machine, b"8")
    assert read(machine, IIR) == 0xC4


def test_an_empty_transmitter_interrupts_once_until_it_is_fed(machine):
    write(machine, MCR, 0x08)
    write(machine, IER, 0x02)
    assert (read(machine, IIR) & 0x0F, read(machine, IIR) & 0x0F) == (0x02, 0x01)
    write(machine, DATA, ord("x"))
    assert (read(machine, IIR) & 0x0F, machine.output) == (0x02, b"x")


def test_a_slow_reader_holds_the_transmitter(machine):
    for _ in range(OUTPUT_ROOM):
        write(machine, DATA, 0)
    assert read(machine, LSR) & 0x20 == 0
    machine.output.clear()
    machine.serial.drained()
    assert read(machine, LSR) & 0x20


def test_loop_mode_turns_back_what_waits_for_a_slow_reader(machine):
    write(machine, FCR, 0x01)
    for byte in range(OUTPUT_ROOM + 3):
        write(machine, DATA, byte & 0xFF)
    assert (len(machine.output), read(machine, LSR) & 0x40) == (OUTPUT_ROOM, 0)
    write(machine, MCR, 0x10)
    assert [read(machine, DATA) for _ in range(4)] == [*(byte & 0xFF for byte in range(OUTPUT_ROOM, OUTPUT_ROOM + 3)), 0]
    write(machine, MCR, 0)
    machine.output.clear()
    machine.serial.drained()
    assert machine.output == b""


@pytest.mark.parametrize("fifos", [False, True])
def test_there_is_room_for_what_the_receiver_holds(machine, fifos):
    write(machine, FCR, int(fifos))
    assert machine.serial.room == (16 if fifos else 1)
    receive(machine, b"x")
    assert machine.serial.room == (15 if fifos else 0)


def clock_register(machine: Machine, index: int) -> int:
    machine.write(0x70, 8, index)
    return machine.read(0x71, 8)


def set_clock_register(machine: Machine, index: int, value: int) -> None:
    machine.write(0x70, 8, index)
    machine.write(0x71, 8, value)


def shown(machine: Machine, binary: bool, full_day: bool) -> tuple[int, ...]:
    """The clock as a driver reads it: century, year, month, day, hour, minute, second."""
    def number(index: int) -> int:
        value = clock_register(machine, index)
        return value if binary else (value >> 4) * 10 + (value & 15)

    hour = clock_register(machine, 4)
    afternoon, hour = (0, hour) if full_day else (hour & 0x80, hour & 0x7F)
    hour = hour if binary else (hour >> 4) * 10 + (hour & 15)
    hour = hour if full_day else hour % 12 + (12 if afternoon else 0)
    return number(0x32), number(9), number(8), number(7), hour, number(2), number(0)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)), st.booleans(), st.booleans())
def test_the_clock_shows_any_time_in_any_form(moment, binary, full_day):
    machine = Machine(lambda: moment.replace(tzinfo=UTC))
    try:
        set_clock_register(machine, 0x0B, (4 if binary else 0) | (2 if full_day else 0))
        expected = (moment.year // 100, moment.year % 100, moment.month, moment.day, moment.hour, moment.minute, moment.second)
        assert shown(machine, binary, full_day) == expected
    finally:
        machine.close()


@pytest.mark.parametrize(("microsecond", "updating"), [(999_755, False), (999_756, True), (0, False)])
def test_an_update_announces_itself(microsecond, updating):
    machine = Machine(lambda: datetime(2026, 11, 21, 12, 0, 0, microsecond, UTC))
    assert bool(clock_register(machine, 0x0A) & 0x80) == updating
    machine.close()


def test_the_clock_can_be_set_and_stands_still_meanwhile():
    machine = Machine(lambda: datetime(2026, 11, 21, 12, 0, 0, 0, UTC))
    set_clock_register(machine, 0x0B, 0x86)
    for index, value in ((9, 30), (8, 2), (7, 3), (4, 23), (2, 59), (0, 58)):
        set_clock_register(machine, index, value)
    set_clock_register(machine, 0x0B, 0x06)
    assert shown(machine, True, True) == (20, 30, 2, 3, 23, 59, 58)
    machine.close()


def test_a_second_interrupts_who_asked_and_reading_status_c_clears_it():
    moments = [datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)]
    machine = Machine(lambda: moments[0])
    set_clock_register(machine, 0x0B, 0x12)
    machine.tick()
    assert machine.interrupts[8].count == 0
    moments[0] = moments[0].replace(second=1)
    machine.tick()
    assert (machine.interrupts[8].count, clock_register(machine, 0x0C), clock_register(machine, 0x0C)) == (1, 0x90, 0)
    machine.close()


@pytest.mark.parametrize(("value", "ended"), [(0x2000, True), (0x2001, True), (0x3C00, False), (0x0001, False)])
def test_only_sleep_type_five_with_its_enable_powers_off(machine, value, ended):
    machine.write(acpi.PM1A_CONTROL, 16, value)
    assert (machine.ended == (Outcome.POWER_OFF, 0)) == ended


def test_the_reset_register_resets_on_the_rising_bit(machine):
    machine.write(acpi.RESET_PORT, 8, 0x02)
    assert machine.ended is None
    machine.write(acpi.RESET_PORT, 8, acpi.RESET_VALUE)
    assert machine.ended == (Outcome.RESET, 0)


def test_the_first_ending_counts(machine):
    machine.write(0xF4, 8, 7)
    machine.write(0xF4, 8, 8)
    assert machine.ended == (Outcome.EXIT, 7)


@pytest.mark.parametrize("signature", [b"FACP", b"DSDT"])
def test_an_acpi_table_is_whole(signature):
    table = acpi.tables()[signature]
    assert (table[:4], int.from_bytes(table[4:8], "little"), sum(table) & 0xFF) == (signature, len(table), 0)


def test_the_tables_name_the_ports_that_answer():
    fadt, dsdt = acpi.tables()[b"FACP"], acpi.tables()[b"DSDT"]
    assert int.from_bytes(fadt[64:68], "little") == acpi.PM1A_CONTROL
    assert (int.from_bytes(fadt[120:128], "little"), fadt[128]) == (acpi.RESET_PORT, acpi.RESET_VALUE)
    assert b"\x08_S5_\x12\x06\x04\x00\x00\x00\x00" in dsdt


HPET = 0xFED0_0000


def test_memory_where_nothing_is_reads_as_all_ones(machine):
    assert [machine.load(0xFED1_0000, width) for width in (8, 16, 32, 64)] == [0xFF, 0xFFFF, 0xFFFF_FFFF, (1 << 64) - 1]
    machine.store(0xFED1_0000, 64, 0)


def test_the_event_timer_counts_while_it_is_enabled(machine):
    assert machine.load(HPET, 64) == machine.load(HPET + 4, 32) << 32 | machine.load(HPET, 32)
    assert machine.load(HPET + 4, 32) == 10_000_000 and machine.load(HPET, 32) & 0xFF == 1
    machine.store(HPET + 0xF0, 64, 0xFFFF_FFFF)
    assert machine.load(HPET + 0xF0, 64) == machine.load(HPET + 0xF0, 64) == 0xFFFF_FFFF
    machine.store(HPET + 0x10, 32, 1)
    while machine.load(HPET + 0xF4, 32) == 0:
        pass
    machine.store(HPET + 0x10, 32, 0)
    assert machine.load(HPET + 0xF0, 64) == machine.load(HPET + 0xF0, 64) > 0xFFFF_FFFF


def test_the_event_timer_answers_whole_registers_and_halves_alone(machine):
    assert [machine.load(HPET + offset, width) for offset, width in ((0, 8), (2, 16), (2, 32), (4, 64))] == [
        0xFF, 0xFFFF, 0xFFFF_FFFF, (1 << 64) - 1]
