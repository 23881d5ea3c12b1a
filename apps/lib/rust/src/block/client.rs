//! A client's side of the protocol: reads and writes whole sectors, in as many requests as that takes.

extern crate alloc;

use super::{HEADER, Info, REPLY, Request, SECTOR, Status};
use alloc::vec::Vec;

/// The most sectors of one request: 128 KiB, whatever more the disk would take.
const MOST: u32 = 256;

/// Why a disk did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not answer, or its answer is none.
    Silent,
    /// It says so.
    Told(Status),
}

/// A disk. `call` sends a request and stores the reply; it gives the reply's length, or none where none came.
pub struct Client<C> {
    call: C,
    info: Info,
    request: Vec<u8>,
    reply: Vec<u8>,
}

impl<C: FnMut(&[u8], &mut [u8]) -> Option<usize>> Client<C> {
    /// The disk that is asked by `call`.
    pub fn new(call: C) -> Result<Self, Fault> {
        let none = Info { sectors: 0, most: 0, read_only: true };
        let mut client = Self { call, info: none, request: alloc::vec![0; HEADER], reply: alloc::vec![0; REPLY + Info::LENGTH] };
        let info = Info::decode(client.ask(Request::Info, 0, Info::LENGTH)?).filter(|info| info.most > 0).ok_or(Fault::Silent)?;
        client.info = Info { most: info.most.min(MOST), ..info };
        let room = client.most() * SECTOR;
        (client.request, client.reply) = (alloc::vec![0; HEADER + room], alloc::vec![0; REPLY + room]);
        Ok(client)
    }

    /// What disk it is; `most` is how many sectors go into one request of this client's.
    pub const fn info(&self) -> Info {
        self.info
    }

    /// Sectors that go into one request.
    pub const fn most(&self) -> usize {
        self.info.most as usize
    }

    /// At most `most` sectors from `sector` on, by one request.
    pub fn sectors(&mut self, sector: u64, count: usize) -> Result<&[u8], Fault> {
        self.ask(Request::Read { sector, count: count as u32 }, 0, count * SECTOR)
    }

    /// At most `most` sectors from `sector` on become what `fill` makes of them, by one request.
    pub fn fill(&mut self, sector: u64, count: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), Fault> {
        fill(&mut self.request[HEADER..HEADER + count * SECTOR]);
        self.ask(Request::Write { sector, count: count as u32 }, count * SECTOR, 0).map(|_| ())
    }

    /// The whole sectors from `sector` on.
    pub fn read(&mut self, mut sector: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        for part in bytes.chunks_mut(self.most() * SECTOR) {
            let count = part.len() / SECTOR;
            part.copy_from_slice(self.sectors(sector, count)?);
            sector += count as u64;
        }
        Ok(())
    }

    /// That the whole sectors from `sector` on become these.
    pub fn write(&mut self, mut sector: u64, bytes: &[u8]) -> Result<(), Fault> {
        for part in bytes.chunks(self.most() * SECTOR) {
            let count = part.len() / SECTOR;
            self.fill(sector, count, |data| data.copy_from_slice(part))?;
            sector += count as u64;
        }
        Ok(())
    }

    /// That what was written so far stays.
    pub fn flush(&mut self) -> Result<(), Fault> {
        self.ask(Request::Flush, 0, 0).map(|_| ())
    }

    /// Has the disk do something with `data` bytes that are in place, and gives the `answer` bytes that it is to give.
    fn ask(&mut self, request: Request, data: usize, answer: usize) -> Result<&[u8], Fault> {
        self.request[..HEADER].copy_from_slice(&request.encode());
        let length = (self.call)(&self.request[..HEADER + data], &mut self.reply).ok_or(Fault::Silent)?;
        let reply = self.reply.get(..length).ok_or(Fault::Silent)?;
        match Status::of(reply) {
            Status::Done => Some(&reply[REPLY..]).filter(|told| told.len() == answer).ok_or(Fault::Silent),
            status => Err(Fault::Told(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// A disk of 1,000 sectors of zeros, which notes how it was asked.
    fn disk(asked: &mut Vec<(u64, u32)>) -> Client<impl FnMut(&[u8], &mut [u8]) -> Option<usize> + use<'_>> {
        let info = Info { sectors: 1000, most: 1 << 20, read_only: false };
        Client::new(move |request: &[u8], reply: &mut [u8]| {
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
        assert_eq!((disk.info().sectors, disk.most(), disk.flush()), (1000, 256, Ok(())));
        let mut bytes = vec![1; 600 * SECTOR];
        disk.read(3, &mut bytes).expect("reads");
        disk.write(999, &[1; SECTOR]).expect("writes");
        drop(disk);
        assert!(bytes.iter().all(|&byte| byte == 0));
        assert_eq!(asked, [(3, 256), (259, 256), (515, 88), (999, 1)]);
    }

    #[test]
    fn what_is_written_is_what_fills_it() {
        let mut written = Vec::new();
        let mut disk = Client::new(|request: &[u8], reply: &mut [u8]| {
            let info = Info { sectors: 9, most: 2, read_only: false };
            reply[..REPLY].copy_from_slice(&Status::Done.encode());
            if Request::decode(request)? == Request::Info {
                reply[REPLY..REPLY + Info::LENGTH].copy_from_slice(&info.encode());
                return Some(REPLY + Info::LENGTH);
            }
            written.push(request.to_vec());
            Some(REPLY)
        })
        .expect("answers");
        disk.fill(7, 2, |data| data.fill(5)).expect("writes");
        drop(disk);
        let wanted = [&Request::Write { sector: 7, count: 2 }.encode()[..], &[5; 2 * SECTOR]].concat();
        assert_eq!(written, [wanted]);
    }

    #[test]
    fn answers_that_are_none_are_errors() {
        let done = Status::Done.encode();
        let info = |most| Info { sectors: 9, most, read_only: false }.encode();
        for answer in [None, Some(vec![]), Some(done.to_vec()), Some([&done[..], &info(0)].concat()), Some([&done[..], &info(1)[1..]].concat())] {
            let asked = Client::new(|_: &[u8], reply: &mut [u8]| {
                let answer = answer.as_ref()?;
                reply[..answer.len()].copy_from_slice(answer);
                Some(answer.len())
            });
            assert!(asked.is_err());
        }
        assert_eq!(Client::new(|_: &[u8], _: &mut [u8]| Some(1 << 30)).err(), Some(Fault::Silent));
        let refused = Client::new(|_: &[u8], reply: &mut [u8]| {
            reply[..REPLY].copy_from_slice(&Status::Failed.encode());
            Some(REPLY)
        });
        assert_eq!(refused.err(), Some(Fault::Told(Status::Failed)));
    }
}
