//! A virtio network device: what comes goes from its buffer to each client's channel, and what clients send from there to a buffer
//! of the device's, in one copy each.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use munal::ethernet::{Address, Clients, Sent};
use munal::patience::{LOOK, Patience};
use virtio::{Fault, Memory, OWN, Part, Queue, Waking};
use virtio_net::{BUFFER, HEADER, Pages, Problem, received};

munal::bindings!();
munal::main!(run);
virtio::card!(device::card);

const CARD: device::card = device::card;
const FRAMES: channel_server::frames = channel_server::frames;
const LOG: log::log = log::log;

/// `VIRTIO_NET_F_MAC`: the device says its address (section 5.1.3).
const MAC: u64 = 1 << 5;
/// The queues (section 5.1.2).
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;

/// Buffers of each queue, and frames that are moved each way before the other way is looked at again.
const BUFFERS: u16 = 64;
/// Which part of the buffers for what comes the device does without before it is given them again, all at once: telling it costs much.
const PART: usize = 4;

fn run() -> Result<(), Error> {
    let mut network = match Network::start() {
        Ok(network) => network,
        Err(problem) => {
            munal::log!(LOG, "{problem}");
            return Ok(());
        }
    };
    let (mut polls, mut woken) = (Vec::new(), true);
    loop {
        let more = match network.step(woken) {
            Ok(more) => more,
            Err(problem) => {
                munal::log!(LOG, "{problem}");
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

/// The device at work, and its clients.
struct Network {
    waking: Waking,
    patience: Patience,
    incoming: Way,
    outgoing: Way,
    memory: Memory,
    clients: Clients,
}

/// A queue and its pages of the memory.
struct Way {
    queue: Queue,
    pages: Pages,
}

impl Network {
    fn start() -> Result<Self, Problem> {
        virtio::begin(&CARD, MAC, 0)?;
        let address = address().ok_or(Problem::Nameless)?;
        let (incoming, outgoing) = (Queue::new(&CARD, RECEIVE, BUFFERS)?, Queue::new(&CARD, TRANSMIT, BUFFERS)?);
        virtio::go(&CARD);
        munal::log!(LOG, "{address}, queues of {} and {}", incoming.size(), outgoing.size());
        let (first, all) = (usize::from(incoming.size()), usize::from(incoming.size() + outgoing.size()));
        let (incoming, outgoing) = (Way::new(incoming, 0..first), Way::new(outgoing, first..all));
        let mut network = Self { waking: Waking::of(&CARD), patience: Patience::new(), incoming, outgoing, memory: Memory::new(all), clients: Clients::new(FRAMES.count(), address) };
        network.offer()?;
        network.outgoing.queue.interrupt(&CARD, false)?;
        Ok(network)
    }

    /// Moves what is there both ways; answers whether there may be more. `woken`: something was ready, so that the device was not
    /// looked at for its own sake.
    fn step(&mut self, woken: bool) -> Result<bool, Problem> {
        self.waking.hush(&CARD);
        self.clients.tell(send);
        let before = self.outgoing.queue.waiting();
        self.reclaim()?;
        if before == 0 || self.outgoing.queue.waiting() < before {
            self.patience.renew();
        } else if self.patience.is_over(woken) {
            return Err(Fault::Silent.into());
        }
        let (came, sent) = (self.receive()?, self.transmit()?);
        if came == 0 && sent == 0 {
            self.waking.for_nothing(&CARD)?;
        }
        CARD.acknowledge();
        Ok(came == BUFFERS || sent == BUFFERS)
    }

    /// Gives clients the frames that came; answers how many there were.
    fn receive(&mut self) -> Result<u16, Problem> {
        let mut count = 0;
        while let (true, Some((page, written))) = (count < BUFFERS, self.incoming.take(RECEIVE)?) {
            if let Some(frame) = received(written)? {
                let slow = self.clients.give(&self.memory.page(page)[frame], send);
                if let Some(client) = slow {
                    munal::log!(LOG, "client {client} receives too slowly: it loses frames");
                }
            }
            if self.incoming.pages.free() * PART >= usize::from(self.incoming.queue.size()) {
                self.offer()?;
            }
            count += 1;
        }
        Ok(count)
    }

    /// Gives the device all buffers for what comes that it has not.
    fn offer(&mut self) -> Result<(), Fault> {
        while self.incoming.give(&self.memory, BUFFER, true)? {}
        self.incoming.queue.ring(&CARD);
        Ok(())
    }

    /// Gives the device what clients send; answers how many messages that were. It need not say that it is done with one, unless
    /// clients wait for a buffer.
    fn transmit(&mut self) -> Result<u16, Fault> {
        let (mut count, mut given) = (0, false);
        while let (true, Some(page)) = (count < BUFFERS, self.outgoing.pages.next()) {
            let (header, rest) = self.memory.page(page).split_at_mut(HEADER);
            let Some(length) = self.clients.take(|client| from(client, rest)) else { break };
            if length > 0 {
                header.fill(0);
                given |= self.outgoing.give(&self.memory, HEADER + length, false)?;
            }
            count += 1;
        }
        if given {
            self.outgoing.queue.ring(&CARD);
        }
        self.outgoing.queue.interrupt(&CARD, self.outgoing.pages.next().is_none())?;
        self.reclaim()?;
        Ok(count)
    }

    /// Takes back the buffers that the device has sent.
    fn reclaim(&mut self) -> Result<(), Fault> {
        while self.outgoing.take(TRANSMIT)?.is_some() {}
        Ok(())
    }

    /// What to wait for: the device, clients' frames while there is room for one, and room for what clients are to be told.
    fn wanted(&self, polls: &mut Vec<Poll>) {
        let takes = if self.outgoing.pages.next().is_some() { events::READABLE } else { 0 };
        polls.clear();
        polls.push(Poll::new(CARD.handle(), events::READABLE));
        polls.extend((0..FRAMES.count()).filter_map(|client| {
            let wanted = takes | if self.clients.asks(client) { events::WRITABLE } else { 0 };
            (wanted != 0).then(|| Poll::new(FRAMES.handle(client), wanted))
        }));
    }
}

impl Way {
    fn new(queue: Queue, pages: core::ops::Range<usize>) -> Self {
        let pages = Pages::new(pages, queue.size());
        Self { queue, pages }
    }

    /// Gives the device so many bytes of the next page; false where none is left.
    fn give(&mut self, memory: &Memory, length: usize, written: bool) -> Result<bool, Fault> {
        let Some(page) = self.pages.next() else { return Ok(false) };
        let request = self.queue.give(&CARD, &[Part { address: memory.address(page), length: length as u32, written }])?;
        request.inspect(|&request| self.pages.give(request));
        Ok(request.is_some())
    }

    /// Takes back a page that the device is done with, and how many bytes it wrote.
    fn take(&mut self, number: u16) -> Result<Option<(usize, u32)>, Fault> {
        let Some((request, written)) = self.queue.take()? else { return Ok(None) };
        let page = self.pages.take(request).ok_or(Fault::Nonsense(number))?;
        Ok(Some((page, written)))
    }
}

/// The device's address, a byte at a time (section 5.1.4); none where it is not that of one station.
fn address() -> Option<Address> {
    let mut bytes = [0; 6];
    for (offset, byte) in (0..).zip(&mut bytes) {
        *byte = CARD.read8(OWN, offset);
    }
    Some(Address(bytes)).filter(|address| address.is_of_one())
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
