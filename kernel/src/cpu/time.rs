//! Monotonic time: nanoseconds since the kernel started.
//!
//! The time stamp counter tells it where it counts at one rate whatever the processor does (Intel SDM volume 3, section
//! 18.17.1). It is measured against the HPET or ACPI's power-management timer: at boot for some milliseconds, then over ever
//! longer times, and the clock is bent, never set, to what they say. Elsewhere one of those two tells the time itself.
use crate::{cell::Global, cpu::{self, reference::{self, Reading, Reference}}, log::say};
use alloc::{format, string::String, vec::Vec};
use core::{arch::x86_64::{__cpuid, _rdtsc}, sync::atomic::{AtomicBool, AtomicU64, Ordering}};
use munal_logic::{clock::{Clock, Rate, counted}, table::Table};

/// How long the time stamp counter is measured before anything else goes on, in nanoseconds.
const CALIBRATION: u64 = 10_000_000;
/// A clock that did not count in so many counts of the processor, a second or so, stands still.
const PATIENCE: u64 = 1 << 32;
/// How far apart two clocks may be, in parts per million, and both be right: quartz is 100 times better.
const TOLERANCE: u64 = 1000;
/// When the counter is measured again, in nanoseconds after the one before: each time ten times later, up to the last.
const FIRST_CHECK: u64 = 1_000_000_000;
const LAST_CHECK: u64 = 1_000_000_000_000;
/// How long nobody may look at a clock that wraps, in nanoseconds: a power-management timer of 24 bits wraps in 4.6 s.
const LONGEST_SLEEP: u64 = 1_000_000_000;

/// CPUID's leaf that tells of the invariant counter, and its bit in EDX (Intel SDM volume 2, CPUID).
const POWER_LEAF: u32 = 0x8000_0007;
const INVARIANT: u32 = 1 << 8;
/// The leaf where a hypervisor signs (QEMU's software emulation as below), and the bit of leaf 1's ECX that says there is one.
const HYPERVISOR_LEAF: u32 = 0x4000_0000;
const HYPERVISOR: u32 = 1 << 31;
const EMULATOR: &[u8; 12] = b"TCGTCGTCGTCG";

// The clock: count, nanoseconds at that count, and the rate from there on. Three atomics and no lock, since handlers ask for the
// time, too: they are written with interrupts off.
static SINCE: AtomicU64 = AtomicU64::new(0);
static STARTED: AtomicU64 = AtomicU64::new(0);
static RATE: AtomicU64 = AtomicU64::new(0);
/// Whether a reference is the clock, and not the time stamp counter; which one, and what it counted so far: it begins at what it
/// shows, so that its lower bits are always those of the last reading.
static SLOW: AtomicBool = AtomicBool::new(false);
static SLOW_CLOCK: Global<Option<Reference>> = Global::new(None);
static COUNTED: AtomicU64 = AtomicU64::new(0);

static KEEPER: Global<Keeper> = Global::new(Keeper {
    references: Vec::new(), origin: None, origin_time: 0, measured: None, ppm: u64::MAX, check: u64::MAX, interval: FIRST_CHECK,
});

/// What keeps the clock right.
struct Keeper {
    /// Those that count; the one to follow first.
    references: Vec<Reference>,
    /// The first reference at boot, and the nanoseconds then.
    origin: Option<Reading>,
    origin_time: u64,
    /// The time stamp counter's rate, and to how many parts per million it is known.
    measured: Option<Rate>,
    ppm: u64,
    /// When to measure again.
    check: u64,
    interval: u64,
}

/// The time stamp counter.
#[inline]
pub fn counter() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and ring 0 may use it always.
    unsafe { _rdtsc() }
}

/// Nanoseconds since the kernel started. Never less than before.
#[inline]
pub fn now() -> u64 {
    clock().at(if SLOW.load(Ordering::Relaxed) { slow_count() } else { counter() })
}

#[inline]
fn clock() -> Clock {
    Clock { since: SINCE.load(Ordering::Relaxed), started: STARTED.load(Ordering::Relaxed), rate: Rate::from_bits(RATE.load(Ordering::Relaxed)) }
}

fn set(clock: Clock) {
    cpu::without_interrupts(|| {
        SINCE.store(clock.since, Ordering::Relaxed);
        STARTED.store(clock.started, Ordering::Relaxed);
        RATE.store(clock.rate.bits(), Ordering::Relaxed);
    });
}

/// What the reference that is the clock counted so far. It must be asked before it wraps twice.
#[cold]
fn slow_count() -> u64 {
    // SAFETY: written once, before SLOW was set.
    let Some(reference) = (unsafe { SLOW_CLOCK.forever() }) else { return 0 };
    let before = COUNTED.load(Ordering::Relaxed);
    let count = before + counted(before as u32, reference.value(), reference.bits);
    // A handler in between was later: its count stays.
    COUNTED.fetch_max(count, Ordering::Relaxed);
    count
}

/// Measures the time stamp counter against the machine's other clocks. The time is 0 when the counter was at `started`.
///
/// Called once, at boot, when the firmware's tables are read. Answers what is odd about them, if anything. Errors: in words, where
/// there is nothing to measure against.
pub fn start(started: u64) -> Result<Option<String>, &'static str> {
    let found: Vec<Reference> = [reference::hpet(), reference::pm_timer()].into_iter().flatten().collect();
    let begin: Vec<Reading> = found.iter().map(Reference::reading).collect();
    let mut measured: Vec<(Reference, Reading, Rate, u64)> = Vec::new();
    for (reference, begin) in found.into_iter().zip(begin) {
        match measure(&reference, &begin) {
            Some((rate, ppm)) => measured.push((reference, begin, rate, ppm)),
            None => reference.release(),
        }
    }
    let (_, _, rate, _) = *measured.first().ok_or("this machine has neither an HPET nor an ACPI PM timer that counts: nothing tells the time")?;
    let apart = measured.get(1).map_or(0, |&(_, _, other, _)| rate.apart(other));
    let odd = (apart > TOLERANCE).then(|| {
        let (dropped, ..) = measured.remove(0);
        dropped.release();
        format!("clock: {} and {} are {apart} ppm apart; the latter is taken, whose rate is fixed", dropped.name(), measured[0].0.name())
    });
    let (_, origin, rate, ppm) = measured[0];
    set(Clock { since: started, started: 0, rate });
    KEEPER.with(|keeper| {
        keeper.origin_time = clock().at(origin.count);
        keeper.origin = Some(origin);
        (keeper.measured, keeper.ppm) = (Some(rate), ppm);
        keeper.check = keeper.origin_time + FIRST_CHECK;
        keeper.references = measured.into_iter().map(|(reference, ..)| reference).collect();
    });
    Ok(odd)
}

/// The counter's rate by one reference, and to how many parts per million; none where the reference stands still.
fn measure(reference: &Reference, begin: &Reading) -> Option<(Rate, u64)> {
    let wanted = reference.rate.counts(CALIBRATION);
    while counted(begin.value, reference.value(), reference.bits) < wanted {
        if counter().saturating_sub(begin.count) > PATIENCE {
            return None;
        }
    }
    let end = reference.reading();
    let counts = counted(begin.value, end.value, reference.bits);
    let rate = Rate::measured(end.count - begin.count, reference.rate.nanoseconds(counts))?;
    Some((rate, uncertainty(reference, begin, &end, rate)))
}

/// To how many parts per million two readings tell the counter's rate: their widths, and a count of the reference at each end.
fn uncertainty(reference: &Reference, begin: &Reading, end: &Reading, rate: Rate) -> u64 {
    let unsure = (begin.width + end.width) / 2 + 2 * rate.counts(reference.rate.nanoseconds(1));
    (unsure * 1_000_000).div_ceil((end.count - begin.count).max(1))
}

/// Gives back the clock that an instance was granted, and decides which one tells the time from here on.
///
/// Called once, at boot, before granted device memory is mapped. Errors: in words, where the only clock is granted away.
pub fn settle(table: &Table) -> Result<(), String> {
    let holder = |page| table.instances.iter().find(|instance| instance.mmio.iter().any(|grant| (grant.pages().0..grant.pages().1).contains(&page)));
    let granted = KEEPER.with(|keeper| {
        let place = keeper.references.iter().position(|reference| reference.page().and_then(holder).is_some())?;
        Some((keeper.references.remove(place), place))
    });
    let only = |name| format!("`{name}` is granted the HPET, which is the only clock that this machine can tell the time by");
    if let Some((reference, place)) = granted {
        let page = reference.page().unwrap_or_default();
        reference.release();
        if KEEPER.with(|keeper| keeper.references.is_empty()) && !is_steady() {
            return Err(only(holder(page).map_or("", |instance| instance.name.as_str())));
        }
        KEEPER.with(|keeper| if place == 0 { keeper.begin_anew() });
    }
    if !is_steady() {
        use_reference();
    }
    Ok(())
}

/// Whether the time stamp counter counts at one rate for ever: the processor says so, or software emulates it, which makes it
/// from a clock of its own.
fn is_steady() -> bool {
    let power = __cpuid(0x8000_0000).eax >= POWER_LEAF && __cpuid(POWER_LEAF).edx & INVARIANT != 0;
    power || __cpuid(1).ecx & HYPERVISOR != 0 && {
        let signed = __cpuid(HYPERVISOR_LEAF);
        [signed.ebx, signed.ecx, signed.edx].map(u32::to_le_bytes).as_flattened() == EMULATOR
    }
}

/// Lets the first reference tell the time from here on.
fn use_reference() {
    let now = now();
    KEEPER.with(|keeper| {
        let Some(reference) = keeper.references.first().copied() else { return };
        (keeper.check, keeper.ppm) = (u64::MAX, 0);
        SLOW_CLOCK.with(|slot| *slot = Some(reference));
        cpu::without_interrupts(|| {
            let value = u64::from(reference.value()) & ((1 << reference.bits) - 1);
            COUNTED.store(value, Ordering::Relaxed);
            set(Clock { since: value, started: now, rate: reference.rate });
            SLOW.store(true, Ordering::Relaxed);
        });
    });
}

impl Keeper {
    /// Measures against the reference that is the first now, from here on.
    fn begin_anew(&mut self) {
        self.origin = self.references.first().map(Reference::reading);
        self.origin_time = self.origin.map_or(0, |origin| clock().at(origin.count));
        self.check = if self.origin.is_some() { self.origin_time + FIRST_CHECK } else { u64::MAX };
    }

    /// What the clock should show, by the reference: the reading, nanoseconds then, and the counter's rate since the beginning.
    fn judge(&self) -> Option<(Reading, u64, Rate, u64)> {
        let (reference, origin, measured) = (self.references.first()?, self.origin?, self.measured?);
        let reading = reference.reading();
        let counts = reading.count.checked_sub(origin.count)?;
        let passed = reference.between(&origin, &reading, measured.nanoseconds(counts));
        let rate = Rate::measured(counts, passed)?;
        Some((reading, self.origin_time + passed, rate, uncertainty(reference, &origin, &reading, rate)))
    }
}

/// Compares the clock with the reference where that is due; answers when it wants to be asked again.
pub fn check() -> Option<u64> {
    let now = now();
    let (found, measured) = KEEPER.with(|keeper| if now < keeper.check { (None, None) } else { (keeper.judge(), keeper.measured) });
    if let (Some((reading, right, rate, ppm)), Some(before)) = (found, measured) {
        let apart = before.apart(rate);
        if apart > TOLERANCE {
            say!("clock: the time stamp counter is {apart} ppm off what it was; the other clock is taken");
            use_reference();
        } else {
            KEEPER.with(|keeper| {
                keeper.interval = (keeper.interval * 10).min(LAST_CHECK);
                set(clock().corrected(reading.count, right, rate, keeper.interval));
                (keeper.measured, keeper.ppm, keeper.check) = (Some(rate), ppm, now + keeper.interval);
            });
        }
    }
    KEEPER.with(|keeper| (keeper.check != u64::MAX).then_some(keeper.check.max(now + 1)))
}

/// How long nobody needs to look at the clock, in nanoseconds; none for as long as one likes.
pub fn longest_sleep() -> Option<u64> {
    SLOW.load(Ordering::Relaxed).then_some(LONGEST_SLEEP)
}

/// What tells the time, and to how many parts per million its rate is known (0: it is itself what others are measured by).
pub fn quality() -> (String, u64) {
    let slow = SLOW.load(Ordering::Relaxed);
    KEEPER.with(|keeper| match keeper.references.first() {
        Some(reference) if slow => (reference.name().into(), keeper.ppm),
        Some(reference) => (format!("time stamp counter, by the {}", reference.name()), keeper.ppm),
        None => ("time stamp counter".into(), keeper.ppm),
    })
}

/// Nanoseconds since the kernel started when the time stamp counter was at `count`, at boot.
pub fn at_boot(count: u64, started: u64) -> u64 {
    let rate = KEEPER.with(|keeper| keeper.measured).unwrap_or(clock().rate);
    rate.nanoseconds(count.saturating_sub(started))
}

/// Waits, without sleeping; for boot only.
pub fn spin(nanoseconds: u64) {
    let end = now() + nanoseconds;
    while now() < end {
        core::hint::spin_loop();
    }
}
