//! A virtio input device (Virtual I/O Device 1.2, section 5.8): what it says of itself, and what its events mean.
#![no_std]

extern crate alloc;

pub mod about;
pub mod inlet;

use core::fmt;
use virtio::Fault;

/// Why a device is not driven, or not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does not work, or returns what it was not given.
    Virtio(Fault),
    /// It says more of itself than there is room for.
    TooMuch(u8),
    /// It does not say how far an axis of its goes.
    NoAxis(u16),
    /// It says of an axis that it ends before it begins.
    Axis(u16, i32, i32),
    /// What it tells is no event, of so many bytes.
    NoEvent(u32),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Virtio(fault)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Virtio(fault) => fault.fmt(f),
            Trouble::TooMuch(size) => write!(f, "the device says {size} bytes of itself where there is room for 128: it is left alone"),
            Trouble::NoAxis(axis) => write!(f, "the device does not say how far its axis {axis} goes: it is left alone"),
            Trouble::Axis(axis, least, most) => write!(f, "the device's axis {axis} goes from {least} to {most}: it is left alone"),
            Trouble::NoEvent(length) => write!(f, "the device tells an event of {length} bytes instead of 8: it is left alone"),
        }
    }
}
