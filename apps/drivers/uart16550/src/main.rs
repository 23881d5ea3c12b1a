//! A serial port, driven by its interrupt: carries what clients and the kernel say, and gives what comes to who reads.
//!
//! Everything is done in one loop that sleeps in one `wait`, over the interrupt, the messages and the connections.
#![no_std]
#![no_main]

extern crate alloc;

mod clients;
mod uart;

use alloc::vec::Vec;
use clients::Clients;
use munal::FOREVER;
use uart::{REGS, Uart};
use uart16550::faults::Faults;
use uart16550::input::{CAPACITY, Input};
use uart16550::output::Output;
use uart16550::registers::*;
use uart16550::wire::Wire;

munal::bindings!();
munal::main!(run);

const LINE: irq::line = irq::line;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

/// Bytes on their way to the device: a few FIFOs, so that it never waits. All stay with those who wrote them until it has them.
const WIRE: usize = 64;
/// Input goes on when this much of its buffer is free again.
const ROOM_TO_GO_ON: usize = CAPACITY / 2;
/// Causes of one interrupt that are served before clients get their turn.
const CAUSES_AT_ONCE: usize = 64;

fn run() -> Result<(), Error> {
    let Some(uart) = Uart::find() else {
        munal::log!(LOG, "no serial port answers at {:#x}", REGS.base());
        return Ok(());
    };
    munal::log!(LOG, "{} at {:#x}, 115200 8N1", uart.model, REGS.base());
    Driver::new(uart).serve()
}

/// Fillings of the wire that are sent before input gets its turn, where the device is as fast as an emulated one.
const WIRES_AT_ONCE: usize = 32;

struct Driver {
    uart: Uart,
    clients: Clients,
    input: Input,
    output: Output,
    wire: Wire<WIRE>,
    faults: Faults,
    /// Input was stopped, for a reader that is slow.
    stopped: bool,
    /// Work is left, so do not sleep: causes of an interrupt, as an edge-triggered line does not tell twice, or output.
    unfinished: bool,
}

impl Driver {
    fn new(uart: Uart) -> Self {
        let clients = Clients::new();
        Self {
            input: Input::new(clients.connections()),
            output: Output::new(clients.sources()),
            uart,
            clients,
            wire: Wire::new(),
            faults: Faults::default(),
            stopped: false,
            unfinished: true, // what came before this driver did
        }
    }

    fn serve(mut self) -> Result<(), Error> {
        let mut polls = Vec::new();
        loop {
            if self.unfinished {
                self.unfinished = !self.serve_causes();
            }
            self.receive();
            self.clients.hand_out(&mut self.input);
            self.unfinished |= !self.send();
            self.enable_what_is_needed();
            if let Some(counts) = self.faults.due(CLOCK.now()) {
                munal::log!(LOG, "{counts}");
            }
            self.wait(&mut polls)?;
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&mut self, polls: &mut Vec<Poll>) -> Result<(), Error> {
        polls.clear();
        polls.push(Poll::new(LINE.handle(), events::READABLE));
        let room = self.wire.is_empty();
        polls.extend(self.clients.wanted(&self.input, &self.output, room).map(|(handle, wanted)| Poll::new(handle, wanted)));
        match sip::wait(polls, self.timeout()) {
            Ok(_) | Err(Error::TimedOut) => {}
            Err(why) => return Err(why),
        }
        if polls[0].is(events::READABLE) {
            self.take_interrupt()?;
        }
        Ok(())
    }

    fn take_interrupt(&mut self) -> Result<(), Error> {
        match LINE.wait(0) {
            Ok(_) | Err(Error::TimedOut | Error::WouldBlock) => {}
            Err(why) => return Err(why),
        }
        self.unfinished = !self.serve_causes();
        LINE.acknowledge();
        Ok(())
    }

    /// How long to sleep, where nothing happens.
    fn timeout(&self) -> i64 {
        if self.unfinished {
            return 0;
        }
        let deadline = [self.output.deadline(), self.faults.deadline()].into_iter().flatten().min();
        deadline.map_or(FOREVER, |deadline| deadline.saturating_sub(CLOCK.now()) as i64)
    }

    /// Serves what the device interrupts for, until it says that there is nothing more; false where some may be left.
    fn serve_causes(&mut self) -> bool {
        for _ in 0..CAUSES_AT_ONCE {
            match self.uart.pending_interrupt() {
                None => return true,
                Some(IIR_LINE_STATUS) => _ = self.uart.line_status(&mut self.faults),
                Some(IIR_DATA | IIR_TIMEOUT) => self.receive(),
                Some(IIR_THR_EMPTY) => self.transmit(),
                Some(_) => _ = self.uart.modem_status(),
            }
            self.enable_what_is_needed();
        }
        false
    }

    /// Takes bytes from the device while they fit. Where they do not, they stay there and the other end is told to wait. After as
    /// many as the device's own FIFO holds, they are handed out: no more than that is lost where this driver is ended.
    fn receive(&mut self) {
        for count in 1.. {
            if self.stopped {
                break;
            }
            self.stopped = self.input.room() == 0;
            if self.stopped {
                break;
            }
            let Some(byte) = self.uart.receive(&mut self.faults) else { break };
            self.input.push(byte);
            if count % FIFO_DEPTH == 0 {
                self.clients.hand_out(&mut self.input);
            }
        }
    }

    /// Gives the device what is on the wire and fits, and takes it away from those who said it.
    fn transmit(&mut self) {
        let Self { uart, wire, faults, output, clients, .. } = self;
        uart.transmit(wire, faults, |source, count| output.confirm(source, count, clients));
    }

    /// Sends what clients say until they are silent or the device is busy; false where both go on.
    fn send(&mut self) -> bool {
        for _ in 0..WIRES_AT_ONCE {
            self.output.fill(&mut self.clients, &mut self.wire, CLOCK.now());
            self.transmit();
            if !self.wire.is_empty() || self.output.is_idle() {
                return true;
            }
        }
        false
    }

    /// Interrupts only for what could be done: for input while it fits, for output while there is some.
    fn enable_what_is_needed(&mut self) {
        self.stopped &= self.input.room() < ROOM_TO_GO_ON;
        let receiving = if self.stopped { 0 } else { IER_ERBFI | IER_ELSI };
        let sending = if self.wire.is_empty() { 0 } else { IER_ETBEI };
        self.uart.request_to_send(!self.stopped);
        self.uart.enable_interrupts(receiving | sending);
    }
}
