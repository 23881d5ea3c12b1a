//! The kernel's decisions that need no machine, so that they are tested where there is none: the system table, what it
//! grants, who runs next, bounded rings, and which addresses are free. No `unsafe`, no I/O.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod acpi;
pub mod addresses;
pub mod channel;
pub mod clock;
pub mod device;
#[cfg(test)]
mod dice;
pub mod entropy;
pub mod exchange;
pub mod grants;
pub mod handles;
pub mod image;
#[cfg(feature = "lab")]
pub mod lab;
pub mod occupied;
pub mod quota;
pub mod restart;
pub mod pci;
pub mod pe;
pub mod picture;
pub mod ring;
pub mod schedule;
pub mod service;
pub mod symbols;
pub mod table;
pub mod tally;
pub mod timers;
pub mod wall;
pub mod words;
