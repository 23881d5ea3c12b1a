//! What the shell does beside calling others: editing a line, finding what was meant, and putting answers into tables.
#![no_std]

extern crate alloc;

pub mod devices;
pub mod editor;
pub mod history;
pub mod keys;
pub mod places;
pub mod report;
pub mod show;
pub mod suggest;
pub mod table;
