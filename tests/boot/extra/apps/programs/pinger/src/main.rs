//! Asks for echoes, several at a time, each of another size; counts those that come back whole, those that do not come and those
//! that are damaged. A driver that starts anew in between costs what it held, and is told of.
#![no_std]
#![no_main]

mod packet;

use munal::ethernet::{Address, LARGEST, Message};
use munal::text::{Line, Writer};
use munal::time::SECOND;
use packet::{ARP, Echo, HEADERS};

munal::bindings!();
munal::main!(run);

const FRAMES: channel::frames = channel::frames;
const CONSOLE: stream::console = stream::console;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

/// Echoes that are asked for at a time.
const AT_ONCE: usize = 24;
/// Round trips between two lines.
const ROUND: u64 = 2000;
/// After this time without an answer none is coming: what was asked is asked again.
const PATIENCE: i64 = 2 * SECOND as i64;
/// Round trips after which one with a console says so there, and ends.
const ALL: u64 = 200_000;
/// How much longer each echo is than the last, in turns: a number that leaves out no size.
const STEP: usize = 601;

fn run() -> Result<(), Error> {
    let mut frame = [0; LARGEST];
    let mut pinger = Pinger { me: Address::default(), router: None, asked: [None; AT_ONCE], next: 0, trips: 0, missed: 0, wrong: 0, lost: 0, since: CLOCK.now(), bytes: 0 };
    pinger.send(&[])?;
    loop {
        if CONSOLE.granted() != 0 && pinger.trips >= ALL {
            return pinger.tell();
        }
        pinger.ask(&mut frame)?;
        match FRAMES.receive(&mut frame, &mut [], PATIENCE) {
            Ok(length) => pinger.hear(&frame[..length as usize]),
            Err(Error::TimedOut) => pinger.give_up(),
            Err(Error::Closed) => {
                LOG.write(b"no driver is left");
                return pinger.tell();
            }
            Err(why) => return Err(why),
        }
    }
}

struct Pinger {
    me: Address,
    router: Option<Address>,
    /// Numbers of the echoes that are to come, each at its own place.
    asked: [Option<u16>; AT_ONCE],
    next: u16,
    trips: u64,
    missed: u64,
    wrong: u64,
    /// As the driver said last.
    lost: u32,
    /// When the round began, and bytes of frames that it moved each way.
    since: u64,
    bytes: u64,
}

impl Pinger {
    /// Says on the console, where there is one, what came of the round trips.
    fn tell(&self) -> Result<(), Error> {
        if CONSOLE.granted() == 0 {
            return Ok(());
        }
        let line = Line::<128>::of(format_args!("queues of {}: {} missed and {} wrong of {}\n", self.me, self.missed, self.wrong, self.trips));
        Writer::new(|bytes: &[u8]| CONSOLE.write(bytes)).write_all(line.as_bytes())
    }

    fn ask(&mut self, frame: &mut [u8; LARGEST]) -> Result<(), Error> {
        let Some(router) = self.router else {
            if self.me == Address::default() || self.asked[0].is_some() {
                return Ok(());
            }
            let mut question = [0; ARP];
            packet::question(&mut question, self.me);
            self.asked[0] = Some(0);
            return self.send(&question);
        };
        while let Some(place) = self.asked.iter().position(Option::is_none) {
            let length = packet::echo(frame, router, self.me, self.next, size(self.next));
            self.asked[place] = Some(self.next);
            self.next = self.next.wrapping_add(1);
            self.send(&frame[..length])?;
        }
        Ok(())
    }

    /// A driver that ends for good is noticed when nothing comes any more.
    fn send(&self, frame: &[u8]) -> Result<(), Error> {
        match FRAMES.send(frame, &[], munal::FOREVER) {
            Ok(_) | Err(Error::Closed) => Ok(()),
            Err(why) => Err(why),
        }
    }

    fn hear(&mut self, message: &[u8]) {
        match Message::of(message) {
            Some(Message::Link(link)) => {
                (self.me, self.lost) = (link.address, link.lost);
                munal::log!(LOG, "{} with {} bytes behind a header", link.address, link.mtu);
            }
            Some(Message::Frame(frame)) => self.look(frame),
            None => self.wrong += 1,
        }
    }

    fn look(&mut self, frame: &[u8]) {
        if let (None, Some(router)) = (self.router, packet::answer(frame)) {
            munal::log!(LOG, "the router is {router}");
            (self.router, self.asked, self.since) = (Some(router), [None; AT_ONCE], CLOCK.now());
            return;
        }
        match packet::echoed(frame, self.me) {
            Echo::Other => {}
            Echo::Wrong => self.wrong += 1,
            Echo::Of(number, content) => {
                let Some(place) = self.asked.iter().position(|&asked| asked == Some(number)) else { return }; // of one that was given up
                self.asked[place] = None;
                if content.len() == size(number) && packet::is_content(content, number) { self.count(frame.len()) } else { self.wrong += 1 }
            }
        }
    }

    fn count(&mut self, bytes: usize) {
        self.trips += 1;
        self.bytes += bytes as u64;
        if self.trips % ROUND == 0 {
            let now = CLOCK.now();
            let took = (now - self.since).max(1);
            munal::log!(
                LOG, "{} round trips, {} missed, {} wrong; {} a second, {} KiB/s each way",
                self.trips, self.missed, self.wrong, ROUND * SECOND / took, self.bytes * SECOND / took >> 10
            );
            (self.since, self.bytes) = (now, 0);
        }
    }

    /// Nothing comes any more of what was asked. Who the router is may be asked before the device hears: QEMU's e1000 is deaf for its
    /// first second.
    fn give_up(&mut self) {
        if self.router.is_some() {
            self.missed += self.asked.iter().flatten().count() as u64;
        }
        self.asked = [None; AT_ONCE];
    }
}

/// Bytes that are echoed under this number: all sizes in turn.
fn size(number: u16) -> usize {
    STEP * usize::from(number) % (LARGEST - HEADERS + 1)
}
