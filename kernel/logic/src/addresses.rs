//! Which virtual addresses of a window are free: first fit from the lowest address, so that what restarts comes back to
//! the same place and page tables stay few.
use alloc::collections::BTreeMap;

#[derive(Debug)]
pub struct Addresses {
    /// Start and length of each free range; no two touch.
    free: BTreeMap<u64, u64>,
}

impl Addresses {
    pub fn new(start: u64, length: u64) -> Self {
        Self { free: BTreeMap::from([(start, length)]) }
    }

    /// Takes `length` bytes; answers their start, or none where no range is long enough.
    pub fn take(&mut self, length: u64) -> Option<u64> {
        let (&start, &found) = self.free.iter().find(|&(_, &found)| found >= length)?;
        self.free.remove(&start);
        if found > length {
            self.free.insert(start + length, found - length);
        }
        Some(start)
    }

    /// Gives back what `take` answered, or a part of it, joining it with free neighbours.
    pub fn give(&mut self, mut start: u64, mut length: u64) {
        if let Some((&before, &found)) = self.free.range(..start).next_back() && before + found == start {
            self.free.remove(&before);
            (start, length) = (before, found + length);
        }
        if let Some(after) = self.free.remove(&(start + length)) {
            length += after;
        }
        self.free.insert(start, length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_joins_and_is_taken_again() {
        let mut addresses = Addresses::new(0x1000, 0x9000);
        let parts: alloc::vec::Vec<u64> = (0..3).map(|_| addresses.take(0x3000).unwrap()).collect();
        assert_eq!(addresses.take(1), None);
        addresses.give(parts[0], 0x3000);
        addresses.give(parts[2], 0x3000);
        assert_eq!(addresses.take(0x4000), None);
        addresses.give(parts[1], 0x3000);
        assert_eq!(addresses.take(0x9000), Some(0x1000));
    }

    #[test]
    fn first_fit_comes_back_to_the_same_place() {
        let mut addresses = Addresses::new(0, 100);
        let first = addresses.take(10).unwrap();
        addresses.take(10).unwrap();
        addresses.give(first, 10);
        assert_eq!(addresses.take(10), Some(first));
    }
}
