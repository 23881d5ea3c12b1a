//! What every SIP may do: wait, yield, end.
use super::{Answer, irq, service, stream};
use crate::{cpu::{ioapic, time}, dispatch::{Error, event}, sip::{Call, Lent, Outcome, Stop}, state, thread};
use alloc::{format, vec::Vec};
use munal_logic::table::{HandleKind, Held};

/// Bytes of one record: u32 handle, u16 wanted, u16 ready, little endian.
const RECORD: usize = 8;
/// The most records of one call.
const MOST: usize = 1024;

pub fn sip_wait(call: &mut Call<'_, '_>, polls: Lent, timeout: i64) -> Outcome<Answer> {
    let index = call.index();
    let bytes = call.bytes(polls)?;
    if bytes.len() % RECORD != 0 || bytes.len() > MOST * RECORD {
        return Ok(Err(Error::Invalid));
    }
    let mut wanted = Vec::with_capacity(bytes.len() / RECORD);
    for record in bytes.chunks_exact(RECORD) {
        let handle = u32::from_le_bytes([record[0], record[1], record[2], record[3]]);
        wanted.push((find(index, handle)?, u16::from_le_bytes([record[4], record[5]])));
    }
    let deadline = irq::deadline(timeout);
    loop {
        let ready: Vec<u16> = wanted.iter().map(|(handle, wanted)| events(index, handle) & wanted).collect();
        let count = ready.iter().filter(|&&events| events != 0).count();
        let late = deadline.is_some_and(|at| at <= time::now());
        if count > 0 || late {
            for (record, ready) in call.bytes(polls)?.chunks_exact_mut(RECORD).zip(&ready) {
                record[6..].copy_from_slice(&ready.to_le_bytes());
            }
            return Ok(if count > 0 { Ok(count as u32) } else { Err(Error::TimedOut) });
        }
        thread::block(deadline)?;
    }
}

fn find(index: usize, handle: u32) -> Outcome<Held> {
    let found = state::with(|state| state.table.instances[index].handles.get(handle as usize).map(|h| h.held()));
    found.ok_or_else(|| Stop::Refused(format!("waited for handle {handle}, which it does not have")))
}

/// The events that hold for a handle now.
fn events(index: usize, handle: &Held) -> u16 {
    let flag = |holds: bool, event: u16| if holds { event } else { 0 };
    match handle.kind {
        HandleKind::IrqIsa | HandleKind::IrqGsi => flag(ioapic::pending(irq::line(handle)) > 0, event::READABLE),
        HandleKind::StreamClient | HandleKind::StreamServer | HandleKind::KernelLog => {
            let found = stream::readiness(index, handle);
            flag(found.readable, event::READABLE) | flag(found.writable, event::WRITABLE) | flag(found.closed, event::CLOSED)
        }
        HandleKind::ServiceServer => flag(service::has_request(handle.object), event::READABLE),
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
