//! How a driver of a disk answers: what needs no device is answered here, all else is carried out.

use super::{HEADER, Info, REPLY, Request, SECTOR, Status};
use crate::memory::{Memory, PAGE};

/// Memory for a request and its reply: a page at whose end the request's header is, or the reply's, and the data behind it, in
/// pages of its own, where a device takes it from or puts it to.
pub struct Message(Memory);

impl Message {
    /// One whose data has up to so many pages.
    pub fn new(pages: usize) -> Self {
        Self(Memory::new(1 + pages))
    }

    /// Where the next request comes to.
    pub fn request(&mut self) -> &mut [u8] {
        &mut self.0.all()[PAGE - HEADER..]
    }

    /// The reply to the request of `length` bytes for the disk `info`. `carry_out` has the disk do what is left to do: a read, a write or
    /// a flush that this disk can do, with the pieces of its data; it tells how that went. Errors: those of `carry_out`.
    pub fn answer<E>(&mut self, length: usize, info: &Info, carry_out: impl FnOnce(Request, Pieces<'_>) -> Result<Status, E>) -> Result<&[u8], E> {
        let room = self.request().len();
        let request = Request::decode(&self.request()[..length.min(room)]);
        let status = match request {
            Some(request) if length <= room => info.judge(request, length - HEADER),
            _ => Status::Malformed,
        };
        let Some(request) = request.filter(|_| status == Status::Done) else { return Ok(self.reply(status, 0)) };
        let (status, length) = match request {
            Request::Info => {
                let info = info.encode();
                self.0.page(1)[..info.len()].copy_from_slice(&info);
                (Status::Done, info.len())
            }
            Request::Read { count, .. } => (carry_out(request, self.pieces(count))?, count as usize * SECTOR),
            Request::Write { count, .. } => (carry_out(request, self.pieces(count))?, 0),
            Request::Flush => (carry_out(request, self.pieces(0))?, 0),
        };
        Ok(self.reply(status, if status == Status::Done { length } else { 0 }))
    }

    fn pieces(&self, sectors: u32) -> Pieces<'_> {
        Pieces { memory: &self.0, at: 0, end: sectors as usize * SECTOR }
    }

    fn reply(&mut self, status: Status, length: usize) -> &[u8] {
        self.0.page(0)[PAGE - REPLY..].copy_from_slice(&status.encode());
        &self.0.all()[PAGE - REPLY..PAGE + length]
    }
}

/// The pieces of a request's data, none of which leaves its page: the driver's address of each, and its length in bytes.
#[derive(Clone)]
pub struct Pieces<'a> {
    memory: &'a Memory,
    at: usize,
    end: usize,
}

impl Iterator for Pieces<'_> {
    type Item = (u64, u32);

    fn next(&mut self) -> Option<Self::Item> {
        let length = (self.end - self.at).min(PAGE);
        let address = self.memory.address(1 + self.at / PAGE);
        self.at += length;
        (length > 0).then_some((address, length as u32))
    }
}

#[cfg(test)]
mod tests {
    extern crate alloc;

    use super::*;
    use alloc::vec::Vec;

    const DISK: Info = Info { sectors: 100, most: 16, read_only: false };

    /// The reply to a request with `data` behind it, and the lengths of the pieces that were carried out.
    fn answered(request: &[u8], data: usize, how: Result<Status, ()>) -> (Result<Vec<u8>, ()>, Option<Vec<u32>>) {
        let (mut message, mut carried) = (Message::new(2), None);
        message.request()[..request.len()].copy_from_slice(request);
        let reply = message.answer(request.len() + data, &DISK, |_, pieces| {
            assert!(pieces.clone().all(|(address, _)| address % PAGE as u64 == 0));
            carried = Some(pieces.map(|(_, length)| length).collect());
            how
        });
        (reply.map(<[u8]>::to_vec), carried)
    }

    #[test]
    fn what_it_is_needs_no_device() {
        let reply = [&Status::Done.encode()[..], &DISK.encode()].concat();
        assert_eq!(answered(&Request::Info.encode(), 0, Err(())), (Ok(reply), None));
    }

    #[test]
    fn data_lies_in_pages_that_lie_together() {
        let read = |count| answered(&Request::Read { sector: 1, count }.encode(), 0, Ok(Status::Done));
        let (reply, carried) = read(9);
        assert_eq!((reply.map(|bytes| bytes.len()), carried), (Ok(REPLY + 9 * SECTOR), Some([4096, 512].to_vec())));
        assert_eq!(read(8).1, Some([4096].to_vec()));
        let written = answered(&Request::Write { sector: 1, count: 16 }.encode(), 16 * SECTOR, Ok(Status::Done));
        assert_eq!(written, (Ok(Status::Done.encode().to_vec()), Some([4096, 4096].to_vec())));
        assert_eq!(answered(&Request::Flush.encode(), 0, Ok(Status::Done)), (Ok(Status::Done.encode().to_vec()), Some(Vec::new())));
    }

    #[test]
    fn what_went_wrong_comes_without_data() {
        let read = Request::Read { sector: 1, count: 1 }.encode();
        assert_eq!(answered(&read, 0, Ok(Status::Failed)).0, Ok(Status::Failed.encode().to_vec()));
        assert_eq!(answered(&read, 0, Err(())).0, Err(()));
    }

    #[test]
    fn what_no_disk_can_do_reaches_none() {
        let refused = |request: &[u8], data| match answered(request, data, Err(())) {
            (Ok(reply), None) => Status::of(&reply),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&Request::Read { sector: 100, count: 1 }.encode(), 0), Status::OutOfRange);
        assert_eq!(refused(&Request::Write { sector: 0, count: 17 }.encode(), 17 * SECTOR), Status::Malformed, "longer than there is room for");
        assert_eq!(refused(&Request::Write { sector: 0, count: 2 }.encode(), SECTOR), Status::Malformed);
        assert_eq!((refused(&[], 0), refused(&[9; HEADER], 0)), (Status::Malformed, Status::Malformed));
    }
}
