//! Starting and ending the instances that the caller was given control of.
use super::{Answer, require};
use crate::{dispatch::Error, sip::{Call, Lent, Outcome}, state::{self, Control}};
use munal_logic::table::HandleKind;

fn control(call: &mut Call<'_, '_>, handle: u32, name: Lent, wanted: Control) -> Outcome<Answer> {
    let caller = call.index();
    require(caller, handle, &[HandleKind::Control])?;
    let name = call.bytes(name)?;
    let Some(index) = state::with(|state| state.find(name)) else { return Ok(Err(Error::NotFound)) };
    if !state::with(|state| state.table.instances[caller].handles[handle as usize].instances.contains(&index)) {
        return Ok(Err(Error::Refused));
    }
    state::control(index, wanted);
    Ok(Ok(0))
}

pub fn control_start(call: &mut Call<'_, '_>, handle: u32, name: Lent) -> Outcome<Answer> {
    control(call, handle, name, Control::Start)
}

pub fn control_stop(call: &mut Call<'_, '_>, handle: u32, name: Lent) -> Outcome<Answer> {
    control(call, handle, name, Control::Stop)
}

pub fn control_restart(call: &mut Call<'_, '_>, handle: u32, name: Lent) -> Outcome<Answer> {
    control(call, handle, name, Control::Restart)
}
