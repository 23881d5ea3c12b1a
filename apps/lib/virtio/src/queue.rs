//! Split queues (Virtual I/O Device 1.2, section 2.7): descriptors and what is available lie with the kernel, which writes them;
//! what the device has used lies with the driver.

use crate::{COMMON, Card, Fault, NOTIFY, QUEUES, capability};
use alloc::{boxed::Box, vec::Vec};
use core::sync::atomic::{AtomicU32, Ordering};

const QUEUE_SELECT: u32 = 0x16;
const QUEUE_SIZE: u32 = 0x18;
const QUEUE_VECTOR: u32 = 0x1a;
const QUEUE_ENABLE: u32 = 0x1c;
const QUEUE_NOTIFY_OFF: u32 = 0x1e;
const QUEUE_DESC: u32 = 0x20;
const QUEUE_DRIVER: u32 = 0x28;
const QUEUE_DEVICE: u32 = 0x30;

/// The most descriptors, as the model has it.
const MOST: u16 = 256;
/// The last place of a word in the region where queues are told of.
const LAST_BELL: u32 = 0x40 - 2;
/// Bytes of a descriptor.
const DESCRIPTOR: usize = 16;
/// Where the tables begin in a driver's addresses: 4 GiB each, after its memory.
const TABLE: u64 = 1 << 32;

/// In what is available: the device need not interrupt (section 2.7.6).
const NO_INTERRUPT: u16 = 1;

const NEXT: u16 = 1;
const WRITE: u16 = 2;

/// One piece of a request: bytes of one page that the device reads, or writes where `written`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// By the driver's address.
    pub address: u64,
    /// Bytes.
    pub length: u32,
    /// Whether the device writes them.
    pub written: bool,
}

/// What the device has used: flags and index, then identity and length of each (section 2.7.8), in a page of its own.
#[repr(C, align(4096))]
pub struct Used(pub [AtomicU32; 1024]);

/// A request that the device has.
struct Given {
    /// Its descriptors.
    chain: Vec<u16>,
    /// Bytes that the device may write.
    room: u64,
    /// How many requests were available before it.
    number: u16,
}

/// One queue at work.
pub struct Queue {
    number: u16,
    size: u16,
    /// Where in the region it is told of.
    bell: u32,
    used: &'static Used,
    /// Descriptors that nothing uses.
    free: Vec<u16>,
    /// Of each descriptor that begins a request: that request.
    given: Vec<Option<Given>>,
    /// How many requests were made available, and how many were taken back; both wrap.
    available: u16,
    taken: u16,
    /// How far the device had come when that was looked at last, and how many requests were available then.
    seen: u16,
    before: u16,
    /// What the device is told with what is available.
    flags: u16,
    /// As what each descriptor, and each place of what is available, was written last: what is the same is not written again.
    descriptors: Vec<Option<[u8; DESCRIPTOR]>>,
    places: Vec<Option<u16>>,
}

impl Queue {
    /// Sets up queue `number` of a device whose features are agreed on, with at most `most` descriptors.
    ///
    /// Errors: the device has no such queue.
    pub fn new(card: &impl Card, number: u16, most: u16) -> Result<Self, Fault> {
        Self::with(card, number, most, Box::leak(Box::new(Used([const { AtomicU32::new(0) }; 1024]))))
    }

    /// As `new`, with a page for what is used.
    pub fn with(card: &impl Card, number: u16, most: u16, used: &'static Used) -> Result<Self, Fault> {
        if number >= u16::from(QUEUES) {
            return Err(Fault::NoQueue(number));
        }
        card.write16(COMMON, QUEUE_SELECT, number);
        let size = card.read16(COMMON, QUEUE_SIZE).min(most.min(MOST));
        let Some(size) = size.checked_ilog2().map(|power| 1 << power) else { return Err(Fault::NoQueue(number)) };
        card.write16(COMMON, QUEUE_SIZE, size);
        card.write16(COMMON, QUEUE_VECTOR, 0);
        card.write64(COMMON, QUEUE_DESC, TABLE * (1 + u64::from(number)));
        card.write64(COMMON, QUEUE_DRIVER, TABLE * (1 + u64::from(QUEUES) + u64::from(number)));
        card.write64(COMMON, QUEUE_DEVICE, (&raw const *used).expose_provenance() as u64);
        let bell = u32::from(card.read16(COMMON, QUEUE_NOTIFY_OFF)).checked_mul(multiplier(card)).filter(|&bell| bell <= LAST_BELL);
        let queue = Self {
            number, size, used, bell: bell.ok_or(Fault::Nonsense(number))?,
            free: (0..size).rev().collect(), given: (0..size).map(|_| None).collect(), available: 0, taken: 0, seen: 0, before: 0, flags: 0,
            descriptors: alloc::vec![None; usize::from(size)], places: alloc::vec![None; usize::from(size)],
        };
        queue.publish(card, 0)?; // the table is the last life's still
        card.write16(COMMON, QUEUE_ENABLE, 1);
        Ok(queue)
    }

    /// How many descriptors it has.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// How many descriptors nothing uses.
    pub fn room(&self) -> usize {
        self.free.len()
    }

    /// How many requests the device has.
    pub fn waiting(&self) -> u16 {
        self.available.wrapping_sub(self.taken)
    }

    /// Gives the device a request of one part or more, of which it hears by `ring`. Answers which one it is; none where there are
    /// not enough free descriptors. Errors: the kernel took no descriptor; nothing was given then.
    pub fn give(&mut self, card: &impl Card, parts: &[Part]) -> Result<Option<u16>, Fault> {
        if parts.is_empty() || parts.len() > self.free.len() {
            return Ok(None);
        }
        let chain = self.free.split_off(self.free.len() - parts.len());
        if let Err(fault) = self.write(card, &chain, parts) {
            self.free.extend(chain);
            return Err(fault);
        }
        let head = chain[0];
        let room = parts.iter().filter(|part| part.written).map(|part| u64::from(part.length)).sum();
        self.given[usize::from(head)] = Some(Given { chain, room, number: self.available });
        self.available = self.available.wrapping_add(1);
        Ok(Some(head))
    }

    /// Writes a request's descriptors, and that it is available.
    fn write(&mut self, card: &impl Card, chain: &[u16], parts: &[Part]) -> Result<(), Fault> {
        for (place, part) in parts.iter().enumerate() {
            self.describe(card, chain[place], descriptor(part, chain.get(place + 1).copied()))?;
        }
        let place = self.available % self.size;
        if self.places[usize::from(place)] != Some(chain[0]) {
            put(card, QUEUES + self.number as u8, 4 + 2 * u32::from(place), &chain[0].to_le_bytes())?;
            self.places[usize::from(place)] = Some(chain[0]);
        }
        self.publish(card, self.available.wrapping_add(1))
    }

    fn describe(&mut self, card: &impl Card, number: u16, bytes: [u8; DESCRIPTOR]) -> Result<(), Fault> {
        let last = &mut self.descriptors[usize::from(number)];
        if *last != Some(bytes) {
            put(card, self.number as u8, DESCRIPTOR as u32 * u32::from(number), &bytes)?;
            *last = Some(bytes);
        }
        Ok(())
    }

    /// Says how many requests were made available, so that the device may look at them.
    fn publish(&self, card: &impl Card, available: u16) -> Result<(), Fault> {
        let ([flags, more], [low, high]) = (self.flags.to_le_bytes(), available.to_le_bytes());
        put(card, QUEUES + self.number as u8, 0, &[flags, more, low, high])
    }

    /// Whether the device is to interrupt when it is done with a request, as it does at first; it may do so once more after it was
    /// told not to. What it was done with before it is told to is to be looked for after that.
    pub fn interrupt(&mut self, card: &impl Card, wanted: bool) -> Result<(), Fault> {
        let flags = if wanted { 0 } else { NO_INTERRUPT };
        if flags == self.flags {
            return Ok(());
        }
        self.flags = flags;
        self.publish(card, self.available)
    }

    /// Tells the device that there is something to do.
    pub fn ring(&self, card: &impl Card) {
        card.write16(NOTIFY, self.bell, self.number);
    }

    /// Takes back a request that the device is done with: which one, and how many bytes it says that it wrote.
    ///
    /// Errors: it returns what it does not have, or did not have yet when it said so; or it wrote more than there is room for.
    pub fn take(&mut self) -> Result<Option<(u16, u32)>, Fault> {
        if self.taken == self.seen && !self.look()? {
            return Ok(None);
        }
        let nonsense = Fault::Nonsense(self.number);
        let at = 1 + 2 * usize::from(self.taken % self.size);
        let (head, length) = (self.used.0[at].load(Ordering::Relaxed), self.used.0[at + 1].load(Ordering::Relaxed));
        let place = usize::try_from(head).ok().and_then(|head| self.given.get_mut(head)).ok_or(nonsense)?;
        let given = place.take_if(|given| self.before.wrapping_sub(given.number).wrapping_sub(1) < MOST && u64::from(length) <= given.room);
        self.free.extend(given.ok_or(nonsense)?.chain);
        self.taken = self.taken.wrapping_add(1);
        Ok(Some((head as u16, length)))
    }

    /// Looks how far the device has come; false where it has done nothing since. Errors: it returns more than it has.
    fn look(&mut self) -> Result<bool, Fault> {
        let index = (self.used.0[0].load(Ordering::Acquire) >> 16) as u16;
        if index.wrapping_sub(self.taken) > self.waiting() {
            return Err(Fault::Nonsense(self.number));
        }
        (self.seen, self.before) = (index, self.available);
        Ok(index != self.taken)
    }
}

/// A descriptor (section 2.7.5): address, length, flags, and which one follows.
fn descriptor(part: &Part, next: Option<u16>) -> [u8; DESCRIPTOR] {
    let flags = if next.is_some() { NEXT } else { 0 } | if part.written { WRITE } else { 0 };
    let mut bytes = [0; DESCRIPTOR];
    bytes[..8].copy_from_slice(&part.address.to_le_bytes());
    bytes[8..12].copy_from_slice(&part.length.to_le_bytes());
    bytes[12..14].copy_from_slice(&flags.to_le_bytes());
    bytes[14..].copy_from_slice(&next.unwrap_or(0).to_le_bytes());
    bytes
}

fn put(card: &impl Card, table: u8, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
    if card.write_table(table, offset, bytes) { Ok(()) } else { Err(Fault::Refused) }
}

/// How many bytes apart queues are told of: the word behind the capability that says where (section 4.1.4.4).
fn multiplier(card: &impl Card) -> u32 {
    const VENDOR: u32 = 0x09;
    const NOTIFICATION: u32 = 2;
    let found = capability::all(card).find(|(_, word)| word & 0xff == VENDOR && word >> 24 == NOTIFICATION);
    found.map_or(0, |(at, _)| card.config(at + 16))
}

#[cfg(test)]
mod tests;
