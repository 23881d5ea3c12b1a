//! From counts of the time stamp counter to nanoseconds, by one multiplication.

/// A counter's rate, as a 32.32 fixed-point number of nanoseconds for each count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u64);

impl Rate {
    /// A counter that counted `counts` in `nanoseconds`. `None` where it did not count, or faster than 2^32 a nanosecond.
    pub fn measured(counts: u64, nanoseconds: u64) -> Option<Self> {
        let scaled = (u128::from(nanoseconds) << 32).checked_div(u128::from(counts))?;
        u64::try_from(scaled).ok().filter(|&rate| rate > 0).map(Self)
    }

    /// Nanoseconds in `counts`; right for more than a hundred years at any rate of today.
    pub fn nanoseconds(self, counts: u64) -> u64 {
        ((u128::from(counts) * u128::from(self.0)) >> 32) as u64
    }

    /// Counts in `nanoseconds`, rounded up.
    pub fn counts(self, nanoseconds: u64) -> u64 {
        let counts = ((u128::from(nanoseconds) << 32) + u128::from(self.0) - 1) / u128::from(self.0);
        u64::try_from(counts).unwrap_or(u64::MAX)
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
    }

    #[test]
    fn a_counter_that_stands_still_is_no_clock() {
        assert_eq!(Rate::measured(0, 1000), None);
        assert_eq!(Rate::measured(1000, 0), None);
    }
}
