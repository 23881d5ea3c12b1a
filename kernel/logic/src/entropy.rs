//! Random bytes: sources that are watched for faults, a pool that they are mixed into, and a generator that is seeded from it.
//!
//! The generator is ChaCha20 with fast key erasure (D. J. Bernstein, "Fast-key-erasure random-number generators", 2017): the first
//! bytes of each output are the next key, so that who reads the state later learns nothing of what was given out before. The
//! pool is SHA-256. Sources are watched by the tests of NIST SP 800-90B, section 4.4, at false alarms of 2^-20 a sample.
use alloc::vec::Vec;
use rand_chacha::{ChaCha20Rng, rand_core::{RngCore, SeedableRng}};
use sha2::{Digest, Sha256};

/// Bits of entropy that a key wants.
pub const WANTED: u32 = 256;
/// The shortest and the longest time between two seeds, in nanoseconds: it doubles from one to the other.
pub const SHORTEST_BETWEEN_SEEDS: u64 = 1_000_000_000;
pub const LONGEST_BETWEEN_SEEDS: u64 = 256_000_000_000;

/// Where randomness comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The firmware's generator (UEFI 2.10, section 37.5), asked once, before the firmware is left.
    Firmware,
    /// The processor's conditioned noise (Intel, "Digital Random Number Generator", section 4.2.6).
    Rdseed,
    /// The processor's generator.
    Rdrand,
    /// When interrupts come: the low byte of the time between two of them, in counts of the processor.
    Jitter,
}

pub const SOURCES: [Source; 4] = [Source::Firmware, Source::Rdseed, Source::Rdrand, Source::Jitter];

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Source::Firmware => "firmware",
            Source::Rdseed => "rdseed",
            Source::Rdrand => "rdrand",
            Source::Jitter => "jitter",
        }
    }

    /// Bits of entropy that a byte of it is taken to have: half of what it should, for those that should be perfect.
    fn bits_a_byte(self) -> u32 {
        if self == Source::Jitter { 1 } else { 4 }
    }

    /// How often one value may come in a row (section 4.4.1: 1 + 20 / bits), and in a window (section 4.4.2).
    fn cutoffs(self) -> (u32, u32) {
        if self == Source::Jitter { (21, 311) } else { (6, 62) }
    }
}

/// Samples in a window of the adaptive proportion test, for values that are not binary.
const WINDOW: u32 = 512;

/// The repetition count test and the adaptive proportion test of one source. What failed once stays failed.
#[derive(Debug)]
pub struct Health {
    cutoffs: (u32, u32),
    last: Option<u8>,
    in_a_row: u32,
    counted: u8,
    count: u32,
    seen: u32,
    failed: bool,
}

impl Health {
    pub fn new(source: Source) -> Self {
        Self { cutoffs: source.cutoffs(), last: None, in_a_row: 0, counted: 0, count: 0, seen: 0, failed: false }
    }

    /// Takes one sample; false once the source has shown that it is broken.
    pub fn take(&mut self, sample: u8) -> bool {
        self.in_a_row = if self.last == Some(sample) { self.in_a_row + 1 } else { 1 };
        self.last = Some(sample);
        if self.seen == 0 {
            (self.counted, self.count) = (sample, 0);
        }
        self.count += u32::from(sample == self.counted);
        self.seen = (self.seen + 1) % WINDOW;
        self.failed |= self.in_a_row >= self.cutoffs.0 || self.count >= self.cutoffs.1;
        !self.failed
    }
}

struct Watched {
    source: Source,
    health: Health,
    /// How many bytes it gave.
    bytes: u64,
}

/// Pool and generator.
pub struct Entropy {
    sources: Vec<Watched>,
    pool: Sha256,
    /// Bits of entropy that the pool holds.
    credit: u32,
    key: [u8; 32],
    seeds: u64,
    seed_due: u64,
}

/// How a source does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Absent,
    Healthy,
    Failed,
}

impl Entropy {
    pub fn new() -> Self {
        let sources = SOURCES.iter().map(|&source| Watched { source, health: Health::new(source), bytes: 0 }).collect();
        Self { sources, pool: Sha256::new(), credit: 0, key: [0; 32], seeds: 0, seed_due: 0 }
    }

    /// Mixes in what a source gave. It counts as long as the source is healthy; mixed in it is always, for it cannot harm.
    pub fn mix(&mut self, source: Source, bytes: &[u8]) {
        let Some(watched) = self.sources.iter_mut().find(|watched| watched.source == source) else { return };
        let healthy = bytes.iter().fold(true, |_, &byte| watched.health.take(byte)) && !watched.health.failed;
        watched.bytes += bytes.len() as u64;
        if healthy {
            self.credit = (self.credit + bytes.len() as u32 * source.bits_a_byte()).min(2 * WANTED);
        }
        self.mark(source.name().as_bytes());
        self.mark(bytes);
    }

    /// Mixes in what counts for nothing: a counter, an identity.
    pub fn season(&mut self, bytes: &[u8]) {
        self.mark(bytes);
    }

    /// Every part goes in behind its length, so that no two sequences of parts look alike.
    fn mark(&mut self, bytes: &[u8]) {
        self.pool.update((bytes.len() as u64).to_le_bytes());
        self.pool.update(bytes);
    }

    /// Whether there ever was enough to give anything out.
    pub fn is_seeded(&self) -> bool {
        self.seeds > 0
    }

    pub fn seeds(&self) -> u64 {
        self.seeds
    }

    /// How a source does, and how many bytes it gave.
    pub fn condition(&self, source: Source) -> (Condition, u64) {
        let watched = self.sources.iter().find(|watched| watched.source == source);
        watched.map_or((Condition::Absent, 0), |watched| match watched.bytes {
            0 => (Condition::Absent, 0),
            bytes if watched.health.failed => (Condition::Failed, bytes),
            bytes => (Condition::Healthy, bytes),
        })
    }

    /// Makes a new key of the old one and the pool, where the pool holds enough and it is time.
    pub fn seed(&mut self, now: u64) {
        if self.credit < WANTED || (self.seeds > 0 && now < self.seed_due) {
            return;
        }
        let pool = self.pool.finalize_reset();
        self.key = Sha256::new().chain_update(b"munal seed").chain_update(self.key).chain_update(pool).finalize().into();
        self.credit = 0;
        let wait = SHORTEST_BETWEEN_SEEDS << self.seeds.min(8);
        self.seeds += 1;
        self.seed_due = now.saturating_add(wait.min(LONGEST_BETWEEN_SEEDS));
    }

    /// Fills `buffer`. False, and nothing is written, before there was a first seed.
    pub fn fill(&mut self, buffer: &mut [u8]) -> bool {
        if self.seeds == 0 {
            return false;
        }
        let mut generator = ChaCha20Rng::from_seed(self.key);
        generator.fill_bytes(&mut self.key);
        generator.fill_bytes(buffer);
        // The generator holds the key that was: it is overwritten, and the compiler must think that somebody looks.
        generator = ChaCha20Rng::from_seed([0; 32]);
        core::hint::black_box(&mut generator);
        true
    }
}

impl Default for Entropy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;

    /// 1 + CRITBINOM(n, p, 1 - 2^-20), as the standard has it.
    fn cutoff(n: u32, p: f64) -> u32 {
        let (mut term, mut below) = ((1.0 - p).powi(n as i32), 0.0);
        for count in 0..=n {
            below += term;
            if below >= 1.0 - 2f64.powi(-20) {
                return count + 1;
            }
            term *= f64::from(n - count) / f64::from(count + 1) * p / (1.0 - p);
        }
        n
    }

    #[test]
    fn cutoffs_are_those_of_the_standard() {
        for source in SOURCES {
            let bits = source.bits_a_byte();
            let p = 2f64.powi(-(bits as i32));
            assert_eq!(source.cutoffs(), (1 + 20u32.div_ceil(bits), cutoff(WINDOW, p)), "{source:?}");
        }
    }

    fn noise(count: usize, seed: u8) -> Vec<u8> {
        let mut bytes = alloc::vec![0; count];
        ChaCha20Rng::from_seed([seed; 32]).fill_bytes(&mut bytes);
        bytes
    }

    fn seeded(bytes: &[u8]) -> Entropy {
        let mut entropy = Entropy::new();
        entropy.mix(Source::Firmware, bytes);
        entropy.seed(0);
        entropy
    }

    #[test]
    fn good_sources_pass_and_stuck_ones_fail() {
        for source in SOURCES {
            let mut health = Health::new(source);
            assert!(noise(200_000, 1).iter().all(|&sample| health.take(sample)), "{source:?}");
            let mut stuck = Health::new(source);
            assert!((0..30).any(|_| !stuck.take(0xff)), "{source:?}");
            assert!(!stuck.take(1), "what failed once stays failed");
        }
    }

    #[test]
    fn a_source_that_prefers_one_value_fails() {
        let mut health = Health::new(Source::Rdrand);
        let biased = noise(4096, 2).into_iter().enumerate().map(|(k, byte)| if k % 4 == 0 { 7 } else { byte });
        assert!(!biased.fold(true, |_, sample| health.take(sample)));
    }

    #[test]
    fn nothing_is_given_before_there_is_enough() {
        let mut entropy = Entropy::new();
        let mut buffer = [0; 8];
        for count in 0..8 {
            assert!(!entropy.fill(&mut buffer) && buffer == [0; 8]);
            entropy.mix(Source::Jitter, &noise(31, count));
            entropy.seed(u64::from(count));
        }
        entropy.mix(Source::Jitter, &noise(8, 9));
        entropy.seed(9);
        assert!(entropy.fill(&mut buffer) && buffer != [0; 8]);
    }

    #[test]
    fn a_failed_source_counts_for_nothing_but_is_mixed_in() {
        let mut entropy = Entropy::new();
        entropy.mix(Source::Rdrand, &[0xff; 4096]);
        entropy.mix(Source::Rdrand, &noise(4096, 1));
        entropy.seed(0);
        assert!(!entropy.is_seeded());
        assert_eq!(entropy.condition(Source::Rdrand), (Condition::Failed, 8192));
        assert_eq!(entropy.condition(Source::Rdseed), (Condition::Absent, 0));
        let with = |stuck: &[u8]| {
            let mut entropy = Entropy::new();
            entropy.mix(Source::Rdrand, stuck);
            entropy.mix(Source::Firmware, &noise(64, 1));
            entropy.seed(0);
            let mut buffer = [0; 32];
            assert!(entropy.fill(&mut buffer));
            buffer
        };
        assert_ne!(with(&[0xff; 64]), with(&[0xfe; 64]));
    }

    #[test]
    fn outputs_differ_and_depend_on_the_seed() {
        let (mut one, mut other) = (seeded(&noise(64, 1)), seeded(&noise(64, 2)));
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1000 {
            for entropy in [&mut one, &mut other] {
                let mut buffer = [0; 16];
                assert!(entropy.fill(&mut buffer));
                assert!(seen.insert(buffer));
            }
        }
    }

    #[test]
    fn the_state_tells_nothing_of_what_was_given_out() {
        let mut entropy = seeded(&noise(64, 1));
        let (before, mut given) = (entropy.key, [0; 64]);
        entropy.fill(&mut given);
        assert_ne!(entropy.key, before);
        // Who has the key of now can run the generator forwards alone: nothing it gives is what was given.
        let mut ahead = [0; 4096];
        ChaCha20Rng::from_seed(entropy.key).fill_bytes(&mut ahead);
        assert!(!ahead.windows(16).any(|window| given.windows(16).any(|old| old == window) || window == &before[..16]));
    }

    #[test]
    fn seeds_come_ever_more_seldom_but_do_not_stop() {
        let mut entropy = Entropy::new();
        let (mut times, mut now) = (Vec::new(), 0);
        while times.len() < 14 {
            entropy.mix(Source::Firmware, &noise(64, (now / 1_000_000_000) as u8));
            let before = entropy.seeds();
            entropy.seed(now);
            if entropy.seeds() > before {
                times.push(now / 1_000_000_000);
            }
            now += 1_000_000_000;
        }
        let waits: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256, 256, 256]);
    }

    #[test]
    fn a_later_seed_changes_what_comes() {
        let later = |seed| {
            let mut entropy = seeded(&noise(64, 1));
            entropy.mix(Source::Jitter, &noise(256, seed));
            entropy.seed(SHORTEST_BETWEEN_SEEDS);
            assert_eq!(entropy.seeds(), 2);
            let mut buffer = [0; 32];
            entropy.fill(&mut buffer);
            buffer
        };
        assert_ne!(later(1), later(2));
        assert_eq!(later(3), later(3));
    }

    #[test]
    fn what_is_given_looks_random() {
        let mut entropy = seeded(&noise(64, 1));
        let mut bytes = alloc::vec![0; 1 << 16];
        entropy.fill(&mut bytes);
        let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
        assert!(ones.abs_diff(8 << 15) < 1800, "five standard deviations of 362 bits");
        let mut counts = [0f64; 256];
        bytes.iter().for_each(|&byte| counts[usize::from(byte)] += 1.0);
        let chi: f64 = counts.iter().map(|count| (count - 256.0).powi(2) / 256.0).sum();
        assert!((140.0..390.0).contains(&chi), "{chi} for 255 degrees of freedom");
    }
}
