//! Monotonic time.
use super::require;
use crate::{cpu::time, sip::{Call, Outcome}, thread};
use munal_logic::table::HandleKind;

pub fn clock_now(call: &mut Call<'_, '_>, handle: u32) -> Outcome<u64> {
    require(call.index(), handle, &[HandleKind::Clock])?;
    Ok(time::now())
}

pub fn clock_sleep(call: &mut Call<'_, '_>, handle: u32, deadline: u64) -> Outcome<()> {
    require(call.index(), handle, &[HandleKind::Clock])?;
    while time::now() < deadline {
        thread::block(Some(deadline))?;
    }
    Ok(())
}
