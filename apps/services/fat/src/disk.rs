//! A disk that answers `munal-block/1`, as the device that the library reads and writes.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use hadris_io::{Error, ErrorKind, ErrorType};
use hadris_storage::sync::BlockDevice;
use hadris_storage::{BlockIndex, BlockSize};
use munal::block::{HEADER, Info, REPLY, Request, SECTOR, Status};

/// The most sectors of one request: 128 KiB, whatever more the disk would take.
const MOST: u32 = 256;
/// The protocol's sectors.
const SECTOR_SIZE: BlockSize = BlockSize::new(SECTOR as u32).expect("is not zero");

/// Why a disk did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskError {
    /// It does not answer, or its answer is none.
    Silent,
    /// It says so.
    Told(Status),
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "the disk does not answer",
            Self::Told(Status::ReadOnly) => "nothing is written to the disk",
            Self::Told(_) => "the disk failed",
        })
    }
}

impl core::error::Error for DiskError {}

/// A disk. `call` sends a request and stores the reply; it gives the reply's length, or none where none came.
pub struct Disk<C> {
    call: C,
    info: Info,
    request: Vec<u8>,
    reply: Vec<u8>,
}

impl<C: FnMut(&[u8], &mut [u8]) -> Option<usize>> Disk<C> {
    /// The disk that is asked by `call`.
    pub fn new(call: C) -> Result<Self, DiskError> {
        let none = Info { sectors: 0, most: 0, read_only: true };
        let mut disk = Self { call, info: none, request: vec![0; HEADER], reply: vec![0; REPLY + Info::LENGTH] };
        let info = Info::decode(disk.ask(Request::Info, &[], Info::LENGTH)?).filter(|info| info.most > 0).ok_or(DiskError::Silent)?;
        disk.info = Info { most: info.most.min(MOST), ..info };
        let room = disk.info.most as usize * SECTOR;
        (disk.request, disk.reply) = (vec![0; HEADER + room], vec![0; REPLY + room]);
        Ok(disk)
    }

    /// Has the disk do something, and gives the `answer` bytes that it is to give.
    fn ask(&mut self, request: Request, data: &[u8], answer: usize) -> Result<&[u8], DiskError> {
        self.request[..HEADER].copy_from_slice(&request.encode());
        self.request[HEADER..HEADER + data.len()].copy_from_slice(data);
        let length = (self.call)(&self.request[..HEADER + data.len()], &mut self.reply).ok_or(DiskError::Silent)?;
        let reply = self.reply.get(..length).ok_or(DiskError::Silent)?;
        match Status::of(reply) {
            Status::Done => reply[REPLY..].get(..answer).ok_or(DiskError::Silent),
            status => Err(DiskError::Told(status)),
        }
    }

    /// The most bytes of one request.
    fn most(&self) -> usize {
        self.info.most as usize * SECTOR
    }

    /// That `bytes` from the sector `first` on are on the disk, and no part of one.
    fn require(&self, first: BlockIndex, bytes: usize) -> Result<(), Error<DiskError>> {
        let end = first.get().checked_add((bytes / SECTOR) as u64);
        let fits = bytes.is_multiple_of(SECTOR) && end.is_some_and(|end| end <= self.info.sectors);
        if fits { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput, "sectors that the disk does not have")) }
    }
}

fn failed(error: DiskError) -> Error<DiskError> {
    match error {
        DiskError::Told(Status::ReadOnly) => Error::new(ErrorKind::ReadOnly, "nothing is written to the disk"),
        other => Error::device(other, "the disk failed"),
    }
}

impl<C> ErrorType for Disk<C> {
    type Error = DiskError;
}

impl<C: FnMut(&[u8], &mut [u8]) -> Option<usize>> BlockDevice for Disk<C> {
    fn block_size(&self) -> BlockSize {
        SECTOR_SIZE
    }

    fn block_count(&self) -> u64 {
        self.info.sectors
    }

    fn writable(&self) -> bool {
        !self.info.read_only
    }

    fn read_blocks(&mut self, first: BlockIndex, buf: &mut [u8]) -> Result<(), Error<DiskError>> {
        self.require(first, buf.len())?;
        let mut sector = first.get();
        for part in buf.chunks_mut(self.most()) {
            let count = (part.len() / SECTOR) as u32;
            part.copy_from_slice(self.ask(Request::Read { sector, count }, &[], part.len()).map_err(failed)?);
            sector += u64::from(count);
        }
        Ok(())
    }

    fn write_blocks(&mut self, first: BlockIndex, buf: &[u8]) -> Result<(), Error<DiskError>> {
        self.require(first, buf.len())?;
        let mut sector = first.get();
        for part in buf.chunks(self.most()) {
            let count = (part.len() / SECTOR) as u32;
            self.ask(Request::Write { sector, count }, part, 0).map_err(failed)?;
            sector += u64::from(count);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error<DiskError>> {
        self.ask(Request::Flush, &[], 0).map(|_| ()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk of 1,000 sectors of zeros but for one, which notes how it was asked.
    fn disk(asked: &mut Vec<(u64, u32)>) -> Disk<impl FnMut(&[u8], &mut [u8]) -> Option<usize> + use<'_>> {
        let info = Info { sectors: 1000, most: 1 << 20, read_only: false };
        Disk::new(move |request: &[u8], reply: &mut [u8]| {
            let what = Request::decode(request)?;
            reply[..REPLY].copy_from_slice(&info.judge(what, request.len() - HEADER).encode());
            match what {
                Request::Info => {
                    reply[REPLY..REPLY + Info::LENGTH].copy_from_slice(&info.encode());
                    Some(REPLY + Info::LENGTH)
                }
                Request::Read { sector, count } => {
                    asked.push((sector, count));
                    reply[REPLY..REPLY + count as usize * SECTOR].fill(0);
                    Some(REPLY + count as usize * SECTOR)
                }
                Request::Write { sector, count } => {
                    asked.push((sector, count));
                    Some(REPLY)
                }
                Request::Flush => Some(REPLY),
            }
        })
        .expect("answers")
    }

    #[test]
    fn what_does_not_go_into_one_request_goes_into_several() {
        let mut asked = Vec::new();
        let mut disk = disk(&mut asked);
        disk.read_blocks(BlockIndex::new(3), &mut vec![1; 600 * SECTOR]).expect("reads");
        disk.write_blocks(BlockIndex::new(999), &[1; SECTOR]).expect("writes");
        drop(disk);
        assert_eq!(asked, [(3, 256), (259, 256), (515, 88), (999, 1)]);
    }

    #[test]
    fn what_leaves_the_disk_is_not_asked_for() {
        let mut asked = Vec::new();
        let mut disk = disk(&mut asked);
        for first in [999, 1000, u64::MAX] {
            assert_eq!(disk.read_blocks(BlockIndex::new(first), &mut [0; 2 * SECTOR]).expect_err("is refused").kind(), ErrorKind::InvalidInput);
            assert_eq!(disk.write_blocks(BlockIndex::new(first), &[0; 2 * SECTOR]).expect_err("is refused").kind(), ErrorKind::InvalidInput);
        }
        drop(disk);
        assert_eq!(asked, []);
    }

    #[test]
    fn answers_that_are_none_are_errors() {
        let done = Status::Done.encode();
        for answer in [None, Some(vec![]), Some(done.to_vec()), Some([&done[..], &Info { sectors: 9, most: 0, read_only: false }.encode()].concat())] {
            let asked = Disk::new(|_: &[u8], reply: &mut [u8]| {
                let answer = answer.as_ref()?;
                reply[..answer.len()].copy_from_slice(answer);
                Some(answer.len())
            });
            assert!(asked.is_err());
        }
        assert_eq!(Disk::new(|_: &[u8], _: &mut [u8]| Some(1 << 30)).err(), Some(DiskError::Silent));
    }
}
