//! Finds SLP_TYPa of the state S5 in a table of AML, by the bytes of its definition `Name (\_S5, Package {...})`.
//!
//! That definition must be evaluated without a method (ACPI 6.5, section 7.4), so its bytes are always these: NameOp, the
//! name, PackageOp, the package's length, its number of elements, and an integer constant (section 20.2).

const NAME_OP: u8 = 0x08;
const ROOT: u8 = b'\\';
const PACKAGE_OP: u8 = 0x12;
const ZERO_OP: u8 = 0x00;
const ONE_OP: u8 = 0x01;
const ONES_OP: u8 = 0xff;
const BYTE_PREFIX: u8 = 0x0a;
const WORD_PREFIX: u8 = 0x0b;
const DWORD_PREFIX: u8 = 0x0c;
const QWORD_PREFIX: u8 = 0x0e;

const S5: &[u8; 4] = b"_S5_";
/// The most bytes of a definition, from NameOp to the end of its first element: 1 + 1 + 4 + 1 + 4 + 1 + 9.
const DEFINITION: usize = 21;
const WINDOW: usize = 512;
/// No table is searched further than this.
const LONGEST_TABLE: u32 = 4 << 20;

/// Searches a table for the type of S5, three bits. `read` copies bytes from an offset on and answers how many, 0 at the end.
pub fn find_s5(mut read: impl FnMut(u32, &mut [u8]) -> usize) -> Option<u8> {
    let mut window = [0; WINDOW];
    let mut offset = 0;
    while offset < LONGEST_TABLE {
        let length = fill(&mut window, offset, &mut read);
        if let Some(found) = (0..length).find_map(|start| definition(&window[start..length])) {
            return Some(found);
        }
        if length < WINDOW {
            return None;
        }
        offset += (WINDOW - DEFINITION) as u32; // the next window sees whole what this one cut
    }
    None
}

/// Fills `window` from `offset` on, as far as the table goes.
fn fill(window: &mut [u8], offset: u32, read: &mut impl FnMut(u32, &mut [u8]) -> usize) -> usize {
    let mut length = 0;
    while length < window.len() {
        match read(offset + length as u32, &mut window[length..]) {
            0 => break,
            count => length = (length + count).min(window.len()),
        }
    }
    length
}

/// The first element of the package, where the definition of `_S5_` starts at `aml`.
fn definition(aml: &[u8]) -> Option<u8> {
    let name = aml.strip_prefix(&[NAME_OP])?;
    let name = name.strip_prefix(&[ROOT]).unwrap_or(name);
    let package = name.strip_prefix(S5)?.strip_prefix(&[PACKAGE_OP])?;
    let length_bytes = 1 + usize::from(package.first()? >> 6); // bits 7..6 of the first byte: how many follow
    let (elements, first) = package.get(length_bytes..)?.split_first()?;
    if *elements == 0 { None } else { integer(first) }
}

/// The low three bits of an integer constant.
fn integer(aml: &[u8]) -> Option<u8> {
    let low = match *aml.first()? {
        ZERO_OP => 0,
        ONE_OP => 1,
        ONES_OP => u8::MAX,
        BYTE_PREFIX | WORD_PREFIX | DWORD_PREFIX | QWORD_PREFIX => *aml.get(1)?, // little endian
        _ => return None,
    };
    Some(low & 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    fn find(table: &[u8]) -> Option<u8> {
        find_in_parts(table, usize::MAX)
    }

    fn find_in_parts(table: &[u8], most: usize) -> Option<u8> {
        find_s5(|offset, buffer| {
            let rest = &table[(offset as usize).min(table.len())..];
            let count = rest.len().min(buffer.len()).min(most);
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        })
    }

    fn s5(first: &[u8]) -> Vec<u8> {
        let mut aml = Vec::from(*b"\x08_S5_\x12\x0a\x04");
        aml.extend(first);
        aml.extend([0, 0, 0]);
        aml
    }

    #[test]
    fn every_form_of_integer() {
        for (first, value) in [
            (&[ZERO_OP][..], 0),
            (&[ONE_OP], 1),
            (&[BYTE_PREFIX, 5], 5),
            (&[WORD_PREFIX, 7, 0], 7),
            (&[DWORD_PREFIX, 6, 0, 0, 0], 6),
            (&[QWORD_PREFIX, 4, 0, 0, 0, 0, 0, 0, 0], 4),
            (&[BYTE_PREFIX, 0xfd], 5),
        ] {
            assert_eq!(find(&s5(first)), Some(value), "{first:x?}");
        }
    }

    #[test]
    fn the_root_prefix_and_long_package_lengths() {
        assert_eq!(find(b"\x08\\_S5_\x12\x06\x04\x0a\x05\x00\x00\x00"), Some(5));
        assert_eq!(find(b"\x08_S5_\x12\x40\x01\x04\x0a\x05"), Some(5));
        assert_eq!(find(b"\x08_S5_\x12\xc0\x01\x00\x00\x04\x0a\x05"), Some(5));
    }

    #[test]
    fn found_across_every_cut_between_windows() {
        for start in WINDOW - DEFINITION - 2..WINDOW + 2 {
            let mut table = Vec::new();
            table.resize(start, 0x5f);
            table.extend(s5(&[BYTE_PREFIX, 3]));
            table.resize(3 * WINDOW, 0);
            assert_eq!(find(&table), Some(3), "{start}");
            assert_eq!(find_in_parts(&table, 7), Some(3), "{start}");
        }
    }

    #[test]
    fn what_only_resembles_it_is_not_it() {
        assert_eq!(find(b"_S5_\x12\x06\x04\x0a\x05"), None); // a reference, no definition
        assert_eq!(find(b"\x08_S4_\x12\x06\x04\x0a\x05"), None);
        assert_eq!(find(b"\x08_S5_\x12\x06\x00"), None); // an empty package
        assert_eq!(find(b"\x08_S5_\x12\x06\x04\x0d\x05"), None); // a string
    }

    #[test]
    fn a_cut_table_is_no_fault() {
        let whole = s5(&[BYTE_PREFIX, 5]);
        for length in 0..10 {
            assert_eq!(find(&whole[..length.min(9)]), None, "{length}");
        }
        assert_eq!(find(&whole[..10]), Some(5));
    }

    #[test]
    fn an_endless_table_ends() {
        assert_eq!(
            find_s5(|_, buffer| {
                buffer.fill(NAME_OP);
                buffer.len()
            }),
            None
        );
    }
}
