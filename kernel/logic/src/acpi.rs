//! ACPI's static tables, read from bytes: root pointer, list of tables, interrupt controllers (ACPI 6.5, section 5.2).
//! Checksums are checked, and no length is trusted: what does not fit is left out.
use alloc::vec::Vec;

/// Bytes of the header that every table begins with.
pub const HEADER: usize = 36;
/// Bytes of the root pointer of ACPI 2.0 and later.
pub const ROOT_POINTER: usize = 36;
/// The most bytes that a table may have.
pub const LARGEST: u32 = 16 << 20;

/// The physical address of the list of tables, and how wide its entries are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    pub address: u64,
    pub entry: usize,
}

/// An ISA interrupt that arrives elsewhere, or otherwise, than its number says (section 5.2.12.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Override {
    pub isa: u32,
    pub gsi: u32,
    pub active_low: bool,
    pub level: bool,
}

/// I/O APICs, each with its physical address and first global system interrupt, and the overrides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Madt {
    pub io_apics: Vec<(u64, u32)>,
    pub overrides: Vec<Override>,
}

fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

/// The number that `count` little-endian bytes from `at` hold; 0 where the table ends before.
pub fn number(bytes: &[u8], at: usize, count: usize) -> u64 {
    let found = bytes.get(at..at + count).unwrap_or(&[]);
    found.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Reads the root pointer (section 5.2.5.3). Errors: why it is none.
pub fn root(bytes: &[u8]) -> Result<Root, &'static str> {
    if bytes.len() < ROOT_POINTER || &bytes[..8] != b"RSD PTR " {
        return Err("the firmware's ACPI root pointer has no signature");
    }
    if !sums_to_zero(&bytes[..20]) {
        return Err("the firmware's ACPI root pointer has a wrong checksum");
    }
    if bytes[15] < 2 || number(bytes, 24, 8) == 0 {
        return Ok(Root { address: number(bytes, 16, 4), entry: 4 });
    }
    Ok(Root { address: number(bytes, 24, 8), entry: 8 })
}

/// Signature and length of a table, from its header; none where the length cannot be.
pub fn header(bytes: &[u8]) -> Option<([u8; 4], u32)> {
    let signature = *bytes.first_chunk::<4>()?;
    let length = number(bytes, 4, 4) as u32;
    (bytes.len() >= HEADER && length as usize >= HEADER && length <= LARGEST).then_some((signature, length))
}

/// Whether a whole table's bytes sum to zero.
pub fn is_whole(table: &[u8]) -> bool {
    table.len() >= HEADER && sums_to_zero(table)
}

/// The physical addresses that the list of tables holds.
pub fn entries(table: &[u8], entry: usize) -> Vec<u64> {
    let body = table.get(HEADER..).unwrap_or(&[]);
    body.chunks_exact(entry).map(|chunk| number(chunk, 0, entry)).filter(|&address| address != 0).collect()
}

/// The physical address of the DSDT that a FADT names: its 64-bit field where it has one (section 5.2.9).
pub fn dsdt(fadt: &[u8]) -> Option<u64> {
    let wide = number(fadt, 140, 8);
    Some(if wide != 0 { wide } else { number(fadt, 40, 4) }).filter(|&address| address != 0)
}

/// Reads the MADT's entries (section 5.2.12).
pub fn madt(table: &[u8]) -> Madt {
    let mut found = Madt::default();
    let mut rest = table.get(HEADER + 8..).unwrap_or(&[]);
    while let [kind, length, ..] = *rest {
        let Some(entry) = rest.get(..usize::from(length)).filter(|_| length >= 2) else { break };
        match (kind, length) {
            (1, 12..) => found.io_apics.push((number(entry, 4, 4), number(entry, 8, 4) as u32)),
            (2, 10..) => found.overrides.push(Override {
                isa: u32::from(entry[3]),
                gsi: number(entry, 4, 4) as u32,
                active_low: entry[8] & 0b11 == 0b11,
                level: entry[8] >> 2 & 0b11 == 0b11,
            }),
            _ => {}
        }
        rest = &rest[usize::from(length)..];
    }
    found
}

/// Where PCI's configuration space lies in memory, as start and end (PCI Firmware Specification 3.3, section 4.1.2): each
/// segment group has 1 MiB for each of its buses.
pub fn mcfg(table: &[u8]) -> Vec<(u64, u64)> {
    let body = table.get(HEADER + 8..).unwrap_or(&[]);
    body.chunks_exact(16).filter_map(|entry| {
        let (first, last) = (u64::from(entry[10]), u64::from(entry[11]));
        let base = number(entry, 0, 8);
        Some((base.checked_add(first << 20)?, base.checked_add((last + 1) << 20)?)).filter(|&(start, end)| start < end)
    }).collect()
}

/// FADT: its flags, RESET_REG and RESET_VALUE, and the flag that they are there (ACPI 6.5, table 5.9 and section 4.8.3.6).
const FLAGS: usize = 112;
const RESET_REGISTER: usize = 116;
const RESET_VALUE: usize = 128;
const RESET_SUPPORTED: u32 = 1 << 10;
const SYSTEM_IO: u8 = 1;

/// The port that resets the machine, and what to write there; none where the FADT names none, or no port.
pub fn reset_register(fadt: &[u8]) -> Option<(u16, u8)> {
    let flags = u32::from_le_bytes(fadt.get(FLAGS..FLAGS + 4)?.try_into().ok()?);
    let address = u64::from_le_bytes(fadt.get(RESET_REGISTER + 4..RESET_REGISTER + 12)?.try_into().ok()?);
    let named = flags & RESET_SUPPORTED != 0 && fadt[RESET_REGISTER] == SYSTEM_IO;
    u16::try_from(address).ok().filter(|&port| named && port != 0).zip(fadt.get(RESET_VALUE).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn madt_of(entries: &[u8]) -> Vec<u8> {
        let mut table = vec![0; HEADER + 8];
        table.extend_from_slice(entries);
        table
    }

    #[test]
    fn an_io_apic_and_an_override_are_read() {
        let table = madt_of(&[0, 8, 0, 0, 1, 0, 0, 0, 1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0, 2, 10, 0, 9, 21, 0, 0, 0, 0x0d, 0]);
        let found = madt(&table);
        assert_eq!(found.io_apics, [(0xfec0_0000, 0)]);
        assert_eq!(found.overrides, [Override { isa: 9, gsi: 21, active_low: false, level: true }]);
    }

    #[test]
    fn entries_that_lie_about_their_length_end_the_list() {
        for entries in [&[1u8, 0, 0][..], &[1, 1], &[1, 200, 0, 0], &[2, 3, 0], &[7]] {
            assert_eq!(madt(&madt_of(entries)), Madt::default(), "{entries:?}");
        }
        assert_eq!(madt(&[]), Madt::default());
    }

    #[test]
    fn the_root_pointer_is_checked() {
        let mut pointer = vec![0; ROOT_POINTER];
        pointer[..8].copy_from_slice(b"RSD PTR ");
        pointer[15] = 2;
        pointer[16] = 0x10;
        pointer[24] = 0x20;
        let sum = pointer[..20].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        pointer[8] = 0u8.wrapping_sub(sum);
        assert_eq!(root(&pointer), Ok(Root { address: 0x20, entry: 8 }));
        pointer[9] ^= 1;
        assert!(root(&pointer).is_err());
        assert!(root(b"RSD PTR ").is_err());
    }

    #[test]
    fn configuration_space_is_a_mebibyte_a_bus() {
        let mut table = vec![0; HEADER + 8];
        table.extend_from_slice(&[0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0]);
        table.extend_from_slice(&[0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 16, 17, 0, 0, 0, 0]);
        table.extend_from_slice(&[0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 5, 3, 0, 0, 0, 0]); // ends before it starts
        table.extend_from_slice(&[255; 16]); // leaves all addresses
        table.extend_from_slice(&[0; 9]);
        assert_eq!(mcfg(&table), [(0xb000_0000, 0xc000_0000), (0x1_0100_0000, 0x1_0120_0000)]);
        assert_eq!(mcfg(&[]), []);
    }

    #[test]
    fn a_table_shorter_than_its_header_is_none() {
        let mut table = vec![0; HEADER];
        table[..4].copy_from_slice(b"APIC");
        table[4] = 35;
        assert_eq!(header(&table), None);
        table[4] = 36;
        assert_eq!(header(&table), Some((*b"APIC", 36)));
        assert_eq!(header(&table[..20]), None);
    }

    #[test]
    fn the_reset_register_is_a_port_that_the_fadt_vouches_for() {
        let mut fadt = alloc::vec![0; 129];
        fadt[113] = 4;
        fadt[116] = SYSTEM_IO;
        fadt[120..122].copy_from_slice(&0xcf9u16.to_le_bytes());
        fadt[128] = 0x0f;
        assert_eq!(reset_register(&fadt), Some((0xcf9, 0x0f)));
        assert_eq!(reset_register(&fadt[..128]), None);
        for (at, value) in [(113, 0), (116, 0), (122, 1), (120, 0)] {
            let mut other = fadt.clone();
            other[at] = value;
            if at == 120 {
                other[121] = 0;
            }
            assert_eq!(reset_register(&other), None, "{at}");
        }
    }
}
