"""The simulated educational device, by itself and behind the repository's model of it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from composer.device import Device, Limit, Match, Pointer, Rules, parse_match
from composer.device_model import read_model
from composer.load import read_document
from composer.simulate.devices.edu import ACKNOWLEDGE, CAUSE, DONE, FACTORIAL, IDENTIFICATION, INTERRUPTS, LIVENESS, RAISE, STATUS, Edu
from composer.simulate.devices_pci import Absent, Present, allows, find
from composer.simulate.engine import Fault

REPOSITORY = Path(__file__).resolve().parents[3]
EDU = parse_match("1234:11e8")
FULL = (1 << 32) - 1


@pytest.fixture
def edu():
    """The device, and how often it interrupted."""
    count = [0]
    made = Edu(lambda: count.__setitem__(0, count[0] + 1))
    return made, count


def granted(*matches: Match, slot: int | None = None, skip: int = 0, **changes) -> Device:
    model = read_model(read_document(REPOSITORY, "apps/drivers/edu/device.toml").value).value
    made = Device("card", 0, matches or (EDU,), slot, skip, model.regions, model.tables, model.reset)
    return dataclasses.replace(made, **changes)


def test_it_says_what_it_is_and_that_it_is_alive(edu):
    device, _ = edu
    assert device.config(0) == 0x11E8_1234 and device.read(IDENTIFICATION, 32) == 0x0100_00ED
    device.write(LIVENESS, 32, 0x1234_5678)
    assert device.read(LIVENESS, 32) == 0x1234_5678 ^ FULL


@pytest.mark.parametrize("n", [0, 1, 2, 12, 13, 33, 34, 35, FULL])
def test_factorials_have_32_bits(edu, n):
    device, count = edu
    device.write(FACTORIAL, 32, n)
    assert device.read(FACTORIAL, 32) == (math.factorial(n) & FULL if n < 100 else 0) and count == [0]


def test_it_interrupts_where_it_is_asked_to(edu):
    device, count = edu
    device.write(STATUS, 32, FULL)
    assert device.read(STATUS, 32) == INTERRUPTS
    device.write(FACTORIAL, 32, 5)
    assert (count, device.read(CAUSE, 32)) == ([1], DONE)
    device.write(ACKNOWLEDGE, 32, DONE)
    assert device.read(CAUSE, 32) == 0
    device.write(RAISE, 32, 6)
    assert (count, device.read(CAUSE, 32)) == ([2], 6)
    device.write(RAISE, 32, 0)
    assert count == [3], "some cause is left"


def test_other_widths_are_none(edu):
    device, _ = edu
    device.write(FACTORIAL, 16, 5)
    assert device.read(FACTORIAL, 32) == 0 and device.read(FACTORIAL, 16) == 0xFFFF and device.read(0x80, 64) == 0


def test_it_is_there_once_for_each_simple_grant():
    assert isinstance(find(granted(), int), Present)
    pointer = Pointer(0x80, 1, 0, False, 0, None, 1, None)
    region = granted().regions[0]
    aimed = dataclasses.replace(region, rules=dataclasses.replace(region.rules, pointers=(pointer,)))
    for other in (granted(parse_match("1af4:1044")), granted(slot=8), granted(skip=1), granted(regions=(aimed,)),
                  granted(regions=(dataclasses.replace(region, bar=1),)), granted(parse_match("00:ff"))):
        assert type(find(other, int)) is Absent


def test_what_the_model_leaves_out_ends_the_driver_with_the_kernels_words():
    device = find(granted(), int)
    for arguments, says in [
        ((0, 0x80, 64, 0), "wrote 8 bytes at 0x80 of region 0 of device `card`: its model does not let it"),
        ((0, FACTORIAL, 32, 13), "wrote 4 bytes at 0x8 of region 0 of device `card`: its model does not let it"),
        ((0, FACTORIAL, 16, 1), "wrote 2 bytes at 0x8 of region 0 of device `card`: its model does not let it"),
        ((1, 0, 8, 0), "wrote 1 bytes at 0x0 of region 1 of device `card`: its model has no such region"),
    ]:
        with pytest.raises(Fault) as ended:
            device.write(*arguments)
        assert str(ended.value) == says
    with pytest.raises(Fault, match="read 4 bytes at 0x66 of region 0 of device `card`, which its model does not have"):
        device.read(0, 0x66, 32)
    assert device.read(0, 0x64, 32) == FULL


def test_a_life_begins_where_nothing_interrupts():
    woken = []
    device = find(granted(), lambda: woken.append(1))
    device.open()
    device.write(0, STATUS, 32, INTERRUPTS)
    device.write(0, FACTORIAL, 32, 4)
    assert device.interrupt.count == len(woken) == 1
    device.close()
    device.open()
    assert device.interrupt.count == 0 and device.read(0, CAUSE, 32) == device.read(0, STATUS, 32) == 0


def test_a_reset_that_waits_in_vain_says_so():
    steps = granted().reset
    stuck = granted(reset=(*steps, dataclasses.replace(steps[1], value=1)))
    with pytest.raises(Fault, match="device `card` does not come out of its reset: 0x20 of `registers`"):
        find(stuck, int).open()


def test_every_byte_is_named_and_every_number_whole():
    limit = Limit(offset=4, bytes=2, mask=0xF, least=1, most=7, count=3, stride=4)
    rules = Rules(free=((0, 4), (6, 8)), limits=(limit,))
    assert allows(rules, 0, 8, 7 << 32) and allows(rules, 12, 2, 1) and allows(rules, 4, 2, 7)
    refused = [(0, 8, 0), (4, 2, 8), (4, 2, 0x11), (5, 1, 1), (4, 1, 1), (14, 2, 1), (16, 1, 1), (8, 4, 1), (3, 2, 0x100)]
    assert not any(allows(rules, *each) for each in refused)
