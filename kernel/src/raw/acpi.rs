//! The firmware's tables, to read.
use super::{Answer, require};
use crate::{dispatch::Error, firmware, sip::{Call, Lent, Outcome}};
use munal_logic::table::HandleKind;

pub fn acpi_read(call: &mut Call<'_, '_>, handle: u32, signature: u32, offset: u32, buffer: Lent) -> Outcome<Answer> {
    require(call.index(), handle, &[HandleKind::Acpi])?;
    let buffer = call.bytes(buffer)?;
    let Some(table) = firmware::bytes(signature.to_le_bytes()) else { return Ok(Err(Error::NotFound)) };
    let rest = table.get(offset as usize..).unwrap_or(&[]);
    let count = buffer.len().min(rest.len());
    buffer[..count].copy_from_slice(&rest[..count]);
    Ok(Ok(count as u32))
}
