//! How often each error was answered, so that audit can tell what an instance was denied.

/// Errors that are counted apart: -1 to -`KINDS`.
const KINDS: usize = 16;

/// A count for each error number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([u64; KINDS]);

impl Tally {
    /// Counts one answer of `error`, a negative number; others are none, and not counted.
    pub fn add(&mut self, error: i32) {
        if let Some(slot) = slot(error).and_then(|slot| self.0.get_mut(slot)) {
            *slot = slot.saturating_add(1);
        }
    }

    /// How often `error` was answered.
    pub fn count(&self, error: i32) -> u64 {
        slot(error).and_then(|slot| self.0.get(slot)).map_or(0, |&count| count)
    }
}

fn slot(error: i32) -> Option<usize> {
    error.checked_add(1)?.checked_neg().and_then(|slot| usize::try_from(slot).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_is_counted_for_itself() {
        let mut tally = Tally::default();
        [-1, -3, -3, -16].into_iter().for_each(|error| tally.add(error));
        let counts: alloc::vec::Vec<u64> = [-1, -2, -3, -16].into_iter().map(|error| tally.count(error)).collect();
        assert_eq!(counts, [1, 0, 2, 1]);
    }

    #[test]
    fn what_is_no_error_is_not_counted() {
        let mut tally = Tally::default();
        [0, 1, -17, i32::MIN, i32::MAX].into_iter().for_each(|number| tally.add(number));
        assert_eq!(tally, Tally::default());
        assert_eq!(tally.count(i32::MIN) + tally.count(0) + tally.count(i32::MAX), 0);
    }
}
