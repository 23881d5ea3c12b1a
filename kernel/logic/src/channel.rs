//! One direction of a channel: whole messages in order, each with its bytes and what it carries.
use crate::table::Held;
use alloc::vec::Vec;

/// The most bytes of a message that any channel takes.
pub const LARGEST: usize = 1 << 20;
/// The most handles that one message carries.
pub const MOST_CARRIED: usize = 8;

/// The handles of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    held: [Option<Held>; MOST_CARRIED],
}

impl Carried {
    /// Adds one; false where eight are there.
    pub fn push(&mut self, held: Held) -> bool {
        let place = self.held.iter_mut().find(|place| place.is_none());
        place.map(|place| *place = Some(held)).is_some()
    }

    pub fn iter(&self) -> impl Iterator<Item = Held> + '_ {
        self.held.iter().flatten().copied()
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn is_empty(&self) -> bool {
        self.held[0].is_none()
    }
}

#[derive(Debug)]
struct Message {
    bytes: Vec<u8>,
    carried: Carried,
}

/// A bounded queue of messages. It allocates when it is made, and never again.
#[derive(Debug)]
pub struct Queue {
    slots: Vec<Message>,
    first: usize,
    length: usize,
    largest: usize,
}

impl Queue {
    /// A queue of at most `depth` messages, each of at most `largest` bytes.
    pub fn new(depth: usize, largest: usize) -> Self {
        let slots = (0..depth).map(|_| Message { bytes: Vec::with_capacity(largest), carried: Carried::default() });
        Self { slots: slots.collect(), first: 0, length: 0, largest }
    }

    pub fn largest(&self) -> usize {
        self.largest
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn is_full(&self) -> bool {
        self.length == self.slots.len()
    }

    /// Adds a message; false, and nothing done, where it is full or the message too large.
    pub fn push(&mut self, bytes: &[u8], carried: Carried) -> bool {
        if self.is_full() || bytes.len() > self.largest {
            return false;
        }
        let place = (self.first + self.length) % self.slots.len();
        let message = &mut self.slots[place];
        message.bytes.clear();
        message.bytes.extend_from_slice(bytes);
        message.carried = carried;
        self.length += 1;
        true
    }

    /// The next message, as it stays there.
    pub fn front(&self) -> Option<(&[u8], &Carried)> {
        (self.length > 0).then(|| (self.slots[self.first].bytes.as_slice(), &self.slots[self.first].carried))
    }

    /// Drops the next message; gives what it carried.
    pub fn pop(&mut self) -> Option<Carried> {
        if self.length == 0 {
            return None;
        }
        let carried = core::mem::take(&mut self.slots[self.first].carried);
        self.first = (self.first + 1) % self.slots.len();
        self.length -= 1;
        Some(carried)
    }

    /// What all messages that are there carry.
    pub fn carried(&self) -> impl Iterator<Item = Held> + '_ {
        (0..self.length).flat_map(|k| self.slots[(self.first + k) % self.slots.len()].carried.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{HandleKind, READ};
    use alloc::collections::VecDeque;

    fn carried(objects: core::ops::Range<usize>) -> Carried {
        let mut made = Carried::default();
        objects.for_each(|object| assert!(made.push(Held { kind: HandleKind::StreamClient, object, rights: READ })));
        made
    }

    #[test]
    fn messages_come_out_whole_and_in_order_across_many_turns() {
        let mut queue = Queue::new(3, 16);
        let mut model: VecDeque<(Vec<u8>, Carried)> = VecDeque::new();
        for step in 0..100_000usize {
            let message = (alloc::vec![step as u8; step % 18], carried(step..step + step % 9));
            if step % 5 < 3 {
                let fits = model.len() < 3 && message.0.len() <= 16;
                assert_eq!(queue.push(&message.0, message.1), fits);
                if fits {
                    model.push_back(message);
                }
            } else {
                assert_eq!(queue.front().map(|(bytes, carried)| (bytes.to_vec(), *carried)), model.front().cloned());
                assert_eq!(queue.pop(), model.pop_front().map(|(_, carried)| carried));
            }
            let inside: Vec<Held> = model.iter().flat_map(|(_, carried)| carried.iter().collect::<Vec<_>>()).collect();
            assert_eq!(queue.carried().collect::<Vec<_>>(), inside);
            assert_eq!((queue.is_empty(), queue.is_full()), (model.is_empty(), model.len() == 3));
        }
    }

    #[test]
    fn a_message_carries_eight_and_no_more() {
        let mut eight = carried(0..8);
        assert_eq!((eight.len(), eight.push(Held { kind: HandleKind::Log, object: 0, rights: 0 }), eight.len()), (8, false, 8));
    }
}
