//! Interrupt lines, for the driver they were granted to.
use super::{Answer, require};
use crate::{cpu::{ioapic, time}, device, dispatch::Error, sip::{Call, Outcome}, thread};
use munal_logic::table::{HandleKind, Held};

/// The global system interrupt behind a handle.
fn line(handle: &Held) -> u32 {
    match handle.kind {
        HandleKind::IrqIsa => ioapic::gsi_of_isa(handle.object as u32),
        _ => handle.object as u32,
    }
}

/// Whether what the handle stands for interrupted and nobody waited for that yet.
pub fn is_pending(handle: &Held) -> bool {
    let line = if handle.kind == HandleKind::Device { device::line(handle.object) } else { Some(line(handle)) };
    line.is_some_and(|line| ioapic::pending(line) > 0)
}

/// When a wait of `timeout` nanoseconds from now ends; none for a negative one.
pub fn deadline(timeout: i64) -> Option<u64> {
    u64::try_from(timeout).ok().map(|timeout| time::now().saturating_add(timeout))
}

pub fn irq_wait(call: &mut Call<'_, '_>, handle: u32, timeout: i64) -> Outcome<Answer> {
    let gsi = line(&require(call, handle, &[HandleKind::IrqIsa, HandleKind::IrqGsi])?);
    await_interrupt(Some(gsi), deadline(timeout))
}

/// Waits until the line interrupted since it was waited for last, or until the deadline; where there is no line, nothing comes.
pub fn await_interrupt(gsi: Option<u32>, deadline: Option<u64>) -> Outcome<Answer> {
    loop {
        match gsi.map_or(0, ioapic::take) {
            0 if deadline.is_some_and(|at| at <= time::now()) => return Ok(Err(Error::TimedOut)),
            0 => thread::block(deadline)?,
            count => return Ok(Ok(count.min(i32::MAX as u32))),
        }
    }
}

pub fn irq_acknowledge(call: &mut Call<'_, '_>, handle: u32) -> Outcome<()> {
    let gsi = line(&require(call, handle, &[HandleKind::IrqIsa, HandleKind::IrqGsi])?);
    ioapic::acknowledge(gsi);
    Ok(())
}
