//! From counts of a counter to nanoseconds, by one multiplication; and how a clock is corrected without ever going back.

/// A counter's rate, as a 32.32 fixed-point number of nanoseconds for each count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u64);

impl Rate {
    /// A counter that counted `counts` in `nanoseconds`. `None` where it did not count, or faster than 2^32 a nanosecond.
    pub fn measured(counts: u64, nanoseconds: u64) -> Option<Self> {
        let scaled = (u128::from(nanoseconds) << 32).checked_div(u128::from(counts))?;
        u64::try_from(scaled).ok().filter(|&rate| rate > 0).map(Self)
    }

    /// The number that stands for the rate, to keep where only numbers can be kept.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The rate that `bits` answered for.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits.max(1))
    }

    /// Nanoseconds in `counts`; right for more than a hundred years at any rate of today.
    #[inline]
    pub fn nanoseconds(self, counts: u64) -> u64 {
        ((u128::from(counts) * u128::from(self.0)) >> 32) as u64
    }

    /// Counts in `nanoseconds`, rounded up.
    pub fn counts(self, nanoseconds: u64) -> u64 {
        let counts = ((u128::from(nanoseconds) << 32) + u128::from(self.0) - 1) / u128::from(self.0);
        u64::try_from(counts).unwrap_or(u64::MAX)
    }

    /// How far another measurement of the same counter is off, in parts per million, rounded up.
    pub fn apart(self, other: Rate) -> u64 {
        let difference = u128::from(self.0.abs_diff(other.0)) * 1_000_000;
        u64::try_from(difference.div_ceil(u128::from(self.0))).unwrap_or(u64::MAX)
    }

    /// Faster or slower by `ppm` parts per million.
    fn bent(self, ppm: i64) -> Self {
        Self(self.0.saturating_add_signed((i128::from(self.0) * i128::from(ppm) / 1_000_000) as i64).max(1))
    }
}

/// A counter of fewer than 64 bits, which begins anew at 0 when it is full: what it counted since `before`.
pub fn counted(before: u32, after: u32, bits: u32) -> u64 {
    u64::from(after.wrapping_sub(before)) & ((1 << bits.min(32)) - 1)
}

/// How much a counter of `bits` bits counted, where it counted `difference` and wrapped an unknown number of times: the
/// number nearest to `estimate`, which must be right to less than half of what the counter holds.
pub fn unwrapped(difference: u64, bits: u32, estimate: u64) -> u64 {
    let full = 1u64 << bits.min(32);
    let turns = estimate.saturating_sub(difference).saturating_add(full / 2) / full;
    difference + turns * full
}

/// A clock over a counter: `started` nanoseconds at the count `since`, and so many for each count from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub since: u64,
    pub started: u64,
    pub rate: Rate,
}

/// The most that a clock is bent to make up for what it is off: half a millisecond in a second.
const MOST_BENT_PPM: i64 = 500;

impl Clock {
    /// Nanoseconds at this count; never less than at an earlier one.
    #[inline]
    pub fn at(&self, count: u64) -> u64 {
        self.started + self.rate.nanoseconds(count.saturating_sub(self.since))
    }

    /// The clock from `count` on, when a better one shows `right` nanoseconds there and measured `rate`: it goes on where it
    /// is, and a little faster or slower until it is right, `within` nanoseconds later or when it may bend no more.
    pub fn corrected(&self, count: u64, right: u64, rate: Rate, within: u64) -> Self {
        let started = self.at(count);
        let off = i128::from(right) - i128::from(started);
        let ppm = (off * 1_000_000 / i128::from(within.max(1))).clamp(-i128::from(MOST_BENT_PPM), i128::from(MOST_BENT_PPM));
        Self { since: count, started, rate: rate.bent(ppm as i64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_century_at_four_gigahertz_does_not_wrap() {
        let rate = Rate::measured(4_000_000_000, 1_000_000_000).unwrap();
        let century = 100 * 365 * 86_400 * 1_000_000_000u64;
        assert_eq!(rate.nanoseconds(century * 4), century);
    }

    #[test]
    fn counts_round_up_so_that_a_deadline_is_never_early() {
        let rate = Rate::measured(2_100_000_000, 1_000_000_000).unwrap();
        for wanted in [1, 3, 999, 1_000_000, 123_456_789] {
            assert!(rate.nanoseconds(rate.counts(wanted)) >= wanted - 1);
        }
        assert_eq!(Rate::measured(1000, 1).unwrap().counts(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_counter_that_stands_still_is_no_clock() {
        assert_eq!(Rate::measured(0, 1000), None);
        assert_eq!(Rate::measured(1000, 0), None);
    }

    #[test]
    fn two_measurements_are_compared_in_parts_per_million() {
        let rate = |counts| Rate::measured(counts, 1_000_000_000).unwrap();
        assert_eq!(rate(2_000_000_000).apart(rate(2_000_000_000)), 0);
        assert!((99..=101).contains(&rate(2_000_000_000).apart(rate(2_000_200_000))));
    }

    #[test]
    fn a_counter_wraps() {
        assert_eq!(counted(0xff_fff0, 0x10, 24), 0x20);
        assert_eq!(counted(0xffff_fff0, 0x10, 32), 0x20);
        assert_eq!(counted(5, 5, 24), 0);
        for (difference, bits, estimate, counts) in [
            (0x20, 24, 0x20, 0x20), (0x20, 24, 0x100_0000, 0x100_0020), (0xff_ffff, 24, 0x1ff_fff0, 0x1ff_ffff),
            (0, 24, 0x2ff_fff0, 0x300_0000), (7, 32, 0, 7), (0xff_ffff, 24, 3, 0xff_ffff),
        ] {
            assert_eq!(unwrapped(difference, bits, estimate), counts, "{difference:#x} near {estimate:#x}");
        }
    }

    #[test]
    fn any_number_of_turns_is_found_from_an_estimate_that_is_a_little_off() {
        for counts in (0..200_000_000_000u64).step_by(777_777_777) {
            for estimate in [counts - counts / 10_000, counts + counts / 10_000] {
                assert_eq!(unwrapped(counts & 0xffff_ffff, 32, estimate), counts);
            }
        }
    }

    #[test]
    fn a_corrected_clock_goes_on_where_it_is_and_is_right_in_time() {
        let rate = Rate::measured(1_000_000_000, 1_000_000_000).unwrap();
        let better = Rate::measured(1_000_000_000, 1_000_100_000).unwrap();
        for right in [999_900_000u64, 1_000_000_000, 1_000_100_000] {
            let clock = Clock { since: 0, started: 0, rate }.corrected(1_000_000_000, right, better, 9_000_000_000);
            assert_eq!(clock.at(1_000_000_000), 1_000_000_000);
            assert_eq!(clock.at(5), 1_000_000_000, "a count from before the correction is no step back");
            let off = clock.at(10_000_000_000).abs_diff(right + 9_000_900_000);
            assert!(off < 10_000, "{off} ns off");
        }
    }

    #[test]
    fn a_clock_that_is_far_off_bends_no_more_than_it_may() {
        let rate = Rate::measured(1_000_000_000, 1_000_000_000).unwrap();
        let clock = Clock { since: 0, started: 0, rate };
        for (right, expected) in [(u64::MAX, 1_000_500_000), (0, 999_500_000)] {
            let bent = clock.corrected(1 << 40, right, rate, 1);
            assert!((bent.at((1 << 40) + 1_000_000_000) - bent.at(1 << 40)).abs_diff(expected) <= 1);
        }
    }
}
