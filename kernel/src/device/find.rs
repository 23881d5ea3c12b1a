//! Which function each device of the table is, at boot.
use super::{DEVICES, Found, Granted, Window, interrupt::Interrupt};
use crate::{dispatch::KEPT, log::say, memory::{PAGE, frames, paging}, pci, state::interrupts_of};
use alloc::{format, string::String, vec::Vec};
use core::ops::Range;
use munal_logic::{device::{Device, Region}, pci::{ANSWERS, SILENT, class, command, located, search}, table::Table, words};

/// Base classes (PCI Local Bus Specification 3.0, appendix D): a display shows the firmware's picture, a bridge is the way to others.
const DISPLAY: u32 = 0x03;
const BRIDGE: u32 = 0x06;

/// Takes bus mastering from all functions, and finds the one that each device of the table is. Called once, at boot, when all that
/// the kernel maps for itself and for grants of device memory is mapped.
///
/// A device that cannot be had is one that is not there; why, is said.
pub fn find(table: &Table) {
    let functions = search(pci::read);
    functions.iter().for_each(|&function| hush(function));
    let mut free = functions;
    let mut lines: Vec<u32> = table.instances.iter().flat_map(interrupts_of).map(|(_, line)| line).collect();
    let mut devices = Vec::new();
    for (number, model) in table.devices.iter().enumerate() {
        let function = choose(model, &mut free);
        let found = function.and_then(|function| match Found::of(function, model, table, number, &mut lines) {
            Ok(found) => Some(found),
            Err(why) => {
                say!("{}: {} cannot be device `{}`: {why}", table.instances[model.instance].name, words::function(function), model.need);
                None
            }
        });
        devices.push(Granted { model: model.clone(), found });
    }
    DEVICES.with(|slot| *slot = devices);
}

/// What the firmware left working writes to memory no more.
fn hush(function: u16) {
    // SAFETY: it only takes from the function what it could do.
    unsafe {
        pci::with(function, |registers| {
            let base = class(registers) >> 24;
            if base != DISPLAY && base != BRIDGE {
                command(registers, ANSWERS | SILENT);
            }
        });
    }
}

/// Takes the function from those that nobody has.
fn choose(model: &Device, free: &mut Vec<u16>) -> Option<u16> {
    let is_one = |function: u16| model.matches.iter().any(|it| pci::read(function, it.offset & !3) & it.mask == it.value);
    let mut fitting = free.iter().enumerate().filter(|&(_, &function)| model.slot.is_none_or(|slot| slot == function) && is_one(function));
    let (place, _) = fitting.nth(model.skip as usize)?;
    Some(free.remove(place))
}

impl Found {
    /// Errors: in words, what the function lacks.
    fn of(function: u16, model: &Device, table: &Table, number: usize, lines: &mut Vec<u32>) -> Result<Self, String> {
        let regions = model.regions.iter().map(|region| window(function, region, table)).collect::<Result<Vec<_>, _>>()?;
        let interrupt = Interrupt::of(function, number);
        let tables = model.tables.iter().map(|table| frames::take_together(table.size() / PAGE).ok_or("no memory for its tables"));
        let tables = tables.collect::<Result<Vec<_>, _>>()?;
        if let Some(messages) = interrupt.table() {
            let reached = |(window, region): (&Window, &Region)| !window.ports && window.base < messages.end && messages.start < window.base + u64::from(region.length);
            if regions.iter().zip(&model.regions).any(reached) {
                return Err("a region of its model reaches its table of messages".into());
            }
            map(messages.start & !(PAGE - 1)..messages.end.next_multiple_of(PAGE), table)?;
        }
        if let Some(line) = interrupt.line() {
            if lines.contains(&line) {
                return Err(format!("its interrupt comes as global system interrupt {line}, which is another's"));
            }
            lines.push(line);
        }
        Ok(Self { function, regions, tables, interrupt })
    }
}

/// Where a region is, mapped.
fn window(function: u16, region: &Region, table: &Table) -> Result<Window, String> {
    let (bar, offset, length) = match (region.bar, region.capability) {
        (Some(bar), _) => (bar, 0, region.length),
        // SAFETY: looking for a capability writes nothing.
        (None, Some(wanted)) => unsafe { pci::with(function, |registers| located(registers, wanted)) }.ok_or_else(|| format!("it has no region `{}`", region.name))?,
        (None, None) => return Err(format!("region `{}` is nowhere", region.name)), // `check` lets none through
    };
    let decoded = pci::region(function, bar).ok_or_else(|| format!("it decodes nothing for region `{}`", region.name))?;
    let fits = length >= region.length && u64::from(offset) + u64::from(region.length) <= decoded.length;
    let base = decoded.address.checked_add(u64::from(offset)).filter(|_| fits && decoded.address != 0);
    let base = base.ok_or_else(|| format!("its region `{}` is too short, or nowhere", region.name))?;
    if decoded.ports {
        let ports = base..base + u64::from(region.length);
        return is_free(&ports, table).then_some(Window { base, ports: true }).ok_or_else(|| format!("its region `{}` is at ports that are kept or another's", region.name));
    }
    map(base & !(PAGE - 1)..(base + u64::from(region.length)).next_multiple_of(PAGE), table)?;
    Ok(Window { base, ports: false })
}

/// Whether ports are there, and neither the kernel's nor granted to an instance.
fn is_free(ports: &Range<u64>, table: &Table) -> bool {
    let granted = table.instances.iter().flat_map(|instance| &instance.ports).map(|grant| (u64::from(grant.base), u64::from(grant.length)));
    let kept = KEPT.ports.iter().map(|&(start, count)| (u64::from(start), u64::from(count)));
    ports.end <= 1 << 16 && !granted.chain(kept).any(|(start, count)| start < ports.end && ports.start < start + count)
}

/// Maps device memory one to one. Pages may be there already for another region: it is the kernel that reads and writes there.
fn map(pages: Range<u64>, table: &Table) -> Result<(), String> {
    let granted = table.instances.iter().flat_map(|instance| &instance.mmio).any(|grant| grant.pages().0 < pages.end && pages.start < grant.pages().1);
    if granted {
        return Err(format!("its registers at {:#x} are granted as device memory, too", pages.start));
    }
    if pages.end > KEPT.physical_end || is_memory(&pages) || KEPT.pages.iter().any(|&(start, length)| start < pages.end && pages.start < start + length) {
        return Err(format!("its registers are said to be at {:#x}, where this machine has something else", pages.start));
    }
    for page in pages.step_by(PAGE as usize).filter(|&page| !paging::is_mapped(page)) {
        paging::map_device(page, PAGE);
    }
    Ok(())
}

fn is_memory(pages: &Range<u64>) -> bool {
    crate::boot::memory().into_iter().any(|(start, end)| start < pages.end && pages.start < end)
}
