//! Random bytes.
use super::{Answer, require};
use crate::{cpu::time, entropy, sip::{Call, Lent, Outcome}, thread};
use munal_logic::table::HandleKind;

/// Bytes that are made before others may run.
const PIECE: u32 = 4096;
/// How long to wait for another interrupt where there is not enough entropy yet, in nanoseconds: each of them is some.
const NAP: u64 = 1_000_000;

pub fn random_fill(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    require(call, handle, &[HandleKind::Random])?;
    call.bytes(buffer)?; // a buffer that leaves the memory is refused before anything is waited for
    while !entropy::is_ready() {
        thread::block(Some(time::now().saturating_add(NAP)))?;
    }
    let mut filled = 0;
    while filled < buffer.length {
        let piece = Lent { pointer: buffer.pointer + filled, length: PIECE.min(buffer.length - filled) };
        entropy::fill(call.bytes(piece)?);
        filled += piece.length;
        thread::leave()?;
    }
    Ok(Ok(filled))
}
