//! The protocol `munal-ethernet/1` of a channel: frames of a local network, both ways, each a message of its own.
//!
//! | bytes | from the driver | from a client |
//! |---|---|---|
//! | 14 to 1,514 | a frame that came | a frame to send |
//! | 12 | how it stands with the link (`Link`) | |
//! | 0 | | asks how it stands with the link |
//!
//! A frame begins with its receiver's address and has no check sequence at its end; what is shorter than a network wants is filled
//! up on its way. Every other message is none and is dropped. The driver's first message of each of its lives is a `Link`: what was
//! sent before it may never have left. A client that starts asks for one, since what waits for it may be an earlier life's.
//!
//! All clients have the same address: each gets every frame that comes, and none that another sends. Who sends more than the network
//! takes waits in `send`. Who receives too slowly loses the frames that find its channel full; the next `Link` says how many.

pub mod arp;
#[cfg(feature = "alloc")]
mod clients;

use core::fmt;

#[cfg(feature = "alloc")]
pub use clients::{Clients, Sent};

/// Bytes of the shortest frame: two addresses and a type.
pub const SHORTEST: usize = 14;
/// Bytes that a frame can have behind its header.
pub const MTU: u16 = 1500;
/// Bytes of the longest frame.
pub const LARGEST: usize = SHORTEST + MTU as usize;
/// Bytes of a message that is a `Link`.
pub const LINK: usize = 12;

/// A station's address (IEEE 802, section 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address(pub [u8; 6]);

impl Address {
    /// All stations.
    pub const EVERYBODY: Self = Self([0xff; 6]);

    /// Whether it can be that of one station: it is neither nought nor a group's.
    pub const fn is_of_one(self) -> bool {
        self.0[0] & 1 == 0 && !matches!(self.0, [0, 0, 0, 0, 0, 0])
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// How it stands with the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The address by which the client is reached.
    pub address: Address,
    /// Bytes that a frame can have behind its header.
    pub mtu: u16,
    /// Frames that this client lost because it was too slow, in this life of the driver; no more are counted than fit.
    pub lost: u32,
}

impl Link {
    /// The link as bytes, little endian: its fields in their order.
    pub fn encode(self) -> [u8; LINK] {
        let (Address([a, b, c, d, e, f]), [g, h], [i, j, k, l]) = (self.address, self.mtu.to_le_bytes(), self.lost.to_le_bytes());
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

/// What a client receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// How it stands with the link.
    Link(Link),
    /// A frame.
    Frame(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The message of these bytes; none where they are none.
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        match *bytes {
            [a, b, c, d, e, f, g, h, i, j, k, l] => {
                Some(Self::Link(Link { address: Address([a, b, c, d, e, f]), mtu: u16::from_le_bytes([g, h]), lost: u32::from_le_bytes([i, j, k, l]) }))
            }
            _ if is_frame(bytes.len()) => Some(Self::Frame(bytes)),
            _ => None,
        }
    }
}

/// Whether a message of so many bytes is a frame.
pub const fn is_frame(length: usize) -> bool {
    SHORTEST <= length && length <= LARGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_told_and_understood() {
        let link = Link { address: Address([2, 3, 4, 5, 6, 7]), mtu: 0x0809, lost: 0x0a0b_0c0d };
        assert_eq!(link.encode(), [2, 3, 4, 5, 6, 7, 9, 8, 0x0d, 0x0c, 0x0b, 0x0a]);
        assert_eq!(Message::of(&link.encode()), Some(Message::Link(link)));
    }

    #[test]
    fn what_a_message_is_follows_from_its_length() {
        let bytes = [7; LARGEST + 1];
        for length in 0..=bytes.len() {
            let bytes = &bytes[..length];
            match Message::of(bytes) {
                Some(Message::Link(_)) => assert_eq!(length, 12),
                Some(Message::Frame(frame)) => assert!(frame == bytes && (14..=1514).contains(&length)),
                None => assert!(length < 12 || length == 13 || length == 1515),
            }
        }
    }

    #[test]
    fn addresses_of_one_station() {
        for (first, one) in [(0x52, true), (0x02, true), (0x01, false), (0xff, false)] {
            assert_eq!(Address([first, 0, 0, 0, 0, 1]).is_of_one(), one);
        }
        assert!(!Address::default().is_of_one() && !Address::EVERYBODY.is_of_one());
    }
}
