//! What the serial driver does beside its registers: whose output comes next, who has read what, what is worth a note.
#![no_std]

extern crate alloc;

pub mod faults;
pub mod input;
pub mod output;
pub mod queue;
pub mod registers;
pub mod wire;
