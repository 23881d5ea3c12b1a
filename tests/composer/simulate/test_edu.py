"""The simulated educational device, by itself and behind the repository's model of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from composer.device import Device, Match, parse_match, slot_number
from composer.device_model import read_model
from composer.load import read_document
from composer.simulate.devices.edu import ACKNOWLEDGE, CAUSE, DONE, FACTORIAL, IDENTIFICATION, INTERRUPTS, LIVENESS, RAISE, STATUS, Edu
from composer.simulate.cards import Slot
from composer.simulate.clock import Clock, Stepped
from composer.simulate.devices_pci import Cabinet
from composer.simulate.dma import Dma
from composer.simulate.engine import Fault
from composer.simulate.faults import Plan, Script
from composer.simulate.granted import RESET, Granted

REPOSITORY = Path(__file__).resolve().parents[3]
EDU = parse_match("1234:11e8")
FULL = (1 << 32) - 1


@pytest.fixture
def edu():
    """The device, and how often it interrupted."""
    count = [0]
    slot = Slot(Clock(), Script())
    slot.wire(Dma(()), lambda: count.__setitem__(0, count[0] + 1))
    return Edu(slot), count


def find(device: Device, notify: Callable[[], object] = int) -> Granted:
    """The device on a machine that is made for it alone."""
    return Cabinet([device], ["edu"], notify, Clock(), Plan(), {}).devices[0]


def opened(device: Device, notify: Callable[[], object] = int) -> Granted:
    found = find(device, notify)
    found.open(Clock(), lambda until: None)
    return found


class Life:
    """A driver without memory."""

    window = (0, 0)


LIFE = Life()


def granted(*matches: Match, slot: int | None = None, skip: int = 0, **changes) -> Device:
    model = read_model(read_document(REPOSITORY, "apps/drivers/edu/device.toml").value).value
    made = Device("card", 0, matches or (EDU,), slot, skip, model.regions, model.tables, model.reset)
    return dataclasses.replace(made, **changes)


def test_it_says_what_it_is_and_that_it_is_alive(edu):
    device, _ = edu
    assert device.about.space()[:4] == bytes.fromhex("3412e811") and device.read(0, IDENTIFICATION, 32) == 0x0100_00ED
    device.write(0, LIVENESS, 32, 0x1234_5678)
    assert device.read(0, LIVENESS, 32) == 0x1234_5678 ^ FULL


@pytest.mark.parametrize("n", [0, 1, 2, 12, 13, 33, 34, 35, FULL])
def test_factorials_have_32_bits(edu, n):
    device, count = edu
    device.write(0, FACTORIAL, 32, n)
    assert device.read(0, FACTORIAL, 32) == (math.factorial(n) & FULL if n < 100 else 0) and count == [0]


def test_it_interrupts_where_it_is_asked_to(edu):
    device, count = edu
    device.write(0, STATUS, 32, FULL)
    assert device.read(0, STATUS, 32) == INTERRUPTS
    device.write(0, FACTORIAL, 32, 5)
    assert (count, device.read(0, CAUSE, 32)) == ([1], DONE)
    device.write(0, ACKNOWLEDGE, 32, DONE)
    assert device.read(0, CAUSE, 32) == 0
    device.write(0, RAISE, 32, 6)
    assert (count, device.read(0, CAUSE, 32)) == ([2], 6)
    device.write(0, RAISE, 32, 0)
    assert count == [3], "some cause is left"


def test_other_widths_are_none(edu):
    device, _ = edu
    device.write(0, FACTORIAL, 16, 5)
    assert device.read(0, FACTORIAL, 32) == 0 and device.read(0, FACTORIAL, 16) == 0xFFFF and device.read(0, 0x80, 64) == 0


def test_it_is_there_where_the_grant_means_it():
    assert find(granted()).present and all(find(granted(slot=slot_number(at))).present for at in ("00:02.0", "00:10.0"))
    region = granted().regions[0]
    for other in (granted(parse_match("1af4:ffff")), granted(slot=slot_number("00:1f.0")), granted(skip=1), granted(parse_match("00:ff")),
                  granted(regions=(dataclasses.replace(region, bar=1),)), granted(regions=(dataclasses.replace(region, length=1 << 21),))):
        assert not find(other).present


def test_what_the_model_leaves_out_ends_the_driver_with_the_kernels_words():
    device = opened(granted())
    for arguments, says in [
        ((0, 0x80, 64, 0), "wrote 8 bytes at 0x80 of region 0 of device `card`: its model does not let it"),
        ((0, FACTORIAL, 32, 13), "wrote 4 bytes at 0x8 of region 0 of device `card`: its model does not let it"),
        ((0, FACTORIAL, 16, 1), "wrote 2 bytes at 0x8 of region 0 of device `card`: its model does not let it"),
        ((1, 0, 8, 0), "wrote 1 bytes at 0x0 of region 1 of device `card`: its model has no such region"),
    ]:
        with pytest.raises(Fault) as ended:
            device.write(*arguments, LIFE)
        assert str(ended.value) == says
    with pytest.raises(Fault, match="read 4 bytes at 0x66 of region 0 of device `card`, which its model does not have"):
        device.read(0, 0x66, 32)
    assert device.read(0, 0x64, 32) == FULL


def test_a_life_begins_where_nothing_interrupts():
    woken = []
    device = opened(granted(), lambda: woken.append(1))
    device.write(0, STATUS, 32, INTERRUPTS, LIFE)
    device.write(0, FACTORIAL, 32, 4, LIFE)
    assert device.interrupt.count == len(woken) == 1
    device.close()
    device.open(Clock(), lambda until: None)
    assert device.interrupt.count == 0 and device.read(0, CAUSE, 32) == device.read(0, STATUS, 32) == 0


def test_a_reset_that_waits_in_vain_says_so():
    steps, waited = granted().reset, []
    clock = Stepped(1 << 62, int)
    clock.expect(1)
    stuck = find(granted(reset=(*steps, dataclasses.replace(steps[1], value=1))))
    with clock.changed, pytest.raises(Fault, match="device `card` does not come out of its reset: 0x20 of `registers`"):
        stuck.open(clock, lambda until: (waited.append(until), clock.sleep(until)))
    assert waited[-1] == clock.now() == RESET
