//! Monotonic time from the time stamp counter, calibrated against the firmware's clock before it is left.
use core::{arch::x86_64::_rdtsc, sync::atomic::{AtomicU64, Ordering}};
use munal_logic::clock::Rate;

static START: AtomicU64 = AtomicU64::new(0);
static RATE: crate::cell::Global<Option<Rate>> = crate::cell::Global::new(None);

/// The time stamp counter.
pub fn counter() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and ring 0 may use it always.
    unsafe { _rdtsc() }
}

/// Sets the clock to 0 at `start`. `rate` is the counter's.
pub fn start(start: u64, rate: Rate) {
    START.store(start, Ordering::Relaxed);
    RATE.with(|slot| *slot = Some(rate));
}

fn rate() -> Rate {
    // SAFETY: `start` is called once, before anything asks for the time.
    unsafe { RATE.forever() }.expect("the clock was started")
}

/// Nanoseconds since the kernel started.
pub fn now() -> u64 {
    rate().nanoseconds(counter().wrapping_sub(START.load(Ordering::Relaxed)))
}

/// Waits, without sleeping; for boot only.
pub fn spin(nanoseconds: u64) {
    let end = now() + nanoseconds;
    while now() < end {
        core::hint::spin_loop();
    }
}
