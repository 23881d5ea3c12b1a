//! What of the driver needs no device: what a descriptor says, and how a ring goes round.
#![no_std]

use core::fmt;
use munal::ethernet::is_frame;

/// Bytes of a buffer, as RCTL has it after a reset.
pub const BUFFER: usize = 2048;
/// Bytes of a descriptor.
pub const DESCRIPTOR: usize = 16;

/// The device is done with the descriptor; its frame ends there (sections 3.2.3.1 and 3.3.3.2).
const DD: u8 = 1 << 0;
const EOP: u8 = 1 << 1;
/// A frame was damaged on its way: CE, SE, SEQ, CXE, RXE (section 3.2.3.2).
const DAMAGED: u8 = 0x97;
/// What is given with a frame to send: it ends there, its check sequence is added, and the device says when it is done (section
/// 3.3.3.1).
const EOP_IFCS_RS: u8 = 0x0b;

/// Why a device does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The machine has none.
    Absent,
    /// It answers nothing any more.
    Gone,
    /// It sends nothing of what it was given.
    Silent,
    /// It does not know its address.
    Nameless,
    /// What it says of a frame cannot be.
    Nonsense,
    /// The kernel took no descriptor for it.
    Refused,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Absent => "this machine has no such device",
            Fault::Gone => "the device answers nothing any more",
            Fault::Silent => "the device does nothing of what it was given: it is left alone",
            Fault::Nameless => "the device does not say by which address it is reached",
            Fault::Nonsense => "the device says of a frame what cannot be: it is left alone",
            Fault::Refused => "the kernel took no descriptor",
        })
    }
}

/// What an incoming descriptor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// Nothing came yet.
    Nothing,
    /// A frame of so many bytes.
    Frame(usize),
    /// What clients are not given: a damaged frame, or one that is too short or too long.
    Waste,
}

/// What an incoming descriptor says. Errors: what it can only say if the device is broken.
pub fn came(descriptor: &[u8; DESCRIPTOR]) -> Result<Came, Fault> {
    let [.., low, high, _, _, status, errors, _, _] = *descriptor;
    let length = usize::from(u16::from_le_bytes([low, high]));
    match status {
        _ if status & DD == 0 => Ok(Came::Nothing),
        _ if status & EOP == 0 || length > BUFFER => Err(Fault::Nonsense),
        _ if errors & DAMAGED != 0 || !is_frame(length) => Ok(Came::Waste),
        _ => Ok(Came::Frame(length)),
    }
}

/// Whether an outgoing descriptor's frame has left its buffer.
pub fn went(descriptor: &[u8; DESCRIPTOR]) -> bool {
    descriptor[12] & DD != 0
}

/// A descriptor of a buffer for what comes.
pub fn incoming(address: u64) -> [u8; DESCRIPTOR] {
    u128::from(address).to_le_bytes()
}

/// A descriptor of a frame to send.
pub fn outgoing(address: u64, length: u16) -> [u8; DESCRIPTOR] {
    (u128::from(address) | u128::from(length) << 64 | u128::from(EOP_IFCS_RS) << 88).to_le_bytes()
}

/// Which descriptors of a ring the device has: those from `first` up to, not with, `next`. One is always left out, since the device
/// takes a ring for empty where both are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    size: u32,
    first: u32,
    next: u32,
}

impl Ring {
    /// A ring of so many descriptors, none of which the device has.
    pub const fn new(size: u32) -> Self {
        Self { size, first: 0, next: 0 }
    }

    /// The descriptor that the device is done with first; none where it has none.
    pub const fn first(&self) -> Option<u32> {
        if self.first == self.next { None } else { Some(self.first) }
    }

    /// The descriptor that the device can be given next; none where it has all that it can have.
    pub const fn next(&self) -> Option<u32> {
        if self.after(self.next) == self.first { None } else { Some(self.next) }
    }

    /// The tail that the device is told.
    pub const fn tail(&self) -> u32 {
        self.next
    }

    /// The device was given the next one.
    pub const fn give(&mut self) {
        self.next = self.after(self.next);
    }

    /// The device is done with the first one.
    pub const fn take(&mut self) {
        self.first = self.after(self.first);
    }

    const fn after(&self, number: u32) -> u32 {
        if number + 1 == self.size { 0 } else { number + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(length: u16, status: u8, errors: u8) -> Result<Came, Fault> {
        let [low, high] = length.to_le_bytes();
        came(&[1, 2, 3, 4, 5, 6, 7, 8, low, high, 0xff, 0xff, status, errors, 0xff, 0xff])
    }

    #[test]
    fn a_frame_came_when_its_descriptor_is_done() {
        assert_eq!((written(60, 0, 0), written(60, EOP, 0)), (Ok(Came::Nothing), Ok(Came::Nothing)));
        for (length, what) in [(13, Came::Waste), (14, Came::Frame(14)), (1514, Came::Frame(1514)), (1515, Came::Waste), (2048, Came::Waste)] {
            assert_eq!(written(length, DD | EOP, 0), Ok(what), "{length}");
        }
        assert_eq!(written(60, 0xff, 0x68), Ok(Came::Frame(60)), "check sums of what is inside are its receiver's");
        for bit in [0, 1, 2, 4, 7] {
            assert_eq!(written(60, DD | EOP, 1 << bit), Ok(Came::Waste));
        }
    }

    #[test]
    fn what_no_device_says() {
        assert_eq!((written(60, DD, 0), written(2049, DD | EOP, 0)), (Err(Fault::Nonsense), Err(Fault::Nonsense)));
    }

    #[test]
    fn descriptors_as_the_device_reads_them() {
        assert_eq!(incoming(0x0102_0304), [4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mut descriptor = outgoing(0x0102_0304, 0x0506);
        assert_eq!(descriptor, [4, 3, 2, 1, 0, 0, 0, 0, 6, 5, 0, 0x0b, 0, 0, 0, 0]);
        assert!(!went(&descriptor));
        descriptor[12] = DD;
        assert!(went(&descriptor));
    }

    #[test]
    fn a_ring_goes_round_and_is_never_full() {
        let mut ring = Ring::new(4);
        for turn in 0..100 {
            let start = turn * 3 % 4;
            assert_eq!((ring.first(), ring.tail()), (None, start));
            for number in 0..3 {
                assert_eq!(ring.next(), Some((start + number) % 4));
                ring.give();
            }
            assert_eq!((ring.next(), ring.tail()), (None, (start + 3) % 4), "one is left out");
            for number in 0..3 {
                assert_eq!(ring.first(), Some((start + number) % 4));
                ring.take();
            }
        }
    }
}
