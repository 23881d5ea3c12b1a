//! What the firmware's tables say about turning the machine off, without touching it.
#![no_std]

pub mod aml;
pub mod fadt;
