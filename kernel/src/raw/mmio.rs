//! Device memory, for the addresses that the table grants to the caller.
use crate::{cpu::mmio, sip::{Call, Outcome, Stop}};
use alloc::format;
use munal_logic::table::{READ, WRITE};

/// Glue has checked the offset; the table is asked all the same.
fn require(call: &Call<'_, '_>, address: u64, bytes: u8, access: u8) -> Outcome<()> {
    if call.registers().allow(address, bytes, access) {
        return Ok(());
    }
    let what = if access == READ { "read" } else { "write" };
    Err(Stop::Refused(format!("was refused to {what} {} bits of device memory at {address:#x}", 8 * u32::from(bytes))))
}

macro_rules! mmio {
    ($read:ident, $write:ident, $type:ty, $bytes:literal, $reads:path, $writes:path) => {
        pub fn $read(call: &mut Call<'_, '_>, address: u64) -> Outcome<$type> {
            require(call, address, $bytes, READ)?;
            // SAFETY: the table grants these bytes to this SIP and no two instances share a page. At boot the page was found
            // to be neither RAM nor a device of the kernel's, and mapped uncached (`devices::map`): no memory of anyone's is there.
            Ok(unsafe { $reads(address) })
        }

        pub fn $write(call: &mut Call<'_, '_>, address: u64, value: $type) -> Outcome<()> {
            require(call, address, $bytes, WRITE)?;
            // SAFETY: as for reading.
            unsafe { $writes(address, value) };
            Ok(())
        }
    };
}

mmio!(mmio_read8, mmio_write8, u8, 1, mmio::read8, mmio::write8);
mmio!(mmio_read16, mmio_write16, u16, 2, mmio::read16, mmio::write16);
mmio!(mmio_read32, mmio_write32, u32, 4, mmio::read32, mmio::write32);
mmio!(mmio_read64, mmio_write64, u64, 8, mmio::read64, mmio::write64);
