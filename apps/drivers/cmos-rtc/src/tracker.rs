//! From a clock that shows whole seconds to the time in nanoseconds: the moment when its second changes is found once, and
//! from then on monotonic time counts, until it is compared again.

use munal::time::{MILLISECOND, SECOND};

/// While a change of second is looked for: how often, and so how exact the time is.
pub const LOOK_EVERY: u64 = 5 * MILLISECOND;
/// How long a found change is good for: a crystal that is off by 50 ppm drifts 30 ms in this time.
pub const COMPARE_EVERY: u64 = 600 * SECOND;
/// A clock whose second has not changed for this long stands still.
const PATIENCE: u64 = 3 * SECOND;

/// What a look at the clock showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nothing new.
    Same,
    /// The second changed: the time is exact.
    Ticked,
    /// The second has not changed for seconds.
    StandsStill,
}

enum Phase {
    Looking { second: u64, since: u64 },
    Settled { since: u64 },
}

/// The wall time, as good as it is known. All times are nanoseconds, seconds since 1970 aside.
pub struct Tracker {
    wall: u64,
    monotonic: u64,
    ticked: bool,
    phase: Phase,
}

impl Tracker {
    /// The clock shows `second`, for an unknown part of a second already.
    pub fn new(second: u64, now: u64) -> Self {
        Self { wall: second * SECOND, monotonic: now, ticked: false, phase: Phase::Looking { second, since: now } }
    }

    /// The wall time at the monotonic time `now`. Until the clock ticked it is never ahead, and waits for the next second.
    pub fn time(&self, now: u64) -> u64 {
        let elapsed = now.saturating_sub(self.monotonic);
        self.wall + if self.ticked { elapsed } else { elapsed.min(SECOND - 1) }
    }

    /// Whether the clock is to be looked at now.
    pub fn is_due(&self, now: u64) -> bool {
        matches!(self.phase, Phase::Looking { .. }) || self.next_look(now) == 0
    }

    /// How long from `now` until the clock should be looked at again.
    pub fn next_look(&self, now: u64) -> u64 {
        match self.phase {
            Phase::Looking { .. } => LOOK_EVERY,
            Phase::Settled { since } => (since + COMPARE_EVERY).saturating_sub(now),
        }
    }

    /// Takes in that the clock shows `second` at the monotonic time `now`.
    pub fn look(&mut self, second: u64, now: u64) -> Sight {
        match self.phase {
            Phase::Looking { second: before, .. } if second != before => {
                *self = Self { wall: second * SECOND, monotonic: now, ticked: true, phase: Phase::Settled { since: now } };
                Sight::Ticked
            }
            Phase::Looking { since, .. } if now.saturating_sub(since) > PATIENCE => {
                self.phase = Phase::Settled { since: now };
                Sight::StandsStill
            }
            Phase::Settled { since } if now.saturating_sub(since) >= COMPARE_EVERY => {
                self.phase = Phase::Looking { second, since: now };
                Sight::Same
            }
            _ => Sight::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000_000;

    #[test]
    fn before_the_first_tick_the_time_is_never_ahead() {
        let tracker = Tracker::new(START, 500);
        assert_eq!(tracker.time(500), START * SECOND);
        assert_eq!(tracker.time(500 + 2 * SECOND), START * SECOND + SECOND - 1);
    }

    #[test]
    fn a_tick_makes_it_exact() {
        let mut tracker = Tracker::new(START, 0);
        assert_eq!(tracker.look(START, LOOK_EVERY), Sight::Same);
        assert_eq!(tracker.next_look(LOOK_EVERY), LOOK_EVERY);
        assert_eq!(tracker.look(START + 1, 300), Sight::Ticked);
        assert_eq!(tracker.time(300), (START + 1) * SECOND);
        assert_eq!(tracker.time(300 + 5 * SECOND), (START + 6) * SECOND);
        assert_eq!(tracker.next_look(300), COMPARE_EVERY);
    }

    #[test]
    fn drift_is_corrected_at_the_next_comparison() {
        let mut tracker = Tracker::new(START, 0);
        tracker.look(START + 1, 0);
        let later = COMPARE_EVERY + 7;
        let shown = START + 1 + COMPARE_EVERY / SECOND + 2; // two seconds ahead of monotonic time
        assert_eq!(tracker.next_look(later), 0);
        assert_eq!(tracker.look(shown, later), Sight::Same);
        assert_eq!(tracker.time(later), (START + 1) * SECOND + later);
        assert_eq!(tracker.look(shown + 1, later + 9), Sight::Ticked);
        assert_eq!(tracker.time(later + 9), (shown + 1) * SECOND);
    }

    #[test]
    fn a_clock_that_stands_still_is_noticed_once() {
        let mut tracker = Tracker::new(START, 0);
        assert_eq!(tracker.look(START, PATIENCE), Sight::Same);
        assert_eq!(tracker.look(START, PATIENCE + 1), Sight::StandsStill);
        assert_eq!(tracker.look(START, PATIENCE + 2), Sight::Same);
    }
}
