//! A device whose registers and DMA one instance is granted: what its model in the system table says of it, and what follows for
//! each write (docs/drivers.md, "The model"). The kernel knows no device: it knows which bytes hold addresses.
//!
//! A driver speaks of memory by addresses of its own, 64 bits: below 4 GiB they are places in its linear memory, above that bytes
//! of a table. Only where the model says that a register or an entry holds an address does one ever reach the device, translated.
mod address;
#[cfg(test)]
mod cases;
mod check;
mod rules;

use crate::table::PAGE;
use alloc::{string::String, vec::Vec};
use minicbor::Decode;

pub use address::{Place, Reach, place};
pub use check::{LARGEST_TABLE, check};
pub use rules::{Fault, Piece, Write, entries};

/// One granted device.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Device {
    #[n(0)] pub need: String,
    #[n(1)] pub instance: usize,
    /// What its configuration space holds; one of them is enough.
    #[n(2)] pub matches: Vec<Match>,
    /// Which function it is to be, by bus x 256 + device x 8 + function; any where there is none.
    #[n(3)] pub slot: Option<u16>,
    /// How many functions that match and that nobody has are left to others.
    #[n(4)] pub skip: u32,
    #[n(5)] pub regions: Vec<Region>,
    #[n(6)] pub tables: Vec<Sealed>,
    #[n(7)] pub reset: Vec<Step>,
}

/// 32 bits of configuration space: those of `mask` are `value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Match {
    #[n(0)] pub offset: u8,
    #[n(1)] pub value: u32,
    #[n(2)] pub mask: u32,
}

/// Registers that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Region {
    #[n(0)] pub name: String,
    /// The base address register that it begins at.
    #[n(1)] pub bar: Option<u8>,
    /// The vendor's capability that says where it is: identity, and the offset and value of a byte of it. Its byte 4 is the base
    /// address register, its words at 8 and 12 are offset and length (Virtual I/O Device 1.2, section 4.1.4).
    #[n(2)] pub capability: Option<(u8, u8, u8)>,
    /// Bytes of it that the driver reaches.
    #[n(3)] pub length: u32,
    #[n(4)] pub rules: Rules,
}

/// Memory of the kernel's that the device reads: entries that the driver writes by way of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Sealed {
    #[n(0)] pub name: String,
    /// Bytes of an entry, and how many there are.
    #[n(1)] pub entry: u32,
    #[n(2)] pub count: u32,
    /// Of one entry.
    #[n(3)] pub rules: Rules,
}

impl Sealed {
    /// Bytes of the whole table, which are whole pages.
    pub fn size(&self) -> u64 {
        (u64::from(self.entry) * u64::from(self.count)).next_multiple_of(PAGE)
    }
}

/// Which bytes may be written. Those that no rule names are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Rules {
    /// Bytes [start, end) that may be anything.
    #[n(0)] pub free: Vec<(u32, u32)>,
    #[n(1)] pub limits: Vec<Limit>,
    #[n(2)] pub pointers: Vec<Pointer>,
}

/// Numbers whose bits are among those of `mask`, and which are not below `least` or above `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Limit {
    #[n(0)] pub offset: u32,
    /// 1, 2, 4 or 8.
    #[n(1)] pub bytes: u8,
    #[n(2)] pub mask: u64,
    #[n(3)] pub least: u64,
    #[n(4)] pub most: u64,
    /// How many there are, `stride` bytes apart.
    #[n(5)] pub count: u32,
    #[n(6)] pub stride: u32,
}

impl Limit {
    fn allows(&self, value: u64) -> bool {
        value & !self.mask == 0 && (self.least..=self.most).contains(&value)
    }
}

/// An address of 64 bits that the device takes something from or puts something to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Pointer {
    #[n(0)] pub offset: u32,
    /// How many there are, `stride` bytes apart.
    #[n(1)] pub count: u32,
    #[n(2)] pub stride: u32,
    /// A register that takes its halves one after the other.
    #[n(3)] pub halves: bool,
    /// Bytes from the address on that the device may reach, where no number beside it says so.
    #[n(4)] pub reach: u64,
    #[n(5)] pub length: Option<Length>,
    /// What it may point to: bit 0 for the driver's memory, bit n + 1 for table n.
    #[n(6)] pub to: u64,
    /// A bit by which the device writes there, and what it may point to then.
    #[n(7)] pub written: Option<Written>,
}

/// Where an entry says how many bytes its pointer is for: those of `mask`, and `more`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Length {
    #[n(0)] pub offset: u32,
    #[n(1)] pub bytes: u8,
    #[n(2)] pub mask: u64,
    #[n(3)] pub more: u64,
}

/// The bit `bit` of the byte at `offset`, and what a pointer beside it may point to where it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Written {
    #[n(0)] pub offset: u32,
    #[n(1)] pub bit: u8,
    #[n(2)] pub to: u64,
}

/// One step of bringing the device to where it reaches no memory: the register gets `value`, or is waited for until those of its
/// bits that `mask` has are `value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct Step {
    #[n(0)] pub region: usize,
    #[n(1)] pub offset: u32,
    #[n(2)] pub bytes: u8,
    #[n(3)] pub value: u64,
    #[n(4)] pub mask: Option<u64>,
}
