//! What has to hold of a device's model before the kernel works by it: every sum that `rules` makes is one of 32 bits.
use super::{Device, Pointer, Region, Rules, Sealed, Step, place};
use alloc::{format, string::String};

/// Bounds of a model: none that a device has is near them.
const MOST_RULES: usize = 64;
const MOST_PARTS: usize = 32;
const MOST_MATCHES: usize = 32;
const LARGEST_REGION: u32 = 1 << 24;
/// The most bytes of one table.
pub const LARGEST_TABLE: u64 = 1 << 16;
const MOST_REPEATED: u32 = 4096;

/// Checks one device's model. Errors: a sentence that names the part.
pub fn check(device: &Device, instances: usize) -> Result<(), String> {
    let fits = device.instance < instances
        && (1..=MOST_MATCHES).contains(&device.matches.len())
        && device.regions.len() <= MOST_PARTS && device.tables.len() <= MOST_PARTS && device.reset.len() <= MOST_PARTS;
    let tables = device.tables.iter().all(|table| is_table(table, device));
    let regions = device.regions.iter().all(|region| is_region(region, device));
    let steps = device.reset.iter().all(|step| is_step(step, device));
    match (fits, tables, regions, steps) {
        (true, true, true, true) => Ok(()),
        (false, ..) => Err(format!("device `{}` is of nobody, is none, or has too many parts", device.need)),
        (_, false, ..) => Err(format!("a table of device `{}` is none", device.need)),
        (_, _, false, _) => Err(format!("a region of device `{}` is none", device.need)),
        _ => Err(format!("the reset of device `{}` writes what is not there", device.need)),
    }
}

fn is_region(region: &Region, device: &Device) -> bool {
    region.bar.is_some() != region.capability.is_some()
        && region.bar.is_none_or(|bar| bar < 6)
        && (1..=LARGEST_REGION).contains(&region.length)
        && are_rules(&region.rules, region.length, device)
        && region.rules.pointers.iter().all(|pointer| pointer.length.is_none() && pointer.written.is_none())
}

fn is_table(table: &Sealed, device: &Device) -> bool {
    let size = u64::from(table.entry) * u64::from(table.count);
    (1..=LARGEST_TABLE).contains(&size) && are_rules(&table.rules, table.entry, device) && table.rules.pointers.iter().all(|pointer| !pointer.halves)
}

fn is_step(step: &Step, device: &Device) -> bool {
    let region = device.regions.get(step.region);
    is_width(step.bytes) && region.is_some_and(|region| is_inside(step.offset, u32::from(step.bytes), region.length))
}

fn are_rules(rules: &Rules, size: u32, device: &Device) -> bool {
    let few = rules.free.len() <= MOST_RULES && rules.limits.len() <= MOST_RULES && rules.pointers.len() <= MOST_RULES;
    few && rules.free.iter().all(|&(start, end)| start < end && end <= size)
        && rules.limits.iter().all(|limit| is_width(limit.bytes) && are_inside(limit.offset, u32::from(limit.bytes), limit.count, limit.stride, size))
        && rules.pointers.iter().all(|pointer| is_pointer(pointer, rules, size, device))
}

/// A pointer and what belongs to it lie in what they are part of, for each of its repetitions, and no byte of them is free. Each table that
/// one of a fixed reach may lead to has so many bytes, or it would lead nowhere where nobody has written it.
fn is_pointer(pointer: &Pointer, rules: &Rules, size: u32, device: &Device) -> bool {
    let parts = [
        Some((pointer.offset, 8)), pointer.length.map(|it| (it.offset, u32::from(it.bytes))), pointer.written.map(|it| (it.offset, 1)),
    ];
    let known = (2u64 << device.tables.len()) - 1;
    pointer.length.is_none_or(|it| is_width(it.bytes) && it.more <= u64::from(u32::MAX))
        && pointer.written.is_none_or(|it| it.bit < 8 && it.to & !known == 0)
        && pointer.to & !known == 0
        && (pointer.length.is_some() || (0..device.tables.len()).filter(|number| pointer.to >> 1 >> number & 1 != 0).all(|number| {
            place((number as u64 + 1) << 32, pointer.reach, pointer.to, &device.tables).is_some()
        }))
        && parts.into_iter().flatten().all(|(offset, bytes)| {
            are_inside(offset, bytes, pointer.count, pointer.stride, size) && (0..pointer.count).all(|number| {
                let start = offset + number * pointer.stride;
                rules.free.iter().all(|&(from, to)| to <= start || start + bytes <= from)
            })
        })
}

fn is_width(bytes: u8) -> bool {
    matches!(bytes, 1 | 2 | 4 | 8)
}

/// Whether all repetitions of something lie inside, none over the next.
fn are_inside(offset: u32, bytes: u32, count: u32, stride: u32, size: u32) -> bool {
    let last = u64::from(count.saturating_sub(1)) * u64::from(stride);
    (1..=MOST_REPEATED).contains(&count) && (count == 1 || stride >= bytes) && u64::from(offset) + u64::from(bytes) + last <= u64::from(size)
}

fn is_inside(offset: u32, bytes: u32, size: u32) -> bool {
    offset.checked_add(bytes).is_some_and(|end| end <= size)
}
