"""What a SIP may call of the devices that it is granted (kernel/interfaces/device.toml), and which cards the simulated machine has.

It has one for each grant of a device that a file in devices/ knows, as `munal run` attaches them; which of them is whose is found as
the kernel does it (kernel/src/device/find.rs).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from composer.device import Device, Region
from composer.layout import HandleKind
from composer.simulate import pci
from composer.simulate.cards import Card, Slot, all_cards
from composer.simulate.clock import Clock
from composer.simulate.dma import Dma
from composer.simulate.faults import Plan, Script
from composer.simulate.granted import Granted
from composer.simulate.links import Answer, Links

if TYPE_CHECKING:
    from composer.simulate.kernel import Kernel
    from composer.simulate.sip import Sip

FIRST_SLOT, SLOT, LAST_SLOT = 0x10, 0x08, 0xF0
"""Function numbers of the first card, of how far they are apart, and up to which the machine has room for cards."""


class Cabinet:
    """The cards of one machine, and the devices of a layout that they are.

    `names` are the instances in the layout's order; `scripts` what the device of each is to do wrong.
    """

    def __init__(self, devices: Sequence[Device], names: Sequence[str], notify: Callable[[], None], clock: Clock, plan: Plan,
                 scripts: Mapping[str, Script]) -> None:
        self.cards: dict[int, Card] = {}
        self.of: dict[str, Card] = {}
        for number, name, identity, ordinal in _known(devices, names):
            if name in plan.without:
                continue
            slot = Slot(clock, scripts.get(name) or Script(), ordinal, plan.disks / f"{name}.disk" if plan.disks else None)
            self.cards[number] = self.of[name] = all_cards()[identity](slot)
        self.bus = pci.Bus({number: card.about for number, card in self.cards.items()})
        self.devices = self._find(devices, notify)

    def _find(self, devices: Sequence[Device], notify: Callable[[], None]) -> list[Granted]:
        """What each device of the layout is: the first function that matches it and that nobody has, if a card is there."""
        free, found = list(self.bus), []
        for device in devices:
            granted = Granted(device, Dma(device.tables), notify)
            fitting = [number for number in free if device.slot in (None, number) and self._is(device, number)]
            number = fitting[device.skip] if device.skip < len(fitting) else None
            if number is not None:
                free.remove(number)
            if number in self.cards:
                windows = [_window(self.cards[number].about, region) for region in device.regions]
                if None not in windows:
                    granted.plug(self.cards[number], [window for window in windows if window])
            found.append(granted)
        return found

    def _is(self, device: Device, number: int) -> bool:
        return any(self.bus.read(number, match.offset & ~3) & match.mask == match.value for match in device.matches)

    def close(self) -> None:
        """The machine goes off."""
        for card in self.cards.values():
            card.close()


def _known(devices: Sequence[Device], names: Sequence[str]) -> Iterator[tuple[int, str, str, int]]:
    """Each card that there is to be: which function it is, who drives it, what it is, and how many of its kind were before it. One is
    where its grant wants it, or at the next place that no grant wants."""
    seen: Counter[str] = Counter()
    wanted = {device.slot for device in devices if device.slot is not None}
    places = (number for number in range(FIRST_SLOT, LAST_SLOT + 1, SLOT) if number not in wanted)
    for device in devices:
        identity = next((str(match) for match in device.matches if str(match) in all_cards()), None)
        if identity is None:
            continue
        own = all_cards()[identity].PLACE
        number = own if own is not None else device.slot if device.slot is not None else next(places, None)
        if number is not None and (number == own and not seen[identity] or number not in pci.FUNCTIONS):
            yield number, names[device.instance], identity, seen[identity]
            seen[identity] += 1


def _window(function: pci.Function, region: Region) -> tuple[int, int] | None:
    """The base address register behind which a region of a model is, and its offset there; None where there is none, or too little."""
    if region.capability:
        found = function.located(*region.capability)
    else:
        found = (region.bar, 0, region.length) if region.bar is not None else None
    if found is None or found[0] not in function.regions:
        return None
    bar, offset, length = found
    return (bar, offset) if length >= region.length and offset + region.length <= function.regions[bar].length else None


class Devices(Links):
    """The primitives of granted devices."""

    kernel: Kernel
    sip: Sip

    def device_present(self, handle: int) -> int:
        return int(self._device(handle).present)

    def device_config(self, handle: int, offset: int) -> int:
        return self._device(handle).config(offset)

    def device_read8(self, handle: int, region: int, offset: int) -> int:
        return self._device(handle).read(region, offset, 8)

    def device_read16(self, handle: int, region: int, offset: int) -> int:
        return self._device(handle).read(region, offset, 16)

    def device_read32(self, handle: int, region: int, offset: int) -> int:
        return self._device(handle).read(region, offset, 32)

    def device_read64(self, handle: int, region: int, offset: int) -> int:
        return self._device(handle).read(region, offset, 64)

    def device_write8(self, handle: int, region: int, offset: int, value: int) -> None:
        self._device(handle).write(region, offset, 8, value, self._life)

    def device_write16(self, handle: int, region: int, offset: int, value: int) -> None:
        self._device(handle).write(region, offset, 16, value, self._life)

    def device_write32(self, handle: int, region: int, offset: int, value: int) -> None:
        self._device(handle).write(region, offset, 32, value, self._life)

    def device_write64(self, handle: int, region: int, offset: int, value: int) -> None:
        self._device(handle).write(region, offset, 64, value, self._life)

    def device_write_table(self, handle: int, table: int, offset: int, at: int, length: int) -> int:
        device, data = self._device(handle), self._read(at, length)
        return device.write_table(table, offset, data, self._life)

    def device_read_table(self, handle: int, table: int, offset: int, at: int, length: int) -> int:
        device = self._device(handle)
        self._check_buffer(at, length)
        return self._write(at, length, device.read_table(table, offset, length))

    def device_wait(self, handle: int, timeout: int) -> int:
        line = self._device(handle).interrupt
        if not self.kernel.wait(self.sip, lambda: line.count > 0, self._deadline(timeout)):
            raise Answer("timed_out")
        return line.take()

    def device_acknowledge(self, handle: int) -> None:
        """Cards interrupt by messages: nothing is kept back until then."""
        self._device(handle)

    def _device(self, handle: int) -> Granted:
        return self.kernel.devices[self._require(handle, HandleKind.DEVICE).object]
