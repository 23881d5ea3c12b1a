//! Reads input streams and logs each event in words.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use munal::FOREVER;
use munal::input::{ABSOLUTE, Event, KEY, LENGTH, RELATIVE, REPORT, SYNC, WHEEL, X, Y};

munal::bindings!();
munal::main!(run);

const KEYBOARD: stream::keyboard = stream::keyboard;
const MOUSE: stream::mouse = stream::mouse;
const LOG: log::log = log::log;

/// A stream that was granted, with the bytes of an event that is not complete yet.
struct Device {
    name: &'static str,
    handle: u32,
    read: fn(&mut [u8]) -> Result<u32, Error>,
    part: [u8; LENGTH],
    came: usize,
}

fn run() -> Result<(), Error> {
    let new = |name, handle, read| Device { name, handle, read, part: [0; LENGTH], came: 0 };
    let keyboard = (KEYBOARD.granted() != 0).then(|| new("keyboard", KEYBOARD.handle(), |buffer| KEYBOARD.try_read(buffer)));
    let mouse = (MOUSE.granted() != 0).then(|| new("mouse", MOUSE.handle(), |buffer| MOUSE.try_read(buffer)));
    let mut devices: Vec<Device> = keyboard.into_iter().chain(mouse).collect();
    while !devices.is_empty() {
        let mut polls: Vec<Poll> = devices.iter().map(|device| Poll::new(device.handle, events::READABLE | events::CLOSED)).collect();
        sip::wait(&mut polls, FOREVER)?;
        for device in &mut devices {
            device.take()?;
        }
        let mut ended = polls.iter().map(|poll| poll.is(events::CLOSED));
        devices.retain(|_| !ended.next().unwrap_or(false));
    }
    munal::log!(LOG, "no driver is left");
    Ok(())
}

impl Device {
    /// Says all that came.
    fn take(&mut self) -> Result<(), Error> {
        loop {
            match (self.read)(&mut self.part[self.came..]) {
                Ok(count) => self.came += count as usize,
                Err(Error::WouldBlock | Error::Closed) => return Ok(()),
                Err(why) => return Err(why),
            }
            if self.came == LENGTH {
                self.came = 0;
                say(self.name, Event::decode(&self.part));
            }
        }
    }
}

fn say(device: &str, event: Event) {
    let Event { kind, code, value } = event;
    match (kind, code) {
        (SYNC, REPORT) => {}
        (SYNC, _) => munal::log!(LOG, "{device}: some events are missing"),
        (KEY, _) => munal::log!(LOG, "{device}: {code} {}", ["released", "pressed", "held"].get(value as usize).unwrap_or(&"?")),
        (RELATIVE, X) => munal::log!(LOG, "{device}: right {value}"),
        (RELATIVE, Y) => munal::log!(LOG, "{device}: down {value}"),
        (ABSOLUTE, X) => munal::log!(LOG, "{device}: at {value} from the left"),
        (ABSOLUTE, Y) => munal::log!(LOG, "{device}: at {value} from above"),
        (RELATIVE, WHEEL) => munal::log!(LOG, "{device}: wheel {value}"),
        _ => munal::log!(LOG, "{device}: kind {kind}, code {code}, value {value}"),
    }
}
