//! What happens after a SIP ended: the manifest's restart policy, as a decision.
use crate::table::RestartPolicy;

/// How a SIP's life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Returned from its entry, or left with code 0.
    Success,
    /// Trapped, was refused, or left with another code.
    Failure,
    /// Someone with control stopped it.
    Stopped,
}

/// The longest that a restart waits, in milliseconds.
pub const LONGEST_BACKOFF_MS: u64 = 30_000;

/// In how many milliseconds to start again after `restarts` restarts, or none.
///
/// The wait doubles with each restart, up to `LONGEST_BACKOFF_MS`; after `limit` restarts there is no other.
pub fn restart_after(policy: RestartPolicy, backoff_ms: u64, limit: u32, restarts: u32, end: End) -> Option<u64> {
    let wanted = match (policy, end) {
        (_, End::Stopped) | (RestartPolicy::Never, _) => false,
        (RestartPolicy::OnFailure, end) => end == End::Failure,
        (RestartPolicy::Always, _) => true,
    };
    (wanted && restarts < limit).then(|| backoff_ms.saturating_mul(1 << restarts.min(20)).min(LONGEST_BACKOFF_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_decides() {
        use RestartPolicy::*;
        for (policy, end, restarts) in [
            (Never, End::Failure, false), (Never, End::Success, false), (OnFailure, End::Failure, true),
            (OnFailure, End::Success, false), (Always, End::Success, true), (Always, End::Failure, true), (Always, End::Stopped, false),
        ] {
            assert_eq!(restart_after(policy, 100, 5, 0, end).is_some(), restarts, "{policy:?} {end:?}");
        }
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound_and_ends_at_the_limit() {
        let after = |restarts| restart_after(RestartPolicy::Always, 100, 40, restarts, End::Failure);
        assert_eq!((after(0), after(1), after(3)), (Some(100), Some(200), Some(800)));
        assert_eq!(after(39), Some(LONGEST_BACKOFF_MS));
        assert_eq!(after(40), None);
    }
}
