//! Random bytes for SIPs: gathers what the machine has of randomness, and keeps the pool and the generator (munal-logic).
use crate::{cell::Global, cpu::{self, drng, time}, log::say};
use alloc::{format, string::String, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering};
use munal_logic::entropy::{Condition, Entropy, SOURCES, Source};

/// Words of 64 bits that are asked of the processor at a time: 256 bits, counted as half.
const WORDS: usize = 8;
/// How long what was gathered is good enough, in nanoseconds: gathering costs, and a flood of requests shall not.
const BETWEEN_GATHERINGS: u64 = 100_000_000;
/// Interrupts that are remembered until somebody gathers them.
const REMEMBERED: usize = 64;

static ENTROPY: Global<Option<Entropy>> = Global::new(None);
static GATHERED: AtomicU64 = AtomicU64::new(0);
/// When interrupts came, in counts of the processor; the place of each is its number, modulo `REMEMBERED`.
static TIMES: [AtomicU64; REMEMBERED] = [const { AtomicU64::new(0) }; REMEMBERED];
static CAME: AtomicU64 = AtomicU64::new(0);
/// How many interrupts were gathered, and when the last of them came.
static TAKEN: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicU64 = AtomicU64::new(0);

/// An interrupt came. Called by its handler, whatever it interrupted: atomics alone.
pub fn note() {
    let number = CAME.fetch_add(1, Ordering::Relaxed);
    TIMES[number as usize % REMEMBERED].store(time::counter(), Ordering::Relaxed);
}

/// Makes the pool from what the firmware gave and what the processor has. Called once, at boot. Answers what is odd about them, if
/// anything.
pub fn start(firmware: Option<[u8; 64]>) -> Option<&'static str> {
    ENTROPY.with(|slot| {
        let entropy = slot.insert(Entropy::new());
        entropy.season(&time::counter().to_le_bytes());
        if let Some(bytes) = firmware {
            entropy.mix(Source::Firmware, &bytes);
        }
    });
    (0..4).for_each(|_| gather());
    let poor = "random: neither the firmware nor the processor gives random numbers; the timing of interrupts has to make them, which takes a while";
    (!is_ready()).then_some(poor)
}

/// The low bytes of the times between the interrupts that nobody gathered yet.
fn jitter() -> Vec<u8> {
    cpu::without_interrupts(|| {
        let (came, last) = (CAME.load(Ordering::Relaxed), LAST.load(Ordering::Relaxed));
        let first = TAKEN.swap(came, Ordering::Relaxed).max(came.saturating_sub(REMEMBERED as u64));
        let times: Vec<u64> = (first..came).map(|number| TIMES[number as usize % REMEMBERED].load(Ordering::Relaxed)).collect();
        LAST.store(times.last().copied().unwrap_or(last), Ordering::Relaxed);
        let before = core::iter::once(last).chain(times.iter().copied());
        times.iter().zip(before).map(|(time, before)| time.wrapping_sub(before) as u8).collect()
    })
}

/// Takes from every source what it has now, and makes a new key where it is time.
fn gather() {
    let words = |ask: fn() -> Option<u64>| -> Vec<u8> { (0..WORDS).map_while(|_| ask()).flat_map(u64::to_le_bytes).collect() };
    let found = [(Source::Rdseed, words(drng::rdseed)), (Source::Rdrand, words(drng::rdrand)), (Source::Jitter, jitter())];
    let now = time::now();
    GATHERED.store(now, Ordering::Relaxed);
    let broken = ENTROPY.with(|slot| {
        let entropy = slot.as_mut()?;
        entropy.season(&time::counter().to_le_bytes());
        let mut broken = None;
        for (source, bytes) in found {
            let before = entropy.condition(source).0;
            entropy.mix(source, &bytes);
            if before != Condition::Failed && entropy.condition(source).0 == Condition::Failed {
                broken = Some(source);
            }
        }
        entropy.seed(now);
        broken
    });
    if let Some(source) = broken {
        say!("random: {} gives numbers that are not random; it counts no longer", source.name());
    }
}

/// Whether there is enough to give anything out; gathers what is there where there is not.
pub fn is_ready() -> bool {
    let seeded = || ENTROPY.with(|slot| slot.as_ref().is_some_and(Entropy::is_seeded));
    seeded() || {
        gather();
        seeded()
    }
}

/// Fills `buffer` with random bytes. False where there is not enough yet, and nothing was written.
pub fn fill(buffer: &mut [u8]) -> bool {
    if time::now().saturating_sub(GATHERED.load(Ordering::Relaxed)) >= BETWEEN_GATHERINGS {
        gather();
    }
    ENTROPY.with(|slot| slot.as_mut().is_some_and(|entropy| entropy.fill(buffer)))
}

/// The sources that there are, in words, and how often a key was made of them (0: not yet).
pub fn state() -> (String, u64) {
    ENTROPY.with(|slot| {
        let Some(entropy) = slot.as_ref() else { return (String::new(), 0) };
        let words: Vec<String> = SOURCES.iter().filter_map(|&source| match entropy.condition(source).0 {
            Condition::Absent => None,
            Condition::Healthy => Some(source.name().into()),
            Condition::Failed => Some(format!("{} (failed)", source.name())),
        }).collect();
        (words.join(", "), entropy.seeds())
    })
}
