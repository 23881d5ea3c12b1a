//! Memory that a device reads and writes: whole pages, each of which lies together as the device sees it.

extern crate alloc;

use alloc::vec::Vec;

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// Pages that one request after the other uses. Their bytes are the device's while it was told of them.
pub struct Memory {
    bytes: Vec<u8>,
    start: usize,
    pages: usize,
}

impl Memory {
    /// So many pages of zeros, one after the other.
    pub fn new(pages: usize) -> Self {
        let bytes = alloc::vec![0; (pages + 1) * PAGE];
        let start = bytes.as_ptr().align_offset(PAGE);
        Self { bytes, start, pages }
    }

    /// How many pages there are.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// The driver's address of a page, as the device is told of it.
    pub fn address(&self, page: usize) -> u64 {
        self.bytes[self.start + page * PAGE..].as_ptr().expose_provenance() as u64
    }

    /// A page's bytes, which no device has now.
    pub fn page(&mut self, page: usize) -> &mut [u8] {
        &mut self.all()[page * PAGE..(page + 1) * PAGE]
    }

    /// All bytes, none of which a device has now.
    pub fn all(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.pages * PAGE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_whole_and_one_after_the_other() {
        let mut memory = Memory::new(3);
        assert_eq!((memory.pages(), memory.all().len(), memory.address(0) % PAGE as u64), (3, 3 * PAGE, 0));
        assert_eq!((memory.address(1), memory.address(2)), (memory.address(0) + PAGE as u64, memory.address(0) + 2 * PAGE as u64));
        memory.page(1).fill(7);
        assert_eq!((memory.all()[PAGE - 1], memory.all()[PAGE], memory.all()[2 * PAGE - 1], memory.all()[2 * PAGE]), (0, 7, 7, 0));
    }
}
