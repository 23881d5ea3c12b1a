//! Byte streams between a client and a server, and the kernel's own messages, which are read like one.
use super::{Answer, require};
use crate::{dispatch::Error, log, sip::{Call, Lent, Outcome}, state, thread};
use munal_logic::table::{HandleKind, Held, READ, WRITE};

const READABLE: &[HandleKind] = &[HandleKind::StreamClient, HandleKind::StreamServer, HandleKind::KernelLog];
const WRITABLE: &[HandleKind] = &[HandleKind::StreamClient, HandleKind::StreamServer];

/// Which of readable, writable and closed hold for one end of a stream.
pub struct Readiness {
    pub readable: bool,
    pub writable: bool,
    pub closed: bool,
}

/// How it stands with a handle of a stream, for `index`.
pub fn readiness(index: usize, handle: &Held) -> Readiness {
    if handle.kind == HandleKind::KernelLog {
        let heard = state::with(|state| state.lives[index].heard);
        return Readiness { readable: log::has_more(heard), writable: false, closed: false };
    }
    state::with(|state| {
        let stream = &state.streams[handle.object];
        let (into, from, peer) = match handle.kind {
            HandleKind::StreamClient => (&stream.down, &stream.up, stream.server),
            _ => (&stream.up, &stream.down, stream.client),
        };
        Readiness {
            readable: handle.rights & READ != 0 && !into.is_empty(),
            writable: handle.rights & WRITE != 0 && from.free() > 0,
            closed: !state.lives_on(peer),
        }
    })
}

fn take(call: &mut Call<'_, '_>, handle: &Held, buffer: Lent) -> Outcome<Answer> {
    let index = call.index();
    let buffer = call.bytes(buffer)?;
    if handle.kind == HandleKind::KernelLog {
        let (heard, count) = log::read(state::with(|state| state.lives[index].heard), buffer);
        state::with(|state| state.lives[index].heard = heard);
        return Ok(if count == 0 { Err(Error::WouldBlock) } else { Ok(count as u32) });
    }
    if handle.rights & READ == 0 {
        return Ok(Err(Error::Refused));
    }
    let (count, peer, closed) = state::with(|state| {
        let stream = &mut state.streams[handle.object];
        let (ring, peer) = if handle.kind == HandleKind::StreamClient { (&mut stream.down, stream.server) } else { (&mut stream.up, stream.client) };
        (ring.take(buffer), peer, !state.lives_on(peer))
    });
    Ok(match count {
        0 if closed => Err(Error::Closed),
        0 => Err(Error::WouldBlock),
        count => {
            thread::wake(peer);
            Ok(count as u32)
        }
    })
}

fn put(call: &mut Call<'_, '_>, handle: &Held, bytes: Lent) -> Outcome<Answer> {
    let bytes = call.bytes(bytes)?;
    if handle.rights & WRITE == 0 {
        return Ok(Err(Error::Refused));
    }
    let (count, peer, closed) = state::with(|state| {
        let stream = &mut state.streams[handle.object];
        let peer = if handle.kind == HandleKind::StreamClient { stream.server } else { stream.client };
        let closed = !state.lives_on(peer);
        let stream = &mut state.streams[handle.object];
        let ring = if handle.kind == HandleKind::StreamClient { &mut stream.up } else { &mut stream.down };
        (if closed { 0 } else { ring.put(bytes) }, peer, closed)
    });
    if count > 0 {
        thread::wake(peer);
    }
    Ok(if closed {
        Err(Error::Closed)
    } else if count == 0 && !bytes.is_empty() {
        Err(Error::WouldBlock)
    } else {
        Ok(count as u32)
    })
}

pub fn stream_try_read(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    let handle = require(call.index(), handle, READABLE)?;
    take(call, &handle, buffer)
}

pub fn stream_try_write(call: &mut Call<'_, '_>, handle: u32, bytes: Lent) -> Outcome<Answer> {
    let handle = require(call.index(), handle, WRITABLE)?;
    put(call, &handle, bytes)
}

pub fn stream_read(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    let handle = require(call.index(), handle, READABLE)?;
    if buffer.length == 0 {
        return Ok(Ok(0));
    }
    loop {
        match take(call, &handle, buffer)? {
            Err(Error::WouldBlock) => thread::block(None)?,
            answer => return Ok(answer),
        }
    }
}

pub fn stream_write(call: &mut Call<'_, '_>, handle: u32, bytes: Lent) -> Outcome<Answer> {
    let handle = require(call.index(), handle, WRITABLE)?;
    loop {
        match put(call, &handle, bytes)? {
            Err(Error::WouldBlock) => thread::block(None)?,
            answer => return Ok(answer),
        }
    }
}
