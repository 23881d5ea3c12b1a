//! In each round writes the disk's last sectors with a pattern of the round's own, in pieces of several lengths, has them stay, and
//! reads them in pieces of others. A driver that ends meanwhile is asked again; what the disk could not do is said, and the round
//! begins anew.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::{vec, vec::Vec};
use munal::block::{HEADER, Info, REPLY, Request, SECTOR, Status};

munal::bindings!();
munal::main!(run);

const DISK: service::disk = service::disk;
const LOG: log::log = log::log;

/// The sectors that are written, and the lengths of pieces, again and again.
const SECTORS: usize = 1200;
const WRITTEN: [usize; 5] = [1, 8, 511, 512, 168];
const READ: [usize; 4] = [512, 3, 7, 78];

/// Why a round did not come to its end.
enum Halt {
    /// The disk answered so.
    Said(Request, Status),
    /// Nobody answers any more.
    Alone(Error),
}

fn run() {
    let mut failures = 0;
    for number in 1u32.. {
        loop {
            match round(number) {
                Ok(true) => break munal::log!(LOG, "round {number} after {failures} failures"),
                Ok(false) => return munal::log!(LOG, "round {number}: what was read is not what was written"),
                Err(Halt::Said(request, status)) => {
                    failures += 1;
                    munal::log!(LOG, "{request:?}: {status:?}");
                }
                Err(Halt::Alone(why)) => return munal::log!(LOG, "{why}"),
            }
        }
    }
}

/// Whether what was read is what was written.
fn round(number: u32) -> Result<bool, Halt> {
    let info = ask(Request::Info, &[])?;
    let sectors = Info::decode(&info).map_or(0, |info| info.sectors);
    let first = sectors.saturating_sub(SECTORS as u64);
    let words = (0..(SECTORS * SECTOR / 4) as u32).flat_map(|word| (word ^ number << 20).wrapping_mul(0x9e37_79b1).to_le_bytes());
    let pattern: Vec<u8> = words.collect();
    for (at, count) in pieces(&WRITTEN) {
        ask(Request::Write { sector: first + at as u64, count: count as u32 }, &pattern[at * SECTOR..(at + count) * SECTOR])?;
    }
    ask(Request::Flush, &[])?;
    let mut found = Vec::with_capacity(pattern.len());
    for (at, count) in pieces(&READ) {
        found.extend(ask(Request::Read { sector: first + at as u64, count: count as u32 }, &[])?);
    }
    Ok(found == pattern)
}

/// All sectors in pieces of these lengths: where each begins, and how long it is.
fn pieces(lengths: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    lengths.iter().cycle().map_while(move |&length| {
        let piece = (at, length.min(SECTORS - at));
        at += piece.1;
        (piece.1 > 0).then_some(piece)
    })
}

/// The data of a reply.
fn ask(request: Request, data: &[u8]) -> Result<Vec<u8>, Halt> {
    let mut message = Vec::with_capacity(HEADER + data.len());
    message.extend(request.encode());
    message.extend(data);
    let count = if let Request::Read { count, .. } = request { count as usize * SECTOR } else { Info::LENGTH };
    let mut reply = vec![0; REPLY + count];
    loop {
        match DISK.call(&message, &mut reply) {
            Ok(length) => reply.truncate(length as usize),
            Err(Error::Restarted) => continue,
            Err(why) => return Err(Halt::Alone(why)),
        }
        return match Status::of(&reply) {
            Status::Done => Ok(reply.split_off(REPLY)),
            status => Err(Halt::Said(request, status)),
        };
    }
}
