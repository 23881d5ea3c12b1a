//! The queue of events: many small buffers, so that none is missing while the driver does something else. Those whose events were read
//! are given again together, since telling the device costs more than all else that an event wants.

use crate::Trouble;
use alloc::vec::Vec;
use munal::input::{Event, LENGTH};
use virtio::{Card, PAGE, Part, Queue, Shared};

/// Words of a buffer.
const WORDS: usize = LENGTH / 4;
/// Which part of the buffers the device does without before it is given them again.
const PART: usize = 4;

/// The queue, and its buffers: all on one page, none over its end.
pub struct Inlet {
    queue: Queue,
    buffers: Shared,
    /// Which buffer a request has, by its head.
    places: Vec<usize>,
    /// Those whose events were read, and how many there are in all.
    read: Vec<usize>,
    count: usize,
}

impl Inlet {
    /// Gives the device as many buffers as its queue has room for. Errors: the kernel took none.
    pub fn new(card: &impl Card, queue: Queue) -> Result<Self, Trouble> {
        let count = queue.room().min(PAGE / LENGTH);
        let places = alloc::vec![0; queue.size().into()];
        let mut inlet = Self { places, queue, buffers: Shared::new(), read: (0..count).rev().collect(), count };
        inlet.give_all(card)?;
        Ok(inlet)
    }

    /// How many events the device may tell at once.
    pub fn size(&self) -> u16 {
        self.queue.size()
    }

    /// Takes an event. Errors: the device returns what is none, or what it was not given.
    pub fn take(&mut self) -> Result<Option<Event>, Trouble> {
        let Some((head, length)) = self.queue.take()? else { return Ok(None) };
        if length as usize != LENGTH {
            return Err(Trouble::NoEvent(length));
        }
        let place = self.places[usize::from(head)];
        let words = [0, 1].map(|word| self.buffers.read(WORDS * place + word));
        self.read.push(place);
        Ok(Some(event(words)))
    }

    /// Gives the device the buffers whose events were read, where those are many, and tells it. Errors: the kernel took none.
    pub fn refill(&mut self, card: &impl Card) -> Result<(), Trouble> {
        if self.read.len() * PART < self.count {
            return Ok(());
        }
        self.give_all(card)?;
        self.ring(card);
        Ok(())
    }

    /// Tells the device that it has buffers.
    pub fn ring(&self, card: &impl Card) {
        self.queue.ring(card);
    }

    fn give_all(&mut self, card: &impl Card) -> Result<(), Trouble> {
        while let Some(place) = self.read.pop() {
            self.give(card, place)?;
        }
        Ok(())
    }

    fn give(&mut self, card: &impl Card, place: usize) -> Result<(), Trouble> {
        let part = Part { address: self.buffers.address(WORDS * place), length: LENGTH as u32, written: true };
        if let Some(head) = self.queue.give(card, &[part])? {
            self.places[usize::from(head)] = place;
        }
        Ok(())
    }
}

/// An event as it lies in memory (section 5.8.6.2).
fn event([first, value]: [u32; WORDS]) -> Event {
    Event { kind: first as u16, code: (first >> 16) as u16, value: value as i32 }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use core::{cell::RefCell, sync::atomic::{AtomicU32, Ordering}};
    use std::{boxed::Box, collections::{BTreeMap, BTreeSet}};
    use virtio::{Fault, QUEUES, queue::Used};

    const QUEUE_SIZE: u32 = 0x18;

    /// A device that takes down what is given to it.
    struct Device {
        size: u16,
        used: &'static Used,
        /// Address and length of each descriptor, and which stands where in what is available.
        descriptors: RefCell<BTreeMap<u16, (u64, u32)>>,
        available: RefCell<BTreeMap<u16, u16>>,
        /// Descriptor, address and length, in the order of the giving.
        given: RefCell<Vec<(u16, u64, u32)>>,
        done: RefCell<u16>,
    }

    impl Device {
        fn new(size: u16) -> Self {
            let used = Box::leak(Box::new(Used([const { AtomicU32::new(0) }; 1024])));
            Self { size, used, descriptors: RefCell::default(), available: RefCell::default(), given: RefCell::default(), done: RefCell::default() }
        }

        fn inlet(&self) -> Inlet {
            Inlet::new(self, Queue::with(self, 0, 256, self.used).unwrap()).unwrap()
        }

        /// Takes down what is available, of which there were so many.
        fn look(&self, until: u16) {
            let mut given = self.given.borrow_mut();
            while given.len() as u16 != until {
                let head = self.available.borrow()[&(given.len() as u16 % self.size)];
                let (address, length) = self.descriptors.borrow()[&head];
                given.push((head, address, length));
            }
        }

        fn tell(&self, head: u16, length: u32) {
            let mut done = self.done.borrow_mut();
            let at = 1 + 2 * usize::from(*done % self.size);
            self.used.0[at].store(head.into(), Ordering::Relaxed);
            self.used.0[at + 1].store(length, Ordering::Relaxed);
            *done = done.wrapping_add(1);
            self.used.0[0].store(u32::from(*done) << 16, Ordering::Release);
        }
    }

    impl Card for Device {
        fn is_there(&self) -> bool {
            true
        }
        fn config(&self, _: u8) -> u32 {
            0
        }
        fn read8(&self, _: u8, _: u32) -> u8 {
            0
        }
        fn read16(&self, _: u8, offset: u32) -> u16 {
            if offset == QUEUE_SIZE { self.size } else { 0 }
        }
        fn read32(&self, _: u8, _: u32) -> u32 {
            0
        }
        fn write8(&self, _: u8, _: u32, _: u8) {}
        fn write16(&self, _: u8, _: u32, _: u16) {}
        fn write32(&self, _: u8, _: u32, _: u32) {}
        fn write64(&self, _: u8, _: u32, _: u64) {}
        fn write_table(&self, table: u8, offset: u32, bytes: &[u8]) -> bool {
            let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
            match (table < QUEUES, offset) {
                (true, _) => {
                    let [address, rest] = [&bytes[..8], &bytes[8..]].map(|part| u64::from_le_bytes(part.try_into().unwrap()));
                    self.descriptors.borrow_mut().insert((offset / 16) as u16, (address, rest as u32));
                }
                (false, 0) => self.look(half(2)),
                (false, _) => {
                    self.available.borrow_mut().insert(((offset - 4) / 2) as u16, half(0));
                }
            }
            true
        }
    }

    #[test]
    fn an_event_is_kind_code_and_value() {
        let bytes = Event { kind: 0x0102, code: 0x0304, value: -2 }.encode();
        let words = [0, 4].map(|at| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
        assert_eq!(event(words), Event { kind: 0x0102, code: 0x0304, value: -2 });
    }

    #[test]
    fn the_device_gets_all_the_buffers_there_is_room_for_on_one_page() {
        for size in [1, 64, 256] {
            let device = Device::new(size);
            assert_eq!(device.inlet().size(), size);
            let given = device.given.borrow();
            let addresses: BTreeSet<u64> = given.iter().map(|&(_, address, _)| address).collect();
            assert_eq!((given.len(), addresses.len()), (size.into(), size.into()));
            let page = addresses.first().unwrap() / PAGE as u64;
            assert!(given.iter().all(|&(_, address, length)| length == 8 && address % 8 == 0 && address / PAGE as u64 == page));
        }
    }

    #[test]
    fn a_buffer_is_given_again_when_its_event_was_read() {
        let device = Device::new(4);
        let mut inlet = device.inlet();
        for round in 0..100 {
            let (head, address, _) = device.given.borrow()[round];
            assert_eq!(inlet.take(), Ok(None));
            device.tell(head, 8);
            assert_eq!(inlet.take(), Ok(Some(Event::END)));
            inlet.refill(&device).unwrap();
            assert_eq!(device.given.borrow()[round + 4], (head, address, 8));
        }
    }

    #[test]
    fn a_quarter_of_the_buffers_is_given_again_at_once() {
        let device = Device::new(64);
        let mut inlet = device.inlet();
        for read in 1..=16 {
            let head = device.given.borrow()[read - 1].0;
            device.tell(head, 8);
            assert!(inlet.take().unwrap().is_some());
            inlet.refill(&device).unwrap();
            assert_eq!(device.given.borrow().len(), if read < 16 { 64 } else { 80 }, "{read} were read");
        }
        let given = device.given.borrow();
        let addresses = |range: core::ops::Range<usize>| given[range].iter().map(|&(_, address, _)| address).collect::<BTreeSet<u64>>();
        assert_eq!(addresses(0..16), addresses(64..80));
    }

    #[test]
    fn what_is_no_event_is_the_end() {
        for length in [0, 7, 9, u32::MAX] {
            let device = Device::new(4);
            let mut inlet = device.inlet();
            device.tell(0, length);
            let more_than_room = length > LENGTH as u32;
            assert_eq!(inlet.take(), Err(if more_than_room { Trouble::Virtio(Fault::Nonsense(0)) } else { Trouble::NoEvent(length) }));
        }
        let device = Device::new(4);
        let mut inlet = device.inlet();
        device.tell(4, 8);
        assert_eq!(inlet.take(), Err(Trouble::Virtio(Fault::Nonsense(0))));
    }
}
