//! A driver's own addresses: places in its memory, and bytes of its device's tables.
use super::Sealed;

/// Where a driver's address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A place in its linear memory.
    Memory(u32),
    /// A byte of a table.
    Table { number: usize, offset: u32 },
}

/// What a pointer asks for: `length` bytes from a place on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    pub place: Place,
    pub length: u64,
}

/// Tables come one after the other, 4 GiB each, after the linear memory.
const STRIDE: u32 = 32;

/// Where an address leads, if `to` (see `Pointer`) lets it and all of the bytes asked for are there. The caller looks whether the
/// linear memory has them: it knows how long that is.
///
/// In a table it leads to one whole entry, or to whole entries from the first on: what the device takes for an entry was written as one.
pub fn place(address: u64, length: u64, to: u64, tables: &[Sealed]) -> Option<Reach> {
    let offset = address as u32;
    let Some(number) = (address >> STRIDE).checked_sub(1) else {
        let there = to & 1 != 0;
        return there.then_some(Reach { place: Place::Memory(offset), length });
    };
    let number = usize::try_from(number).ok()?;
    let table = tables.get(number).filter(|_| to >> 1 >> number & 1 != 0)?;
    let all = u64::from(table.entry) * u64::from(table.count);
    let one = offset % table.entry == 0 && length == u64::from(table.entry) && u64::from(offset) < all;
    let first = offset == 0 && length <= all && length % u64::from(table.entry) == 0 && length > 0;
    (one || first).then_some(Reach { place: Place::Table { number, offset }, length })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Rules;

    fn sealed(entry: u32, count: u32) -> Sealed {
        Sealed { name: "ring".into(), entry, count, rules: Rules::default() }
    }

    fn at(number: usize, offset: u32) -> Option<Place> {
        Some(Place::Table { number, offset })
    }

    fn found(address: u64, length: u64, to: u64) -> Option<Place> {
        place(address, length, to, &[sealed(16, 8), sealed(64, 2)]).map(|reach| reach.place)
    }

    #[test]
    fn memory_is_below_4_gib_where_it_may_be_pointed_to() {
        assert_eq!(found(0x1234, 7, 1), Some(Place::Memory(0x1234)));
        assert_eq!(found(u64::from(u32::MAX), 7, 0b111), Some(Place::Memory(u32::MAX)), "its length is the caller's");
        assert_eq!(found(0x1234, 7, 0b110), None);
    }

    #[test]
    fn tables_follow_each_in_its_own_4_gib() {
        assert_eq!((found(1 << 32, 16, 0b010), found(2 << 32, 64, 0b100)), (at(0, 0), at(1, 0)));
        assert_eq!((found(1 << 32, 16, 0b101), found(2 << 32, 64, 0b011)), (None, None), "the pointer may not lead there");
        assert_eq!((found(3 << 32, 64, u64::MAX), found(u64::MAX, 64, u64::MAX)), (None, None), "there is no third");
    }

    #[test]
    fn one_whole_entry_or_whole_entries_from_the_first_on() {
        for offset in 0..200 {
            for length in 0..=200 {
                let one = offset % 16 == 0 && length == 16 && offset < 128;
                let first = offset == 0 && length % 16 == 0 && (16..=128).contains(&length);
                assert_eq!(found((1 << 32) + offset, length, 0b010).is_some(), one || first, "{offset} {length}");
            }
        }
        assert_eq!(found((1 << 32) + 0xffff_fff0, 16, 0b010), None);
        assert_eq!(found(1 << 32, u64::MAX - 15, 0b010), None);
    }
}
