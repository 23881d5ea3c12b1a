//! Faults of the line, counted, and told at most once in a while: a broken cable must not fill the log.

use core::fmt;

/// At most one note in this many nanoseconds.
pub const NOTE_EVERY: u64 = 10 * munal::time::SECOND;

/// What the line status register reports (PC16550D data sheet, section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A byte came before the one before it was read.
    Overrun,
    /// A byte's parity was wrong.
    Parity,
    /// A byte had no stop bit.
    Framing,
    /// The line was held low for longer than a byte.
    Break,
}

const NAMES: [&str; 4] = ["overrun", "parity error", "framing error", "break"];

/// Counts since the last note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; NAMES.len()]);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("on the line:")?;
        let counted = self.0.iter().zip(NAMES).filter(|(count, _)| **count > 0);
        for (index, (count, name)) in counted.enumerate() {
            let plural = if *count == 1 { "" } else { "s" };
            write!(f, "{} {count} {name}{plural}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

/// The faults that were not told yet, and when some were told last.
#[derive(Default)]
pub struct Faults {
    counts: Counts,
    quiet_until: u64,
}

impl Faults {
    /// Counts one fault.
    pub fn note(&mut self, fault: Fault) {
        let count = &mut self.counts.0[fault as usize];
        *count = count.saturating_add(1);
    }

    /// What is to be told at the monotonic time `now`, if anything is.
    pub fn due(&mut self, now: u64) -> Option<Counts> {
        if self.counts == Counts::default() || now < self.quiet_until {
            return None;
        }
        self.quiet_until = now + NOTE_EVERY;
        Some(core::mem::take(&mut self.counts))
    }

    /// When something that waits to be told may be.
    pub fn deadline(&self) -> Option<u64> {
        (self.counts != Counts::default()).then_some(self.quiet_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::ToString;

    #[test]
    fn the_first_is_told_at_once_and_the_next_are_gathered() {
        let mut faults = Faults::default();
        assert_eq!((faults.due(5), faults.deadline()), (None, None));
        faults.note(Fault::Break);
        assert_eq!(faults.due(5).unwrap().to_string(), "on the line: 1 break");
        for _ in 0..3 {
            faults.note(Fault::Overrun);
        }
        faults.note(Fault::Framing);
        assert_eq!((faults.due(4 + NOTE_EVERY), faults.deadline()), (None, Some(5 + NOTE_EVERY)));
        assert_eq!(faults.due(5 + NOTE_EVERY).unwrap().to_string(), "on the line: 3 overruns, 1 framing error");
        assert_eq!(faults.due(u64::MAX - NOTE_EVERY), None);
    }
}
