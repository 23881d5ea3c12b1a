//! A first-in first-out queue of bytes with a fixed place in memory.

/// A queue of at most `N` bytes.
#[derive(Clone)]
pub struct Queue<const N: usize> {
    bytes: [u8; N],
    start: usize,
    length: usize,
}

impl<const N: usize> Queue<N> {
    /// The empty queue.
    pub const fn new() -> Self {
        Self { bytes: [0; N], start: 0, length: 0 }
    }

    /// Whether no byte is in it.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many bytes are in it.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// How many bytes more fit.
    pub const fn room(&self) -> usize {
        N - self.length
    }

    /// Puts a byte at the end; false, and nothing is changed, where none fits.
    pub fn push(&mut self, byte: u8) -> bool {
        let fits = self.length < N;
        if fits {
            self.bytes[(self.start + self.length) % N] = byte;
            self.length += 1;
        }
        fits
    }

    /// Takes the first byte.
    pub fn pop(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.start = (self.start + 1) % N;
        self.length -= 1;
        Some(byte)
    }

    /// The first byte, which stays.
    pub fn peek(&self) -> Option<u8> {
        (self.length > 0).then(|| self.bytes[self.start])
    }

    /// Forgets all bytes.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Lets `read` put bytes into this queue, which is empty; it answers how many it did.
    pub fn refill(&mut self, read: impl FnOnce(&mut [u8]) -> usize) {
        self.start = 0;
        self.length = read(&mut self.bytes).min(N);
    }

    /// The bytes in their order.
    pub fn iter(&self) -> impl Iterator<Item = u8> {
        (0..self.length).map(|index| self.bytes[(self.start + index) % N])
    }
}

impl<const N: usize> Default for Queue<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    #[test]
    fn first_in_first_out_across_the_end() {
        let mut queue = Queue::<3>::new();
        let (mut put, mut got) = (0, 0);
        for step in 0..1000 {
            if step % 3 != 2 && queue.push(put as u8) {
                put += 1;
            } else if let Some(byte) = queue.pop() {
                assert_eq!(byte, got as u8);
                got += 1;
            }
        }
        assert!(got > 300);
        assert_eq!(queue.iter().collect::<Vec<_>>(), (got..put).map(|n| n as u8).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_queue_takes_nothing() {
        let mut queue = Queue::<2>::new();
        assert!(queue.push(1) && queue.push(2) && !queue.push(3));
        assert_eq!((queue.room(), queue.pop(), queue.peek()), (0, Some(1), Some(2)));
        queue.clear();
        assert_eq!((queue.room(), queue.pop()), (2, None));
    }
}
