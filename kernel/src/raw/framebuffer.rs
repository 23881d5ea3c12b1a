//! The firmware's picture.
use super::{Answer, require, store};
use crate::{dispatch::Error, framebuffer, sip::{Call, Lent, Outcome}};
use munal_logic::table::HandleKind;

pub fn framebuffer_info(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    require(call, handle, &[HandleKind::Framebuffer])?;
    call.bytes(buffer)?; // a buffer that leaves the memory is refused whether there is a picture or not
    match framebuffer::get() {
        Some(picture) => store(call, buffer, &picture.encode()),
        None => Ok(Err(Error::NotFound)),
    }
}

pub fn framebuffer_write(call: &mut Call<'_, '_>, handle: u32, offset: u32, bytes: Lent) -> Outcome<Answer> {
    require(call, handle, &[HandleKind::Framebuffer])?;
    let bytes = call.bytes(bytes)?;
    let Some(picture) = framebuffer::get() else { return Ok(Err(Error::NotFound)) };
    Ok(if framebuffer::write(&picture, offset, bytes) { Ok(bytes.len() as u32) } else { Err(Error::Invalid) })
}
