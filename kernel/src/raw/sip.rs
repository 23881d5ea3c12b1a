//! What every SIP may do: wait, yield, end.
use super::{Answer, channel, irq, service, stream::{self, Readiness}};
use crate::{cpu::time, dispatch::{Error, event}, party::{self, Waiting}, sip::{Call, Lent, Outcome, Stop}, state, thread};
use alloc::format;
use munal_logic::{handles::DYNAMIC, table::{HandleKind, Held}};

/// Bytes of one record: u32 handle, u16 wanted, u16 ready, little endian.
const RECORD: usize = 8;
/// The most records of one call.
const MOST: usize = 1024;

pub fn sip_wait(call: &mut Call<'_, '_>, polls: Lent, timeout: i64) -> Outcome<Answer> {
    let index = call.index();
    let length = call.bytes(polls)?.len();
    if length % RECORD != 0 || length > MOST * RECORD {
        return Ok(Err(Error::Invalid));
    }
    let deadline = irq::deadline(timeout);
    loop {
        let count = match look(call, polls)? {
            Ok(count) => count,
            Err(error) => return Ok(Err(error)),
        };
        if count > 0 {
            return Ok(Ok(count));
        }
        if deadline.is_some_and(|at| at <= time::now()) {
            return Ok(Err(Error::TimedOut));
        }
        party::wait(index, Waiting::Several, deadline)?;
    }
}

/// Notes in each record what holds now of what it wants; answers in how many that is anything.
fn look(call: &mut Call<'_, '_>, polls: Lent) -> Outcome<Answer> {
    let (index, granted) = (call.index(), call.all_granted());
    let mut count = 0;
    for record in call.bytes(polls)?.chunks_exact_mut(RECORD) {
        let number = u32::from_le_bytes([record[0], record[1], record[2], record[3]]);
        let held = match find(index, granted, number)? {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        let ready = events(index, &held) & u16::from_le_bytes([record[4], record[5]]);
        record[6..].copy_from_slice(&ready.to_le_bytes());
        count += u32::from(ready != 0);
    }
    Ok(Ok(count))
}

/// What a record's number stands for. Errors: BadHandle for one that came later and is not held.
fn find(index: usize, granted: &[Held], number: u32) -> Outcome<Result<Held, Error>> {
    if number & DYNAMIC != 0 {
        return Ok(state::with(|state| state.exchange.held(index, number)).ok_or(Error::BadHandle));
    }
    let found = granted.get(number as usize).copied();
    found.map(Ok).ok_or_else(|| Stop::Refused(format!("waited for handle {number}, which it does not have")))
}

/// The events that hold for a handle now.
fn events(index: usize, handle: &Held) -> u16 {
    let flag = |holds: bool, event: u16| if holds { event } else { 0 };
    let all = |found: Readiness| flag(found.readable, event::READABLE) | flag(found.writable, event::WRITABLE) | flag(found.closed, event::CLOSED);
    match handle.kind {
        HandleKind::IrqIsa | HandleKind::IrqGsi | HandleKind::Device => flag(irq::is_pending(handle), event::READABLE),
        HandleKind::StreamClient | HandleKind::StreamServer | HandleKind::KernelLog => all(stream::readiness(index, handle)),
        HandleKind::ChannelClient | HandleKind::ChannelServer => all(channel::readiness(handle)),
        HandleKind::ServiceServer => flag(service::has_request(handle.object), event::READABLE),
        HandleKind::ServiceClient | HandleKind::ServiceBadged => flag(state::with(|state| !state.lives_on(state.table.services[state.asked(handle).0].server)), event::CLOSED),
        _ => 0,
    }
}

pub fn sip_yield(_: &mut Call<'_, '_>) -> Outcome<()> {
    thread::yield_now();
    Ok(())
}

pub fn sip_exit(_: &mut Call<'_, '_>, code: i32) -> Outcome<()> {
    Err(Stop::Exit(code))
}
