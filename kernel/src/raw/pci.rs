//! PCI's configuration space, to read.
use super::{Answer, require, store};
use crate::{dispatch::Error, pci, sip::{Call, Lent, Outcome}};
use munal_logic::table::HandleKind;

pub fn pci_read(call: &mut Call<'_, '_>, handle: u32, function: u16, offset: u8) -> Outcome<u32> {
    require(call, handle, &[HandleKind::Pci])?;
    Ok(pci::read(function, offset))
}

pub fn pci_region(call: &mut Call<'_, '_>, handle: u32, function: u16, number: u8, buffer: Lent) -> Outcome<Answer> {
    require(call, handle, &[HandleKind::Pci])?;
    call.bytes(buffer)?; // a buffer that leaves the memory is refused whether there is such a region or not
    match pci::region(function, number) {
        Some(region) => store(call, buffer, &region.encode()),
        None => Ok(Err(Error::NotFound)),
    }
}
