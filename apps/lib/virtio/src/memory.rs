//! Memory that a device reads and writes: whole pages, each of which lies together as the device sees it.

use alloc::vec::Vec;

/// Bytes of a page.
pub const PAGE: usize = 4096;

#[repr(C, align(4096))]
#[derive(Clone)]
struct Page([u8; PAGE]);

/// Pages that one request after the other uses. Their bytes are the device's while a queue has them.
pub struct Memory {
    pages: Vec<Page>,
}

impl Memory {
    /// So many pages of zeros.
    pub fn new(pages: usize) -> Self {
        Self { pages: alloc::vec![Page([0; PAGE]); pages] }
    }

    /// How many pages there are.
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// The driver's address of a page, for a queue.
    pub fn address(&self, page: usize) -> u64 {
        (&raw const self.pages[page]).expose_provenance() as u64
    }

    /// A page's bytes, which no queue has.
    pub fn page(&mut self, page: usize) -> &mut [u8; PAGE] {
        &mut self.pages[page].0
    }
}
