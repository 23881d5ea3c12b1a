//! Virtio over PCI (Virtual I/O Device 1.2), for drivers whose device has the model apps/lib/devices/virtio.toml or one that begins
//! as it does: how a device is brought to work, its queues, and the memory that they move.
//!
//! Nothing that a device says is believed: a queue whose device answers nonsense is broken, and says so once.
#![no_std]

extern crate alloc;

mod capability;
pub mod memory;
pub mod queue;
mod waking;

use core::fmt;
pub use memory::{Memory, PAGE, Shared};
pub use queue::{Part, Queue};
pub use waking::Waking;

/// The device as the bindings have it; `card!` makes one of an app's need.
pub trait Card {
    /// Whether the machine has it.
    fn is_there(&self) -> bool;
    /// 32 bits of configuration space.
    fn config(&self, offset: u8) -> u32;
    /// A register of 8 bits.
    fn read8(&self, region: u8, offset: u32) -> u8;
    /// A register of 16 bits.
    fn read16(&self, region: u8, offset: u32) -> u16;
    /// A register of 32 bits.
    fn read32(&self, region: u8, offset: u32) -> u32;
    /// Writes a register of 8 bits.
    fn write8(&self, region: u8, offset: u32, value: u8);
    /// Writes a register of 16 bits.
    fn write16(&self, region: u8, offset: u32, value: u16);
    /// Writes a register of 32 bits.
    fn write32(&self, region: u8, offset: u32, value: u32);
    /// Writes a register that is an address.
    fn write64(&self, region: u8, offset: u32, value: u64);
    /// Writes to a table of the model; false where the kernel could not.
    fn write_table(&self, table: u8, offset: u32, bytes: &[u8]) -> bool;
}

/// Makes a need for a device, `device::card`, a `Card`.
#[macro_export]
macro_rules! card {
    ($need:path) => {
        impl $crate::Card for $need {
            fn is_there(&self) -> bool {
                self.present() != 0
            }
            fn config(&self, offset: u8) -> u32 {
                <$need>::config(*self, offset)
            }
            fn read8(&self, region: u8, offset: u32) -> u8 {
                <$need>::read8(*self, region, offset)
            }
            fn read16(&self, region: u8, offset: u32) -> u16 {
                <$need>::read16(*self, region, offset)
            }
            fn read32(&self, region: u8, offset: u32) -> u32 {
                <$need>::read32(*self, region, offset)
            }
            fn write8(&self, region: u8, offset: u32, value: u8) {
                <$need>::write8(*self, region, offset, value)
            }
            fn write16(&self, region: u8, offset: u32, value: u16) {
                <$need>::write16(*self, region, offset, value)
            }
            fn write32(&self, region: u8, offset: u32, value: u32) {
                <$need>::write32(*self, region, offset, value)
            }
            fn write64(&self, region: u8, offset: u32, value: u64) {
                <$need>::write64(*self, region, offset, value)
            }
            fn write_table(&self, table: u8, offset: u32, bytes: &[u8]) -> bool {
                <$need>::write_table(*self, table, offset, bytes).is_ok()
            }
        }
    };
}

/// The regions of the model; those of one kind of device follow.
pub const COMMON: u8 = 0;
/// Where queues are told of.
pub const NOTIFY: u8 = 1;
/// Why the device interrupts.
pub const ISR: u8 = 2;
/// The first region of a kind of device's own, where its model has one.
pub const OWN: u8 = 3;

/// How many queues the model has tables for: descriptors of each, then what is available of each.
pub const QUEUES: u8 = 4;

/// `VIRTIO_F_VERSION_1`: the device is one of virtio 1.0 or later.
pub const VERSION_1: u64 = 1 << 32;

const DEVICE_FEATURE_SELECT: u32 = 0x00;
const DEVICE_FEATURE: u32 = 0x04;
const DRIVER_FEATURE_SELECT: u32 = 0x08;
const DRIVER_FEATURE: u32 = 0x0c;
const CONFIG_VECTOR: u32 = 0x10;
pub(crate) const STATUS: u32 = 0x14;

const ACKNOWLEDGE: u8 = 1;
const DRIVER: u8 = 2;
const DRIVER_OK: u8 = 4;
const FEATURES_OK: u8 = 8;
/// The device is broken until it is reset.
pub(crate) const NEEDS_RESET: u8 = 64;

/// Why a device does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The machine has none.
    Absent,
    /// It does not do what the driver cannot do without.
    Features,
    /// It has no queue of this number.
    NoQueue(u16),
    /// What it says of a queue of this number cannot be.
    Nonsense(u16),
    /// It says itself that it is broken.
    Broken,
    /// It does nothing of what it was given.
    Silent,
    /// Its registers read as if it were not there.
    Gone,
    /// The kernel took no descriptor for it.
    Refused,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Absent => f.write_str("this machine has no such device"),
            Fault::Features => f.write_str("the device does not agree to virtio 1 or to what this driver cannot do without"),
            Fault::NoQueue(number) => write!(f, "the device has no queue {number}"),
            Fault::Nonsense(number) => write!(f, "the device returns what queue {number} never gave it: it is left alone"),
            Fault::Broken => f.write_str("the device says that it is broken: it is left alone"),
            Fault::Silent => f.write_str("the device does nothing of what it was given: it is left alone"),
            Fault::Gone => f.write_str("the device answers nothing any more"),
            Fault::Refused => f.write_str("the kernel took no descriptor"),
        }
    }
}

/// Begins to talk to a device, which the kernel has reset: agrees on those of `wanted` features that it has; answers which.
///
/// Errors: it is not there, or lacks one of `needed`.
pub fn begin(card: &impl Card, needed: u64, wanted: u64) -> Result<u64, Fault> {
    if !card.is_there() {
        return Err(Fault::Absent);
    }
    card.write8(COMMON, STATUS, ACKNOWLEDGE);
    card.write8(COMMON, STATUS, ACKNOWLEDGE | DRIVER);
    let needed = needed | VERSION_1;
    let agreed = features(card) & (needed | wanted);
    if agreed & needed != needed {
        return Err(Fault::Features);
    }
    for word in 0..2u32 {
        card.write32(COMMON, DRIVER_FEATURE_SELECT, word);
        card.write32(COMMON, DRIVER_FEATURE, (agreed >> (32 * word)) as u32);
    }
    card.write8(COMMON, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if card.read8(COMMON, STATUS) & FEATURES_OK == 0 {
        return Err(Fault::Features);
    }
    card.write16(COMMON, CONFIG_VECTOR, 0);
    Ok(agreed)
}

fn features(card: &impl Card) -> u64 {
    let word = |number: u32| {
        card.write32(COMMON, DEVICE_FEATURE_SELECT, number);
        u64::from(card.read32(COMMON, DEVICE_FEATURE))
    };
    word(0) | word(1) << 32
}

/// Has a device work, whose queues are there.
pub fn go(card: &impl Card) {
    card.write8(COMMON, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}
