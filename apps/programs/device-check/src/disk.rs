//! What is asked of a disk: that it gives back what was written to it, and keeps to its end.

use crate::checks::{rate, timed, why};
use crate::{CLOCK, Error};
use alloc::{format, string::String, vec::Vec};
use munal::block::{HEADER, Info, REPLY, Request, SECTOR, Status};

/// The service of a disk's driver.
pub struct Disk {
    /// Asks it; the reply's length.
    pub call: fn(&[u8], &mut [u8]) -> Result<u32, Error>,
}

/// Writes a pattern of its own to the disk's end, in pieces of several sizes, reads it back, and puts back what was there. Gives
/// figures, or why it failed.
pub fn check(disk: &Disk) -> Result<String, String> {
    const SECTORS: usize = 1024;
    let info = disk.ask(Request::Info, &[]).and_then(|(bytes, _)| Info::decode(&bytes).ok_or_else(|| "it does not say what it is".into()))?;
    let first = info.sectors.checked_sub(SECTORS as u64).ok_or("it is shorter than 512 KiB")?;
    let before = disk.read(first, SECTORS, info.most)?.0;
    let tag = CLOCK.now();
    let pattern: Vec<u8> = (0..(SECTORS * SECTOR) as u64 / 8).flat_map(|word| (word ^ tag).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
    let (mut took, mut at, mut size) = (0, 0, 1);
    while at < SECTORS {
        let count = size.min(SECTORS - at).min(info.most as usize);
        took += disk.write(first + at as u64, &pattern[at * SECTOR..(at + count) * SECTOR])?;
        (at, size) = (at + count, size * 2);
    }
    took += disk.ask(Request::Flush, &[])?.1;
    let (found, reading) = disk.read(first, SECTORS, info.most)?;
    disk.write_all(first, &before, info.most)?;
    if found != pattern {
        return Err("what was read is not what was written".into());
    }
    let past = disk.ask(Request::Read { sector: info.sectors, count: 1 }, &[]);
    if past.is_ok() {
        return Err("it reads past its end".into());
    }
    let bytes = SECTORS * SECTOR;
    Ok(format!("{} MiB, reads {}, writes {} with a flush", info.sectors / 2048, rate(bytes, reading), rate(bytes, took)))
}

impl Disk {
    /// The data of a reply, and how many nanoseconds it took to come.
    fn ask(&self, request: Request, data: &[u8]) -> Result<(Vec<u8>, u64), String> {
        let count = if let Request::Read { count, .. } = request { count as usize * SECTOR } else { Info::LENGTH };
        let mut message = Vec::with_capacity(HEADER + data.len());
        message.extend(request.encode());
        message.extend(data);
        let mut reply = alloc::vec![0; REPLY + count];
        let (length, took) = timed(|| (self.call)(&message, &mut reply).map_err(why))?;
        reply.truncate(length as usize);
        match Status::of(&reply) {
            Status::Done => Ok((reply.split_off(REPLY), took)),
            status => Err(format!("{request:?}: {status:?}")),
        }
    }

    fn read(&self, first: u64, sectors: usize, most: u32) -> Result<(Vec<u8>, u64), String> {
        let (mut all, mut took) = (Vec::with_capacity(sectors * SECTOR), 0);
        while all.len() < sectors * SECTOR {
            let at = all.len() / SECTOR;
            let (bytes, took_this) = self.ask(Request::Read { sector: first + at as u64, count: most.min((sectors - at) as u32) }, &[])?;
            all.extend(bytes);
            took += took_this;
        }
        Ok((all, took))
    }

    fn write(&self, sector: u64, data: &[u8]) -> Result<u64, String> {
        self.ask(Request::Write { sector, count: (data.len() / SECTOR) as u32 }, data).map(|(_, took)| took)
    }

    fn write_all(&self, first: u64, data: &[u8], most: u32) -> Result<(), String> {
        let size = most as usize * SECTOR;
        data.chunks(size).enumerate().try_for_each(|(number, piece)| self.write(first + (number * most as usize) as u64, piece).map(|_| ()))
    }
}
