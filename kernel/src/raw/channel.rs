//! Channels: whole messages both ways, each with up to eight handles, which move.
use super::{Answer, find, irq::deadline};
use crate::{cpu::time, dispatch::Error, party::{self, Waiting}, sip::{Call, Lent, Outcome, Stop}, state::{self, State}};
use munal_logic::{channel::MOST_CARRIED, exchange::{End, Fault}, table::{HandleKind, Held, READ, WRITE}};

use super::stream::Readiness;

const ENDS: &[HandleKind] = &[HandleKind::ChannelClient, HandleKind::ChannelServer];
/// Bytes of a handle's number.
const NUMBER: usize = 4;

/// The interface's error of the same name.
pub fn error(fault: Fault) -> Error {
    match fault {
        Fault::Refused => Error::Refused,
        Fault::Closed => Error::Closed,
        Fault::WouldBlock => Error::WouldBlock,
        Fault::Invalid => Error::Invalid,
        Fault::TooLarge => Error::TooLarge,
        Fault::TooMany => Error::TooMany,
        Fault::BadHandle => Error::BadHandle,
    }
}

/// How it stands with a handle of a channel.
pub fn readiness(handle: &Held) -> Readiness {
    let Some(end) = End::of(handle) else { return Readiness { readable: false, writable: false, closed: false } };
    state::with(|state| Readiness {
        readable: handle.rights & READ != 0 && state.exchange.has_message(end),
        writable: handle.rights & WRITE != 0 && state.exchange.has_room(end),
        closed: !state.is_open(end.peer()),
    })
}

pub fn channel_send(call: &mut Call<'_, '_>, handle: u32, bytes: Lent, handles: Lent, timeout: i64) -> Outcome<Answer> {
    let index = call.index();
    let (numbers, count) = numbers(call, handles)?;
    call.bytes(bytes)?;
    let deadline = deadline(timeout);
    let Some(numbers) = count.map(|count| &numbers[..count]) else { return Ok(Err(Error::Invalid)) };
    loop {
        let held = match find(call, handle, ENDS, WRITE)? {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        let bytes = call.bytes(bytes)?;
        match state::with(|state| state.send(index, &held, bytes, numbers)) {
            Err(Fault::WouldBlock) if timeout == 0 => return Ok(Err(Error::WouldBlock)),
            Err(Fault::WouldBlock) if deadline.is_some_and(|at| at <= time::now()) => return Ok(Err(Error::TimedOut)),
            Err(Fault::WouldBlock) => wait(index, &held, Waiting::Writes, deadline)?,
            answer => return Ok(answer.map(|()| 0).map_err(error)),
        }
    }
}

pub fn channel_receive(call: &mut Call<'_, '_>, handle: u32, buffer: Lent, slots: Lent, timeout: i64) -> Outcome<Answer> {
    let index = call.index();
    call.bytes(buffer)?; // before a message is taken that could not be stored
    call.bytes(slots)?.fill(0);
    let deadline = deadline(timeout);
    loop {
        let held = match find(call, handle, ENDS, READ)? {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        let mut placed = [0; MOST_CARRIED];
        let bytes = call.bytes(buffer)?;
        match state::with(|state| state.receive(index, &held, slots.length as usize / NUMBER, bytes, &mut placed)) {
            Err(Fault::WouldBlock) if timeout == 0 => return Ok(Err(Error::WouldBlock)),
            Err(Fault::WouldBlock) if deadline.is_some_and(|at| at <= time::now()) => return Ok(Err(Error::TimedOut)),
            Err(Fault::WouldBlock) => wait(index, &held, Waiting::Reads, deadline)?,
            Err(fault) => return Ok(Err(error(fault))),
            Ok(length) => {
                for (slot, number) in call.bytes(slots)?.chunks_exact_mut(NUMBER).zip(placed) {
                    slot.copy_from_slice(&number.to_le_bytes());
                }
                return Ok(Ok(length as u32));
            }
        }
    }
}

fn wait(index: usize, held: &Held, waiting: fn(End) -> Waiting, deadline: Option<u64>) -> Outcome<()> {
    let waiting = End::of(held).map_or(Waiting::Several, waiting);
    party::wait(index, waiting, deadline).map_err(Stop::from)
}

/// The numbers that a SIP passed, and how many they are where there are not too many.
fn numbers(call: &mut Call<'_, '_>, handles: Lent) -> Outcome<([u32; MOST_CARRIED], Option<usize>)> {
    let mut numbers = [0; MOST_CARRIED];
    let passed = call.bytes(handles)?;
    let count = passed.len() / NUMBER;
    for (number, bytes) in numbers.iter_mut().zip(passed.chunks_exact(NUMBER)) {
        *number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Ok((numbers, (count <= MOST_CARRIED && passed.len() % NUMBER == 0).then_some(count)))
}

impl State {
    fn send(&mut self, index: usize, held: &Held, bytes: &[u8], numbers: &[u32]) -> Result<(), Fault> {
        let Self { exchange, lives, .. } = self;
        let closed = exchange.send(index, held, bytes, numbers.iter().copied(), &|index| lives[index].goes_on())?;
        self.stir_peers(closed);
        End::of(held).into_iter().for_each(|end| self.stir(end.peer()));
        Ok(())
    }

    fn receive(&mut self, index: usize, held: &Held, slots: usize, buffer: &mut [u8], placed: &mut [u32; MOST_CARRIED]) -> Result<usize, Fault> {
        let Self { exchange, lives, .. } = self;
        let store = |bytes: &[u8]| {
            let count = bytes.len().min(buffer.len());
            buffer[..count].copy_from_slice(&bytes[..count]);
        };
        let mut next = placed.iter_mut();
        let place = |number| next.next().into_iter().for_each(|slot| *slot = number);
        let (length, closed) = exchange.receive(index, held, slots, store, place, &|index| lives[index].goes_on())?;
        self.stir_peers(closed);
        End::of(held).into_iter().for_each(|end| self.stir(end.peer()));
        Ok(length)
    }
}
