"""A simulated 16550 UART at COM1 with a person or a pipe behind it (National Semiconductor PC16550D data sheet).

Bytes are transmitted as fast as the reader takes them: while it does not, they stay in the transmitter.
"""

from __future__ import annotations

from collections import deque

from composer.simulate.devices import Device, device
from composer.simulate.machine import Machine

DATA, IER, FCR, LCR, MCR, LSR, MSR, SCRATCH = 0, 1, 2, 3, 4, 5, 6, 7
IIR = FCR
"""Register offsets (table II); reading the FIFO control register gives the interrupt identification register."""

IER_RECEIVED, IER_EMPTY, IER_LINE, IER_MODEM = 1, 2, 4, 8
IIR_NONE, IIR_MODEM, IIR_EMPTY, IIR_RECEIVED, IIR_LINE, IIR_TIMEOUT = 0x1, 0x0, 0x2, 0x4, 0x6, 0xC
IIR_FIFOS = 0xC0
FCR_ENABLE, FCR_CLEAR_RECEIVER, FCR_CLEAR_TRANSMITTER = 1, 2, 4
TRIGGERS = (1, 4, 8, 14)
LCR_DLAB = 0x80
MCR_OUT2, MCR_LOOP = 0x08, 0x10
LSR_READY, LSR_OVERRUN, LSR_HOLDING_EMPTY, LSR_EMPTY = 0x01, 0x02, 0x20, 0x40
MSR_CONNECTED = 0xB0
"""Clear to send, data set ready and carrier detect, as a terminal that is there has them."""
FIFO = 16
IRQ = 4


@device(0x3F8, 8)
class Uart16550(Device):
    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.ier, self.lcr, self.mcr, self.scratch, self.divisor = 0, 0, 0, 0, 12
        self.fifos, self.trigger, self.overrun = False, 1, False
        self.received: deque[int] = deque()
        self.sending: deque[int] = deque()
        self.empty_pending = False
        machine.serial = self

    @property
    def room(self) -> int:
        """How many bytes the receiver takes now without losing one."""
        if self.mcr & MCR_LOOP:
            return 0
        return max(0, (FIFO if self.fifos else 1) - len(self.received))

    def receive(self, data: bytes) -> None:
        """Bytes arrive on the line; at most `room` of them."""
        self.received.extend(data)
        self._interrupt()

    def drained(self) -> None:
        """The reader took what was transmitted."""
        while self.sending and self.machine.can_transmit:
            self.machine.transmit(self.sending.popleft())
        self._interrupt()

    def read(self, offset: int, width: int) -> int:
        if width != 8:
            return super().read(offset, width)
        if self.lcr & LCR_DLAB and offset in (DATA, IER):
            return self.divisor >> (8 * offset) & 0xFF
        value = self._register(offset)
        self._interrupt()
        return value

    def write(self, offset: int, width: int, value: int) -> None:
        if width != 8:
            return
        if self.lcr & LCR_DLAB and offset in (DATA, IER):
            kept = self.divisor & (0xFF00 if offset == DATA else 0x00FF)
            self.divisor = kept | value << (8 * offset)
            return
        self._set_register(offset, value)
        self._interrupt()

    def _register(self, offset: int) -> int:
        if offset == DATA:
            return self._take()
        if offset == IIR:
            cause = self._cause()
            if cause == IIR_EMPTY:
                self.empty_pending = False
            return cause | (IIR_FIFOS if self.fifos else 0)
        if offset == LSR:
            return self._line_status()
        if offset == MSR:
            return self._modem_status()
        return {IER: self.ier, LCR: self.lcr, MCR: self.mcr, SCRATCH: self.scratch}[offset]

    def _take(self) -> int:
        if not self.received:
            return 0
        self.machine.received()
        return self.received.popleft()

    def _set_register(self, offset: int, value: int) -> None:
        if offset == DATA:
            self._transmit(value)
        elif offset == IER:
            newly = value & ~self.ier
            self.ier = value & 0x0F
            self.empty_pending = self.empty_pending or bool(newly & IER_EMPTY)
        elif offset == FCR:
            self._set_fifos(value)
        elif offset == LCR:
            self.lcr = value
        elif offset == MCR:
            self.mcr = value & 0x1F
            self._turn_back()
            self.machine.received()
        elif offset == SCRATCH:
            self.scratch = value

    def _transmit(self, value: int) -> None:
        self.empty_pending = True
        self.sending.append(value)
        self._turn_back()
        if self.machine.can_transmit:
            self.drained()

    def _turn_back(self) -> None:
        """In loop mode the receiver gets what the transmitter still holds."""
        while self.mcr & MCR_LOOP and self.sending:
            value = self.sending.popleft()
            if len(self.received) < (FIFO if self.fifos else 1):
                self.received.append(value)
            else:
                self.overrun = True

    def _set_fifos(self, value: int) -> None:
        enabled = bool(value & FCR_ENABLE)
        if value & FCR_CLEAR_RECEIVER or enabled != self.fifos:
            self.received.clear()
            self.machine.received()
        self.fifos = enabled
        self.trigger = TRIGGERS[value >> 6] if enabled else 1

    def _line_status(self) -> int:
        status = LSR_READY if self.received else 0
        if self.overrun:
            status, self.overrun = status | LSR_OVERRUN, False
        return status | (LSR_HOLDING_EMPTY | LSR_EMPTY if self._can_transmit() else 0)

    def _modem_status(self) -> int:
        """In loop mode the modem's lines are our own outputs (section 8.6.6): DTR, RTS, OUT1, OUT2 as DSR, CTS, RI, DCD."""
        if not self.mcr & MCR_LOOP:
            return MSR_CONNECTED
        outputs = self.mcr
        return (outputs & 2) << 3 | (outputs & 1) << 5 | (outputs & 4) << 4 | (outputs & 8) << 4

    def _can_transmit(self) -> bool:
        return not self.sending and (bool(self.mcr & MCR_LOOP) or self.machine.can_transmit)

    def _cause(self) -> int:
        """The interrupt of the highest priority that is enabled and due (table V)."""
        if self.ier & IER_LINE and self.overrun:
            return IIR_LINE
        if self.ier & IER_RECEIVED and self.received:
            return IIR_RECEIVED if len(self.received) >= self.trigger else IIR_TIMEOUT
        if self.ier & IER_EMPTY and self.empty_pending and self._can_transmit():
            return IIR_EMPTY
        return IIR_NONE

    def _interrupt(self) -> None:
        self.machine.interrupt(IRQ, self._cause() != IIR_NONE and bool(self.mcr & MCR_OUT2))
