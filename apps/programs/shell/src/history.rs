//! The lines that were entered, to be found again: a bounded number of them.

use alloc::collections::VecDeque;
use alloc::string::String;

/// How many lines are kept.
pub const LINES: usize = 64;

/// Lines, oldest first, and where in them a search stands.
#[derive(Default)]
pub struct History {
    lines: VecDeque<String>,
    /// Index of the line shown; none while what is shown is the draft.
    shown: Option<usize>,
    draft: String,
}

impl History {
    /// Adds a line and ends the search. Blank lines and the line before once more are not kept.
    pub fn add(&mut self, line: &str) {
        self.shown = None;
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// The line before the one shown. `current` is what stands there now: the first step keeps it as the draft.
    pub fn older(&mut self, current: &str) -> Option<&str> {
        let next = match self.shown {
            None => self.lines.len().checked_sub(1)?,
            Some(index) => index.checked_sub(1)?,
        };
        if self.shown.is_none() {
            self.draft = current.into();
        }
        self.shown = Some(next);
        self.lines.get(next).map(String::as_str)
    }

    /// The line after the one shown, at last the draft.
    pub fn newer(&mut self) -> Option<&str> {
        let next = self.shown? + 1;
        self.shown = (next < self.lines.len()).then_some(next);
        Some(self.lines.get(next).unwrap_or(&self.draft))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn up_and_down_and_back_to_the_draft() {
        let mut history = History::default();
        assert_eq!(history.older("x"), None);
        history.add("one");
        history.add("two");
        assert_eq!(history.older("dra"), Some("two"));
        assert_eq!(history.older("two"), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer(), Some("two"));
        assert_eq!(history.newer(), Some("dra"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn blank_and_repeated_lines_are_not_kept() {
        let mut history = History::default();
        for line in ["a", "a", " ", "", "b", "a"] {
            history.add(line);
        }
        assert_eq!(history.lines, ["a", "b", "a"]);
    }

    #[test]
    fn it_is_bounded() {
        let mut history = History::default();
        (0..3 * LINES).for_each(|n| history.add(&format!("{n}")));
        assert_eq!((history.lines.len(), history.lines[0].as_str()), (LINES, format!("{}", 2 * LINES).as_str()));
    }
}
