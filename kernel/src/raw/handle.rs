//! Handles that come and go: made from others with rights that only shrink, moved by messages, closed.
use super::{Answer, channel::error};
use crate::{dispatch::Error, sip::{Call, Outcome}, state};
use munal_logic::{exchange::{carrying, Fault}, handles::DYNAMIC, table::Held};

/// What a handle's number stands for in `index`, whether the table lists it or it came later.
fn any(call: &Call<'_, '_>, number: u32) -> Option<Held> {
    match number & DYNAMIC {
        0 => call.granted(number),
        _ => state::with(|state| state.exchange.held(call.index(), number)),
    }
}

pub fn handle_duplicate(call: &mut Call<'_, '_>, handle: u32, rights: u32) -> Outcome<Answer> {
    let index = call.index();
    let Some(held) = any(call, handle) else { return Ok(Err(Error::BadHandle)) };
    let rights = u8::try_from(rights).map_err(|_| Fault::Refused);
    let made = rights.and_then(|rights| state::with(|state| state.exchange.duplicate(index, held, rights)));
    Ok(made.map_err(error))
}

pub fn handle_close(call: &mut Call<'_, '_>, handle: u32) -> Outcome<Answer> {
    let index = call.index();
    Ok(state::with(|state| {
        let state::State { exchange, lives, .. } = &mut *state;
        let closed = exchange.close(index, handle, &|index| lives[index].goes_on()).map_err(error)?;
        state.stir_peers(closed);
        Ok(0)
    }))
}

/// Bits of the kind come after those of the rights.
const KIND: u32 = 16;

pub fn handle_what(call: &mut Call<'_, '_>, handle: u32) -> Outcome<Answer> {
    let held = any(call, handle).ok_or(Error::BadHandle);
    Ok(held.map(|held| u32::from(held.rights) | u32::from(carrying(held.kind)) * KIND))
}
