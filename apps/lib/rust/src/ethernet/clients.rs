//! The driver's side of the protocol: what it owes its clients, in a few words for each, however slow they are.

extern crate alloc;

use super::{Address, LINK, Link, MTU, is_frame};
use alloc::vec::Vec;

/// What became of a message to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Yes,
    /// The client's channel is full.
    Full,
    /// Nobody is there, now or ever.
    Gone,
}

/// The clients of one device.
pub struct Clients {
    address: Address,
    each: Vec<Client>,
    /// Whose turn it is to send.
    turn: usize,
}

#[derive(Clone, Copy)]
struct Client {
    /// Whether it is to be told how it stands with the link.
    asks: bool,
    /// Whether it was: no frame comes before the first link of a life.
    knows: bool,
    lost: u32,
}

impl Clients {
    /// As many as the channel has connections, all of which are to be told of the link.
    pub fn new(count: u32, address: Address) -> Self {
        Self { address, each: alloc::vec![Client { asks: true, knows: false, lost: 0 }; count as usize], turn: 0 }
    }

    /// Gives a frame that came to every client; answers the first of them that loses its first frame.
    pub fn give(&mut self, frame: &[u8], mut send: impl FnMut(u32, &[u8]) -> Sent) -> Option<u32> {
        let mut slow = None;
        for (number, client) in (0..).zip(&mut self.each) {
            if !client.knows || send(number, frame) == Sent::Full {
                slow = slow.or((client.lost == 0).then_some(number));
                client.lost = client.lost.saturating_add(1);
            }
        }
        slow
    }

    /// Tells how it stands with the link those that are to be told and have room for it.
    pub fn tell(&mut self, mut send: impl FnMut(u32, &[u8]) -> Sent) {
        for (number, client) in (0..).zip(&mut self.each).filter(|(_, client)| client.asks) {
            let link: [u8; LINK] = Link { address: self.address, mtu: MTU, lost: client.lost }.encode();
            client.asks = send(number, &link) == Sent::Full;
            client.knows |= !client.asks;
        }
    }

    /// Takes the next message of a client, one of each in turn: `receive` stores a client's next one where frames to send go and
    /// answers its length, none where there is none. Answers a frame's length, 0 where it was none; none when nobody has any more.
    pub fn take(&mut self, mut receive: impl FnMut(u32) -> Option<usize>) -> Option<usize> {
        for _ in 0..self.each.len() {
            let number = self.turn;
            self.turn = (number + 1) % self.each.len();
            if let Some(length) = receive(number as u32) {
                self.each[number].asks |= length == 0;
                return Some(if is_frame(length) { length } else { 0 });
            }
        }
        None
    }

    /// Whether a client waits to be told how it stands with the link.
    pub fn asks(&self, number: u32) -> bool {
        self.each.get(number as usize).is_some_and(|client| client.asks)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Message, *};
    use alloc::vec;

    const ME: Address = Address([2, 0, 0, 0, 0, 1]);

    /// What a client is told of the link when it asks.
    fn lost(clients: &mut Clients, wanted: u32) -> Option<u32> {
        let mut told = None;
        clients.tell(|number, bytes| {
            if let (true, Some(Message::Link(link))) = (number == wanted, Message::of(bytes)) {
                assert_eq!((link.address, link.mtu), (ME, 1500));
                told = Some(link.lost);
            }
            Sent::Yes
        });
        told
    }

    #[test]
    fn everybody_is_told_of_the_link_once_and_when_there_is_room() {
        let mut clients = Clients::new(3, ME);
        let mut told = vec![];
        clients.tell(|number, bytes| {
            told.push((number, bytes.len()));
            if number == 1 { Sent::Full } else { Sent::Yes }
        });
        assert_eq!((told, [0, 1, 2, 3].map(|number| clients.asks(number))), (vec![(0, 12), (1, 12), (2, 12)], [false, true, false, false]));
        assert_eq!((lost(&mut clients, 1), lost(&mut clients, 1)), (Some(0), None));
    }

    #[test]
    fn a_client_that_is_full_loses_frames_and_learns_how_many() {
        let mut clients = Clients::new(2, ME);
        clients.tell(|_, _| Sent::Yes);
        let mut give = |full: u32| clients.give(&[0; 14], |number, _| if number == full { Sent::Full } else { Sent::Yes });
        assert_eq!((give(9), give(1), give(1), give(1), give(0)), (None, Some(1), None, None, Some(0)), "each is named once");
        let mut asked = [false; 2];
        while clients.take(|number| (!core::mem::replace(&mut asked[number as usize], true)).then_some(0)).is_some() {}
        assert_eq!((lost(&mut clients, 1), clients.asks(1)), (Some(3), false));
    }

    #[test]
    fn no_frame_comes_before_the_first_link() {
        let mut clients = Clients::new(1, ME);
        assert_eq!(clients.give(&[0; 14], |_, _| unreachable!()), Some(0));
        clients.tell(|_, _| Sent::Full);
        assert_eq!(clients.give(&[0; 14], |_, _| unreachable!()), None);
        assert_eq!(lost(&mut clients, 0), Some(2));
        assert_eq!(clients.give(&[0; 14], |_, _| Sent::Yes), None);
    }

    #[test]
    fn who_has_gone_costs_nothing_and_is_told_nothing() {
        let mut clients = Clients::new(1, ME);
        clients.tell(|_, _| Sent::Gone);
        assert_eq!((clients.give(&[0; 14], |_, _| Sent::Gone), clients.asks(0)), (None, false));
    }

    #[test]
    fn frames_are_taken_of_each_in_turn_and_what_is_none_is_dropped() {
        let mut clients = Clients::new(3, ME);
        let mut waiting = [vec![100, 101, 102], vec![], vec![13, 1515, 200, 0, 201]];
        let mut taken = vec![];
        while let Some(length) = clients.take(|number| waiting[number as usize].pop()) {
            taken.push(length);
        }
        assert_eq!(taken, [102, 201, 101, 0, 100, 200, 0, 0]);
        assert_eq!(Clients::new(0, ME).take(|_| unreachable!()), None);
    }
}
