"""A simulated Intel 82540EM on the network of gateway.py (PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual,
revision 4.0): one ring each way, legacy descriptors, buffers of 2,048 bytes, its address as its memory holds it.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping
from typing import ClassVar

from composer.simulate import gateway
from composer.simulate.cards import COMMON_FAULTS, Card, Slot, card
from composer.simulate.pci import PORTS, Function, Region

CTRL, STATUS, ICR, ICS, IMS, IMC, RCTL, TCTL, TIPG = 0x0000, 0x0008, 0x00C0, 0x00C8, 0x00D0, 0x00D8, 0x0100, 0x0400, 0x0410
RDBAL, RDBAH, RDLEN, RDH, RDT = 0x2800, 0x2804, 0x2808, 0x2810, 0x2818
TDBAL, TDBAH, TDLEN, TDH, TDT = 0x3800, 0x3804, 0x3808, 0x3810, 0x3818
RAL, RAH = 0x5400, 0x5404
KEPT = (TIPG, RDBAL, RDBAH, RDLEN, RDH, TDBAL, TDBAH, TDLEN, TDH)
"""Registers that hold what is written, and do nothing for that (chapter 13)."""

RST, LINK_UP = 1 << 26, 1 << 1
ENABLE = 1 << 1
"""Of RCTL and of TCTL."""
PROMISCUOUS, BROADCASTS = 1 << 3, 1 << 15
TXDW, RXDMT0, RXO, RXT0 = 1 << 0, 1 << 4, 1 << 6, 1 << 7
ADDRESS_VALID = 1 << 31

RECEIVED = struct.Struct("<QHHBBH")
"""Address, length, check sum, status, errors, special (section 3.2.3)."""
SENT = struct.Struct("<QHBBBBH")
"""Address, length, CSO, command, status, CSS, special (section 3.3.3)."""
DONE, END = 1 << 0, 1 << 1
REPORT = 1 << 3
DAMAGED = 1 << 0
BUFFER = 2048
LENGTH = 1 << 17
MOST_WAITING = 256
FIRST_ADDRESS = 0x525400123456


@card("8086:100e")
class E1000(Card):
    FAULTS: ClassVar[Mapping[str, str]] = COMMON_FAULTS | {
        "short": "it says of a frame that it has `number` bytes, or none",
        "long": "it says of a frame that it is `number` bytes longer than a buffer, or 1",
        "damaged": "a frame was damaged on its way",
        "unfinished": "it says that a frame goes on in the next buffer",
        "no-address": "it does not know its address",
    }

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot)
        regions = {0: Region(0xFE80_0000 + LENGTH * slot.number, LENGTH), 1: Region(0xD000 + 0x40 * slot.number, 64, PORTS)}
        self.about = Function(0x8086, 0x100E, 0x020000, regions, revision=3)
        self.address = (FIRST_ADDRESS + 0x100 + slot.number).to_bytes(6, "big")
        self._knows_its_address = True
        self._reset()

    def begin(self) -> None:
        super().begin()
        self._knows_its_address = self.slot.script.due("no-address") is None

    def _reset(self) -> None:
        self.stopped = False
        self._kept = dict.fromkeys((*KEPT, CTRL, RCTL, TCTL, RDT, TDT), 0)
        self._cause = self._mask = 0
        self._came: deque[bytes] = deque(maxlen=MOST_WAITING)

    # Registers

    def read(self, bar: int, offset: int, width: int) -> int:
        if (bar, width) != (0, 32):
            return super().read(bar, offset, width)
        if offset == ICR:
            cause, self._cause = self._cause, 0
            return cause
        low, high = int.from_bytes(self.address[:4], "little"), int.from_bytes(self.address[4:], "little")
        known = {STATUS: LINK_UP, IMS: self._mask, RAL: low, RAH: high | ADDRESS_VALID} if self._knows_its_address else {IMS: self._mask}
        return known.get(offset, self._kept.get(offset, 0)) | (RST if offset == CTRL and self.stuck else 0)

    def write(self, bar: int, offset: int, width: int, value: int) -> None:
        if (bar, width) != (0, 32):
            return
        if offset == CTRL and value & RST:
            return self._reset()
        if offset in self._kept:
            self._kept[offset] = value
        if offset == IMS:
            self._mask |= value
            self._interrupt(0)
        elif offset == IMC:
            self._mask &= ~value
        elif offset in (TDT, TCTL):
            self._send()
        elif offset in (RDT, RCTL):
            self._receive()

    def _interrupt(self, cause: int) -> None:
        self._cause |= cause
        if self._cause & self._mask:
            self.slot.interrupt()

    # Frames

    def deliver(self, frame: bytes) -> None:
        """A frame comes over the network."""
        self._came.append(frame)
        self._receive()

    def _send(self) -> None:
        count, cause, frame = self._kept[TDLEN] // SENT.size, 0, b""
        while self._kept[TCTL] & ENABLE and count and self._kept[TDH] % count != self._kept[TDT] % count and self.works():
            at = self._at(TDBAL, TDH)
            address, length, cso, command, status, css, special = SENT.unpack(self.slot.dma.read(at, SENT.size))
            frame += self.slot.dma.read(address, length)
            if command & REPORT:
                self.slot.dma.write(at, SENT.pack(address, length, cso, command, status | DONE, css, special))
                cause |= TXDW
            if command & END:
                said, frame = gateway.answer(frame), b""
                self._came.extend([] if said is None else [said])
            self._kept[TDH] = (self._kept[TDH] + 1) % count
        if cause:
            self._interrupt(cause)
        self._receive()

    def _receive(self) -> None:
        count, cause = self._kept[RDLEN] // RECEIVED.size, 0
        while self._kept[RCTL] & ENABLE and count and self._came:
            frame = self._came.popleft()
            if not self._is_for_it(frame):
                continue
            if self._kept[RDH] % count == self._kept[RDT] % count:
                cause |= RXO
                continue
            if not self.works():
                break
            self._store(self._at(RDBAL, RDH), frame)
            self._kept[RDH] = (self._kept[RDH] + 1) % count
            cause |= RXT0
        if cause:
            self._interrupt(cause)

    def _store(self, at: int, frame: bytes) -> None:
        script = self.slot.script
        address = RECEIVED.unpack(self.slot.dma.read(at, RECEIVED.size))[0]
        self.slot.dma.write(address, frame[:BUFFER])
        short, long = script.number("short", 0), script.number("long", 1)
        length = short if short is not None else BUFFER + long if long is not None else len(frame)
        errors = DAMAGED if script.due("damaged") else 0
        status = DONE if script.due("unfinished") else DONE | END
        self.slot.dma.write(at, RECEIVED.pack(address, length, 0, status, errors, 0))

    def _at(self, base: int, head: int) -> int:
        return (self._kept[base + 4] << 32 | self._kept[base]) + RECEIVED.size * self._kept[head]

    def _is_for_it(self, frame: bytes) -> bool:
        wanted = self._kept[RCTL]
        return bool(frame[:6] == self.address or wanted & PROMISCUOUS or frame[:6] == gateway.BROADCAST and wanted & BROADCASTS)
