//! A virtio input device: what it tells goes to each client of its stream.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use munal::input::{Event, clients::Clients};
use munal::patience::LOOK;
use virtio::{Queue, Waking};
use virtio_input::about::About;
use virtio_input::inlet::Inlet;
use virtio_input::Trouble;

munal::bindings!();
munal::main!(run);
virtio::card!(device::card);

const CARD: device::card = device::card;
const CLIENTS: stream_server::events = stream_server::events;
const LOG: log::log = log::log;

/// The queue of events; that of what a driver has to say, which keys are to shine, is left alone.
const EVENTS: u16 = 0;
const MOST: u16 = 256;
/// Events that are taken before clients' streams are looked at again.
const EVENTS_AT_ONCE: usize = 256;

fn run() -> Result<(), Error> {
    let mut driver = match Driver::start() {
        Ok(driver) => driver,
        Err(trouble) => {
            munal::log!(LOG, "{trouble}");
            return Ok(());
        }
    };
    munal::log!(LOG, "{}", driver.about);
    let mut polls = Vec::new();
    loop {
        let finished = match driver.step() {
            Ok(finished) => finished,
            Err(trouble) => {
                munal::log!(LOG, "{trouble}");
                return Ok(());
            }
        };
        polls.clear();
        polls.push(Poll::new(CARD.handle(), events::READABLE));
        polls.extend(driver.clients.waiting().map(|number| Poll::new(CLIENTS.handle(number), events::WRITABLE)));
        match sip::wait(&mut polls, if finished { LOOK } else { 0 }) {
            Ok(_) | Err(Error::TimedOut) => {} // an interrupt may be lost
            Err(why) => return Err(why),
        }
        if polls[0].is(events::READABLE) {
            let _ = CARD.wait(0); // the count starts anew
        }
    }
}

struct Driver {
    about: About,
    waking: Waking,
    inlet: Inlet,
    clients: Clients,
    /// What the device told, and clients were not told yet.
    told: Vec<Event>,
}

impl Driver {
    fn start() -> Result<Self, Trouble> {
        virtio::begin(&CARD, 0, 0)?;
        let about = About::ask(&CARD)?;
        let inlet = Inlet::new(&CARD, Queue::new(&CARD, EVENTS, MOST)?)?;
        virtio::go(&CARD);
        inlet.ring(&CARD);
        Ok(Self { about, waking: Waking::of(&CARD), inlet, clients: Clients::new(CLIENTS.count(), to_client), told: Vec::with_capacity(EVENTS_AT_ONCE) })
    }

    /// Takes what the device tells and hands it on; false where some may be left. The device has its buffers again before a client
    /// hears: what that does about a report may bring the next, and a device without room for a whole one drops it.
    fn step(&mut self) -> Result<bool, Trouble> {
        self.waking.hush(&CARD);
        while self.told.len() < EVENTS_AT_ONCE && let Some(event) = self.inlet.take()? {
            self.told.push(event);
        }
        self.inlet.refill(&CARD)?;
        let taken = self.told.len();
        if taken == 0 {
            self.waking.for_nothing(&CARD)?;
        }
        for event in self.told.drain(..).filter_map(|event| self.about.event(event)) {
            self.clients.tell(event);
        }
        self.clients.flush();
        CARD.acknowledge();
        Ok(taken < EVENTS_AT_ONCE)
    }
}

/// How many bytes a client is rid of: all, where nobody is there to take them. The comparison is what proves that the connection is.
fn to_client(number: u32, bytes: &[u8]) -> usize {
    if number >= CLIENTS.count() {
        return bytes.len();
    }
    match CLIENTS.try_write(number, bytes) {
        Ok(count) => count as usize,
        Err(Error::WouldBlock) => 0,
        Err(_) => bytes.len(),
    }
}
