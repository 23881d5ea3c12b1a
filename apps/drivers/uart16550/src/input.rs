//! Input to several readers: each gets every byte, and a byte makes room only when all have taken it.

use alloc::vec::Vec;

/// How many bytes the fastest reader can be ahead of the slowest.
pub const CAPACITY: usize = 256;

/// What becomes of bytes offered to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It took this many.
    Bytes(usize),
    /// It has ended: what waits for it is not for the one that may be started in its place.
    Ended,
    /// It does not read, and never will.
    Never,
}

/// A ring of bytes with a place in it for each reader. Positions count all bytes ever, and wrap.
pub struct Input {
    ring: [u8; CAPACITY],
    end: u32,
    readers: Vec<Option<u32>>,
}

impl Input {
    /// Input for readers 0 to `count`, some of which may turn out not to read.
    pub fn new(count: usize) -> Self {
        Self { ring: [0; CAPACITY], end: 0, readers: alloc::vec![Some(0); count] }
    }

    /// How many bytes fit before the slowest reader has to take some.
    pub fn room(&self) -> usize {
        CAPACITY - (0..self.readers.len()).map(|reader| self.waiting(reader)).max().unwrap_or(0)
    }

    /// Takes in a byte. The caller made sure that there is room; without any reader it is gone.
    pub fn push(&mut self, byte: u8) {
        self.ring[self.end as usize % CAPACITY] = byte;
        self.end = self.end.wrapping_add(1);
    }

    /// How many bytes `reader` has not taken yet.
    pub fn waiting(&self, reader: usize) -> usize {
        self.readers[reader].map_or(0, |position| self.end.wrapping_sub(position) as usize)
    }

    /// Offers each reader what it has not taken, until it takes no more.
    pub fn hand_out(&mut self, mut offer: impl FnMut(usize, &[u8]) -> Taken) {
        for reader in 0..self.readers.len() {
            while self.hand_to(reader, &mut offer) {}
        }
    }

    /// Offers `reader` its next bytes that lie together; answers whether it took all of them and more follow.
    fn hand_to(&mut self, reader: usize, offer: &mut impl FnMut(usize, &[u8]) -> Taken) -> bool {
        let (Some(position), waiting) = (self.readers[reader], self.waiting(reader)) else { return false };
        if waiting == 0 {
            return false;
        }
        let start = position as usize % CAPACITY;
        let part = &self.ring[start..(start + waiting).min(CAPACITY)];
        match offer(reader, part) {
            Taken::Bytes(count) => {
                let count = count.min(part.len());
                self.readers[reader] = Some(position.wrapping_add(count as u32));
                count == part.len() && count < waiting
            }
            Taken::Ended => {
                self.readers[reader] = Some(self.end);
                false
            }
            Taken::Never => {
                self.readers[reader] = None;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;

    fn push_all(input: &mut Input, bytes: impl IntoIterator<Item = u8>) {
        for byte in bytes {
            assert!(input.room() > 0);
            input.push(byte);
        }
    }

    #[test]
    fn each_reader_gets_every_byte_in_order_at_its_own_pace() {
        let mut input = Input::new(2);
        let mut got = [Vec::new(), Vec::new()];
        let mut sent = 0u32;
        for step in 0..5000usize {
            for _ in 0..input.room().min(1 + step % 100) {
                input.push(sent as u8);
                sent += 1;
            }
            let pace = [step % 7, step % 150];
            input.hand_out(|reader, bytes| {
                let count = bytes.len().min(pace[reader]);
                got[reader].extend_from_slice(&bytes[..count]);
                Taken::Bytes(count)
            });
        }
        input.hand_out(|reader, bytes| {
            got[reader].extend_from_slice(bytes);
            Taken::Bytes(bytes.len())
        });
        assert!(sent > 10_000);
        let all: Vec<u8> = (0..sent).map(|n| n as u8).collect();
        assert!(got[0] == all && got[1] == all);
    }

    #[test]
    fn the_slowest_reader_holds_the_room() {
        let mut input = Input::new(2);
        push_all(&mut input, core::iter::repeat_n(b'x', CAPACITY));
        input.hand_out(|reader, bytes| Taken::Bytes(if reader == 0 { bytes.len() } else { 3 }));
        assert_eq!((input.room(), input.waiting(0), input.waiting(1)), (3, 0, CAPACITY - 3));
    }

    #[test]
    fn who_does_not_read_holds_nothing() {
        let mut input = Input::new(2);
        push_all(&mut input, *b"abc");
        input.hand_out(|reader, bytes| if reader == 0 { Taken::Never } else { Taken::Bytes(bytes.len()) });
        push_all(&mut input, *b"d");
        assert_eq!((input.room(), input.waiting(0), input.waiting(1)), (CAPACITY - 1, 0, 1));
    }

    #[test]
    fn who_ended_misses_what_waited_and_reads_on_when_it_is_started_again() {
        let mut input = Input::new(1);
        push_all(&mut input, *b"old");
        input.hand_out(|_, _| Taken::Ended);
        assert_eq!(input.room(), CAPACITY);
        push_all(&mut input, *b"new");
        let mut got = Vec::new();
        input.hand_out(|_, bytes| {
            got.extend_from_slice(bytes);
            Taken::Bytes(bytes.len())
        });
        assert_eq!(got, b"new");
    }

    #[test]
    fn without_readers_input_is_gone() {
        let mut input = Input::new(0);
        push_all(&mut input, core::iter::repeat_n(b'x', 3 * CAPACITY));
        assert_eq!(input.room(), CAPACITY);
    }
}
