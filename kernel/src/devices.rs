//! What the table grants of this machine's devices, compared with what the machine really has: device memory that is none, and
//! interrupt lines that meet, are refused before any instance runs.
use crate::{boot, cpu::{apic, ioapic}, firmware, memory::{PAGE, WASM_START, paging}, state};
use alloc::{format, string::String, vec::Vec};
use munal_logic::{acpi, occupied::{self, Occupied}, table::{Table, shared}};

// All of physical memory that can be granted is mapped one to one, below every window of the kernel's own.
const _: () = assert!(crate::dispatch::KEPT.physical_end <= WASM_START);

/// Maps the granted device memory, uncached. Called once, at boot, when all that the kernel maps for itself is mapped.
///
/// Errors: in words, where a grant meets RAM, a device of the kernel's or what the firmware keeps there.
pub fn map(table: &Table) -> Result<(), String> {
    occupied::check(table, &occupied())?;
    let grants = || table.instances.iter().flat_map(|instance| instance.mmio.iter().map(move |grant| (instance, grant)));
    for (instance, grant) in grants() {
        let (start, end) = grant.pages();
        if let Some(page) = (start..end).step_by(PAGE as usize).find(|&page| paging::is_mapped(page)) {
            return Err(format!("device memory `{}` of `{}` cannot be granted on this machine: the kernel uses {page:#x}", grant.need, instance.name));
        }
    }
    for (_, grant) in grants() {
        let (start, end) = grant.pages();
        paging::map_device(start, end - start);
    }
    Ok(())
}

/// Physical addresses that are memory, or devices that the kernel keeps.
fn occupied() -> Vec<Occupied> {
    let at = |(start, end): (u64, u64), what| Occupied { start, end, what };
    let mut found: Vec<Occupied> = boot::memory().into_iter().map(|range| at(range, "memory")).collect();
    found.push(at((apic::page(), apic::page() + PAGE), "the local APIC"));
    found.extend(ioapic::pages().into_iter().map(|page| at((page, page + PAGE), "an I/O APIC")));
    found.extend(firmware::bytes(*b"MCFG").map(acpi::mcfg).unwrap_or_default().into_iter().map(|range| at(range, "PCI's configuration space")));
    occupied::joined(found)
}

/// Checks that no two instances' lines arrive as one, as the firmware's tables route them.
///
/// Errors: in words, where they do. The composer cannot know: it takes ISA line n for global line n.
pub fn check_lines(table: &Table) -> Result<(), String> {
    let lines = table.instances.iter().enumerate().flat_map(|(index, instance)| {
        state::interrupts_of(instance).into_iter().map(move |(_, gsi)| (u64::from(gsi), u64::from(gsi) + 1, index))
    });
    shared(lines.collect()).map_or(Ok(()), |(gsi, one, other)| {
        let name = |index: usize| &table.instances[index].name;
        Err(format!("`{}` and `{}` hold one interrupt on this machine: its ACPI tables lead both lines to global interrupt {gsi}", name(one), name(other)))
    })
}
