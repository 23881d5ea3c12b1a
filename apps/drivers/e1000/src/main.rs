//! An Intel 82540EM: what comes goes from its buffer to each client's channel, and what clients send from there to a buffer of the
//! device's, in one copy each. Each descriptor has a buffer of its own, always the same.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use e1000::{BUFFER, Came, DESCRIPTOR, Fault, Ring, came, incoming, outgoing, went};
use munal::ethernet::{Address, Clients, Sent};
use munal::patience::{LOOK, Patience};
use munal::time::MILLISECOND;

munal::bindings!();
munal::main!(run);

const CARD: device::card = device::card;
const FRAMES: channel_server::frames = channel_server::frames;
const LOG: log::log = log::log;

/// The model's one region, and its registers (chapter 13).
const REGS: u8 = 0;
const CTRL: u32 = 0x0000;
const ICR: u32 = 0x00c0;
const IMS: u32 = 0x00d0;
const IMC: u32 = 0x00d8;
const RCTL: u32 = 0x0100;
const TCTL: u32 = 0x0400;
const TIPG: u32 = 0x0410;
const RDBA: u32 = 0x2800;
const RDLEN: u32 = 0x2808;
const RDH: u32 = 0x2810;
const RDT: u32 = 0x2818;
const TDBA: u32 = 0x3800;
const TDLEN: u32 = 0x3808;
const TDH: u32 = 0x3810;
const TDT: u32 = 0x3818;
const RAL: u32 = 0x5400;
const RAH: u32 = 0x5404;

/// CTRL: the link is to come up, at the speed that both ends find.
const ASDE_SLU: u32 = 1 << 5 | 1 << 6;
/// RCTL: receive, from everybody to all and to groups, without the check sequence.
const EN_MPE_BAM_SECRC: u32 = 1 << 1 | 1 << 4 | 1 << 15 | 1 << 26;
/// TCTL: send, filled up to 64 bytes; CT and COLD as section 14.5 has them.
const EN_PSP: u32 = 1 << 1 | 1 << 3 | 0x0f << 4 | 0x40 << 12;
/// TIPG: gaps between frames, as section 14.5 has them.
const GAPS: u32 = 10 | 8 << 10 | 6 << 20;
/// RAH: the address is one.
const AV: u32 = 1 << 31;
/// Causes of interrupts: a frame was sent; the ring ran out, or frames came.
const TXDW: u32 = 1 << 0;
const RXO_RXT0: u32 = 1 << 6 | 1 << 7;
/// What registers say that are not there.
const SILENCE: u32 = u32::MAX;

/// The model's tables, and where a driver's addresses have them.
const INCOMING: u8 = 0;
const OUTGOING: u8 = 1;
const INCOMING_AT: u64 = 1 << 32;
const OUTGOING_AT: u64 = 2 << 32;

/// Descriptors of each ring, and frames that are moved each way before the other way is looked at again.
const RING: u32 = 128;
/// How often the device is asked for its address, which it reads after its reset, a millisecond apart.
const PATIENCE: u32 = 100;

fn run() -> Result<(), Error> {
    let mut network = match Network::start() {
        Ok(network) => network,
        Err(fault) => {
            munal::log!(LOG, "{fault}");
            return Ok(());
        }
    };
    let (mut polls, mut woken) = (Vec::new(), true);
    loop {
        let more = match network.step(woken) {
            Ok(more) => more,
            Err(fault) => {
                munal::log!(LOG, "{fault}");
                return Ok(());
            }
        };
        network.wanted(&mut polls);
        woken = match sip::wait(&mut polls, if more { 0 } else { LOOK }) {
            Ok(_) => true,
            Err(Error::TimedOut) => more, // an interrupt may be lost
            Err(why) => return Err(why),
        };
        if polls[0].is(events::READABLE) {
            let _ = CARD.wait(0); // the count starts anew
        }
    }
}

/// A buffer lies in one page.
#[repr(C, align(2048))]
#[derive(Clone)]
struct Buffer([u8; BUFFER]);

/// The device at work, and its clients.
struct Network {
    incoming: Ring,
    outgoing: Ring,
    /// By descriptor.
    came: Vec<Buffer>,
    going: Vec<Buffer>,
    clients: Clients,
    /// Whether the device is to say when a frame was sent.
    waits: bool,
    patience: Patience,
}

impl Network {
    fn start() -> Result<Self, Fault> {
        if CARD.present() == 0 {
            return Err(Fault::Absent);
        }
        write(IMC, u32::MAX);
        cause()?; // what an earlier life left
        write(CTRL, ASDE_SLU);
        let address = address()?;
        let buffers = || alloc::vec![Buffer([0; BUFFER]); RING as usize];
        let mut network = Self {
            incoming: Ring::new(RING), outgoing: Ring::new(RING), came: buffers(), going: buffers(), clients: Clients::new(FRAMES.count(), address), waits: false,
            patience: Patience::new(),
        };
        CARD.write64(REGS, RDBA, INCOMING_AT);
        write(RDLEN, RING * DESCRIPTOR as u32);
        write(RDH, 0);
        while network.offer()? {}
        write(RDT, network.incoming.tail());
        write(RCTL, EN_MPE_BAM_SECRC);
        CARD.write64(REGS, TDBA, OUTGOING_AT);
        write(TDLEN, RING * DESCRIPTOR as u32);
        write(TDH, 0);
        write(TDT, 0);
        write(TIPG, GAPS);
        write(TCTL, EN_PSP);
        write(IMS, RXO_RXT0);
        munal::log!(LOG, "{address}, rings of {RING} and {RING}");
        Ok(network)
    }

    /// Moves what is there both ways; answers whether there may be more. `woken`: something was ready, so that the device was not
    /// looked at for its own sake.
    fn step(&mut self, woken: bool) -> Result<bool, Fault> {
        cause()?;
        self.clients.tell(send);
        if self.reclaim()? || self.outgoing.first().is_none() {
            self.patience.renew();
        } else if self.patience.is_over(woken) {
            return Err(Fault::Silent);
        }
        let (came, sent) = (self.receive()?, self.transmit()?);
        let waits = self.outgoing.next().is_none();
        if waits != self.waits {
            write(if waits { IMS } else { IMC }, TXDW);
            self.waits = waits;
        }
        CARD.acknowledge();
        Ok(came == RING || sent == RING)
    }

    /// Gives clients the frames that came; answers how many there were.
    fn receive(&mut self) -> Result<u32, Fault> {
        let mut count = 0;
        while let (true, Some(first)) = (count < RING, self.incoming.first()) {
            match came(&read(INCOMING, first)?)? {
                Came::Nothing => break,
                Came::Waste => {}
                Came::Frame(length) => {
                    if let Some(client) = self.clients.give(&self.came[first as usize].0[..length], send) {
                        munal::log!(LOG, "client {client} receives too slowly: it loses frames");
                    }
                }
            }
            self.incoming.take();
            self.offer()?;
            count += 1;
        }
        if count > 0 {
            write(RDT, self.incoming.tail());
        }
        Ok(count)
    }

    /// Gives the device a buffer for what comes; false where it has all that it can have.
    fn offer(&mut self) -> Result<bool, Fault> {
        let Some(next) = self.incoming.next() else { return Ok(false) };
        put(INCOMING, next, &incoming(at(&self.came[next as usize])))?;
        self.incoming.give();
        Ok(true)
    }

    /// Takes back the buffers whose frames the device has sent; answers whether there were any.
    fn reclaim(&mut self) -> Result<bool, Fault> {
        let before = self.outgoing;
        while let Some(first) = self.outgoing.first() && went(&read(OUTGOING, first)?) {
            self.outgoing.take();
        }
        Ok(self.outgoing != before)
    }

    /// Gives the device what clients send; answers how many messages that were.
    fn transmit(&mut self) -> Result<u32, Fault> {
        let (mut count, before) = (0, self.outgoing.tail());
        while let (true, Some(next)) = (count < RING, self.outgoing.next()) {
            let buffer = &mut self.going[next as usize];
            let Some(length) = self.clients.take(|client| from(client, &mut buffer.0)) else { break };
            if length > 0 {
                put(OUTGOING, next, &outgoing(at(buffer), length as u16))?;
                self.outgoing.give();
            }
            count += 1;
        }
        if self.outgoing.tail() != before {
            write(TDT, self.outgoing.tail());
        }
        Ok(count)
    }

    /// What to wait for: the device, clients' frames while there is room for one, and room for what clients are to be told.
    fn wanted(&self, polls: &mut Vec<Poll>) {
        let takes = if self.outgoing.next().is_some() { events::READABLE } else { 0 };
        polls.clear();
        polls.push(Poll::new(CARD.handle(), events::READABLE));
        polls.extend((0..FRAMES.count()).filter_map(|client| {
            let wanted = takes | if self.clients.asks(client) { events::WRITABLE } else { 0 };
            (wanted != 0).then(|| Poll::new(FRAMES.handle(client), wanted))
        }));
    }
}

/// Removes the cause of the interrupt. Errors: the device does not answer.
fn cause() -> Result<(), Fault> {
    if CARD.read32(REGS, ICR) == SILENCE { Err(Fault::Gone) } else { Ok(()) }
}

/// The device's address, once it has read it.
fn address() -> Result<Address, Fault> {
    for _ in 0..PATIENCE {
        let (low, high) = (CARD.read32(REGS, RAL).to_le_bytes(), CARD.read32(REGS, RAH));
        let [e, f, ..] = high.to_le_bytes();
        let address = Address([low[0], low[1], low[2], low[3], e, f]);
        if high & AV != 0 && address.is_of_one() {
            return Ok(address);
        }
        let _ = CARD.wait(MILLISECOND as i64);
    }
    Err(Fault::Nameless)
}

fn at(buffer: &Buffer) -> u64 {
    (&raw const *buffer).expose_provenance() as u64
}

fn write(register: u32, value: u32) {
    CARD.write32(REGS, register, value);
}

fn put(table: u8, number: u32, descriptor: &[u8; DESCRIPTOR]) -> Result<(), Fault> {
    CARD.write_table(table, number * DESCRIPTOR as u32, descriptor).map(|_| ()).map_err(|_| Fault::Refused)
}

fn read(table: u8, number: u32) -> Result<[u8; DESCRIPTOR], Fault> {
    let mut descriptor = [0; DESCRIPTOR];
    CARD.read_table(table, number * DESCRIPTOR as u32, &mut descriptor).map_err(|_| Fault::Refused)?;
    Ok(descriptor)
}

// The comparison is what proves that each message is of a connection that is there.

fn send(client: u32, message: &[u8]) -> Sent {
    if client >= FRAMES.count() {
        return Sent::Gone;
    }
    match FRAMES.send(client, message, &[], 0) {
        Ok(_) => Sent::Yes,
        Err(Error::WouldBlock) => Sent::Full,
        Err(_) => Sent::Gone,
    }
}

fn from(client: u32, buffer: &mut [u8]) -> Option<usize> {
    if client >= FRAMES.count() {
        return None;
    }
    FRAMES.receive(client, buffer, &mut [], 0).ok().map(|length| length as usize)
}
