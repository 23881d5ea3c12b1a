//! What an input driver tells its clients: whole reports, in order, each client all of them. One that does not read fast enough finds
//! some missing, and is told so as soon as it has room; it costs no more memory than any other.

extern crate alloc;

use super::{Event, LENGTH};
use alloc::vec::Vec;

/// The most events of a report, its end included. A report that is longer is one that is missing.
pub const LONGEST: usize = 32;

/// The clients of one stream.
pub struct Clients {
    outboxes: Vec<Outbox>,
    write: fn(u32, &[u8]) -> usize,
}

impl Clients {
    /// So many clients; `write` answers how many bytes client number so-and-so is rid of.
    pub fn new(count: u32, write: fn(u32, &[u8]) -> usize) -> Self {
        Self { outboxes: (0..count).map(|_| Outbox::default()).collect(), write }
    }

    /// Tells all an event; with the one that ends a report, all of it is sent.
    pub fn tell(&mut self, event: Event) {
        for (number, outbox) in (0..).zip(&mut self.outboxes) {
            outbox.put(event, |bytes| (self.write)(number, bytes));
        }
    }

    /// Sends what waits.
    pub fn flush(&mut self) {
        for (number, outbox) in (0..).zip(&mut self.outboxes) {
            outbox.flush(|bytes| (self.write)(number, bytes));
        }
    }

    /// Those for whom something waits until they have room.
    pub fn waiting(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.outboxes).filter(|(_, outbox)| outbox.is_waiting()).map(|(number, _)| number)
    }
}

/// Reports for one client.
struct Outbox {
    /// The report that is being made, and how many events it has: one more than there is room for, where it is too long.
    report: [u8; LONGEST * LENGTH],
    made: usize,
    /// What is on its way: from `sent` on, up to `length`.
    way: [u8; LONGEST * LENGTH],
    sent: usize,
    length: usize,
    /// Reports were left out since the last that went on its way.
    lost: bool,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { report: [0; LONGEST * LENGTH], made: 0, way: [0; LONGEST * LENGTH], sent: 0, length: 0, lost: false }
    }
}

impl Outbox {
    fn put(&mut self, event: Event, write: impl FnMut(&[u8]) -> usize) {
        if let Some(place) = self.report.chunks_exact_mut(LENGTH).nth(self.made) {
            place.copy_from_slice(&event.encode());
        }
        self.made = (self.made + 1).min(LONGEST + 1);
        if event == Event::END {
            self.end_report(write);
        }
    }

    fn end_report(&mut self, mut write: impl FnMut(&[u8]) -> usize) {
        let made = core::mem::take(&mut self.made);
        self.flush(&mut write);
        if self.is_waiting() || made > LONGEST {
            self.lost = true;
        } else {
            self.way = self.report;
            (self.sent, self.length) = (0, made * LENGTH);
        }
        self.flush(write);
    }

    fn is_waiting(&self) -> bool {
        self.sent < self.length || self.lost
    }

    fn flush(&mut self, mut write: impl FnMut(&[u8]) -> usize) {
        self.send(&mut write);
        if self.sent == self.length && core::mem::take(&mut self.lost) {
            self.way[..LENGTH].copy_from_slice(&Event::LOST.encode());
            self.way[LENGTH..2 * LENGTH].copy_from_slice(&Event::END.encode());
            (self.sent, self.length) = (0, 2 * LENGTH);
            self.send(write);
        }
    }

    fn send(&mut self, mut write: impl FnMut(&[u8]) -> usize) {
        if self.sent < self.length {
            self.sent += write(&self.way[self.sent..self.length]);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::input::KEY;
    use std::{cell::RefCell, vec};

    /// A client's stream of so many bytes.
    struct Stream(Vec<u8>, usize);

    impl Stream {
        fn write(&mut self, bytes: &[u8]) -> usize {
            let count = bytes.len().min(self.1 - self.0.len());
            self.0.extend_from_slice(&bytes[..count]);
            count
        }

        /// Reads `count` bytes, for whose room the outbox has something perhaps.
        fn read(&mut self, count: usize, outbox: &mut Outbox) -> Vec<u8> {
            let read = self.0.drain(..count.min(self.0.len())).collect();
            outbox.flush(|bytes| self.write(bytes));
            read
        }
    }

    fn events(bytes: &[u8]) -> Vec<Event> {
        bytes.chunks_exact(LENGTH).map(|bytes| Event::decode(bytes.try_into().unwrap())).collect()
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
        assert_eq!(events(&stream.0), [key(1), Event::END, key(2), Event::END, key(3), Event::END, key(4), Event::END]);
        assert!(!outbox.is_waiting());
    }

    #[test]
    fn a_slow_client_is_told_that_some_are_missing_when_it_has_room() {
        let (mut outbox, mut stream) = (Outbox::default(), Stream(Vec::new(), 20));
        (1..6).for_each(|code| press(&mut outbox, &mut stream, code));
        assert!(outbox.is_waiting());
        let mut all = Vec::new();
        while !stream.0.is_empty() {
            all.append(&mut stream.read(7, &mut outbox));
        }
        assert_eq!(events(&all), [key(1), Event::END, key(2), Event::END, Event::LOST, Event::END], "no later event is waited for");
        assert!(!outbox.is_waiting());
        press(&mut outbox, &mut stream, 7);
        assert_eq!(events(&stream.0), [key(7), Event::END]);
    }

    #[test]
    fn whoever_reads_at_whatever_pace_gets_whole_events_in_order() {
        for pace in 1..40 {
            let (mut outbox, mut stream, mut all) = (Outbox::default(), Stream(Vec::new(), 24), Vec::new());
            for code in 1..100 {
                press(&mut outbox, &mut stream, code);
                all.append(&mut stream.read(pace, &mut outbox));
            }
            while !stream.0.is_empty() {
                all.append(&mut stream.read(pace, &mut outbox));
            }
            let (mut last, told) = (0, events(&all));
            for report in told.chunks(2) {
                assert_eq!(report[1], Event::END);
                if report[0] != Event::LOST {
                    assert!(report[0].code == last + 1 || told.contains(&Event::LOST), "{pace}");
                    assert!(report[0].code > last, "{pace}");
                    last = report[0].code;
                }
            }
            let missing = last < 99 || told.len() < 2 * 99;
            assert_eq!(told.contains(&Event::LOST), missing, "{pace}");
            assert_eq!(told.contains(&Event::LOST), pace < 2 * LENGTH, "{pace}");
        }
    }

    #[test]
    fn a_report_too_long_is_missing_and_the_longest_is_not() {
        for (length, fits) in [(LONGEST, true), (LONGEST + 1, false), (1000, false)] {
            let (mut outbox, mut stream) = (Outbox::default(), Stream(Vec::new(), 4096));
            (1..length as u16).for_each(|code| outbox.put(key(code), |bytes| stream.write(bytes)));
            outbox.put(Event::END, |bytes| stream.write(bytes));
            let told = events(&stream.0);
            assert_eq!((told.len(), told[0]), if fits { (length, key(1)) } else { (2, Event::LOST) });
            stream.0.clear();
            press(&mut outbox, &mut stream, 7);
            assert_eq!(events(&stream.0), [key(7), Event::END]);
        }
    }

    #[test]
    fn every_client_gets_everything_and_the_slow_one_holds_up_nobody() {
        std::thread_local!(static STREAMS: RefCell<Vec<Stream>> = RefCell::new(vec![Stream(Vec::new(), 4096), Stream(Vec::new(), 8), Stream(Vec::new(), 4096)]));
        let mut clients = Clients::new(3, |number, bytes| STREAMS.with_borrow_mut(|streams| streams[number as usize].write(bytes)));
        (1..4).for_each(|code| {
            clients.tell(key(code));
            clients.tell(Event::END);
        });
        let all = [key(1), Event::END, key(2), Event::END, key(3), Event::END];
        STREAMS.with_borrow(|streams| assert_eq!([events(&streams[0].0), events(&streams[2].0)], [all, all]));
        assert_eq!(clients.waiting().collect::<Vec<_>>(), [1]);
        for _ in 0..3 {
            STREAMS.with_borrow_mut(|streams| streams[1].0.clear());
            clients.flush();
        }
        assert_eq!(clients.waiting().count(), 0);
    }
}
