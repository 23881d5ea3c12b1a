"""The simulated keyboard controller, as a driver sets it up and hears from it."""

from __future__ import annotations

from composer.simulate.devices.i8042 import HAS_WHEEL, TAKEN, controller

DATA, CONTROL = 0x60, 0x64


def asked(machine, *commands: int) -> int:
    """The byte that waits after commands to the controller."""
    for command in commands:
        machine.write(CONTROL, 8, command)
    return machine.read(DATA, 8)


def to_mouse(machine, byte: int) -> list[int]:
    """All that the mouse answers to a byte."""
    machine.write(CONTROL, 8, 0xD4)
    machine.write(DATA, 8, byte)
    said = []
    while machine.read(CONTROL, 8) & 1:
        assert machine.read(CONTROL, 8) & 0x20, "the mouse's"
        said.append(machine.read(DATA, 8))
    return said


def test_the_controller_passes_its_tests_and_keeps_its_configuration(machine):
    assert [asked(machine, command) for command in (0xAA, 0xAB, 0xA9)] == [0x55, 0, 0]
    machine.write(CONTROL, 8, 0x60)
    machine.write(DATA, 8, 0x41)
    assert asked(machine, 0x20) == 0x41
    assert asked(machine, 0xA7, 0x20) == 0x61, "the mouse's line is off"
    assert asked(machine, 0xA8, 0xAD, 0x20) == 0x51


def test_a_mouse_that_is_asked_the_right_way_has_a_wheel(machine):
    assert to_mouse(machine, 0xFF) == [TAKEN, 0xAA, 0]
    assert to_mouse(machine, 0xF2) == [TAKEN, 0]
    for rate in (200, 100, 80):
        assert (to_mouse(machine, 0xF3), to_mouse(machine, rate)) == ([TAKEN], [TAKEN])
    assert to_mouse(machine, 0xF2) == [TAKEN, HAS_WHEEL]
    to_mouse(machine, 0xFF)
    assert to_mouse(machine, 0xF2) == [TAKEN, 0]


def test_each_byte_interrupts_on_its_own_line_while_that_is_let_through(machine):
    it, levels = controller(machine), {}
    machine.interrupt = lambda line, level: levels.__setitem__(line, level)
    it.say(b"\x1e")
    it.say(b"\x08", mouse=True)
    assert (levels[1], levels[12]) == (True, False)
    assert machine.read(DATA, 8) == 0x1E and (levels[1], levels[12]) == (False, True)
    assert machine.read(DATA, 8) == 0x08 and (levels[1], levels[12]) == (False, False)
    it.configuration &= ~1
    it.say(b"\x1e")
    assert levels[1] is False
    assert (machine.read(CONTROL, 8), machine.read(DATA, 8), machine.read(DATA, 8)) == (1, 0x1E, 0)


def test_other_widths_reach_nothing(machine):
    machine.write(CONTROL, 16, 0xAA)
    assert (machine.read(CONTROL, 16), machine.read(DATA, 32), machine.read(CONTROL, 8)) == (0xFFFF, 0xFFFF_FFFF, 0)
