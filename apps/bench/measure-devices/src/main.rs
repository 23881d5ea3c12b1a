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

/// Does a thing so many times, and answers how often that went well.
pub type Job<'a> = &'a mut dyn FnMut(u32) -> Result<u64, Error>;

fn run() -> Result<(), Error> {
    let (mut disk, mut card) = (disk::Disk::new()?, network::Card::new());
    console::say("\nmunal-bench\nnote ready\n")?;
    let mut line = String::new();
    loop {
        console::read_line(&mut line)?;
        let answer = obey(&line, &mut disk, &mut card).unwrap_or_else(|| format!("note failed: {}\n", line.trim_end()));
        console::say(&answer)?;
    }
}

/// Obeys a line; none where it is no command, or what it asks for failed.
fn obey(line: &str, disk: &mut disk::Disk, card: &mut network::Card) -> Option<String> {
    let mut words = line.split_whitespace();
    let (name, operations, samples) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let done = match name {
        "read-4096" => measure(operations, samples, &mut |count| disk.in_order(count, disk::SMALL, disk::Disk::read)),
        "read-65536" => measure(operations, samples, &mut |count| disk.in_order(count, disk::LARGE, disk::Disk::read)),
        "random-4096" => measure(operations, samples, &mut |count| disk.anywhere(count, disk::SMALL)),
        "write-4096" => measure(operations, samples, &mut |count| disk.in_order(count, disk::SMALL, disk::Disk::write)),
        "write-65536" => measure(operations, samples, &mut |count| disk.in_order(count, disk::LARGE, disk::Disk::write)),
        "flush-4096" => measure(operations, samples, &mut |count| disk.in_order(count, disk::SMALL, disk::Disk::write_through)),
        "network" => measure(operations, samples, &mut |count| card.round_trips(count)),
        "ps2" => measure(operations, samples, &mut |count| keyboard::wait_for_keys(count, |buffer| stream::ps2.read(buffer))),
        "virtio-keyboard" => measure(operations, samples, &mut |count| keyboard::wait_for_keys(count, |buffer| stream::keyboard.read(buffer))),
        _ => return None,
    };
    match done {
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

/// The checksum of all samples, which are to be alike, and nanoseconds of each. Errors: those of the job.
fn measure(operations: u32, samples: u32, job: Job<'_>) -> Result<(u64, Vec<u64>), Error> {
    let (mut checksum, mut times) = (u64::MAX, Vec::new());
    for _ in 0..samples.clamp(1, MOST) {
        let start = CLOCK.now();
        let done = job(operations)?;
        times.push(CLOCK.now() - start);
        checksum = checksum.min(done); // one sample that did not go well shows
    }
    Ok((checksum, times))
}
