//! What a driver tells its device: every byte is judged by the model, every address put in the device's terms.
//!
//! What was judged is what is written: it is copied first, to where neither the SIP nor its device reaches it.
use super::{ABSENT, Granted};
use crate::{dispatch::Error, memory::{PAGE, paging}, raw::Answer, sip::{Call, Lent, Outcome, Stop}};
use alloc::{format, vec::Vec};
use core::{ptr, sync::atomic::{Ordering, compiler_fence, fence}};
use munal_logic::device::{Fault, LARGEST_TABLE, Place, Reach, Write, entries};

/// A write of this many bytes takes no memory from the heap.
const SHORT: usize = 64;

/// Writes a register of 1, 2, 4 or 8 bytes; nothing happens where the device is not there. Errors: the model lets nobody.
#[inline(never)]
pub fn write_register(granted: &Granted, call: &mut Call<'_, '_>, region: u8, offset: u32, bytes: u8, value: u64) -> Outcome<()> {
    let model = &granted.model;
    let refused = |what: &str| Stop::Refused(format!("wrote {bytes} bytes at {offset:#x} of region {region} of device `{}`: {what}", model.need));
    let Some(rules) = model.regions.get(usize::from(region)).map(|region| &region.rules) else { return Err(refused("its model has no such region")) };
    let Some(found) = &granted.found else { return Ok(()) };
    let mut word = value.to_le_bytes();
    let judged = rules.judge(&mut Write { offset, bytes: &mut word[..usize::from(bytes)] }, &model.tables, &mut |reach| physical(call, reach, &found.tables));
    judged.map_err(|fault| refused(words(fault)))?;
    let (window, value) = (found.regions[usize::from(region)], u64::from_le_bytes(word));
    compiler_fence(Ordering::SeqCst); // what was written to memory before is there when the device looks
    if bytes == 8 && rules.is_halved(offset) {
        window.write_halves(offset, value);
    } else {
        window.write(offset, bytes, value);
    }
    Ok(())
}

/// Writes to a table. Errors: as for registers; the SIP is told where memory does not lie together, or the device is not there.
pub fn write_table(granted: &Granted, call: &mut Call<'_, '_>, number: u8, offset: u32, bytes: Lent) -> Outcome<Answer> {
    let (mut short, mut long) = ([0; SHORT], Vec::new());
    let lent = call.bytes(bytes)?;
    let copy: &mut [u8] = match short.get_mut(..lent.len()) {
        Some(short) => short,
        None => {
            long.resize(lent.len().min(LARGEST_TABLE as usize), 0);
            &mut long
        }
    };
    let lent = lent.get(..copy.len()).unwrap_or(&[]);
    copy.copy_from_slice(lent);
    let model = &granted.model;
    let refused = |what: &str| Stop::Refused(format!("wrote {} bytes at {offset:#x} of table {number} of device `{}`: {what}", bytes.length, model.need));
    let Some(table) = model.tables.get(usize::from(number)) else { return Err(refused("its model has no such table")) };
    let Some(found) = &granted.found else { return Ok(Err(ABSENT)) };
    if copy.len() < bytes.length as usize {
        return Err(refused("it is longer than a table"));
    }
    match entries(table, offset, copy, &model.tables, &mut |reach| physical(call, reach, &found.tables)) {
        Ok(()) => {}
        Err(Fault::Apart) => return Ok(Err(Error::Invalid)),
        Err(fault) => return Err(refused(words(fault))),
    }
    let to = (found.tables[usize::from(number)] + u64::from(offset)) as *mut u8;
    // SAFETY: `entries` found that the bytes lie in the table, whose frames are the kernel's for good; nothing else refers to them
    // but the device.
    unsafe { ptr::copy_nonoverlapping(copy.as_ptr(), to, copy.len()) };
    fence(Ordering::SeqCst); // the device sees it before its driver looks at what the device wrote
    Ok(Ok(bytes.length))
}

/// Reads from a table; answers how many bytes there were.
pub fn read_table(granted: &Granted, call: &mut Call<'_, '_>, number: u8, offset: u32, buffer: Lent) -> Outcome<Answer> {
    let buffer = call.bytes(buffer)?;
    let Some(table) = granted.model.tables.get(usize::from(number)) else {
        return Err(Stop::Refused(format!("read table {number} of device `{}`, which its model does not have", granted.model.need)));
    };
    let Some(found) = &granted.found else { return Ok(Err(ABSENT)) };
    let rest = (table.size() as usize).saturating_sub(offset as usize);
    let count = buffer.len().min(rest);
    compiler_fence(Ordering::SeqCst);
    let from = (found.tables[usize::from(number)] + u64::from(offset)) as *const u8;
    // SAFETY: as for writing; bytes that the device changes meanwhile are some bytes.
    unsafe { ptr::copy_nonoverlapping(from, buffer.as_mut_ptr(), count) };
    Ok(Ok(count as u32))
}

/// The physical address of what a driver points to. Its memory's pages are there from now on, and stay until its life is over,
/// when the device was stopped before.
fn physical(call: &mut Call<'_, '_>, reach: Reach, tables: &[u64]) -> Result<u64, Fault> {
    let at = match reach.place {
        Place::Table { number, offset } => return Ok(tables[number] + u64::from(offset)),
        Place::Memory(at) => at,
    };
    let length = reach.length.max(1);
    let lent = u32::try_from(length).map(|length| Lent { pointer: at, length }).map_err(|_| Fault::Nowhere(0))?;
    let bytes = call.bytes(lent).map_err(|_| Fault::Nowhere(0))?;
    let start = bytes.as_ptr() as u64;
    let first = present(start).ok_or(Fault::Nowhere(0))?;
    let pages = (start & !(PAGE - 1)) + PAGE..start + length;
    let together = pages.step_by(PAGE as usize).all(|page| present(page) == Some(first + (page - start)));
    if together { Ok(first) } else { Err(Fault::Apart) }
}

/// The frame of a page of the SIP's memory, which is there from now on.
fn present(address: u64) -> Option<u64> {
    // SAFETY: the address is of bytes that the SIP lent; reading one makes their page where it was not touched yet.
    unsafe { (address as *const u8).read_volatile() };
    paging::physical(address)
}

fn words(fault: Fault) -> &'static str {
    match fault {
        Fault::Refused(_) => "its model does not let it",
        Fault::Nowhere(_) => "an address in it leads where its model or its memory has nothing for it",
        Fault::Apart => "memory that an address in it is for does not lie together",
    }
}
