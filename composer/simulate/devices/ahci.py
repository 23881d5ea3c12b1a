"""A simulated AHCI controller with six ports and a disk at the first (Serial ATA AHCI 1.3.1), where a q35 has its own: commands one at a
time, data by DMA, sectors of 48-bit addresses.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import ClassVar

from composer.peripherals import DISK_BYTES, made_disk
from composer.simulate.cards import COMMON_FAULTS, Card, Slot, card
from composer.simulate.devices.virtio_blk import SECTOR, Forgotten, Kept
from composer.simulate.pci import FUNCTIONS

NUMBER = 0x00_FA
"""The function that it is on a q35."""
CAP, GHC, IS, PI, VS = 0x00, 0x04, 0x08, 0x0C, 0x10
S64A, SLOTS, PORTS, VERSION = 1 << 31, 31 << 8, 6, 0x0001_0301
AE, IE, HR = 1 << 31, 1 << 1, 1 << 0
FIRST_PORT, PORT = 0x100, 0x80
CLB, CLBU, FB, FBU, PX_IS, PX_IE, CMD, TFD, SIG, SSTS, SCTL, SERR, CI = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x20, 0x24, 0x28, 0x2C, 0x30, 0x38
KEPT = (CLB, CLBU, FB, FBU, PX_IE, SCTL)
ST, FRE, FR, CR = 1 << 0, 1 << 4, 1 << 14, 1 << 15
LINK_UP, DISK, READY, FAILED = 0x123, 0x0101, 0x50, 0x51
DHRS, TFES = 1 << 0, 1 << 30
IDENTIFY, READ, WRITE, FLUSH = 0xEC, 0x25, 0x35, 0xEA
HEADER, PIECE = struct.Struct("<HHIQ"), struct.Struct("<QII")
PIECES_AT = 0x80


def _identity(sectors: int) -> bytes:
    """What IDENTIFY DEVICE answers (ATA8-ACS, section 7.16.7): DMA, 48-bit addresses, a cache that is flushed."""
    words = [0] * 256
    words[27:47] = struct.unpack(">20H", b"Simulated disk".ljust(40))
    words[49], words[83], words[86] = 0x0300, 0x6400, 0x2400
    words[100:104] = struct.unpack("<4H", sectors.to_bytes(8, "little"))
    return struct.pack("<256H", *words)


@card("01:06:01")
class Ahci(Card):
    FAULTS: ClassVar[Mapping[str, str]] = COMMON_FAULTS | {
        "short": "it moves, and says that it moved, `number` bytes of a command's data, or none",
        "failed-request": "the disk says that it could not do what it was asked for",
        "unplugged": "the disk is taken away",
    }
    PLACE = NUMBER

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot)
        self.about = FUNCTIONS[NUMBER]
        self.disk = Kept(made_disk(slot.disk)) if slot.disk else Forgotten(DISK_BYTES)
        self._plugged = True
        self._reset()

    def close(self) -> None:
        self.disk.close()

    def _reset(self) -> None:
        self.stopped = False
        self._ghc, self._is = 0, 0
        self._ports = [dict.fromkeys((*KEPT, PX_IS, CMD, CI), 0) for _ in range(PORTS)]
        self._status = READY

    # Registers

    def read(self, bar: int, offset: int, width: int) -> int:
        if (bar, width) != (5, 32):
            return super().read(bar, offset, width)
        if offset >= FIRST_PORT:
            number, register = divmod(offset - FIRST_PORT, PORT)
            return self._read_port(number, register) if number < PORTS else 0
        cap = S64A | SLOTS | PORTS - 1
        return {CAP: cap, GHC: self._ghc | AE | (HR if self.stuck else 0), IS: self._is, PI: (1 << PORTS) - 1, VS: VERSION}.get(offset, 0)

    def _read_port(self, number: int, register: int) -> int:
        port, has_disk = self._ports[number], number == 0 and self._plugged
        if register == CMD:
            return port[CMD] | (FR if port[CMD] & FRE else 0) | (CR if port[CMD] & ST else 0)
        disk = {TFD: self._status, SIG: DISK, SSTS: LINK_UP} if has_disk else {TFD: 0x7F, SIG: 0xFFFF_FFFF}
        return disk.get(register, port.get(register, 0))

    def write(self, bar: int, offset: int, width: int, value: int) -> None:
        if (bar, width) != (5, 32):
            return
        if offset >= FIRST_PORT:
            number, register = divmod(offset - FIRST_PORT, PORT)
            if number < PORTS:
                self._write_port(number, register, value)
        elif offset == GHC:
            if value & HR:
                return self._reset()
            self._ghc = value & (AE | IE)
            self._interrupt()
        elif offset == IS:
            self._is &= ~value

    def _write_port(self, number: int, register: int, value: int) -> None:
        port = self._ports[number]
        if register in KEPT:
            port[register] = value
            self._interrupt()
        elif register == PX_IS:
            port[PX_IS] &= ~value
        elif register == CMD:
            port[CMD] = value
            if not value & ST:
                port[CI], self._status = 0, READY
        elif register == CI and port[CMD] & ST and number == 0 and self._plugged:
            port[CI] |= value
            self._work()

    def _interrupt(self) -> None:
        for number, port in enumerate(self._ports):
            if port[PX_IS] & port[PX_IE]:
                self._is |= 1 << number
        if self._is and self._ghc & IE:
            self.slot.interrupt()

    # Commands

    def _work(self) -> None:
        """Do the first command, where it was given."""
        port, script = self._ports[0], self.slot.script
        if not port[CI] & 1 or not self.works():
            return
        if script.due("unplugged"):
            self._plugged = False
            return
        at = port[CLBU] << 32 | port[CLB]
        flags, count, _, table = HEADER.unpack(self.slot.dma.read(at, HEADER.size))
        moved = None if script.due("failed-request") else self._do(table, count)
        if moved is None:
            self._status = FAILED
            port[PX_IS] |= TFES
        else:
            self.slot.dma.write(at, HEADER.pack(flags, count, moved, table))
            port[CI] &= ~1
            self._status = READY
            port[PX_IS] |= DHRS
        self._interrupt()

    def _do(self, table: int, count: int) -> int | None:
        """How many bytes a command moved; None where the disk cannot do it."""
        fis = self.slot.dma.read(table, 20)
        sector, sectors = int.from_bytes(fis[4:7] + fis[8:11], "little"), int.from_bytes(fis[12:14], "little")
        start, length = sector * SECTOR, sectors * SECTOR
        pieces = list(self._pieces(table, count))
        room = sum(size for _, size in pieces)
        inside = start + length <= self.disk.length
        short = self.slot.script.number("short", 0) if room else None
        if fis[2] == FLUSH:
            self.disk.flush()
            return 0
        if fis[2] == IDENTIFY:
            return self._give(pieces, _identity(self.disk.length // SECTOR)[:short])
        if fis[2] == READ and inside:
            return self._give(pieces, self.disk.read(start, length)[:short])
        if fis[2] == WRITE and inside and room >= length:
            data = b"".join(self.slot.dma.read(address, size) for address, size in pieces)[:length][:short]
            self.disk.write(start, data)
            return len(data)
        return None

    def _pieces(self, table: int, count: int) -> Iterator[tuple[int, int]]:
        for place in range(count):
            address, _, size = PIECE.unpack(self.slot.dma.read(table + PIECES_AT + PIECE.size * place, PIECE.size))
            yield address, (size & 0x3F_FFFF) + 1

    def _give(self, pieces: list[tuple[int, int]], data: bytes) -> int:
        at = 0
        for address, size in pieces:
            self.slot.dma.write(address, data[at:at + size])
            at += size
        return min(at, len(data))
