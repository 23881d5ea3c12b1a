//! What is told to one client: whole reports, in order. A client that does not read fast enough finds some missing, and is told so.

use munal::input::{Event, LENGTH};

/// Bytes of the longest report, and of the two events that say before it that others are missing.
const LONGEST: usize = 8 * LENGTH;
const ROOM: usize = LONGEST + 2 * LENGTH;

/// Reports for one client.
pub struct Outbox {
    /// The report that is being made.
    report: [u8; LONGEST],
    made: usize,
    /// What is on its way: from `sent` on, up to `length`.
    way: [u8; ROOM],
    sent: usize,
    length: usize,
    /// Reports were left out since the last that went on its way.
    lost: bool,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { report: [0; LONGEST], made: 0, way: [0; ROOM], sent: 0, length: 0, lost: false }
    }
}

impl Outbox {
    /// Takes an event; with the one that ends a report, all of it is sent. `write` answers how many bytes were taken.
    pub fn put(&mut self, event: Event, write: impl FnMut(&[u8]) -> usize) {
        if self.made + LENGTH <= LONGEST {
            self.report[self.made..self.made + LENGTH].copy_from_slice(&event.encode());
            self.made += LENGTH;
        }
        if event == Event::END {
            self.end_report(write);
        }
    }

    fn end_report(&mut self, mut write: impl FnMut(&[u8]) -> usize) {
        let made = core::mem::take(&mut self.made);
        self.flush(&mut write);
        if self.is_waiting() {
            self.lost = true;
            return;
        }
        (self.sent, self.length) = (0, 0);
        if core::mem::take(&mut self.lost) {
            self.append(&Event::LOST.encode());
            self.append(&Event::END.encode());
        }
        let report = self.report;
        self.append(&report[..made]);
        self.flush(write);
    }

    /// Whether bytes wait for the client to have room.
    pub fn is_waiting(&self) -> bool {
        self.sent < self.length
    }

    /// Sends what waits.
    pub fn flush(&mut self, mut write: impl FnMut(&[u8]) -> usize) {
        if self.is_waiting() {
            self.sent += write(&self.way[self.sent..self.length]);
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        self.way[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use munal::input::KEY;
    use std::vec::Vec;

    /// A client's stream of so many bytes.
    struct Stream(Vec<u8>, usize);

    impl Stream {
        fn write(&mut self, bytes: &[u8]) -> usize {
            let count = bytes.len().min(self.1 - self.0.len());
            self.0.extend_from_slice(&bytes[..count]);
            count
        }

        fn read(&mut self) -> Vec<Event> {
            std::mem::take(&mut self.0).chunks_exact(LENGTH).map(|bytes| Event::decode(bytes.try_into().unwrap())).collect()
        }
    }

    fn key(code: u16) -> Event {
        Event { kind: KEY, code, value: 1 }
    }

    fn press(outbox: &mut Outbox, stream: &mut Stream, code: u16) {
        outbox.put(key(code), |bytes| stream.write(bytes));
        outbox.put(Event::END, |bytes| stream.write(bytes));
    }

    #[test]
    fn reports_arrive_whole_and_in_order() {
        let (mut outbox, mut stream) = (Outbox::default(), Stream(Vec::new(), 4096));
        (1..5).for_each(|code| press(&mut outbox, &mut stream, code));
        assert_eq!(stream.read(), [key(1), Event::END, key(2), Event::END, key(3), Event::END, key(4), Event::END]);
    }

    #[test]
    fn a_slow_client_is_told_that_some_are_missing() {
        let (mut outbox, mut stream) = (Outbox::default(), Stream(Vec::new(), 20));
        (1..6).for_each(|code| press(&mut outbox, &mut stream, code));
        let mut bytes = std::mem::take(&mut stream.0);
        outbox.flush(|bytes| stream.write(bytes));
        bytes.append(&mut stream.0);
        stream.0 = bytes;
        assert_eq!(stream.read(), [key(1), Event::END, key(2), Event::END], "what was on its way arrives whole");
        stream.1 = 4096;
        press(&mut outbox, &mut stream, 6);
        assert_eq!(stream.read(), [Event::LOST, Event::END, key(6), Event::END]);
        press(&mut outbox, &mut stream, 7);
        assert_eq!(stream.read(), [key(7), Event::END]);
    }

    #[test]
    fn a_report_too_long_loses_its_end_and_nothing_else_breaks() {
        let (mut outbox, mut stream) = (Outbox::default(), Stream(Vec::new(), 4096));
        (0..20).for_each(|code| outbox.put(key(code), |bytes| stream.write(bytes)));
        outbox.put(Event::END, |bytes| stream.write(bytes));
        assert_eq!(stream.read().len(), LONGEST / LENGTH);
    }
}
