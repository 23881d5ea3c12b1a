//! Whether a ward is contained, and by what: told from audit alone. Nothing here knows what any ward does.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use munal::audit::Instance;

/// Errors that tell of peers and of time that has passed, and contain nobody.
const ORDINARY: [&str; 3] = ["closed", "restarted", "timed_out"];

/// What was seen of a ward.
#[derive(Debug, Default)]
pub struct Ward {
    /// How audit words its share of the processor.
    pub share: String,
    /// The last look.
    pub latest: Instance,
    /// In how many looks it wanted to run and was kept from it, because its share was used up.
    pub throttled: u32,
    /// Test cases that it went through, in words, where it has any and all are done.
    pub cases: Option<Result<String, String>>,
    /// Whether it takes test cases: then they decide.
    pub has_cases: bool,
}

/// How it stands with a ward.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// By this.
    Contained(String),
    /// Nothing has stopped it so far.
    Free,
    /// It got what it wanted, or did what nobody may: this.
    Escaped(String),
}

impl Ward {
    /// Takes note of one more look.
    pub fn look(&mut self, latest: Instance) {
        self.throttled += u32::from(latest.state == "throttled");
        self.latest = latest;
    }

    /// A hostile SIP ends with success only where nothing stopped it; all else has to be told by what stopped it.
    pub fn verdict(&self) -> Verdict {
        match (&self.cases, self.latest.state.as_str()) {
            (Some(Err(why)), _) => Verdict::Escaped(why.clone()),
            (Some(Ok(words)), _) => Verdict::Contained(words.clone()),
            (None, _) if self.has_cases => Verdict::Free,
            (None, "ended") => Verdict::Escaped("it ended with success".into()),
            _ => match self.reasons() {
                reasons if reasons.is_empty() => Verdict::Free,
                reasons => Verdict::Contained(reasons.join("; ")),
            },
        }
    }

    fn reasons(&self) -> Vec<String> {
        [self.end(), self.memory(), self.answers(), self.log(), self.budget()].into_iter().flatten().collect()
    }

    /// An end for good; while it will be started again, it is not contained by its ends.
    fn end(&self) -> Option<String> {
        let Instance { state, error, restarts, .. } = &self.latest;
        (state == "failed").then(|| match restarts {
            0 => format!("its end: {error}"),
            1 => format!("its end, for good after 1 restart: {error}"),
            _ => format!("its end, for good after {restarts} restarts: {error}"),
        })
    }

    /// Memory that it wanted and did not get.
    fn memory(&self) -> Option<String> {
        let Instance { memory_refused, memory_peak, memory_limit, .. } = self.latest;
        (memory_refused > 0 && memory_peak <= memory_limit)
            .then(|| format!("its memory quota: {} of {} KiB, then refused", memory_peak / 1024, memory_limit / 1024))
    }

    /// Errors that its calls answered.
    fn answers(&self) -> Option<String> {
        let errors: Vec<&str> =
            self.latest.errors.iter().map(|(name, _)| name.as_str()).filter(|name| !ORDINARY.contains(name)).collect();
        (!errors.is_empty()).then(|| format!("the answer {}", errors.join(", ")))
    }

    /// A log that keeps its end only.
    fn log(&self) -> Option<String> {
        (self.latest.log_dropped > 0).then(|| "its log's bound: the oldest lines made room".into())
    }

    /// A share that it used up.
    fn budget(&self) -> Option<String> {
        (self.throttled > 0).then(|| format!("its share of the processor: {}", self.share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ward(change: impl FnOnce(&mut Instance)) -> Ward {
        let mut latest = Instance { state: "waiting".into(), memory_limit: 131_072, memory_peak: 65_536, ..Instance::default() };
        change(&mut latest);
        let mut ward = Ward { share: "at most 5 %".into(), ..Ward::default() };
        ward.look(latest);
        ward
    }

    fn contained(words: &str) -> Verdict {
        Verdict::Contained(words.into())
    }

    #[test]
    fn who_does_nothing_is_free() {
        assert_eq!(ward(|_| {}).verdict(), Verdict::Free);
        assert_eq!(ward(|it| it.errors = alloc::vec![("timed_out".into(), 9)]).verdict(), Verdict::Free);
    }

    #[test]
    fn success_is_an_escape_whatever_was_refused_before() {
        let it = ward(|it| (it.state, it.memory_refused) = ("ended".into(), 3));
        assert!(matches!(it.verdict(), Verdict::Escaped(_)));
    }

    #[test]
    fn each_limit_is_told() {
        assert_eq!(ward(|it| (it.state, it.error, it.restarts) = ("failed".into(), "trap".into(), 8)).verdict(), contained("its end, for good after 8 restarts: trap"));
        assert_eq!(ward(|it| (it.state, it.error) = ("restarting".into(), "trap".into())).verdict(), Verdict::Free);
        assert_eq!(ward(|it| it.memory_refused = 1).verdict(), contained("its memory quota: 64 of 128 KiB, then refused"));
        assert_eq!(ward(|it| it.errors = alloc::vec![("closed".into(), 1), ("would_block".into(), 9)]).verdict(), contained("the answer would_block"));
        assert_eq!(ward(|it| it.log_dropped = 1).verdict(), contained("its log's bound: the oldest lines made room"));
    }

    #[test]
    fn memory_past_its_limit_is_no_containment() {
        assert_eq!(ward(|it| (it.memory_refused, it.memory_peak) = (1, 131_073)).verdict(), Verdict::Free);
    }

    #[test]
    fn a_share_that_was_used_up_is_remembered() {
        let mut it = ward(|it| it.state = "throttled".into());
        it.look(Instance { state: "running".into(), ..Instance::default() });
        assert_eq!(it.verdict(), contained("its share of the processor: at most 5 %"));
    }

    #[test]
    fn cases_decide_for_who_has_them() {
        let mut it = ward(|it| it.memory_refused = 1);
        it.has_cases = true;
        assert_eq!(it.verdict(), Verdict::Free);
        it.cases = Some(Ok("12 cases".into()));
        assert_eq!(it.verdict(), contained("12 cases"));
        it.cases = Some(Err("case 3 answered -99".into()));
        assert_eq!(it.verdict(), Verdict::Escaped("case 3 answered -99".into()));
    }
}
