//! The caller's own log.
use super::require;
use crate::{sip::{Call, Lent, Outcome}, state};
use munal_logic::table::HandleKind;

pub fn log_write(call: &mut Call<'_, '_>, handle: u32, text: Lent) -> Outcome<()> {
    let index = call.index();
    require(call, handle, &[HandleKind::Log])?;
    let text = call.bytes(text)?;
    state::with(|state| state.lives[index].log.line(text));
    Ok(())
}
