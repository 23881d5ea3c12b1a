//! The time of day: what the real-time clock showed at boot, as the firmware read it, and what has passed since.
use crate::cpu::time;
use core::sync::atomic::{AtomicU64, Ordering};

/// The time of day when the kernel's clock was at 0, in nanoseconds since 1970-01-01 00:00:00 UTC; 0 where it is not known.
static AT_START: AtomicU64 = AtomicU64::new(0);

/// It was `nanoseconds` since 1970 when the kernel's clock showed `when`.
pub fn start(nanoseconds: u64, when: u64) {
    AT_START.store(nanoseconds.saturating_sub(when), Ordering::Relaxed);
}

/// Nanoseconds since 1970-01-01 00:00:00 UTC; 0 where the time of day is not known.
pub fn now() -> u64 {
    match AT_START.load(Ordering::Relaxed) {
        0 => 0,
        start => start.saturating_add(time::now()),
    }
}
