//! Memory that a device reads and writes: whole pages, each of which lies together as the device sees it.

use alloc::{boxed::Box, vec::Vec};
use core::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// Pages that one request after the other uses. Their bytes are the device's while a queue has them.
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

    /// The driver's address of a page, for a queue.
    pub fn address(&self, page: usize) -> u64 {
        self.bytes[self.start + page * PAGE..].as_ptr().expose_provenance() as u64
    }

    /// A page's bytes, which no queue has.
    pub fn page(&mut self, page: usize) -> &mut [u8] {
        &mut self.all()[page * PAGE..(page + 1) * PAGE]
    }

    /// All bytes, none of which a queue has.
    pub fn all(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.pages * PAGE]
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
