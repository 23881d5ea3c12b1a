//! Bytes on their way to the device, each with the source that is rid of it once the device has it.

use alloc::collections::VecDeque;

/// A queue of at most `N` bytes.
pub struct Wire<const N: usize> {
    bytes: VecDeque<(u8, Option<usize>)>,
}

impl<const N: usize> Wire<N> {
    /// The empty wire.
    pub fn new() -> Self {
        Self { bytes: VecDeque::with_capacity(N) }
    }

    /// Whether no byte is on it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes more fit.
    pub fn room(&self) -> usize {
        N - self.bytes.len()
    }

    /// Puts a byte at the end, for whom it is a byte of theirs; the caller made sure that it fits.
    pub fn push(&mut self, byte: u8, owner: Option<usize>) {
        if self.room() > 0 {
            self.bytes.push_back((byte, owner));
        }
    }

    /// Takes the first byte, with its owner.
    pub fn pop(&mut self) -> Option<(u8, Option<usize>)> {
        self.bytes.pop_front()
    }
}

impl<const N: usize> Default for Wire<N> {
    fn default() -> Self {
        Self::new()
    }
}
