//! The firmware's tables, to read.
use super::{Answer, require, store_part};
use crate::{dispatch::Error, firmware, sip::{Call, Lent, Outcome}};
use munal_logic::table::HandleKind;

pub fn acpi_read(call: &mut Call<'_, '_>, handle: u32, signature: u32, offset: u32, buffer: Lent) -> Outcome<Answer> {
    require(call, handle, &[HandleKind::Acpi])?;
    call.bytes(buffer)?; // a buffer that leaves the memory is refused whether there is such a table or not
    match firmware::bytes(signature.to_le_bytes()) {
        Some(table) => store_part(call, buffer, offset, table),
        None => Ok(Err(Error::NotFound)),
    }
}
