//! A medium on a disk of the protocol `munal-block/1`.

use crate::medium::{Blocks, Fault};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use munal::block::{HEADER, Info, REPLY, Request, SECTOR, Status};

/// What asks the driver: sends a request and stores the reply; gives the reply's length, or none where no answer came.
pub type Ask = fn(&[u8], &mut [u8]) -> Option<usize>;

/// A disk.
pub struct Disk {
    ask: Ask,
    info: Info,
    /// A request, and a reply.
    buffers: spin::Mutex<(Vec<u8>, Vec<u8>)>,
}

impl Disk {
    /// The disk that a driver has. Errors: it does not answer, or cannot be written.
    pub fn open(ask: Ask) -> Result<Self, Fault> {
        let mut reply = [0; REPLY + Info::LENGTH];
        let length = ask(&Request::Info.encode(), &mut reply).ok_or(Fault::Gone)?;
        let answer = reply.get(..length).ok_or(Fault::Gone)?;
        if Status::of(answer) != Status::Done {
            return Err(Fault::Failed);
        }
        let info = Info::decode(&answer[REPLY..]).filter(|info| info.most > 0).ok_or(Fault::Gone)?;
        let most = info.most.min(256) as usize * SECTOR;
        let buffers = (vec![0; HEADER + most], vec![0; REPLY + most]);
        Ok(Self { ask, info, buffers: spin::Mutex::new(buffers) })
    }

    /// Whether nothing is written to it.
    pub fn is_read_only(&self) -> bool {
        self.info.read_only
    }

    /// Bytes that go into one request.
    fn most(&self) -> usize {
        self.info.most.min(256) as usize * SECTOR
    }

    /// Whole sectors, into the reply's buffer.
    fn read_sectors<'a>(&self, reply: &'a mut [u8], sector: u64, count: usize) -> Result<&'a mut [u8], Fault> {
        let request = Request::Read { sector, count: count as u32 };
        self.asked(&request.encode(), reply, count * SECTOR)?;
        Ok(&mut reply[REPLY..REPLY + count * SECTOR])
    }

    /// Sends a request whose reply has `expected` bytes of data.
    fn asked(&self, request: &[u8], reply: &mut [u8], expected: usize) -> Result<(), Fault> {
        let length = (self.ask)(request, reply).ok_or(Fault::Gone)?;
        let answer = reply.get(..length).ok_or(Fault::Gone)?;
        match Status::of(answer) {
            Status::Done if answer.len() == REPLY + expected => Ok(()),
            Status::Failed | Status::ReadOnly => Err(Fault::Failed),
            _ => Err(Fault::Gone),
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Blocks for Disk {
    fn capacity(&self) -> Option<u64> {
        self.info.sectors.checked_mul(SECTOR as u64).or(Some(u64::MAX))
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        let mut buffers = self.buffers.lock();
        let mut at = 0;
        while at < bytes.len() {
            let place = offset + at as u64;
            let within = (place % SECTOR as u64) as usize;
            let part = (self.most() - within).min(bytes.len() - at);
            let sectors = self.read_sectors(&mut buffers.1, place / SECTOR as u64, (within + part).div_ceil(SECTOR))?;
            bytes[at..at + part].copy_from_slice(&sectors[within..within + part]);
            at += part;
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8], _last: bool) -> Result<(), Fault> {
        let mut buffers = self.buffers.lock();
        let (request, reply) = &mut *buffers;
        let mut at = 0;
        while at < bytes.len() {
            let place = offset + at as u64;
            let (sector, within) = (place / SECTOR as u64, (place % SECTOR as u64) as usize);
            let part = (self.most() - within).min(bytes.len() - at);
            let count = (within + part).div_ceil(SECTOR);
            let data = &mut request[HEADER..HEADER + count * SECTOR];
            // What of the first and the last sector is not written stays.
            if within != 0 {
                data[..SECTOR].copy_from_slice(self.read_sectors(reply, sector, 1)?);
            }
            if (within + part) % SECTOR != 0 && (within == 0 || count > 1) {
                data[(count - 1) * SECTOR..].copy_from_slice(self.read_sectors(reply, sector + count as u64 - 1, 1)?);
            }
            data[within..within + part].copy_from_slice(&bytes[at..at + part]);
            request[..HEADER].copy_from_slice(&Request::Write { sector, count: count as u32 }.encode());
            self.asked(&request[..HEADER + count * SECTOR], reply, 0)?;
            at += part;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), Fault> {
        let mut reply = [0; REPLY];
        self.asked(&Request::Flush.encode(), &mut reply, 0)
    }
}
