//! A share of the processor over a period: what was used, when it is used up, and when there is some again.

/// Times in nanoseconds. A period begins with the first use after the last one has passed; what was used beyond the budget is
/// paid back from the next period's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    budget: u64,
    period: u64,
    start: u64,
    used: u64,
}

impl Share {
    /// `permille` thousandths of each `period`. A whole share (1000) is none: it is never used up.
    pub const fn new(permille: u32, period: u64) -> Option<Self> {
        if permille >= 1000 {
            return None;
        }
        // A period of up to a second times a thousand stays far below 64 bits.
        let budget = period * permille as u64 / 1000;
        Some(Self { budget: if budget == 0 { 1 } else { budget }, period, start: 0, used: 0 })
    }

    /// Notes that `ran` nanoseconds until `now` were used.
    pub fn charge(&mut self, ran: u64, now: u64) {
        self.enter(now.saturating_sub(ran));
        self.used += ran;
    }

    /// How long may be run from `now` on.
    pub fn left(&self, now: u64) -> u64 {
        self.budget.saturating_sub(self.used_at(now))
    }

    /// When there is some again, where nothing is left at `now`: the first period that its debt leaves something of.
    pub fn renewed(&self, now: u64) -> Option<u64> {
        let owed = self.used_at(now).min(Self::most(self.budget)).checked_sub(self.budget)?;
        let next = self.start + self.period * (self.periods(now) + 1);
        Some(if owed >= self.budget { next + self.period } else { next })
    }

    /// The most that counts as used: a budget, and one more to pay back. Time that an emulator or a hypervisor gave to others
    /// looks as if the task had used it.
    const fn most(budget: u64) -> u64 {
        2 * budget
    }

    fn periods(&self, now: u64) -> u64 {
        now.saturating_sub(self.start) / self.period
    }

    fn used_at(&self, now: u64) -> u64 {
        match self.periods(now) {
            0 => self.used,
            passed => self.used.min(Self::most(self.budget)).saturating_sub(passed.saturating_mul(self.budget)),
        }
    }

    /// Goes on to the period that `at` lies in; one that begins without debt begins at `at` itself.
    fn enter(&mut self, at: u64) {
        let passed = self.periods(at);
        if passed > 0 {
            self.used = self.used_at(at);
            self.start = if self.used == 0 { at } else { self.start + passed * self.period };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: u64 = 50_000_000;

    fn tenth() -> Share {
        Share::new(100, PERIOD).unwrap()
    }

    #[test]
    fn a_whole_share_is_no_limit() {
        assert_eq!(Share::new(1000, PERIOD), None);
    }

    #[test]
    fn it_is_used_up_to_the_nanosecond_and_comes_back_with_the_period() {
        let mut share = tenth();
        share.charge(PERIOD / 10 - 1, PERIOD / 10 - 1);
        assert_eq!((share.renewed(PERIOD / 2), share.left(PERIOD / 2)), (None, 1));
        share.charge(1, PERIOD / 2);
        assert_eq!(share.renewed(PERIOD / 2), Some(PERIOD));
        assert_eq!((share.left(PERIOD - 1), share.left(PERIOD)), (0, PERIOD / 10));
    }

    #[test]
    fn what_was_used_beyond_it_is_paid_back() {
        let mut share = tenth();
        share.charge(PERIOD / 10 * 2, PERIOD / 5);
        assert_eq!(share.renewed(PERIOD / 5), Some(2 * PERIOD));
        assert_eq!((share.left(2 * PERIOD - 1), share.left(2 * PERIOD)), (0, PERIOD / 10));
    }

    #[test]
    fn a_part_of_a_budget_owed_leaves_the_rest_of_the_next() {
        let mut share = tenth();
        share.charge(PERIOD / 10 + 1000, PERIOD / 5);
        assert_eq!(share.renewed(PERIOD / 5), Some(PERIOD));
        assert_eq!(share.left(PERIOD), PERIOD / 10 - 1000);
    }

    #[test]
    fn a_machine_that_stood_still_costs_one_period_at_most() {
        let mut share = tenth();
        share.charge(PERIOD / 10 - 1, PERIOD - 2);
        share.charge(20 * PERIOD, PERIOD - 1); // a clock that jumps
        assert_eq!(share.renewed(PERIOD - 1), Some(2 * PERIOD));
    }

    #[test]
    fn a_period_begins_with_its_first_use() {
        let mut share = tenth();
        share.charge(1000, 10 * PERIOD + PERIOD / 2);
        share.charge(PERIOD / 10, 11 * PERIOD);
        assert_eq!(share.renewed(11 * PERIOD), Some(11 * PERIOD + PERIOD / 2 - 1000), "the grid of whole periods gives no second budget");
    }

    /// However it is used, never more than a budget for each period begun, and one for the edge.
    #[test]
    fn random_use_stays_within_the_share() {
        let mut dice = crate::dice::Dice::new(7);
        for _ in 0..200 {
            let (permille, period) = (1 + dice.below(999) as u32, 1_000_000 + dice.below(1_000_000_000));
            let mut share = Share::new(permille, period).unwrap();
            let (mut now, mut used) = (dice.below(period), 0);
            let begin = now;
            while now < begin + 20 * period {
                if let Some(renewed) = share.renewed(now) {
                    assert!(renewed > now && renewed <= now + 2 * period);
                    assert!(share.left(renewed) > 0 && share.left(renewed - 1) == 0);
                    now = renewed;
                } else {
                    let ran = (1 + dice.below(period)).min(share.left(now));
                    now += ran;
                    used += ran;
                    share.charge(ran, now);
                    now += dice.below(3) * dice.below(period) / 4;
                }
            }
            let periods = (now - begin).div_ceil(period) + 1;
            assert!(used <= periods * (period * u64::from(permille) / 1000), "{used} in {periods} of {period} at {permille}");
        }
    }
}
