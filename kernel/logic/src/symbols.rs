//! The kernel's symbol table (docs/formats.md, "The image", section `.symbols`): names of functions by their addresses, read in
//! place, without memory, by a kernel that may be about to halt.

pub const MAGIC: &[u8; 8] = b"MUNALSYM";
const HEADER: usize = 12;
const ENTRY: usize = 8;

/// A table; any bytes make one, and those that are none know no function.
#[derive(Debug, Clone, Copy)]
pub struct Symbols<'a> {
    entries: &'a [u8],
    names: &'a [u8],
}

impl<'a> Symbols<'a> {
    pub fn new(section: &'a [u8]) -> Self {
        let found = section.get(HEADER..).filter(|_| section.starts_with(MAGIC)).and_then(|rest| {
            let length = usize::try_from(word(section, 8)?).ok()?.checked_mul(ENTRY)?;
            Some(Self { entries: rest.get(..length)?, names: &rest[length..] })
        });
        found.unwrap_or(Self { entries: &[], names: &[] })
    }

    /// The function that holds the byte `address` of the image, and how far into it that is; none before the first.
    pub fn find(&self, address: u32) -> Option<(&'a str, u32)> {
        let count = self.entries.len() / ENTRY;
        let start = |index: usize| word(self.entries, index * ENTRY).unwrap_or(u32::MAX);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = (low + high) / 2;
            if start(middle) <= address { low = middle + 1 } else { high = middle }
        }
        let index = low.checked_sub(1)?;
        let name = self.names.get(word(self.entries, index * ENTRY + 4)? as usize..)?;
        let name = &name[..name.iter().position(|&byte| byte == 0)?];
        Some((core::str::from_utf8(name).ok().filter(|name| !name.is_empty())?, address - start(index)))
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn section(entries: &[(u32, u32)], names: &[u8]) -> Vec<u8> {
        let mut made = MAGIC.to_vec();
        made.extend((entries.len() as u32).to_le_bytes());
        for (address, name) in entries {
            made.extend(address.to_le_bytes());
            made.extend(name.to_le_bytes());
        }
        made.extend(names);
        made
    }

    #[test]
    fn each_byte_belongs_to_the_function_that_starts_before_it() {
        let made = section(&[(0x1000, 0), (0x1010, 6), (0x1020, 10)], b"first\0mid\0\0");
        let symbols = Symbols::new(&made);
        assert_eq!(symbols.find(0xfff), None);
        assert_eq!(symbols.find(0x1000), Some(("first", 0)));
        assert_eq!(symbols.find(0x100f), Some(("first", 15)));
        assert_eq!(symbols.find(0x1010), Some(("mid", 0)));
        assert_eq!(symbols.find(0x5000), None, "the last entry has no name: nothing is known behind it");
    }

    #[test]
    fn what_is_no_table_knows_no_function() {
        let made = section(&[(0x1000, 0), (0x1010, 90)], b"first");
        assert_eq!((Symbols::new(&made).find(0x1000), Symbols::new(&made).find(0x1010)), (None, None)); // no end, no start
        for bytes in [&b""[..], b"MUNALSYM", b"MUNALSYM\xff\xff\xff\xff", b"MUNALSYN\0\0\0\0", &made[..made.len() - 14]] {
            assert_eq!(Symbols::new(bytes).find(u32::MAX), None);
        }
    }
}
