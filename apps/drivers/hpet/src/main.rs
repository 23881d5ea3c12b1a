//! The event timer: starts its main counter, measures it against the kernel's clock, and says what it found.
#![no_std]
#![no_main]

use hpet::{CAPABILITIES, CONFIGURATION, COUNTER, COUNTER_HIGH, Capabilities, ENABLE, PERIOD, measured, whole};
use munal::time::MILLISECOND;

munal::bindings!();
munal::main!(run);

const REGS: mmio::regs = mmio::regs;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

/// How long the counter is watched.
const WATCHED: u64 = 50 * MILLISECOND;

/// How often each sample is tried.
const TRIES: usize = 8;

fn run() -> Result<(), Error> {
    let Some(found) = Capabilities::read(REGS.read32(CAPABILITIES), REGS.read32(PERIOD)) else {
        munal::log!(LOG, "no event timer answers at {:#x}", REGS.base());
        return Ok(());
    };
    let width = if found.wide { 64 } else { 32 };
    munal::log!(LOG, "{} timers and a counter of {width} bits, {} Hz", found.timers, found.frequency());
    REGS.write32(CONFIGURATION, REGS.read32(CONFIGURATION) | ENABLE);
    let (ticks, nanoseconds) = watch(&found);
    if ticks == 0 {
        munal::log!(LOG, "the counter stands still");
    } else {
        munal::log!(LOG, "the counter runs: {ticks} ticks in {} us, {} Hz", nanoseconds / 1000, measured(ticks, nanoseconds));
    }
    Ok(())
}

/// Ticks of the counter, and nanoseconds of the kernel's clock, between two samples.
fn watch(found: &Capabilities) -> (u64, u64) {
    let (started, before) = sample();
    CLOCK.sleep(started + WATCHED);
    let (ended, after) = sample();
    (found.ticks(before, after), ended - started)
}

/// The time and the counter at once: of a few tries the one that took the shortest, since others may run in between.
fn sample() -> (u64, u64) {
    let mut best = (u64::MAX, 0, 0);
    for _ in 0..TRIES {
        let (started, ticks) = (CLOCK.now(), counter());
        let took = CLOCK.now() - started;
        if took < best.0 {
            best = (took, started + took / 2, ticks);
        }
    }
    (best.1, best.2)
}

fn counter() -> u64 {
    whole(|| REGS.read32(COUNTER_HIGH), || REGS.read32(COUNTER))
}
