//! The header of the image's section `.munal` (docs/formats.md), and the digests that prove what follows it.
use crate::table;
use sha2::{Digest, Sha256};

pub const MAGIC: &[u8; 8] = b"MUNALSYS";
pub const HEADER_LENGTH: usize = 64;
/// Where the header's page ends, and the first module is; zeros fill it.
const HEADER_PAGE: usize = 4096;
pub const LAYOUT: u32 = 1;

/// What the header says; `table` lies in the section, and its digest was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub emergency_port: Option<u16>,
    pub table: core::ops::Range<usize>,
    pub digest: [u8; 32],
}

/// Reads the header of `section` and compares the table's SHA-256. Errors: the reason not to boot.
pub fn read_header(section: &[u8]) -> Result<Header, &'static str> {
    let header = section.get(..HEADER_LENGTH).ok_or("the image's section .munal is shorter than its header")?;
    if &header[..8] != MAGIC {
        return Err("the image's section .munal does not start with its magic");
    }
    if word(header, 8) != LAYOUT {
        return Err("the image's section .munal has a layout that this kernel does not read");
    }
    let emergency_port = u16::try_from(word(header, 12)).map_err(|_| "the emergency port is no port")?;
    let (start, length) = (long(header, 16), long(header, 24));
    let end = start.checked_add(length).ok_or("the system table leaves the image")?;
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok()).ok_or("the system table leaves the image")?;
    let table = section.get(range.0..range.1).ok_or("the system table leaves the image")?;
    if section.get(HEADER_LENGTH..HEADER_PAGE.min(range.0)).is_none_or(|rest| rest.iter().any(|&byte| byte != 0)) {
        return Err("the image's section .munal has more in its header than this kernel reads");
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(&header[32..64]);
    if sha256(table) != digest {
        return Err("the system table is not what was composed: its SHA-256 differs");
    }
    let emergency_port = Some(emergency_port).filter(|&port| port != 0);
    if !is_script(table) && table::emergency_port(table) != Ok(emergency_port) {
        return Err("the image's section .munal names another emergency port than the system table");
    }
    Ok(Header { emergency_port, table: range.0..range.1, digest })
}

/// A script of the lab, which may lie in the table's place, names no port: its header alone does.
#[cfg(feature = "lab")]
use crate::lab::is_script;
#[cfg(not(feature = "lab"))]
const fn is_script(_: &[u8]) -> bool {
    false
}

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    /// `{0: 3, 5: 0x3f8}`: as much of a table as the header is compared with.
    const TABLE: [u8; 7] = [0xa2, 0x00, 0x03, 0x05, 0x19, 0x03, 0xf8];

    fn section(table: &[u8]) -> Vec<u8> {
        let mut made = vec![0; 4096];
        made[..8].copy_from_slice(MAGIC);
        made[8..12].copy_from_slice(&1u32.to_le_bytes());
        made[12..16].copy_from_slice(&0x3f8u32.to_le_bytes());
        made[16..24].copy_from_slice(&4096u64.to_le_bytes());
        made[24..32].copy_from_slice(&(table.len() as u64).to_le_bytes());
        made[32..64].copy_from_slice(&sha256(table));
        made.extend_from_slice(table);
        made
    }

    #[test]
    fn a_whole_section_is_read() {
        let header = read_header(&section(&TABLE)).unwrap();
        assert_eq!(header.table, 4096..4103);
        assert_eq!(header.emergency_port, Some(0x3f8));
    }

    #[test]
    fn any_changed_bit_of_header_and_table_is_noticed() {
        let whole = section(&TABLE);
        for bit in 0..8 * whole.len() {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(read_header(&changed).is_err(), "bit {} of byte {} may be changed", bit % 8, bit / 8);
        }
    }

    #[test]
    fn lengths_that_wrap_or_leave_the_section_are_refused() {
        for (start, length) in [(u64::MAX, 2), (4096, 8), (1 << 40, 1), (0, u64::MAX)] {
            let mut changed = section(&TABLE);
            changed[16..24].copy_from_slice(&u64::to_le_bytes(start));
            changed[24..32].copy_from_slice(&u64::to_le_bytes(length));
            assert_eq!(read_header(&changed), Err("the system table leaves the image"));
        }
        assert!(read_header(&[0; 63]).is_err());
        assert!(read_header(&[0; 64]).is_err());
    }
}
