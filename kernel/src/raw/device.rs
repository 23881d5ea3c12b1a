//! The devices that an instance was granted whole.
use super::{Answer, irq::{await_interrupt, deadline}, require};
use crate::{cpu::ioapic, device::{self, Granted}, sip::{Call, Lent, Outcome}};
use munal_logic::table::HandleKind;

/// The device behind a handle.
#[inline(never)]
fn granted(call: &Call<'_, '_>, handle: u32) -> Outcome<(usize, &'static Granted)> {
    let number = require(call, handle, &[HandleKind::Device])?.object;
    Ok((number, device::granted(number)))
}

pub fn device_present(call: &mut Call<'_, '_>, handle: u32) -> Outcome<u32> {
    Ok(u32::from(granted(call, handle)?.1.is_there()))
}

pub fn device_config(call: &mut Call<'_, '_>, handle: u32, offset: u8) -> Outcome<u32> {
    Ok(granted(call, handle)?.1.config(offset))
}

macro_rules! registers {
    ($read:ident, $write:ident, $type:ty, $bytes:literal) => {
        pub fn $read(call: &mut Call<'_, '_>, handle: u32, region: u8, offset: u32) -> Outcome<$type> {
            Ok(granted(call, handle)?.1.read(region, offset, $bytes)? as $type)
        }

        pub fn $write(call: &mut Call<'_, '_>, handle: u32, region: u8, offset: u32, value: $type) -> Outcome<()> {
            let (_, granted) = granted(call, handle)?;
            device::write_register(granted, call, region, offset, $bytes, u64::from(value))
        }
    };
}

registers!(device_read8, device_write8, u8, 1);
registers!(device_read16, device_write16, u16, 2);
registers!(device_read32, device_write32, u32, 4);
registers!(device_read64, device_write64, u64, 8);

pub fn device_write_table(call: &mut Call<'_, '_>, handle: u32, table: u8, offset: u32, bytes: Lent) -> Outcome<Answer> {
    let (_, granted) = granted(call, handle)?;
    device::write_table(granted, call, table, offset, bytes)
}

pub fn device_read_table(call: &mut Call<'_, '_>, handle: u32, table: u8, offset: u32, buffer: Lent) -> Outcome<Answer> {
    let (_, granted) = granted(call, handle)?;
    device::read_table(granted, call, table, offset, buffer)
}

pub fn device_wait(call: &mut Call<'_, '_>, handle: u32, timeout: i64) -> Outcome<Answer> {
    let (number, _) = granted(call, handle)?;
    await_interrupt(device::line(number), deadline(timeout))
}

pub fn device_acknowledge(call: &mut Call<'_, '_>, handle: u32) -> Outcome<()> {
    let (number, _) = granted(call, handle)?;
    device::line(number).into_iter().for_each(ioapic::acknowledge);
    Ok(())
}
