//! What is known about the clock without touching it: its registers, what their values mean, and how seconds that tick
//! become nanoseconds. Source: Motorola MC146818A data sheet; ACPI 6.5, section 5.2.9, for the century.
#![no_std]

pub mod registers;
pub mod tracker;
