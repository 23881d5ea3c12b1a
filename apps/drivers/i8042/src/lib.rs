//! The PC's keyboard controller, a keyboard and a mouse behind it: how they are set up, and what their bytes mean.
#![no_std]

pub mod controller;
pub mod keyboard;
pub mod mouse;
