//! The handles that one SIP holds beyond those that the system table wires to it: numbers that come and go.
//!
//! A number names a slot and how often the slot was used: a closed number stays closed. Slots are used in turn, so a
//! number comes back no earlier than after 2^18 times as many closes as the SIP may hold handles.
use crate::table::Held;
use alloc::{collections::VecDeque, vec::Vec};

/// Set in every number of this kind, and in none of the system table's.
pub const DYNAMIC: u32 = 1 << 30;
/// The most handles that one SIP may hold.
pub const MOST: usize = 1 << SLOT_BITS;

const SLOT_BITS: u32 = 12;
const GENERATIONS: u32 = 1 << (30 - SLOT_BITS);

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    generation: u32,
    held: Option<Held>,
}

/// At most `limit` handles, of which each has a number of its own.
#[derive(Debug, Default)]
pub struct Handles {
    slots: Vec<Slot>,
    free: VecDeque<usize>,
    limit: usize,
}

impl Handles {
    /// An empty table of at most `limit` handles; it allocates here and never again.
    pub fn new(limit: usize) -> Self {
        let limit = limit.min(MOST);
        Self { slots: alloc::vec![Slot::default(); limit], free: (0..limit).collect(), limit }
    }

    /// How many more it takes.
    pub fn room(&self) -> usize {
        self.free.len()
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.limit - self.free.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Holds one more; its number, or none where there is no room.
    pub fn insert(&mut self, held: Held) -> Option<u32> {
        let slot = self.free.pop_front()?;
        self.slots[slot].held = Some(held);
        Some(DYNAMIC | self.slots[slot].generation << SLOT_BITS | slot as u32)
    }

    /// What `number` stands for, where it stands for anything.
    pub fn get(&self, number: u32) -> Option<Held> {
        self.slots[self.slot(number)?].held
    }

    /// Gives `number` up for good.
    pub fn remove(&mut self, number: u32) -> Option<Held> {
        let slot = self.slot(number)?;
        let held = self.slots[slot].held.take()?;
        self.slots[slot].generation = (self.slots[slot].generation + 1) % GENERATIONS;
        self.free.push_back(slot);
        Some(held)
    }

    /// Gives up any one of them.
    pub fn pop(&mut self) -> Option<Held> {
        let slot = self.slots.iter().position(|slot| slot.held.is_some())?;
        self.remove(DYNAMIC | self.slots[slot].generation << SLOT_BITS | slot as u32)
    }

    fn slot(&self, number: u32) -> Option<usize> {
        let slot = (number & (MOST as u32 - 1)) as usize;
        let generation = (number & !DYNAMIC) >> SLOT_BITS;
        (number >> 30 == 1 && slot < self.limit && self.slots[slot].generation == generation).then_some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{HandleKind, READ};
    use alloc::collections::BTreeMap;

    fn held(object: usize) -> Held {
        Held { kind: HandleKind::StreamClient, object, rights: READ }
    }

    #[test]
    fn a_closed_number_is_never_taken_for_another() {
        let mut handles = Handles::new(3);
        let mut closed = Vec::new();
        for round in 0..10_000 {
            let number = handles.insert(held(round)).unwrap();
            assert!(!closed.contains(&number));
            assert_eq!(handles.remove(number), Some(held(round)));
            assert_eq!((handles.get(number), handles.remove(number)), (None, None));
            if round % 16 == 0 {
                closed.push(number);
            }
        }
        assert!(closed.iter().all(|&number| handles.get(number).is_none()));
    }

    #[test]
    fn a_number_comes_back_only_after_every_slot_was_used_as_often_as_there_are_generations() {
        let mut handles = Handles::new(2);
        let first = handles.insert(held(0)).unwrap();
        handles.remove(first);
        let mut closes = 1u32;
        loop {
            let number = handles.insert(held(1)).unwrap();
            if number == first {
                break;
            }
            handles.remove(number);
            closes += 1;
        }
        assert_eq!(closes, 2 * GENERATIONS);
    }

    #[test]
    fn no_more_are_held_than_may_be() {
        let mut handles = Handles::new(2);
        let (a, b) = (handles.insert(held(0)).unwrap(), handles.insert(held(1)).unwrap());
        assert_eq!((handles.insert(held(2)), handles.room()), (None, 0));
        handles.remove(a);
        assert!(handles.insert(held(3)).is_some_and(|number| number != a && number != b));
        assert_eq!(Handles::new(usize::MAX).room(), MOST);
    }

    /// Every number of 32 bits that is not held is refused: all of them near those that are, and one in 4,099 of the rest.
    #[test]
    fn a_guessed_number_holds_nothing() {
        let mut handles = Handles::new(64);
        let mut known = BTreeMap::new();
        for round in 0..1000 {
            let number = handles.insert(held(round)).unwrap();
            known.insert(number, round);
            if round % 17 != 0 || known.len() == 64 {
                let (&oldest, _) = known.iter().next().unwrap();
                known.remove(&oldest);
                handles.remove(oldest);
            }
        }
        let near = known.keys().flat_map(|&n| (0..32).map(move |bit| n ^ 1 << bit).chain(n - 5000..n + 5000)).collect::<Vec<_>>();
        for number in (0..=u32::MAX).step_by(4099).chain(near).chain([0, u32::MAX, DYNAMIC, DYNAMIC - 1]) {
            assert_eq!(handles.get(number).map(|held| held.object), known.get(&number).copied(), "{number:#x}");
        }
    }
}
