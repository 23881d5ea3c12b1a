//! Reading in two steps, for drivers: bytes stay in the stream until the device has them, whoever is ended in between.
use super::{Answer, find};
use crate::{dispatch::Error, log, sip::{Call, Lent, Outcome}, state};
use munal_logic::{exchange::End, table::{HandleKind, Held, READ}};

const KINDS: &[HandleKind] = &[HandleKind::StreamClient, HandleKind::StreamServer, HandleKind::KernelLog];

pub fn stream_peek(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    let index = call.index();
    let found = find(call, handle, KINDS, READ)?;
    let buffer = call.bytes(buffer)?;
    Ok(found.and_then(|held| peek(index, &held, buffer)))
}

fn peek(index: usize, held: &Held, buffer: &mut [u8]) -> Answer {
    let Some(end) = End::of(held) else {
        let (after, count) = log::read(state::with(|state| state.lives[index].heard), buffer);
        // what the log dropped meanwhile is not to be skipped again
        state::with(|state| state.lives[index].heard = after - count as u64);
        return if count == 0 { Err(Error::WouldBlock) } else { Ok(count as u32) };
    };
    state::with(|state| match state.streams[end.object].inbox(end.side).peek(buffer) {
        0 if !state.is_open(end.peer()) => Err(Error::Closed),
        0 => Err(Error::WouldBlock),
        count => Ok(count as u32),
    })
}

pub fn stream_skip(call: &mut Call<'_, '_>, handle: u32, count: u32) -> Outcome<Answer> {
    let index = call.index();
    Ok(find(call, handle, KINDS, READ)?.map(|held| skip(index, &held, count)))
}

fn skip(index: usize, held: &Held, count: u32) -> u32 {
    let Some(end) = End::of(held) else {
        return state::with(|state| {
            let heard = &mut state.lives[index].heard;
            let after = log::clamp(*heard + u64::from(count));
            let skipped = after.saturating_sub(*heard).min(u64::from(count));
            *heard = after.max(*heard);
            skipped as u32 // not more than `count`
        });
    };
    state::with(|state| {
        let skipped = state.streams[end.object].inbox(end.side).skip(count as usize);
        if skipped > 0 {
            state.stir(end.peer());
        }
        skipped as u32 // not more than `count`
    })
}
