//! Byte streams between a client and a server, and the kernel's own messages, which are read like one.
//!
//! A reader that waits lends its buffer: what is written then goes there at once, and only the rest into the ring.
use super::{Answer, find, irq::deadline};
use crate::{cpu::time, dispatch::Error, loan::Loan, log, party::{self, Over, Waiting}, sip::{Call, Lent, Outcome}, state::{self, State, Stream}, thread};
use munal_logic::{exchange::{End, Side}, ring::Ring, table::{HandleKind, Held, READ, WRITE}};

const READABLE: &[HandleKind] = &[HandleKind::StreamClient, HandleKind::StreamServer, HandleKind::KernelLog];
const WRITABLE: &[HandleKind] = &[HandleKind::StreamClient, HandleKind::StreamServer];

/// Which of readable, writable and closed hold for one end.
pub struct Readiness {
    pub readable: bool,
    pub writable: bool,
    pub closed: bool,
}

impl Stream {
    /// What this side reads.
    pub fn inbox(&mut self, side: Side) -> &mut Ring {
        if side == Side::Server { &mut self.up } else { &mut self.down }
    }
}

/// How it stands with a handle of a stream, for `index`.
pub fn readiness(index: usize, handle: &Held) -> Readiness {
    let Some(end) = End::of(handle) else {
        let heard = state::with(|state| state.lives[index].heard);
        return Readiness { readable: log::has_more(heard), writable: false, closed: false };
    };
    state::with(|state| {
        let closed = !state.is_open(end.peer());
        let stream = &mut state.streams[end.object];
        Readiness {
            readable: handle.rights & READ != 0 && !stream.inbox(end.side).is_empty(),
            writable: handle.rights & WRITE != 0 && stream.inbox(end.side.other()).free() > 0,
            closed,
        }
    })
}

fn take(call: &mut Call<'_, '_>, handle: &Held, buffer: Lent) -> Outcome<Answer> {
    let index = call.index();
    let buffer = call.bytes(buffer)?;
    let Some(end) = End::of(handle) else {
        let (heard, count) = log::read(state::with(|state| state.lives[index].heard), buffer);
        state::with(|state| state.lives[index].heard = heard);
        return Ok(if count == 0 { Err(Error::WouldBlock) } else { Ok(count as u32) });
    };
    Ok(state::with(|state| match state.streams[end.object].inbox(end.side).take(buffer) {
        0 if !state.is_open(end.peer()) => Err(Error::Closed),
        0 => Err(Error::WouldBlock),
        count => {
            state.stir(end.peer());
            Ok(count as u32)
        }
    }))
}

impl State {
    /// Puts what fits of `bytes` where the peer of `end` reads: into the buffer of one that waits, then into the ring.
    fn put(&mut self, end: End, bytes: &[u8]) -> Answer {
        if !self.is_open(end.peer()) {
            return Err(Error::Closed);
        }
        let lent = self.put_straight(end.peer(), bytes);
        let put = self.streams[end.object].inbox(end.side.other()).put(&bytes[lent..]);
        if put > 0 {
            self.stir(end.peer());
        }
        match lent + put {
            0 if !bytes.is_empty() => Err(Error::WouldBlock),
            count => Ok(count as u32),
        }
    }

    /// Stores what fits in the buffer of who waits at `reader`, which finds the ring empty as long as anyone waits.
    fn put_straight(&mut self, reader: End, bytes: &[u8]) -> usize {
        let waits = |&holder: &usize| self.parties[holder].waiting == Waiting::Reads(reader) && self.parties[holder].into.length() > 0;
        let Some(holder) = self.exchange.holders(reader).find(waits).filter(|_| !bytes.is_empty()) else { return 0 };
        // SAFETY: it is inside `lend`, since it waits for this with a buffer; `bytes` are of the SIP that runs, another.
        let count = unsafe { self.parties[holder].into.store(bytes) };
        self.parties[holder].tell(Ok(count));
        thread::wake(holder);
        count
    }
}

pub fn stream_try_read(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    match find(call, handle, READABLE, READ)? {
        Ok(held) => take(call, &held, buffer),
        Err(error) => call.bytes(buffer).map(|_| Err(error)),
    }
}

pub fn stream_try_write(call: &mut Call<'_, '_>, handle: u32, bytes: Lent) -> Outcome<Answer> {
    let found = find(call, handle, WRITABLE, WRITE)?;
    let bytes = call.bytes(bytes)?;
    Ok(found.and_then(|held| End::of(&held).ok_or(Error::BadHandle)).and_then(|end| state::with(|state| state.put(end, bytes))))
}

pub fn stream_read(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    let index = call.index();
    let held = match find(call, handle, READABLE, READ)? {
        Ok(held) => held,
        Err(error) => return call.bytes(buffer).map(|_| Err(error)),
    };
    if buffer.length == 0 {
        return Ok(Ok(0));
    }
    loop {
        match (take(call, &held, buffer)?, End::of(&held)) {
            (Err(Error::WouldBlock), Some(end)) => {
                let into = Loan::of(call, buffer)?;
                if let Over::Told(told) = party::lend_until_stirred(index, Waiting::Reads(end), into)? {
                    return Ok(told.map(|count| count as u32));
                }
            }
            (Err(Error::WouldBlock), None) => thread::block(None)?,
            (answer, _) => return Ok(answer),
        }
    }
}

pub fn stream_write(call: &mut Call<'_, '_>, handle: u32, bytes: Lent) -> Outcome<Answer> {
    loop {
        match stream_try_write(call, handle, bytes)? {
            Err(Error::WouldBlock) => {
                let held = find(call, handle, WRITABLE, WRITE)?;
                let Some(end) = held.ok().and_then(|held| End::of(&held)) else { return Ok(Err(Error::BadHandle)) };
                party::wait(call.index(), Waiting::Writes(end), None)?;
            }
            answer => return Ok(answer),
        }
    }
}

pub fn stream_flush(call: &mut Call<'_, '_>, handle: u32, timeout: i64) -> Outcome<Answer> {
    let deadline = deadline(timeout);
    let Some(end) = find(call, handle, WRITABLE, WRITE)?.ok().and_then(|held| End::of(&held)) else { return Ok(Err(Error::BadHandle)) };
    loop {
        let (taken, open) = state::with(|state| (state.streams[end.object].inbox(end.side.other()).is_empty(), state.is_open(end.peer())));
        if taken {
            return Ok(Ok(0));
        }
        if !open {
            return Ok(Err(Error::Closed));
        }
        if deadline.is_some_and(|at| at <= time::now()) {
            return Ok(Err(Error::TimedOut));
        }
        party::wait(call.index(), Waiting::Writes(end), deadline)?;
    }
}
