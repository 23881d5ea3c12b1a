//! The device itself: found, set up, its registers read and written. What comes and goes is for others to decide.

use crate::port;
use uart16550::faults::{Fault, Faults};
use uart16550::registers::*;
use uart16550::wire::Wire;

pub const REGS: port::regs = port::regs;

/// Modem control lines while the port is in use.
const READY: u8 = MCR_DTR | MCR_OUT2;

/// A serial port that answered.
pub struct Uart {
    pub model: &'static str,
    fifo_depth: usize,
    interrupts: u8,
    modem: u8,
}

impl Uart {
    /// Looks for the device and sets it up: 115,200 baud, 8N1, FIFOs where they work, no interrupt yet.
    ///
    /// What was received before is kept: FIFOs that are on already are not cleared.
    pub fn find() -> Option<Self> {
        if !is_sending() && !(loops_back(MCR_OUT2 | MCR_RTS, MSR_DCD | MSR_CTS) && loops_back(MCR_OUT1 | MCR_DTR, MSR_RI | MSR_DSR)) {
            return None;
        }
        REGS.write8(IER, 0);
        set_line();
        let (model, fifo_depth) = turn_fifos_on();
        REGS.write8(MCR, READY | MCR_RTS);
        Some(Self { model, fifo_depth, interrupts: 0, modem: READY | MCR_RTS })
    }

    /// Enables these interrupts and no others.
    pub fn enable_interrupts(&mut self, wanted: u8) {
        if wanted != self.interrupts {
            REGS.write8(IER, wanted);
            self.interrupts = wanted;
        }
    }

    /// Tells the other end whether it may send.
    pub fn request_to_send(&mut self, ready: bool) {
        let modem = if ready { READY | MCR_RTS } else { READY };
        if modem != self.modem {
            REGS.write8(MCR, modem);
            self.modem = modem;
        }
    }

    /// The interrupt that is pending, by the numbers of IIR.
    pub fn pending_interrupt(&self) -> Option<u8> {
        let cause = REGS.read8(IIR) & IIR_ID;
        (cause & IIR_NONE == 0).then_some(cause)
    }

    /// The next received byte. A break counts as a fault and not as a byte.
    pub fn receive(&mut self, faults: &mut Faults) -> Option<u8> {
        loop {
            let status = self.line_status(faults);
            if status & LSR_DR == 0 {
                return None;
            }
            let byte = REGS.read8(RBR);
            if status & LSR_BI == 0 {
                return Some(byte);
            }
        }
    }

    /// Sends as much as the device takes now; `sent` is told after each filling of its FIFO whose bytes went, and how many. Where this
    /// driver is ended in between, the next life sends that filling once more: nothing is lost.
    pub fn transmit<const N: usize>(&mut self, wire: &mut Wire<N>, faults: &mut Faults, mut sent: impl FnMut(usize, usize)) {
        while !wire.is_empty() && self.line_status(faults) & LSR_THRE != 0 {
            let mut owners = [None; FIFO_DEPTH];
            for slot in &mut owners[..self.fifo_depth] {
                let Some((byte, owner)) = wire.pop() else { break };
                REGS.write8(THR, byte);
                *slot = owner;
            }
            for same in owners.chunk_by(|one, other| one == other) {
                if let Some(owner) = same[0] {
                    sent(owner, same.len());
                }
            }
        }
    }

    /// The line status, whose faults are told by this reading alone: it clears them.
    pub fn line_status(&mut self, faults: &mut Faults) -> u8 {
        let status = REGS.read8(LSR);
        if status & LSR_BI != 0 {
            faults.note(Fault::Break); // a break is no stop bit too: it counts once
        } else if status & LSR_FE != 0 {
            faults.note(Fault::Framing);
        }
        if status & LSR_PE != 0 {
            faults.note(Fault::Parity);
        }
        if status & LSR_OE != 0 {
            faults.note(Fault::Overrun);
        }
        status
    }

    /// Reading the modem's status ends its interrupt.
    pub fn modem_status(&self) -> u8 {
        REGS.read8(MSR)
    }
}

/// Whether bytes of a life before this are still on their way out: a device is there then, and loopback would turn them into input.
/// Empty ports read 0xff.
fn is_sending() -> bool {
    REGS.read8(LSR) & LSR_TEMT == 0
}

/// Whether modem control lines come back as modem status in loopback (data sheet, section 8.7). Empty ports read 0xff.
fn loops_back(control: u8, status: u8) -> bool {
    REGS.write8(MCR, MCR_LOOP | control);
    let lines = REGS.read8(MSR) & MSR_LINES;
    REGS.write8(MCR, 0);
    lines == status
}

fn set_line() {
    let [low, high] = DIVISOR_115200.to_le_bytes();
    REGS.write8(LCR, LCR_DLAB | LCR_8N1);
    REGS.write8(DLL, low);
    REGS.write8(DLM, high);
    REGS.write8(LCR, LCR_8N1);
}

/// The model, and how many bytes it takes at once. The 16550's FIFOs do not work; the 16450 and the 8250 have none.
fn turn_fifos_on() -> (&'static str, usize) {
    REGS.write8(FCR, FCR_ENABLE | FCR_TRIGGER_8);
    if REGS.read8(IIR) & IIR_FIFOS == IIR_FIFOS {
        return ("16550A", FIFO_DEPTH);
    }
    REGS.write8(FCR, 0);
    ("UART without FIFOs", 1)
}
