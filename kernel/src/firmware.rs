//! What the firmware tells and the kernel reads: ACPI's tables, where they lie in physical memory.
use crate::{cell::Global, memory::paging};
use alloc::vec::Vec;
use munal_logic::acpi::{self, HEADER, Madt, ROOT_POINTER};

/// A table that was found whole.
struct Table {
    signature: [u8; 4],
    bytes: &'static [u8],
}

static TABLES: Global<Vec<Table>> = Global::new(Vec::new());

/// Physical memory as bytes.
///
/// # Safety
/// The firmware said that a table lies there; nobody writes it.
unsafe fn physical(address: u64, length: usize) -> &'static [u8] {
    paging::map_firmware(address, address + length as u64);
    // SAFETY: mapped one to one, and the caller's promise.
    unsafe { core::slice::from_raw_parts(address as *const u8, length) }
}

/// The whole table at a physical address; none where its header or its checksum is wrong.
///
/// # Safety
/// As `physical`.
unsafe fn table(address: u64) -> Option<Table> {
    // SAFETY: the caller's promise.
    let (signature, length) = acpi::header(unsafe { physical(address, HEADER) })?;
    // SAFETY: as before, for the length that the header gives, which `header` bounds.
    let bytes = unsafe { physical(address, length as usize) };
    acpi::is_whole(bytes).then_some(Table { signature, bytes })
}

/// Reads the list of tables; answers what the MADT says. Errors: why there is none, in words.
pub fn start(rsdp: u64) -> Result<Madt, &'static str> {
    // SAFETY: the firmware's configuration table gave the address; the others come from the tables themselves.
    let tables = unsafe {
        let root = acpi::root(physical(rsdp, ROOT_POINTER))?;
        let list = table(root.address).ok_or("the firmware's list of ACPI tables is damaged")?;
        let mut tables: Vec<Table> = acpi::entries(list.bytes, root.entry).into_iter().filter_map(|address| table(address)).collect();
        let dsdt = tables.iter().find(|t| &t.signature == b"FACP").and_then(|fadt| acpi::dsdt(fadt.bytes));
        tables.extend(dsdt.and_then(|address| table(address)));
        tables
    };
    let madt = tables.iter().find(|t| &t.signature == b"APIC").ok_or("ACPI lists no interrupt controllers (no MADT)")?;
    let found = acpi::madt(madt.bytes);
    TABLES.with(|slot| *slot = tables);
    Ok(found)
}

/// The bytes of the first table with this signature.
pub fn bytes(signature: [u8; 4]) -> Option<&'static [u8]> {
    TABLES.with(|tables| tables.iter().find(|t| t.signature == signature).map(|t| t.bytes))
}
