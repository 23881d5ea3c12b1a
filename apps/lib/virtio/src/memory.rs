//! Memory that a device reads and writes: whole pages, and pages of small buffers.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, Ordering};

pub use munal::memory::{Memory, PAGE};

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
