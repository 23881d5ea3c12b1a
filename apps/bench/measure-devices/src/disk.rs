//! A disk's blocks. Each sector begins with its number.

use crate::Error;
use alloc::vec::Vec;
use munal::block::{HEADER, Info, REPLY, Request, SECTOR, Status};

/// Bytes of a request.
const SMALL: usize = 4096;
/// Bytes of a large request.
const LARGE: usize = 65536;

/// How a driver is asked.
type Call = fn(&[u8], &mut [u8]) -> Result<u32, Error>;

/// A disk, where on it the next request in order is, and what the generator of places has come to.
pub struct Disk {
    call: Call,
    sectors: u64,
    next: u64,
    state: u64,
    message: Vec<u8>,
    reply: Vec<u8>,
}

impl Disk {
    /// Asks how long it is. Errors: nobody answers.
    pub fn new(call: Call) -> Result<Self, Error> {
        let mut disk = Self { call, sectors: 0, next: 0, state: 0, message: alloc::vec![0; HEADER + LARGE], reply: alloc::vec![0; REPLY + LARGE] };
        disk.ask(Request::Info, 0)?;
        disk.sectors = Info::decode(&disk.reply[REPLY..]).map_or(0, |info| info.sectors);
        Ok(disk)
    }

    /// Makes so many requests, by the name of their kind; none where there is no such kind. Errors: nobody answers.
    pub fn work(&mut self, kind: &str, operations: u32) -> Option<Result<u64, Error>> {
        Some(match kind {
            "read-4096" => self.in_order(operations, SMALL, Self::read),
            "read-65536" => self.in_order(operations, LARGE, Self::read),
            "random-4096" => self.anywhere(operations, SMALL),
            "write-4096" => self.in_order(operations, SMALL, Self::write),
            "write-65536" => self.in_order(operations, LARGE, Self::write),
            "flush-4096" => self.in_order(operations, SMALL, Self::write_through),
            _ => return None,
        })
    }

    /// One request after the other, to the disk's end and again from its start; answers how many went well.
    fn in_order(&mut self, operations: u32, bytes: usize, request: fn(&mut Self, u64, usize) -> Result<bool, Error>) -> Result<u64, Error> {
        let (mut done, count) = (0, (bytes / SECTOR) as u64);
        for _ in 0..operations {
            let sector = self.next / count * count;
            let sector = if sector + count <= self.sectors { sector } else { 0 };
            done += u64::from(request(self, sector, bytes)?);
            self.next = sector + count;
        }
        Ok(done)
    }

    /// Reads blocks as a linear congruential generator has them (Knuth's MMIX).
    fn anywhere(&mut self, operations: u32, bytes: usize) -> Result<u64, Error> {
        let (mut done, count) = (0, (bytes / SECTOR) as u64);
        for _ in 0..operations {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            done += u64::from(self.read((self.state >> 33) % (self.sectors / count).max(1) * count, bytes)?);
        }
        Ok(done)
    }

    /// Whether sectors were read that begin with their numbers; the first and the last are looked at.
    fn read(&mut self, sector: u64, bytes: usize) -> Result<bool, Error> {
        let count = (bytes / SECTOR) as u32;
        let status = self.ask(Request::Read { sector, count }, 0)?;
        let number = |at: usize| self.reply[REPLY + at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        Ok(status == Status::Done && number(0) == Some(sector) && number(bytes - SECTOR) == Some(sector + u64::from(count) - 1))
    }

    /// Whether sectors that begin with their numbers were written.
    fn write(&mut self, sector: u64, bytes: usize) -> Result<bool, Error> {
        for (number, place) in (sector..).zip(self.message[HEADER..HEADER + bytes].chunks_exact_mut(SECTOR)) {
            place[..8].copy_from_slice(&u64::to_le_bytes(number));
        }
        Ok(self.ask(Request::Write { sector, count: (bytes / SECTOR) as u32 }, bytes)? == Status::Done)
    }

    /// Whether they were written, and outlive a loss of power.
    fn write_through(&mut self, sector: u64, bytes: usize) -> Result<bool, Error> {
        Ok(self.write(sector, bytes)? && self.ask(Request::Flush, 0)? == Status::Done)
    }

    fn ask(&mut self, request: Request, data: usize) -> Result<Status, Error> {
        self.message[..HEADER].copy_from_slice(&request.encode());
        let length = (self.call)(&self.message[..HEADER + data], &mut self.reply)? as usize;
        Ok(Status::of(&self.reply[..length.min(self.reply.len())]))
    }
}
