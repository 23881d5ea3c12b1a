//! What is asked of input devices: that they tell what the machine's operator presses and moves, all of it and nothing else.

use crate::checks::why;
use crate::{CLOCK, Error, Poll, events, service, sip};
use alloc::{format, string::{String, ToString}, vec::Vec};
use munal::input::{ABSOLUTE, Event, FAR, KEY, LENGTH, RELATIVE, X, Y};
use munal::operator::{Seat, request};
use munal::time::{MILLISECOND, SECOND};

/// Why nothing can be tried where nobody is there to press keys.
pub const NOBODY: &str = "nobody presses keys here";

/// Keys that are pressed and released, from code 1 on: those that every keyboard has, as Linux numbers them.
const KEYS: u16 = 83;
/// None of them.
const F11: u16 = 87;
/// Movements and places.
const MOVES: i32 = 100;
/// How long one event is waited for, and after which time the first is asked for again: a device is deaf before its driver begins.
const PATIENCE: u64 = 10 * SECOND;
const AGAIN: u64 = 500 * MILLISECOND;

/// The stream of a driver.
#[derive(Clone, Copy)]
pub struct Device {
    pub seat: Seat,
    pub handle: fn() -> u32,
    /// Takes what is there.
    pub read: fn(&mut [u8]) -> Result<u32, Error>,
}

/// Presses and releases keys, one after the other.
pub fn keyboard(device: Device) -> Result<String, String> {
    let key = |code, value| [Event { kind: KEY, code, value }];
    let strokes = (1..=KEYS).flat_map(|code| [key(code, 1).to_vec(), key(code, 0).to_vec()]);
    Ok(format!("{KEYS} keys pressed and released, {}", told(device, &key(F11, 0), strokes)?))
}

/// Moves a mouse, each time by another distance.
pub fn mouse(device: Device) -> Result<String, String> {
    let to = |x, y| [Event { kind: RELATIVE, code: X, value: x }, Event { kind: RELATIVE, code: Y, value: y }];
    Ok(format!("{MOVES} movements, {}", told(device, &to(127, 127), (1..=MOVES).map(|number| to(number, -number).to_vec()))?))
}

/// Puts a tablet's pointer from place to place.
pub fn tablet(device: Device) -> Result<String, String> {
    let at = |x, y| [Event { kind: ABSOLUTE, code: X, value: x }, Event { kind: ABSOLUTE, code: Y, value: y }];
    let places = (1..=MOVES).map(|number| at(FAR * number / MOVES, FAR - FAR * number / MOVES).to_vec());
    Ok(format!("{MOVES} places, {}", told(device, &at(0, 0), places)?))
}

/// Has all this happen, and tells how long each took to be told. `first` is none of it: it is asked for until the device tells it.
fn told(device: Device, first: &[Event], reports: impl Iterator<Item = Vec<Event>>) -> Result<String, String> {
    let mut listener = Listener { device, first: first.to_vec(), part: Vec::new() };
    listener.begin()?;
    let (before, mut count) = (CLOCK.now(), 0);
    for report in reports {
        ask(device.seat, &report)?;
        let found = listener.report(CLOCK.now() + PATIENCE, false)?.ok_or_else(|| format!("{report:?} did not come"))?;
        if found != report {
            return Err(format!("{found:?} came for {report:?}"));
        }
        count += 1;
    }
    Ok(format!("{} us each from the asking", (CLOCK.now() - before) / 1000 / count.max(1)))
}

fn ask(seat: Seat, events: &[Event]) -> Result<(), String> {
    let mut reply = [0; 64];
    match service::operator.call(request(seat, events).as_bytes(), &mut reply) {
        Ok(0) => Ok(()),
        Ok(length) => Err(String::from_utf8_lossy(&reply[..(length as usize).min(reply.len())]).into_owned()),
        Err(Error::Closed) => Err(NOBODY.to_string()),
        Err(error) => Err(why(error)),
    }
}

struct Listener {
    device: Device,
    /// What came to begin with, and may come again.
    first: Vec<Event>,
    /// Bytes after the last report.
    part: Vec<u8>,
}

impl Listener {
    /// Asks for the first report until it comes.
    fn begin(&mut self) -> Result<(), String> {
        let end = CLOCK.now() + PATIENCE;
        while CLOCK.now() < end {
            self.fill()?; // a driver that has ended is known before anybody is asked
            ask(self.device.seat, &self.first)?;
            if self.report(CLOCK.now() + AGAIN, true)?.is_some() {
                return Ok(());
            }
        }
        Err("it tells nothing".into())
    }

    /// What happened next at once; none where nothing comes before `end`. The first report counts only where it is `awaited`.
    fn report(&mut self, end: u64, awaited: bool) -> Result<Option<Vec<Event>>, String> {
        loop {
            while let Some(report) = self.next() {
                if awaited || report != self.first {
                    return Ok(Some(report));
                }
            }
            let left = end.saturating_sub(CLOCK.now());
            if left == 0 {
                return Ok(None);
            }
            match sip::wait(&mut [Poll::new((self.device.handle)(), events::READABLE | events::CLOSED)], left as i64) {
                Ok(_) | Err(Error::TimedOut) => self.fill()?,
                Err(error) => return Err(why(error)),
            }
        }
    }

    /// Takes the bytes that are there.
    fn fill(&mut self) -> Result<(), String> {
        let mut bytes = [0; 512];
        match (self.device.read)(&mut bytes) {
            Ok(count) => self.part.extend(&bytes[..count as usize]),
            Err(Error::WouldBlock) => {}
            Err(error) => return Err(why(error)),
        }
        Ok(())
    }

    /// The first whole report of what came.
    fn next(&mut self) -> Option<Vec<Event>> {
        let (events, _) = self.part.as_chunks::<LENGTH>();
        let length = events.iter().position(|event| Event::decode(event) == Event::END)?;
        let report = events[..length].iter().map(Event::decode).collect();
        self.part.drain(..(length + 1) * LENGTH);
        Some(report)
    }
}
