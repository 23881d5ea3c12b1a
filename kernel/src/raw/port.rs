//! Port instructions, for the ports that the table grants to the caller.
use crate::{cpu::port, sip::{Call, Outcome, Stop}};
use alloc::format;
use munal_logic::table::{READ, WRITE};

/// Glue has checked the offset; the table is asked all the same.
fn require(call: &Call<'_, '_>, port: u16, bytes: u8, access: u8) -> Outcome<()> {
    if call.ports().allow(port, bytes, access) {
        return Ok(());
    }
    let what = if access == READ { "read" } else { "write" };
    Err(Stop::Refused(format!("was refused to {what} {} bits at port {port:#x}", 8 * bytes)))
}

macro_rules! port_in {
    ($name:ident, $type:ty, $bytes:literal, $instruction:path) => {
        pub fn $name(call: &mut Call<'_, '_>, port: u16) -> Outcome<$type> {
            require(call, port, $bytes, READ)?;
            // SAFETY: the table grants this port to this SIP, no two instances share one, and the composer grants none of
            // those that the kernel keeps; memory is not reached through a port that can be granted.
            Ok(unsafe { $instruction(port) })
        }
    };
}

macro_rules! port_out {
    ($name:ident, $type:ty, $bytes:literal, $instruction:path) => {
        pub fn $name(call: &mut Call<'_, '_>, port: u16, value: $type) -> Outcome<()> {
            require(call, port, $bytes, WRITE)?;
            // SAFETY: as for reading.
            unsafe { $instruction(port, value) };
            Ok(())
        }
    };
}

port_in!(port_in8, u8, 1, port::in8);
port_in!(port_in16, u16, 2, port::in16);
port_in!(port_in32, u32, 4, port::in32);
port_out!(port_out8, u8, 1, port::out8);
port_out!(port_out16, u16, 2, port::out16);
port_out!(port_out32, u32, 4, port::out32);
