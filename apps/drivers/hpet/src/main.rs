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

/// Ticks of the counter, and nanoseconds of the kernel's clock, between two readings.
fn watch(found: &Capabilities) -> (u64, u64) {
    let (started, before) = (CLOCK.now(), counter());
    CLOCK.sleep(started + WATCHED);
    let (ended, after) = (CLOCK.now(), counter());
    (found.ticks(before, after), ended - started)
}

fn counter() -> u64 {
    whole(|| REGS.read32(COUNTER_HIGH), || REGS.read32(COUNTER))
}
