//! A virtio entropy device: asks it for random bytes while a client has room for some, and gives each byte to one of them.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::{collections::VecDeque, vec::Vec};
use core::ops::Range;
use munal::FOREVER;
use munal::patience::{LOOK, Patience};
use virtio::{Fault, Memory, PAGE, Part, Queue, Waking};

munal::bindings!();
munal::main!(run);
virtio::card!(device::card);

const CARD: device::card = device::card;
const ENTROPY: stream_server::entropy = stream_server::entropy;
const LOG: log::log = log::log;

/// The device's one queue.
const REQUESTS: u16 = 0;
/// Pages that the device fills at a time.
const PAGES: u16 = 8;

fn run() -> Result<(), Error> {
    let mut source = match Source::start() {
        Ok(source) => source,
        Err(fault) => {
            munal::log!(LOG, "{fault}");
            return Ok(());
        }
    };
    munal::log!(LOG, "an entropy device with a queue of {}", source.queue.size());
    let (mut polls, mut woken) = (Vec::new(), true);
    loop {
        if let Err(fault) = source.step(woken) {
            munal::log!(LOG, "{fault}");
            return Ok(());
        }
        source.wanted(&mut polls);
        woken = match sip::wait(&mut polls, if source.queue.waiting() > 0 { LOOK } else { FOREVER }) {
            Ok(_) => true,
            Err(Error::TimedOut) => false,
            Err(why) => return Err(why),
        };
        if polls[0].is(events::READABLE) {
            let _ = CARD.wait(0); // the count starts anew
        }
    }
}

/// The device, and what it gave that nobody took yet.
struct Source {
    queue: Queue,
    waking: Waking,
    patience: Patience,
    memory: Memory,
    /// Which page each request is to fill, by the queue's number of it.
    pages: [usize; PAGES as usize],
    /// Bytes of pages.
    fresh: VecDeque<(usize, Range<usize>)>,
    /// Whose turn it is.
    next: u32,
}

impl Source {
    fn start() -> Result<Self, Fault> {
        virtio::begin(&CARD, 0, 0)?;
        let queue = Queue::new(&CARD, REQUESTS, PAGES)?;
        virtio::go(&CARD);
        Ok(Self { queue, waking: Waking::of(&CARD), patience: Patience::new(), memory: Memory::new(PAGES.into()), pages: [0; PAGES as usize], fresh: VecDeque::new(), next: 0 })
    }

    /// Takes what the device gave, hands it out, and asks for more where all is gone. `woken`: something was ready, so that it was
    /// not looked at for its own sake.
    fn step(&mut self, woken: bool) -> Result<(), Fault> {
        self.waking.hush(&CARD);
        let before = self.queue.waiting();
        while let Some((request, length)) = self.queue.take()? {
            self.fresh.push_back((self.pages[usize::from(request)], 0..length as usize));
        }
        if self.queue.waiting() != before || before == 0 {
            self.patience.renew();
        } else {
            self.waking.for_nothing(&CARD)?;
            if self.patience.is_over(woken) {
                return Err(Fault::Silent);
            }
        }
        self.hand_out();
        if self.fresh.is_empty() && self.queue.waiting() == 0 {
            self.ask()?;
        }
        CARD.acknowledge();
        Ok(())
    }

    /// Asks for as many pages as the queue has room for.
    fn ask(&mut self) -> Result<(), Fault> {
        for page in 0..self.queue.room() {
            let part = Part { address: self.memory.address(page), length: PAGE as u32, written: true };
            if let Some(request) = self.queue.give(&CARD, &[part])? {
                self.pages[usize::from(request)] = page;
            }
        }
        self.queue.ring(&CARD);
        Ok(())
    }

    /// Gives what there is to clients in turns, until it is gone or none of them has room.
    fn hand_out(&mut self) {
        let mut without_room = 0;
        while let Some((page, range)) = self.fresh.front_mut() && without_room < ENTROPY.count() {
            self.next = if self.next + 1 < ENTROPY.count() { self.next + 1 } else { 0 };
            let bytes = &mut self.memory.page(*page)[range.clone()];
            let count = give(self.next, bytes).unwrap_or(0);
            bytes[..count].fill(0); // nobody is given them again
            range.start += count;
            without_room = if count == 0 { without_room + 1 } else { 0 };
            if range.is_empty() {
                self.fresh.pop_front();
            }
        }
    }

    /// What to wait for: the device, and clients that have no room.
    fn wanted(&self, polls: &mut Vec<Poll>) {
        polls.clear();
        polls.push(Poll::new(CARD.handle(), events::READABLE));
        if !self.fresh.is_empty() {
            polls.extend((0..ENTROPY.count()).map(|client| Poll::new(ENTROPY.handle(client), events::WRITABLE)));
        }
    }
}

fn give(client: u32, bytes: &[u8]) -> Result<usize, Error> {
    if client >= ENTROPY.count() {
        return Err(Error::Refused);
    }
    ENTROPY.try_write(client, bytes).map(|count| count as usize)
}
