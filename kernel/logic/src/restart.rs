//! What happens after a SIP ended: the manifest's restart policy, as a decision, and how ends are counted.
use crate::table::RestartPolicy;

/// How a SIP's life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Returned from its entry, or left with code 0.
    Success,
    /// Trapped, was refused, used up a budget, or left with another code.
    Failure,
    /// Someone with control ended it.
    Stopped,
}

impl End {
    /// The end in a word.
    pub fn word(self) -> &'static str {
        match self {
            End::Success => "success",
            End::Failure => "failure",
            End::Stopped => "stopped",
        }
    }
}

/// The longest that a restart waits, in milliseconds.
pub const LONGEST_BACKOFF_MS: u64 = 30_000;
/// A life that lasts this long, in milliseconds, is healthy; one that follows a longer wait, if it lasts as long as that.
pub const HEALTHY_MS: u64 = 10_000;

/// What a manifest says of restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub when: RestartPolicy,
    /// How long the first restart waits, in milliseconds; each further one waits twice as long.
    pub backoff_ms: u64,
    /// How many restarts in a row there are at most.
    pub limit: u32,
}

impl Policy {
    /// In how many milliseconds to start again after `tries` restarts in a row, or none.
    pub fn restart_after(&self, tries: u32, end: End) -> Option<u64> {
        let wanted = match (self.when, end) {
            (_, End::Stopped) | (RestartPolicy::Never, _) => false,
            (RestartPolicy::OnFailure, end) => end == End::Failure,
            (RestartPolicy::Always, _) => true,
        };
        (wanted && tries < self.limit).then(|| self.wait(tries))
    }

    /// How many restarts in a row there were, once a life of `lived_ms` milliseconds is over: a healthy one ends the row.
    pub fn tries_after(&self, tries: u32, lived_ms: u64) -> u32 {
        let waited = tries.checked_sub(1).map_or(0, |before| self.wait(before));
        if lived_ms >= HEALTHY_MS.max(waited) { 0 } else { tries }
    }

    fn wait(&self, tries: u32) -> u64 {
        self.backoff_ms.saturating_mul(1 << tries.min(20)).min(LONGEST_BACKOFF_MS)
    }
}

/// Counts ends of lives: an answer has 31 bits for it, after which the count begins anew.
pub const ENDS: u32 = i32::MAX as u32;

/// Whether the count `now` is past `seen`, in the sense of a count that wraps: by less than half of its range.
pub fn is_past(now: u32, seen: u32) -> bool {
    let ahead = now.wrapping_sub(seen) & ENDS;
    ahead != 0 && ahead <= ENDS / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use RestartPolicy::*;

    const fn policy(when: RestartPolicy, limit: u32) -> Policy {
        Policy { when, backoff_ms: 100, limit }
    }

    #[test]
    fn the_policy_decides() {
        for (when, end, restarts) in [
            (Never, End::Failure, false), (Never, End::Success, false), (OnFailure, End::Failure, true),
            (OnFailure, End::Success, false), (Always, End::Success, true), (Always, End::Failure, true), (Always, End::Stopped, false),
        ] {
            assert_eq!(policy(when, 5).restart_after(0, end).is_some(), restarts, "{when:?} {end:?}");
        }
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound_and_ends_at_the_limit() {
        let after = |tries| policy(Always, 40).restart_after(tries, End::Failure);
        assert_eq!((after(0), after(1), after(3)), (Some(100), Some(200), Some(800)));
        assert_eq!(after(39), Some(LONGEST_BACKOFF_MS));
        assert_eq!(after(40), None);
    }

    #[test]
    fn a_healthy_life_ends_the_row_of_restarts() {
        let tries = |tries, lived| policy(Always, 40).tries_after(tries, lived);
        assert_eq!((tries(3, HEALTHY_MS - 1), tries(3, HEALTHY_MS)), (3, 0));
        assert_eq!(tries(0, 0), 0);
        // the 12th restart waited 30 s: ten seconds after that prove nothing
        assert_eq!((tries(12, HEALTHY_MS), tries(12, LONGEST_BACKOFF_MS - 1), tries(12, LONGEST_BACKOFF_MS)), (12, 12, 0));
    }

    #[test]
    fn a_count_is_past_another_across_its_end() {
        assert!(is_past(1, 0) && is_past(0, ENDS) && is_past(5, ENDS - 5));
        assert!(!is_past(0, 0) && !is_past(0, 1) && !is_past(ENDS, 0) && !is_past(ENDS, ENDS));
    }
}
