//! A set of small numbers, one bit each: who is ready, who waits for a time.
use alloc::vec::Vec;

#[derive(Debug, Default)]
pub struct Set {
    words: Vec<u64>,
    count: usize,
}

impl Set {
    pub const fn new() -> Self {
        Self { words: Vec::new(), count: 0 }
    }

    /// Makes room for numbers below `limit`: `insert` allocates nothing.
    pub fn reach(&mut self, limit: usize) {
        self.words.resize(limit.div_ceil(64), 0);
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn contains(&self, number: usize) -> bool {
        self.words[number / 64] >> (number % 64) & 1 != 0
    }

    pub fn insert(&mut self, number: usize) {
        self.count += usize::from(!self.contains(number));
        self.words[number / 64] |= 1 << (number % 64);
    }

    pub fn remove(&mut self, number: usize) {
        self.count -= usize::from(self.contains(number));
        self.words[number / 64] &= !(1 << (number % 64));
    }

    /// The members in order; the time goes by words and members, not by bits.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            core::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    at * 64 + bit as usize
                })
            })
        })
    }

    /// The first member from `number` on: for loops that change the set as they go.
    pub fn next_from(&self, number: usize) -> Option<usize> {
        let mut at = number / 64;
        let mut word = self.words.get(at)? & (u64::MAX << (number % 64));
        while word == 0 {
            at += 1;
            word = *self.words.get(at)?;
        }
        Some(at * 64 + word.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn it_is_a_set() {
        let (mut set, mut model) = (Set::new(), BTreeSet::new());
        set.reach(200);
        let mut dice = crate::dice::Dice::new(3);
        for _ in 0..10_000 {
            let number = dice.below(200) as usize;
            if dice.below(2) == 0 {
                set.insert(number);
                model.insert(number);
            } else {
                set.remove(number);
                model.remove(&number);
            }
            assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
            assert!(set.iter().eq(model.iter().copied()));
            assert_eq!(set.next_from(number), model.range(number..).next().copied());
        }
    }
}
