//! Keeps folders and files for its clients, on the disk that it is granted or in memory. What was written and not synced is made to
//! last a second later.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use munal::FOREVER;
use munal::files::{BADGE_MOST, Badge, MOST};
use munal::time::SECOND;
use store::disk::Disk;
use store::medium::{Blocks, Medium};
use store::memory::Memory;
use store::server;
use store::store::Store;

munal::bindings!();
munal::main!(run);

const DISK: service::disk = service::disk;
const CLOCK: clock::time = clock::time;
const WALL: wall::time = wall::time;
const LOG: log::log = log::log;
const CLIENTS: files_server::files = files_server::files;

/// Bytes of memory for what was read and written last.
const DISK_CACHE: usize = 4 << 20;
const MEMORY_CACHE: usize = 256 << 10;
/// For how long what was written may wait for a sync, in nanoseconds.
const LAG: u64 = SECOND;

fn run() -> Result<(), Error> {
    if DISK.granted() == 0 {
        return serve_on(Memory::default(), MEMORY_CACHE);
    }
    match Disk::open(ask) {
        Ok(disk) if disk.is_read_only() => say("the disk may only be read"),
        Ok(disk) => serve_on(disk, DISK_CACHE),
        Err(fault) => say(fault),
    }
}

/// Asks the disk's driver. One that was started anew in between is asked again: whatever it was asked for can be done twice.
fn ask(request: &[u8], reply: &mut [u8]) -> Option<usize> {
    munal::again(Error::Restarted, || DISK.call(request, reply)).map(|length| length as usize)
}

/// Says what keeps the service from being one, which ends it.
fn say(why: impl core::fmt::Display) -> Result<(), Error> {
    munal::log!(LOG, "{why}");
    Ok(())
}

fn serve_on(blocks: impl Blocks, cache: usize) -> Result<(), Error> {
    let medium = match Medium::open(blocks) {
        Ok(medium) => medium,
        Err(refusal) => return say(refusal),
    };
    let (was_made, room) = (medium.is_made(), medium.room());
    let store = match Store::open(medium, cache, CLOCK.now().max(1), time()) {
        Ok(store) => store,
        Err(refusal) => return say(refusal),
    };
    match room {
        Some(room) if was_made => munal::log!(LOG, "files on a disk, {} MiB of room", room >> 20),
        Some(room) => munal::log!(LOG, "made a store on a blank disk, {} MiB of room", room >> 20),
        None => munal::log!(LOG, "files in memory"),
    };
    serve(store)
}

/// The time of day in nanoseconds since 1970; 0 where nobody knows.
fn time() -> u64 {
    if WALL.granted() == 0 { 0 } else { WALL.now() }
}

fn serve(mut store: Store<impl Blocks>) -> Result<(), Error> {
    let (mut request, mut reply) = (vec![0; MOST], vec![0; MOST]);
    let mut badge = [0; BADGE_MOST];
    let mut due = None;
    loop {
        let received = CLIENTS.receive(&mut request, patience(due));
        if let Ok(length) = received {
            let badge = CLIENTS.badge(&mut badge).ok().and_then(|length| badge.get(..length as usize)).and_then(Badge::decode);
            let request = request.get(..length as usize).unwrap_or(&[]);
            let length = server::answer(&mut store, badge, request, time(), &mut reply);
            match CLIENTS.reply(&reply[..length]) {
                Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
                Err(why) => return Err(why),
            }
        } else if received != Err(Error::TimedOut) {
            received?;
        }
        if patience(due) == 0 {
            let _ = store.sync(); // where it fails, the note below says so
        }
        due = store.is_pending().then(|| due.unwrap_or(CLOCK.now() + LAG));
        if let Some(note) = store.take_note() {
            munal::log!(LOG, "{note}");
        }
        if store.is_damaged() {
            return Ok(());
        }
    }
}

/// For how long to wait for a request, in nanoseconds, where something is due.
fn patience(due: Option<u64>) -> i64 {
    due.map_or(FOREVER, |due| due.saturating_sub(CLOCK.now()) as i64)
}
