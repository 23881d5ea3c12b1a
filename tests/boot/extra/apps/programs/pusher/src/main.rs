//! Passes buffers through a device's queue, one request after the other, and compares what comes back with what went.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::{format, string::{String, ToString}, vec, vec::Vec};
use munal::block::{self, HEADER, REPLY, SECTOR};
use munal::display::{self, Mode, Rectangle};
use munal::input::{Event, LENGTH, RELATIVE, X, Y};
use munal::operator::{Seat, request};
use munal::text::{Line, Writer};
use munal::time::SECOND;

munal::bindings!();
munal::main!(run);

const CONSOLE: stream::console = stream::console;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

const BUFFERS: u32 = 200_000;
/// Buffers between two lines of the log.
const ROUND: u32 = 20_000;
/// What the driver of an entropy device has it fill at a time.
const PAGE: usize = 4096;
/// Movements that are one report, whose end is a buffer, too.
const AT_ONCE: u32 = 31;

/// The name of a device, whether it was granted, and what is done with it.
type Job = (&'static str, bool, fn() -> Result<(), String>);

fn run() -> Result<(), Error> {
    let jobs: [Job; 5] = [
        ("rng", stream::entropy.granted() != 0, entropy),
        ("disk", service::disk.granted() != 0, || disk(|request, reply| service::disk.call(request, reply))),
        ("ahci", service::ahci.granted() != 0, || disk(|request, reply| service::ahci.call(request, reply))),
        ("display", service::display.granted() != 0, screen), ("mouse", stream::mouse.granted() != 0, movements),
    ];
    for (name, _, job) in jobs.into_iter().filter(|(_, granted, _)| *granted) {
        let before = CLOCK.now();
        let told = job().map_or_else(|why| why, |()| format!("all {BUFFERS} passed, {} ns each", (CLOCK.now() - before) / u64::from(BUFFERS)));
        let line = Line::<256>::of(format_args!("queue of {name}: {told}\n"));
        Writer::new(|bytes: &[u8]| CONSOLE.write(bytes)).write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Logs how far it is, now and then.
fn passed(count: u32, before: u32) {
    if count / ROUND != before / ROUND {
        munal::log!(LOG, "{count} passed");
    }
}

fn why(error: Error) -> String {
    error.to_string()
}

/// Pages of random bytes: none is zeros, and none begins as one of those before it did.
fn entropy() -> Result<(), String> {
    const STARTS: usize = 64;
    let (mut page, mut starts) = ([0; PAGE], [[0; 16]; STARTS]);
    for number in 0..BUFFERS {
        let mut came = 0;
        while came < PAGE {
            came += stream::entropy.read(&mut page[came..]).map_err(why)? as usize;
        }
        let (start, end) = (*page.first_chunk::<16>().unwrap(), *page.last_chunk::<16>().unwrap());
        if end == [0; 16] || starts.contains(&start) {
            return Err(format!("page {number} is one that was there before"));
        }
        starts[number as usize % STARTS] = start;
        passed(number + 1, number);
    }
    Ok(())
}

/// Sectors that are written, each with its own content, and read at once.
fn disk(call: fn(&[u8], &mut [u8]) -> Result<u32, Error>) -> Result<(), String> {
    const SECTORS: u64 = 4096;
    let mut message = [0; HEADER + SECTOR];
    let mut reply = [0; REPLY + SECTOR];
    for number in (0..BUFFERS).step_by(2) {
        let sector = u64::from(number).wrapping_mul(7919) % SECTORS;
        message[..HEADER].copy_from_slice(&block::Request::Write { sector, count: 1 }.encode());
        message[HEADER..].as_chunks_mut::<8>().0.iter_mut().zip(0..).for_each(|(word, place)| *word = content(number, place).to_le_bytes());
        let length = call(&message, &mut reply).map_err(why)? as usize;
        let wrote = block::Status::of(&reply[..length]);
        let question = block::Request::Read { sector, count: 1 }.encode();
        let length = call(&question, &mut reply).map_err(why)? as usize;
        let read = block::Status::of(&reply[..length]);
        if [wrote, read] != [block::Status::Done; 2] || reply[REPLY..length] != message[HEADER..] {
            return Err(format!("sector {sector}, written as {number}: {wrote:?}, {read:?}, or another content"));
        }
        passed(number + 2, number);
    }
    Ok(())
}

fn content(number: u32, place: u64) -> u64 {
    (u64::from(number) << 8 | place).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Pixels, each of its own colour, which tests/boot/test_queues.py knows: each is two requests to the device.
fn screen() -> Result<(), String> {
    let mode = draw(display::Request::Mode)?;
    for number in 0..BUFFERS / 2 {
        let to = Rectangle { x: number % mode.width, y: number / mode.width, width: 1, height: 1 };
        draw(display::Request::Fill { mode: mode.number, to, colour: number.wrapping_mul(2_654_435_761) >> 8 })?;
        passed(2 * number + 2, 2 * number);
    }
    Ok(())
}

fn draw(request: display::Request) -> Result<Mode, String> {
    let mut reply = [0; display::REPLY + Mode::LENGTH];
    let length = service::display.call(&request.encode(), &mut reply).map_err(why)? as usize;
    match display::Status::of(&reply[..length.min(reply.len())]) {
        display::Status::Done => Mode::decode(&reply[display::REPLY..]).ok_or_else(|| "it does not say what it is".into()),
        status => Err(format!("{request:?}: {status:?}")),
    }
}

/// Movements that the machine's operator makes, as many at once as a report has, each by another distance than those around it.
fn movements() -> Result<(), String> {
    listens()?;
    let mut came = 0;
    while came < BUFFERS {
        let mut report: Vec<Event> = (came..came + AT_ONCE).map(|number| Event { kind: RELATIVE, code: X, value: (number % 97) as i32 + 1 }).collect();
        happen(&report)?;
        report.push(Event::END);
        if told(report.len())? != report {
            return Err(format!("other movements came than those from {came} on"));
        }
        passed(came + AT_ONCE + 1, came);
        came += AT_ONCE + 1;
    }
    Ok(())
}

/// Waits until what the operator does is told: before the driver works, it is lost.
fn listens() -> Result<(), String> {
    const AGAIN: i64 = SECOND as i64;
    for value in 1.. {
        let movement = Event { kind: RELATIVE, code: Y, value };
        happen(&[movement])?;
        while sip::wait(&mut [Poll::new(stream::mouse.handle(), events::READABLE)], AGAIN).is_ok() {
            if told(2)? == [movement, Event::END] {
                return Ok(());
            }
        }
    }
    Err("nothing that the operator does is told".into())
}

/// Has the operator do this, at once.
fn happen(events: &[Event]) -> Result<(), String> {
    let mut reply = [0; 64];
    match service::operator.call(request(Seat::Display, events).as_bytes(), &mut reply).map_err(why)? {
        0 => Ok(()),
        length => Err(String::from_utf8_lossy(&reply[..(length as usize).min(reply.len())]).into_owned()),
    }
}

/// The next so many events.
fn told(count: usize) -> Result<Vec<Event>, String> {
    const PATIENCE: i64 = 60 * SECOND as i64;
    let (mut bytes, mut length) = (vec![0; count * LENGTH], 0);
    while length < bytes.len() {
        sip::wait(&mut [Poll::new(stream::mouse.handle(), events::READABLE)], PATIENCE).map_err(|why| format!("what the operator did was not told: {why}"))?;
        length += stream::mouse.read(&mut bytes[length..]).map_err(why)? as usize;
    }
    Ok(bytes.as_chunks::<LENGTH>().0.iter().map(Event::decode).collect())
}
