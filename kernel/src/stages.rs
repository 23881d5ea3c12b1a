//! When the boot reached which stage, in counts of the processor: from the firmware's hand-over to the first line of a SIP.
use crate::cpu::time;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

/// What was done when the stage was reached.
#[derive(Debug, Clone, Copy)]
pub enum Stage {
    /// The firmware started the image.
    HandOver,
    /// Boot services were left for good.
    FirmwareLeft,
    /// Our own page tables hold, and the time stamp counter was measured.
    Clocks,
    /// Every module was compared with its digest and loaded.
    Modules,
    /// Threads run.
    Threads,
    /// A SIP sent something for the first time, to a stream or as a message.
    FirstLine,
}

const NAMES: [&str; 6] = ["hand_over", "firmware_left", "clocks", "modules", "threads", "first_line"];

static REACHED: [AtomicU64; NAMES.len()] = [const { AtomicU64::new(0) }; NAMES.len()];

/// Notes that a stage is reached now; only the first time counts.
#[inline]
pub fn reach(stage: Stage) {
    let slot = &REACHED[stage as usize];
    if slot.load(Ordering::Relaxed) == 0 {
        slot.store(time::counter(), Ordering::Relaxed);
    }
}

/// The stages that were reached, each with the nanoseconds since the hand-over.
pub fn all() -> Vec<(&'static str, u64)> {
    let count = |slot: &AtomicU64| slot.load(Ordering::Relaxed);
    let started = count(&REACHED[Stage::HandOver as usize]);
    let reached = NAMES.into_iter().zip(&REACHED).skip(1).filter(|(_, slot)| count(slot) != 0);
    reached.map(|(name, slot)| (name, time::at_boot(count(slot), started))).collect()
}
