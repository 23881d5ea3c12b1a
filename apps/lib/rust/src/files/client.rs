//! A client's side of the protocol: one function for each request, which asks and takes the answer apart.

extern crate alloc;

use super::{Entry, HEADER, LISTED, MOST, PART_MOST, PATH_MOST, Path, REPLY, Reply, Request, Space, Status, listed};
use alloc::vec::Vec;

/// The least room of a client: for any request with both of its paths, and for an entry of a list.
pub const ROOM_LEAST: usize = HEADER + 2 * PATH_MOST;

/// Why a request was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service says so.
    Told(Status),
    /// The service gives no answer, or one that is none.
    Silent,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Told(status) => status.fmt(f),
            Self::Silent => f.write_str("the service does not answer"),
        }
    }
}

/// A client of one service. `call` sends a request and stores the reply; it gives the reply's length, or none where none came.
pub struct Client<C> {
    call: C,
    request: Vec<u8>,
    reply: Vec<u8>,
    /// The life of the service in which the first write since the last sync was done; 0 where there was none.
    life: u64,
}

impl<C: FnMut(&[u8], &mut [u8]) -> Option<usize>> Client<C> {
    /// One that asks for at most `room` bytes at once; from `ROOM_LEAST` to `MOST`.
    pub fn new(call: C, room: usize) -> Self {
        let room = room.clamp(ROOM_LEAST, MOST);
        Self { call, request: alloc::vec![0; room], reply: alloc::vec![0; room], life: 0 }
    }

    /// What is at a path.
    pub fn stat(&mut self, path: Path<'_>) -> Result<Entry, Fault> {
        self.ask(&Request::Stat { path }).and_then(|(_, answer)| Entry::decode(answer).ok_or(Fault::Silent))
    }

    /// Reads bytes of a file from `offset` on; gives how many there were, fewer than there is room for at the file's end alone.
    pub fn read(&mut self, path: Path<'_>, offset: u64, room: &mut [u8]) -> Result<usize, Fault> {
        let most = self.reply.len() - REPLY;
        let mut count = 0;
        while count < room.len() {
            let length = (room.len() - count).min(most);
            let (_, bytes) = self.ask(&Request::Read { path, offset: offset.saturating_add(count as u64), length: length as u32 })?;
            room.get_mut(count..count + bytes.len()).ok_or(Fault::Silent)?.copy_from_slice(bytes);
            count += bytes.len();
            if bytes.len() < length {
                break;
            }
        }
        Ok(count)
    }

    /// Writes bytes of a file from `offset` on, in as many requests as they take, each of which is done as a whole.
    pub fn write(&mut self, path: Path<'_>, offset: u64, data: &[u8]) -> Result<(), Fault> {
        let most = self.request.len() - HEADER - path.as_str().len();
        let mut at = 0;
        loop {
            let part = &data[at..data.len().min(at + most)];
            self.change(&Request::Write { path, offset: offset.saturating_add(at as u64), data: part })?;
            at += part.len();
            if at == data.len() {
                return Ok(());
            }
        }
    }

    /// Has a file end with the data, in as many requests as that takes.
    pub fn append(&mut self, path: Path<'_>, data: &[u8]) -> Result<(), Fault> {
        let most = self.request.len() - HEADER - path.as_str().len();
        if data.is_empty() {
            return self.change(&Request::Append { path, data });
        }
        data.chunks(most).try_for_each(|data| self.change(&Request::Append { path, data }))
    }

    /// Has a file have `size` bytes.
    pub fn truncate(&mut self, path: Path<'_>, size: u64) -> Result<(), Fault> {
        self.change(&Request::Truncate { path, size })
    }

    /// Hands over all that is in a folder, in the order of names.
    pub fn list(&mut self, path: Path<'_>, mut take: impl FnMut(&str, Entry)) -> Result<(), Fault> {
        let (mut after, length) = ([0; PART_MOST], (self.reply.len() - REPLY) as u32);
        let mut last = 0;
        loop {
            let name = core::str::from_utf8(&after[..last]).map_err(|_| Fault::Silent)?;
            let (more, answer) = self.ask(&Request::List { path, after: name, length })?;
            let mut next = ([0; PART_MOST], 0);
            let mut read = 0;
            for (name, entry) in listed(answer) {
                take(name, entry);
                read += LISTED + name.len();
                next.0[..name.len()].copy_from_slice(name.as_bytes());
                next.1 = name.len();
            }
            // A list that does not come forward would never end.
            let forward = next.0[..next.1] > after[..last];
            if read != answer.len() || more && !forward {
                return Err(Fault::Silent);
            }
            if !more {
                return Ok(());
            }
            (after, last) = next;
        }
    }

    /// Makes a folder.
    pub fn make_folder(&mut self, path: Path<'_>) -> Result<(), Fault> {
        self.change(&Request::MakeFolder { path })
    }

    /// Removes a file or an empty folder.
    pub fn remove(&mut self, path: Path<'_>) -> Result<(), Fault> {
        self.change(&Request::Remove { path })
    }

    /// Has what is at `from` be at `to`.
    pub fn rename(&mut self, from: Path<'_>, to: Path<'_>) -> Result<(), Fault> {
        self.change(&Request::Rename { from, to })
    }

    /// Comes back when all that was written through this client stays. `Lost` where some of it may be gone: it is to be written again.
    pub fn sync(&mut self) -> Result<(), Fault> {
        let answer = self.ask(&Request::Sync { life: self.life }).map(|_| ());
        if matches!(answer, Ok(()) | Err(Fault::Told(Status::Lost))) {
            self.life = 0;
        }
        answer
    }

    /// How much room there is.
    pub fn space(&mut self) -> Result<Space, Fault> {
        self.ask(&Request::Space).and_then(|(_, answer)| Space::decode(answer).ok_or(Fault::Silent))
    }

    fn change(&mut self, request: &Request<'_>) -> Result<(), Fault> {
        self.ask(request).map(|_| ())
    }

    /// Whether a list goes on, and the answer.
    fn ask(&mut self, request: &Request<'_>) -> Result<(bool, &[u8]), Fault> {
        let length = request.encode(&mut self.request).ok_or(Fault::Told(Status::TooLarge))?;
        let length = (self.call)(&self.request[..length], &mut self.reply).ok_or(Fault::Silent)?;
        let (reply, answer) = self.reply.get(..length).and_then(Reply::decode).ok_or(Fault::Silent)?;
        if request.writes() && self.life == 0 {
            self.life = reply.life;
        }
        if reply.status == Status::Done { Ok((reply.more, answer)) } else { Err(Fault::Told(reply.status)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::rc::Rc;
    use alloc::string::String;
    use core::cell::RefCell;

    fn done(life: u64, more: bool, room: &mut [u8], answer: &[u8]) -> Option<usize> {
        room[..REPLY].copy_from_slice(&Reply { status: Status::Done, more, life }.encode());
        room[REPLY..REPLY + answer.len()].copy_from_slice(answer);
        Some(REPLY + answer.len())
    }

    #[test]
    fn what_does_not_go_into_one_request_goes_into_several() {
        let file = Rc::new(RefCell::new(Vec::new()));
        let theirs = file.clone();
        let mut client = Client::new(
            move |request, room| match Request::decode(request).expect("is one") {
                Request::Write { offset, data, .. } => {
                    assert_eq!(offset, theirs.borrow().len() as u64);
                    theirs.borrow_mut().extend_from_slice(data);
                    done(1, false, room, &[])
                }
                Request::Read { offset, length, .. } => {
                    let file = theirs.borrow();
                    let from = file.len().min(offset as usize);
                    done(1, false, room, &file[from..file.len().min(from + length as usize)])
                }
                other => panic!("{other:?}"),
            },
            0,
        );
        let data: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        let path = Path::new("a").expect("is one");
        client.write(path, 0, &data).expect("writes");
        assert_eq!(*file.borrow(), data);
        let mut room = alloc::vec![0; 20_000];
        assert_eq!(client.read(path, 1, &mut room), Ok(9_999));
        assert_eq!(room[..9_999], data[1..]);
    }

    #[test]
    fn a_sync_names_the_life_of_the_first_write() {
        let (life, asked) = (Rc::new(RefCell::new(5)), Rc::new(RefCell::new(Vec::new())));
        let (theirs, noted) = (life.clone(), asked.clone());
        let mut client = Client::new(
            move |request, room| {
                if let Some(Request::Sync { life }) = Request::decode(request) {
                    noted.borrow_mut().push(life);
                }
                done(*theirs.borrow(), false, room, &[])
            },
            0,
        );
        client.sync().expect("syncs");
        client.make_folder(Path::new("a").expect("is one")).expect("makes");
        *life.borrow_mut() = 6;
        client.remove(Path::new("a").expect("is one")).expect("removes");
        client.sync().expect("syncs");
        client.sync().expect("syncs");
        assert_eq!(*asked.borrow(), [0, 5, 0]);
    }

    #[test]
    fn lists_go_on_after_the_last_name_and_come_to_an_end() {
        let names = ["a", "b", "c"];
        let entry = Entry { folder: false, size: 1, modified: 0 };
        let one_by_one = |request: &[u8], room: &mut [u8]| {
            let Some(Request::List { after, .. }) = Request::decode(request) else { panic!("is a list") };
            let next = names.iter().position(|name| *name > after).expect("asks no further");
            let mut answer = [0; 100];
            let length = super::super::put_listed(&mut answer, names[next], &entry).expect("fits");
            done(1, next < 2, room, &answer[..length])
        };
        let mut seen = String::new();
        assert_eq!(Client::new(one_by_one, 0).list(Path::ROOT, |name, _| seen.push_str(name)), Ok(()));
        assert_eq!(seen, "abc");
        let stuck = |_: &[u8], room: &mut [u8]| done(1, true, room, &[]);
        assert_eq!(Client::new(stuck, 0).list(Path::ROOT, |_, _| ()), Err(Fault::Silent));
    }

    #[test]
    fn what_is_no_reply_is_none() {
        let mut answers = [None, Some(0), Some(REPLY), Some(1 << 30)].into_iter();
        let mut client = Client::new(
            move |_, room| {
                room[0] = 0xff;
                answers.next().flatten()
            },
            0,
        );
        for _ in 0..4 {
            assert_eq!(client.space(), Err(Fault::Silent));
        }
    }
}
