//! Queues at work, with the test as the device.

extern crate std;

use super::*;
use core::cell::{Cell, RefCell};
use std::{collections::BTreeMap, collections::VecDeque, vec};

const NUMBER: u16 = 2;
/// Where the notification capability says where it is.
const CAPABILITY: u8 = 0x50;

/// A device: its registers, the tables that it reads, and how far it has come.
struct Device {
    registers: RefCell<BTreeMap<u32, u64>>,
    tables: RefCell<Vec<Vec<u8>>>,
    /// Bytes from one queue's bell to the next.
    apart: u32,
    bell: u16,
    rung: RefCell<Vec<(u32, u16)>>,
    /// Writes to tables that the kernel takes before it takes no more.
    patience: Cell<usize>,
    used: &'static Used,
    looked: Cell<u16>,
    done: Cell<u16>,
}

impl Device {
    fn new(size: u16) -> Self {
        let tables = (0..2 * QUEUES).map(|_| vec![0xee; 4096]).collect();
        Self {
            registers: RefCell::new([(QUEUE_SIZE, u64::from(size))].into()), tables: RefCell::new(tables), apart: 4, bell: 3, rung: RefCell::default(),
            patience: Cell::new(usize::MAX), used: Box::leak(Box::new(Used([const { AtomicU32::new(0) }; 1024]))), looked: Cell::new(0), done: Cell::new(0),
        }
    }

    fn queue(&self, most: u16) -> Result<Queue, Fault> {
        Queue::with(self, NUMBER, most, self.used)
    }

    fn register(&self, offset: u32) -> u64 {
        self.registers.borrow().get(&offset).copied().unwrap_or(0)
    }

    fn size(&self) -> usize {
        self.register(QUEUE_SIZE) as usize
    }

    fn half(&self, table: u8, offset: usize) -> u16 {
        u16::from_le_bytes(self.tables.borrow()[usize::from(table)][offset..offset + 2].try_into().unwrap())
    }

    /// The next request that is available: its head, and its parts as its descriptors have them.
    fn look(&self) -> Option<(u16, Vec<Part>)> {
        let available = QUEUES + NUMBER as u8;
        let looked = self.looked.get();
        if self.half(available, 2) == looked {
            return None;
        }
        self.looked.set(looked.wrapping_add(1));
        let head = self.half(available, 4 + 2 * (usize::from(looked) % self.size()));
        let (mut parts, mut at) = (Vec::new(), head);
        loop {
            assert!(usize::from(at) < self.size() && parts.len() < self.size());
            let entry = self.tables.borrow()[usize::from(NUMBER)][16 * usize::from(at)..][..16].to_vec();
            let flags = u16::from_le_bytes([entry[12], entry[13]]);
            parts.push(Part {
                address: u64::from_le_bytes(entry[..8].try_into().unwrap()), length: u32::from_le_bytes(entry[8..12].try_into().unwrap()),
                written: flags & WRITE != 0,
            });
            if flags & NEXT == 0 {
                return Some((head, parts));
            }
            at = u16::from_le_bytes([entry[14], entry[15]]);
        }
    }

    /// Returns a request, or whatever else has such a head.
    fn use_up(&self, head: u32, length: u32) {
        let at = 1 + 2 * (usize::from(self.done.get()) % self.size());
        self.used.0[at].store(head, Ordering::Relaxed);
        self.used.0[at + 1].store(length, Ordering::Relaxed);
        self.done.set(self.done.get().wrapping_add(1));
        self.say(self.done.get());
    }

    /// Says that so many were used; the flags beside it mean nothing to a driver that takes what there is.
    fn say(&self, index: u16) {
        self.used.0[0].store(u32::from(index) << 16 | 1, Ordering::Release);
    }
}

impl Card for Device {
    fn is_there(&self) -> bool {
        true
    }
    fn config(&self, offset: u8) -> u32 {
        match offset {
            0x34 => 0x41, // the lowest two bits mean nothing
            0x40 => 0x0100_4809,
            0x48 => u32::from(CAPABILITY) << 8 | 0x11,
            CAPABILITY => 0x0214_0009,
            0x60 => self.apart,
            _ => 0xdead_dead,
        }
    }
    fn read8(&self, _: u8, _: u32) -> u8 {
        0
    }
    fn read16(&self, region: u8, offset: u32) -> u16 {
        assert_eq!(region, COMMON);
        if offset == QUEUE_NOTIFY_OFF { self.bell } else { self.register(offset) as u16 }
    }
    fn read32(&self, _: u8, _: u32) -> u32 {
        0
    }
    fn write8(&self, _: u8, _: u32, _: u8) {}
    fn write16(&self, region: u8, offset: u32, value: u16) {
        match region {
            COMMON => {
                self.registers.borrow_mut().insert(offset, u64::from(value));
            }
            NOTIFY => self.rung.borrow_mut().push((offset, value)),
            _ => panic!("region {region}"),
        }
    }
    fn write32(&self, _: u8, _: u32, _: u32) {}
    fn write64(&self, region: u8, offset: u32, value: u64) {
        assert_eq!(region, COMMON);
        self.registers.borrow_mut().insert(offset, value);
    }
    fn write_table(&self, table: u8, offset: u32, bytes: &[u8]) -> bool {
        let Some(patience) = self.patience.get().checked_sub(1) else { return false };
        self.patience.set(patience);
        self.tables.borrow_mut()[usize::from(table)][offset as usize..][..bytes.len()].copy_from_slice(bytes);
        true
    }
}

fn part(address: u64) -> Part {
    Part { address, length: 8, written: true }
}

#[test]
fn a_queue_is_set_up_where_the_model_has_its_tables() {
    let device = Device::new(64);
    let queue = device.queue(256).unwrap();
    assert_eq!((queue.size(), queue.room(), queue.waiting()), (64, 64, 0));
    let register = |offset| device.register(offset);
    assert_eq!((register(QUEUE_SELECT), register(QUEUE_SIZE), register(QUEUE_ENABLE)), (u64::from(NUMBER), 64, 1));
    assert_eq!((register(QUEUE_DESC), register(QUEUE_DRIVER)), (3 << 32, 7 << 32));
    assert_eq!(register(QUEUE_DEVICE), (&raw const *device.used).addr() as u64);
    assert_eq!(device.look(), None, "what a life before left available is not");
    queue.ring(&device);
    assert_eq!(*device.rung.borrow(), [(12, NUMBER)]);
}

#[test]
fn its_size_is_a_power_of_two_that_both_can() {
    for (has, most, size) in [(64, 8, 8), (64, 100, 64), (100, 100, 64), (1, 8, 1), (32_768, 65_535, 256)] {
        let device = Device::new(has);
        assert_eq!(device.queue(most).unwrap().size(), size);
        assert_eq!(device.size(), usize::from(size));
    }
    assert_eq!(Device::new(0).queue(8).err(), Some(Fault::NoQueue(NUMBER)));
    assert_eq!(Device::new(8).queue(0).err(), Some(Fault::NoQueue(NUMBER)));
    let device = Device::new(8);
    assert_eq!(Queue::with(&device, u16::from(QUEUES), 8, device.used).err(), Some(Fault::NoQueue(u16::from(QUEUES))));
}

#[test]
fn a_bell_outside_of_its_region_is_nonsense() {
    for (bell, apart, fits) in [(0, 0, true), (31, 2, true), (32, 2, false), (0x3e, 1, true), (0x3f, 1, false), (65_535, u32::MAX, false), (0, u32::MAX, true)] {
        let device = Device { bell, apart, ..Device::new(8) };
        assert_eq!(device.queue(8).err(), (!fits).then_some(Fault::Nonsense(NUMBER)), "{bell} {apart}");
        assert_eq!(device.register(QUEUE_ENABLE), u64::from(fits));
    }
}

#[test]
fn requests_come_back_in_whatever_order_the_device_is_done() {
    let device = Device::new(8);
    let mut queue = device.queue(8).unwrap();
    let heads: Vec<u16> = (1..=3).map(|number| queue.give(&device, &[part(0x1000 * number)]).unwrap().unwrap()).collect();
    let seen: Vec<_> = core::iter::from_fn(|| device.look()).collect();
    assert_eq!(seen, (1..=3).map(|number| (heads[number - 1], vec![part(0x1000 * number as u64)])).collect::<Vec<_>>());
    assert_eq!((queue.take(), queue.waiting(), queue.room()), (Ok(None), 3, 5));
    for (place, length) in [(1, 5), (2, 0), (0, 8)] {
        device.use_up(u32::from(heads[place]), length);
    }
    for (place, length) in [(1, 5), (2, 0), (0, 8)] {
        assert_eq!(queue.take(), Ok(Some((heads[place], length))));
    }
    assert_eq!((queue.take(), queue.waiting(), queue.room()), (Ok(None), 0, 8));
}

#[test]
fn a_chain_is_one_request_and_its_descriptors_come_back_together() {
    let device = Device::new(8);
    let mut queue = device.queue(8).unwrap();
    let parts = [Part { address: 0x10, length: 16, written: false }, Part { address: 0x1000, length: 512, written: false }, part(0x20)];
    let first = queue.give(&device, &parts).unwrap().unwrap();
    let second = queue.give(&device, &parts[1..]).unwrap().unwrap();
    assert_eq!((device.look(), device.look(), device.look()), (Some((first, parts.to_vec())), Some((second, parts[1..].to_vec())), None));
    assert_eq!((queue.room(), queue.waiting()), (3, 2));
    device.use_up(u32::from(first), 8);
    assert_eq!((queue.take(), queue.room(), queue.waiting()), (Ok(Some((first, 8))), 6, 1));
    let third = queue.give(&device, &[part(1), part(2), part(3), part(4), part(5), part(6)]).unwrap().unwrap();
    assert_eq!(device.look(), Some((third, (1..=6).map(part).collect())), "of descriptors that are not side by side");
    assert_eq!(queue.room(), 0);
}

#[test]
fn a_full_queue_takes_nothing_until_something_came_back() {
    let device = Device::new(4);
    let mut queue = device.queue(4).unwrap();
    let heads: Vec<u16> = (0..4).map(|number| queue.give(&device, &[part(number)]).unwrap().unwrap()).collect();
    assert_eq!(queue.give(&device, &[part(4)]), Ok(None));
    while device.look().is_some() {}
    assert_eq!(queue.waiting(), 4);
    device.use_up(u32::from(heads[2]), 1);
    assert_eq!(queue.take(), Ok(Some((heads[2], 1))));
    assert_eq!(queue.give(&device, &[part(4), part(5)]), Ok(None), "one descriptor is no room for two");
    assert_eq!(queue.give(&device, &[]), Ok(None));
    assert_eq!(queue.give(&device, &[part(6)]), Ok(Some(heads[2])));
    assert_eq!(device.look(), Some((heads[2], vec![part(6)])));
}

#[test]
fn a_device_is_told_once_that_it_need_not_interrupt_and_with_each_request() {
    let device = Device::new(4);
    let mut queue = device.queue(4).unwrap();
    let told = || [0, 2].map(|offset| device.half(QUEUES + NUMBER as u8, offset));
    assert_eq!(told(), [0, 0]);
    queue.interrupt(&device, false).unwrap();
    assert_eq!(told(), [1, 0]);
    queue.give(&device, &[part(0x1000)]).unwrap();
    assert_eq!(told(), [1, 1], "a request changes nothing about it");
    queue.interrupt(&device, true).unwrap();
    assert_eq!(told(), [0, 1]);
    device.patience.set(0);
    queue.interrupt(&device, true).unwrap(); // what it knows it is not told again
    assert_eq!(queue.interrupt(&device, false), Err(Fault::Refused));
}

#[test]
fn what_a_request_has_in_common_with_the_one_before_is_not_written_again() {
    let device = Device::new(4);
    let mut queue = device.queue(4).unwrap();
    let mut written = |parts: &[Part]| {
        device.patience.set(100);
        queue.give(&device, parts).unwrap().unwrap();
        let (head, seen) = device.look().unwrap();
        assert_eq!(seen, parts);
        device.use_up(head.into(), 0);
        queue.take().unwrap().unwrap();
        100 - device.patience.get()
    };
    let parts = [part(0x1000), part(0x2000)];
    let counts: Vec<usize> = (0..6).map(|_| written(&parts)).collect();
    assert_eq!(counts, [4, 2, 2, 2, 1, 1], "both descriptors once, each place of what is available once, how many are each time");
    assert_eq!((written(&[part(0x1000), part(0x3000)]), written(&parts)), (2, 2), "what differs is");
}

#[test]
fn counters_wrap() {
    let device = Device::new(16);
    let mut queue = device.queue(16).unwrap();
    let (mut given, mut waiting, mut random) = (0u64, VecDeque::new(), 1u32);
    while given < 3 * 65_536 + 100 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        for _ in 0..random >> 28 {
            let parts: Vec<Part> = (0..1 + u64::from(random >> 20 & 3)).map(|place| part(8 * given + place)).collect();
            let room = queue.room() >= parts.len();
            let head = queue.give(&device, &parts).unwrap();
            assert_eq!(head.is_some(), room);
            if let Some(head) = head {
                waiting.push_back((head, parts));
                given += 1;
            }
        }
        for _ in 0..random >> 24 & 15 {
            let seen = device.look();
            assert_eq!(seen, waiting.pop_front());
            let Some((head, parts)) = seen else { break };
            device.use_up(u32::from(head), parts.len() as u32);
            assert_eq!(queue.take(), Ok(Some((head, parts.len() as u32))));
        }
        assert_eq!(queue.take(), Ok(None));
        assert_eq!(usize::from(queue.waiting()), waiting.len());
    }
}

#[test]
fn all_that_was_given_may_come_back_at_once_where_counters_wrap() {
    let device = Device::new(256);
    let mut queue = device.queue(256).unwrap();
    for round in 0..3 * 256 + 2 {
        let heads: Vec<u16> = (0..256).map(|number| queue.give(&device, &[part(number)]).unwrap().unwrap()).collect();
        assert_eq!(queue.waiting(), 256, "{round}");
        while device.look().is_some() {}
        heads.iter().rev().for_each(|&head| device.use_up(u32::from(head), 8));
        heads.iter().rev().for_each(|&head| assert_eq!(queue.take(), Ok(Some((head, 8))), "{round}"));
        assert_eq!((queue.take(), queue.room()), (Ok(None), 256));
    }
}

/// A queue of 8 with a chain of two and a single part at work, and the heads of both.
fn at_work(device: &Device) -> (Queue, u16, u16) {
    let mut queue = device.queue(8).unwrap();
    let chain = queue.give(device, &[part(1), part(2)]).unwrap().unwrap();
    let single = queue.give(device, &[part(3)]).unwrap().unwrap();
    (queue, chain, single)
}

#[test]
fn a_head_that_was_never_given_is_nonsense() {
    for head in (0..16).chain([0xff, 0x100, 0xffff, 0x1_0000, 0x1_0001, u32::MAX]) {
        let device = Device::new(8);
        let (mut queue, chain, single) = at_work(&device);
        device.use_up(head, 8);
        let given = [u32::from(chain), u32::from(single)].contains(&head);
        assert_eq!(queue.take(), if given { Ok(Some((head as u16, 8))) } else { Err(Fault::Nonsense(NUMBER)) }, "{head}");
        assert!(given || queue.take() == Err(Fault::Nonsense(NUMBER)) && queue.waiting() == 2, "and stays so");
    }
}

#[test]
fn a_head_that_came_back_does_not_come_twice() {
    let device = Device::new(8);
    let (mut queue, chain, _) = at_work(&device);
    device.use_up(u32::from(chain), 8);
    device.use_up(u32::from(chain), 8);
    assert_eq!((queue.take(), queue.take()), (Ok(Some((chain, 8))), Err(Fault::Nonsense(NUMBER))));
    assert_eq!(queue.room(), 7);
}

#[test]
fn an_index_ahead_of_what_was_given_or_back_is_nonsense() {
    for index in [3, 4, 8, 9, 0x7fff, 0x8000, 0xfffe, 0xffff] {
        let device = Device::new(8);
        let (mut queue, ..) = at_work(&device);
        device.say(index);
        assert_eq!(queue.take(), Err(Fault::Nonsense(NUMBER)), "{index}");
    }
    let device = Device::new(8);
    let mut queue = device.queue(8).unwrap();
    device.say(1);
    assert_eq!(queue.take(), Err(Fault::Nonsense(NUMBER)), "nothing was given");
    let (mut queue, chain, _) = at_work(&Device { used: device.used, ..Device::new(8) });
    device.say(0);
    device.use_up(u32::from(chain), 8);
    assert!(queue.take().unwrap().is_some());
    device.say(0);
    assert_eq!(queue.take(), Err(Fault::Nonsense(NUMBER)), "it goes back");
}

#[test]
fn what_the_kernel_does_not_take_was_not_given() {
    for patience in 0..4 {
        let device = Device::new(8);
        let (mut queue, ..) = at_work(&device);
        while device.look().is_some() {}
        device.patience.set(patience);
        assert_eq!(queue.give(&device, &[part(4), part(5)]), Err(Fault::Refused));
        assert_eq!((queue.room(), queue.waiting(), device.look()), (5, 2, None), "{patience}");
        device.patience.set(usize::MAX);
        let head = queue.give(&device, &[part(6), part(7)]).unwrap().unwrap();
        assert_eq!(device.look(), Some((head, vec![part(6), part(7)])));
    }
    let device = Device { patience: Cell::new(0), ..Device::new(8) };
    assert_eq!(device.queue(8).err(), Some(Fault::Refused));
    assert_eq!(device.register(QUEUE_ENABLE), 0);
}

#[test]
fn no_more_is_written_than_there_is_room_for() {
    for (parts, length, fits) in [
        (vec![part(0)], 8, true), (vec![part(0)], 9, false), (vec![part(0), part(8)], 16, true), (vec![part(0), part(8)], 17, false),
        (vec![Part { written: false, ..part(0) }, part(8)], 9, false), (vec![Part { written: false, ..part(0) }], 0, true),
        (vec![Part { written: false, ..part(0) }], 1, false), (vec![part(0)], u32::MAX, false),
    ] {
        let device = Device::new(4);
        let mut queue = device.queue(4).unwrap();
        let head = queue.give(&device, &parts).unwrap().unwrap();
        device.use_up(head.into(), length);
        assert_eq!(queue.take(), if fits { Ok(Some((head, length))) } else { Err(Fault::Nonsense(NUMBER)) }, "{length}");
    }
}

#[test]
fn what_was_given_later_is_not_what_the_device_returned_before() {
    for start in [0, u16::MAX - 1, u16::MAX] {
        let device = Device::new(4);
        let mut queue = device.queue(4).unwrap();
        for _ in 0..start {
            let head = queue.give(&device, &[part(0)]).unwrap().unwrap();
            device.use_up(head.into(), 8);
            assert_eq!(queue.take(), Ok(Some((head, 8))));
        }
        let first = queue.give(&device, &[part(0)]).unwrap().unwrap();
        queue.give(&device, &[part(8)]).unwrap().unwrap();
        device.use_up(first.into(), 8);
        device.use_up(first.into(), 8); // twice, before it was given anything else
        assert_eq!(queue.take(), Ok(Some((first, 8))));
        let again = queue.give(&device, &[part(0)]).unwrap().unwrap();
        assert_eq!((again, queue.take()), (first, Err(Fault::Nonsense(NUMBER))), "after {start}");
    }
}
