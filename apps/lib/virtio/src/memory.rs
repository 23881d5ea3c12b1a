//! Memory that a device reads and writes: whole pages, each of which lies together as the device sees it.

use alloc::{boxed::Box, vec::Vec};
use core::sync::atomic::{AtomicU32, Ordering};

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

/// A page of small buffers: the driver reads some of them while the device writes others.
pub struct Shared(Box<Words>);

#[repr(C, align(4096))]
struct Words([AtomicU32; PAGE / 4]);

impl Shared {
    /// A page of zeros.
    pub fn new() -> Self {
        Self(Box::new(Words([const { AtomicU32::new(0) }; PAGE / 4])))
    }

    /// The driver's address of a word, for a queue.
    pub fn address(&self, word: usize) -> u64 {
        (&raw const self.0.0[word]).expose_provenance() as u64
    }

    /// A word as it is now; a device that is done with it has written it before.
    pub fn read(&self, word: usize) -> u32 {
        u32::from_le(self.0.0[word].load(Ordering::Relaxed))
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}
