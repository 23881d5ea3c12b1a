//! Files on a FAT volume: what requests of `munal-files/1` mean there, and how they become requests of `munal-block/1`.
//!
//! The file system itself is the library `hadris-fat`. `answer` knows what a client may do, `volume` reaches files by their paths,
//! `find` knows where on a disk a volume is, `blank` makes one, `sectors` keeps what was read and hands on what is written, `disk` speaks to the disk.
#![no_std]

extern crate alloc;

pub mod answer;
pub mod blank;
pub mod disk;
pub mod find;
pub mod sectors;
pub mod volume;

#[cfg(test)]
mod tests;
