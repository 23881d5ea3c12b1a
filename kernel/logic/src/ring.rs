//! Bounded rings: bytes of a stream, and lines of a log whose oldest text makes room.
use alloc::{collections::VecDeque, string::String, vec::Vec};

/// A bounded queue of bytes. It allocates once, when it is made; what is put in and taken out is copied in at most two stretches.
#[derive(Debug)]
pub struct Ring {
    bytes: Vec<u8>,
    first: usize,
    length: usize,
}

impl Ring {
    pub fn new(capacity: usize) -> Self {
        Self { bytes: alloc::vec![0; capacity], first: 0, length: 0 }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn free(&self) -> usize {
        self.bytes.len() - self.length
    }

    /// Puts as many of `bytes` as fit; answers how many.
    pub fn put(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.free());
        let start = (self.first + self.length) % self.bytes.len().max(1);
        let (before, after) = bytes[..count].split_at(count.min(self.bytes.len() - start));
        self.bytes[start..start + before.len()].copy_from_slice(before);
        self.bytes[..after.len()].copy_from_slice(after);
        self.length += count;
        count
    }

    /// Copies the first bytes that are there and fit, and leaves them; answers how many.
    pub fn peek(&self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.length);
        let (before, after) = buffer[..count].split_at_mut(count.min(self.bytes.len() - self.first));
        before.copy_from_slice(&self.bytes[self.first..self.first + before.len()]);
        after.copy_from_slice(&self.bytes[..after.len()]);
        count
    }

    /// Takes the first `count` bytes away, or all that are there; answers how many.
    pub fn skip(&mut self, count: usize) -> usize {
        let count = count.min(self.length);
        self.first = (self.first + count) % self.bytes.len().max(1);
        self.length -= count;
        count
    }

    /// Takes as many bytes as are there and fit; answers how many.
    pub fn take(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.peek(buffer);
        self.skip(count)
    }
}

/// Text whose oldest whole lines make room for new ones. Positions count all bytes ever written, so a reader that keeps
/// one finds out what it missed.
#[derive(Debug)]
pub struct Log {
    bytes: VecDeque<u8>,
    capacity: usize,
    dropped: u64,
}

/// The most bytes that one line of a log keeps.
pub const LINE: usize = 1024;

impl Log {
    pub fn new(capacity: usize) -> Self {
        Self { bytes: VecDeque::new(), capacity, dropped: 0 }
    }

    /// Adds one line: cut at `LINE` bytes, control characters as spaces, invalid UTF-8 as U+FFFD, so that a log can
    /// neither forge a second line nor speak to a terminal.
    pub fn line(&mut self, text: &[u8]) {
        let cut = &text[..text.len().min(LINE)];
        let clean: String = String::from_utf8_lossy(cut).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.make_room(clean.len() + 1);
        self.bytes.extend(clean.as_bytes());
        self.bytes.push_back(b'\n');
    }

    fn make_room(&mut self, wanted: usize) {
        while self.bytes.len() + wanted > self.capacity {
            let Some(line) = self.bytes.iter().position(|&b| b == b'\n') else { break };
            self.bytes.drain(..=line);
            self.dropped += line as u64 + 1;
        }
    }

    /// Position of the first byte that is still here.
    pub fn start(&self) -> u64 {
        self.dropped
    }

    /// Position after the last byte.
    pub fn end(&self) -> u64 {
        self.dropped + self.bytes.len() as u64
    }

    /// Copies bytes from `position` on (or from the oldest kept) into `buffer`; answers the position after the last
    /// byte copied and how many they are.
    pub fn read(&self, position: u64, buffer: &mut [u8]) -> (u64, usize) {
        let start = position.clamp(self.start(), self.end());
        let skip = (start - self.dropped) as usize;
        let mut count = 0;
        for (slot, byte) in buffer.iter_mut().zip(self.bytes.range(skip..)) {
            *slot = *byte;
            count += 1;
        }
        (start + count as u64, count)
    }

    /// The whole text that is kept.
    pub fn text(&self) -> Vec<u8> {
        self.bytes.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_gives_back_what_it_took_across_many_turns() {
        let mut ring = Ring::new(7);
        let (mut put, mut taken) = (0u32, 0u32);
        for step in 0..200_000u32 {
            let wanted: Vec<u8> = (0..step % 5).map(|k| (put + k) as u8).collect();
            put += ring.put(&wanted) as u32;
            let mut buffer = [0; 4];
            let count = match step % 3 {
                0 => ring.take(&mut buffer[..(step % 4) as usize]),
                _ => {
                    let shown = ring.peek(&mut buffer);
                    ring.skip(shown.min((step % 5) as usize))
                }
            };
            for byte in &buffer[..count] {
                assert_eq!(*byte, taken as u8);
                taken += 1;
            }
            assert!(ring.len() <= 7 && ring.free() + ring.len() == 7);
        }
        assert!(taken > 65_536);
    }

    #[test]
    fn a_full_ring_takes_nothing_more() {
        let mut ring = Ring::new(3);
        assert_eq!(ring.put(b"abcd"), 3);
        assert_eq!(ring.put(b"e"), 0);
        assert_eq!(ring.take(&mut []), 0);
    }

    #[test]
    fn a_log_drops_whole_old_lines_only() {
        let mut log = Log::new(12);
        log.line(b"first");
        log.line(b"two");
        log.line(b"three");
        assert_eq!(log.text(), b"two\nthree\n");
        assert_eq!((log.start(), log.end()), (6, 16));
    }

    #[test]
    fn a_line_cannot_forge_another_or_speak_to_a_terminal() {
        let mut log = Log::new(4096);
        log.line(b"a\nb\x1b[2Jc\xff");
        assert_eq!(log.text(), "a b [2Jc\u{fffd}\n".as_bytes());
        let before = log.text().len();
        log.line(&[b'x'; 3000]);
        assert_eq!(log.text().len() - before, LINE + 1);
    }

    #[test]
    fn a_reader_that_fell_behind_goes_on_at_the_oldest_line() {
        let mut log = Log::new(8);
        let mut buffer = [0; 64];
        log.line(b"abc");
        assert_eq!(log.read(0, &mut buffer), (4, 4));
        log.line(b"defg");
        log.line(b"hi");
        assert_eq!(log.read(2, &mut buffer), (12, 8));
        assert_eq!(&buffer[..8], b"defg\nhi\n");
    }
}
