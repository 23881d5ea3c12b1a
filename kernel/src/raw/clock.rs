//! Monotonic time, and the time of day.
use super::{refused, require};
use crate::{cpu::time, sip::{Call, Outcome}, thread, wall};
use munal_logic::table::{HandleKind, WALL_CLOCK};

pub fn clock_now(call: &mut Call<'_, '_>, handle: u32) -> Outcome<u64> {
    require(call, handle, &[HandleKind::Clock])?;
    Ok(time::now())
}

pub fn clock_sleep(call: &mut Call<'_, '_>, handle: u32, deadline: u64) -> Outcome<()> {
    require(call, handle, &[HandleKind::Clock])?;
    while time::now() < deadline {
        thread::block(Some(deadline))?;
    }
    Ok(())
}

pub fn wall_now(call: &mut Call<'_, '_>, handle: u32) -> Outcome<u64> {
    let held = require(call, handle, &[HandleKind::Clock])?;
    if held.object == WALL_CLOCK { Ok(wall::now()) } else { Err(refused(handle)) }
}
