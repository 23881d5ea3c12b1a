//! What of the driver needs no device: what commands look like, what a disk says of itself, and how a port is brought to work, used and
//! brought back to work (Serial ATA AHCI 1.3.1).
#![no_std]

pub mod command;
pub mod identity;
pub mod port;
mod recovery;
pub mod registers;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use core::fmt;
use identity::Unfit;

/// A controller: the registers and the tables of the model.
pub trait Hba {
    /// A register.
    fn read(&self, register: u32) -> u32;
    /// Writes a register.
    fn write(&self, register: u32, value: u32);
    /// Writes to a table of the model; false where the kernel could not.
    fn write_table(&self, table: u8, offset: u32, bytes: &[u8]) -> bool;
    /// Reads from a table of the model; false where the kernel could not.
    fn read_table(&self, table: u8, offset: u32, buffer: &mut [u8]) -> bool;
    /// Sleeps until the controller interrupts, so many nanoseconds at most.
    fn sleep(&self, nanoseconds: i64);
    /// Lets it interrupt again, after the cause was taken away.
    fn acknowledge(&self);
}

/// Why there is no disk, or none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The machine has no such controller.
    Absent,
    /// The controller answers nothing any more.
    Gone,
    /// None of so many ports has a disk.
    NoDisk(u32),
    /// The disk at this port does not answer in time.
    Silent(u32),
    /// This port does not come to rest after an error.
    Stuck(u32),
    /// The disk at this port was taken away.
    Unplugged(u32),
    /// The disk at this port does not say what it is.
    Nameless(u32),
    /// The disk at this port is none that the driver can use.
    Unfit(u32, Unfit),
    /// The kernel took no command.
    Refused,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Absent => f.write_str("this machine has no such device"),
            Fault::Gone => f.write_str("the controller answers nothing any more"),
            Fault::NoDisk(ports) => write!(f, "none of the controller's {ports} ports has a disk"),
            Fault::Silent(port) => write!(f, "the disk at port {port} does not answer: it is left alone"),
            Fault::Stuck(port) => write!(f, "port {port} does not come to rest after an error: it is left alone"),
            Fault::Unplugged(port) => write!(f, "the disk at port {port} is gone"),
            Fault::Nameless(port) => write!(f, "the disk at port {port} does not say what it is"),
            Fault::Unfit(port, why) => write!(f, "the disk at port {port} {why}"),
            Fault::Refused => f.write_str("the kernel took no command"),
        }
    }
}
