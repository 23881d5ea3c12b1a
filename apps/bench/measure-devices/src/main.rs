//! Obeys commands of its console, NAME OPERATIONS SAMPLES a line: each is answered by a line with the name, the operations of a
//! sample, a checksum, and nanoseconds of each sample.
#![no_std]
#![no_main]

extern crate alloc;

mod console;
mod disk;
mod keyboard;
mod network;

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;

munal::bindings!();
munal::main!(run);

const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

/// The most samples of one command.
const MOST: u32 = 64;

/// What is measured.
struct Devices {
    virtio: disk::Disk,
    sata: disk::Disk,
    card: network::Card,
}

fn run() -> Result<(), Error> {
    let mut devices = Devices {
        virtio: disk::Disk::new(|message, reply| service::virtio.call(message, reply))?,
        sata: disk::Disk::new(|message, reply| service::sata.call(message, reply))?,
        card: network::Card::new(),
    };
    console::say("\nmunal-bench\nnote ready\n")?;
    let mut line = String::new();
    loop {
        console::read_line(&mut line)?;
        let answer = obey(&line, &mut devices).unwrap_or_else(|| format!("note failed: {}\n", line.trim_end()));
        console::say(&answer)?;
    }
}

/// Obeys a line; none where it is no command, or what it asks for failed.
fn obey(line: &str, devices: &mut Devices) -> Option<String> {
    let mut words = line.split_whitespace();
    let (name, operations, samples) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    match measure(samples, || devices.work(name, operations))? {
        Ok((checksum, times)) => {
            let mut answer = format!("bench {name} {operations} {checksum:016x}");
            times.iter().for_each(|time| { let _ = write!(answer, " {time}"); }); // a String takes all
            answer.push('\n');
            Some(answer)
        }
        Err(why) => {
            munal::log!(LOG, "{name}: {why}");
            None
        }
    }
}

impl Devices {
    /// Does a thing so many times, and answers how often that went well; none where it is no thing.
    fn work(&mut self, name: &str, operations: u32) -> Option<Result<u64, Error>> {
        match name.split_once('/') {
            Some(("virtio", kind)) => self.virtio.work(kind, operations),
            Some(("sata", kind)) => self.sata.work(kind, operations),
            Some(_) => None,
            None => Some(match name {
                "network" => self.card.round_trips(operations),
                "ps2" => keyboard::wait_for_keys(operations, |buffer| stream::ps2.read(buffer)),
                "virtio-keyboard" => keyboard::wait_for_keys(operations, |buffer| stream::keyboard.read(buffer)),
                _ => return None,
            }),
        }
    }
}

/// The least that a sample answered, so that one that did not go well shows, and nanoseconds of each. None where there is no such job;
/// errors: those of the job.
fn measure(samples: u32, mut job: impl FnMut() -> Option<Result<u64, Error>>) -> Option<Result<(u64, Vec<u64>), Error>> {
    let (mut checksum, mut times) = (u64::MAX, Vec::new());
    for _ in 0..samples.clamp(1, MOST) {
        let start = CLOCK.now();
        match job()? {
            Ok(done) => checksum = checksum.min(done),
            Err(why) => return Some(Err(why)),
        }
        times.push(CLOCK.now() - start);
    }
    Some(Ok((checksum, times)))
}
