//! A disk that answers `munal-block/1`, as the device that the library reads and writes.

use core::fmt;
use hadris_io::{Error, ErrorKind, ErrorType};
use hadris_storage::sync::BlockDevice;
use hadris_storage::{BlockIndex, BlockSize};
use munal::block::client::{Client, Fault};
use munal::block::{SECTOR, Status};

/// The protocol's sectors.
const SECTOR_SIZE: BlockSize = BlockSize::new(SECTOR as u32).expect("is not zero");

/// Why a disk did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskError(Fault);

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Fault::Silent => "the disk does not answer",
            Fault::Told(Status::ReadOnly) => "nothing is written to the disk",
            Fault::Told(_) => "the disk failed",
        })
    }
}

impl core::error::Error for DiskError {}

/// A disk.
pub struct Disk<C>(Client<C>);

impl<C: FnMut(&[u8], &mut [u8]) -> Option<usize>> Disk<C> {
    /// The disk that is asked by `call`.
    pub fn new(call: C) -> Result<Self, DiskError> {
        Client::new(call).map(Self).map_err(DiskError)
    }

    /// That `bytes` from the sector `first` on are on the disk, and no part of one.
    fn require(&self, first: BlockIndex, bytes: usize) -> Result<(), Error<DiskError>> {
        let end = first.get().checked_add((bytes / SECTOR) as u64);
        let fits = bytes.is_multiple_of(SECTOR) && end.is_some_and(|end| end <= self.0.info().sectors);
        if fits { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput, "sectors that the disk does not have")) }
    }
}

fn failed(fault: Fault) -> Error<DiskError> {
    match fault {
        Fault::Told(Status::ReadOnly) => Error::new(ErrorKind::ReadOnly, "nothing is written to the disk"),
        other => Error::device(DiskError(other), "the disk failed"),
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
        self.0.info().sectors
    }

    fn writable(&self) -> bool {
        !self.0.info().read_only
    }

    fn read_blocks(&mut self, first: BlockIndex, buf: &mut [u8]) -> Result<(), Error<DiskError>> {
        self.require(first, buf.len())?;
        self.0.read(first.get(), buf).map_err(failed)
    }

    fn write_blocks(&mut self, first: BlockIndex, buf: &[u8]) -> Result<(), Error<DiskError>> {
        self.require(first, buf.len())?;
        self.0.write(first.get(), buf).map_err(failed)
    }

    fn flush(&mut self) -> Result<(), Error<DiskError>> {
        self.0.flush().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::images::Platter;
    use alloc::vec;
    use alloc::vec::Vec;
    use munal::block::{Info, Request};

    /// A disk of 1,000 sectors of zeros, which notes how it was asked.
    fn disk(asked: &mut Vec<(u64, u32)>) -> Disk<impl FnMut(&[u8], &mut [u8]) -> Option<usize> + use<'_>> {
        let mut platter = Platter { bytes: vec![0; 1000 * SECTOR], ..Platter::default() };
        Disk::new(move |request: &[u8], reply: &mut [u8]| {
            if let Request::Read { sector, count } | Request::Write { sector, count } = Request::decode(request)? {
                asked.push((sector, count));
            }
            Some(platter.answer(request, reply))
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
        assert_eq!(Disk::new(|_: &[u8], _: &mut [u8]| Some(1 << 30)).err(), Some(DiskError(Fault::Silent)));
    }
}
