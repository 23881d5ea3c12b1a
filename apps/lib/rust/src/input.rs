//! The protocol `munal-input/1` of a stream: what an input device tells.
//!
//! The server writes events of `LENGTH` bytes; those between two reports happened at once. Kinds, codes and values are those of
//! Linux's input subsystem (Documentation/input/event-codes.rst there), which virtio's input devices have, too (virtio 1.2, section
//! 5.8). A client that is slower than the device finds an event `DROPPED` where some are missing: what it believes to be pressed
//! is then to be forgotten.

#[cfg(feature = "alloc")]
pub mod clients;

/// Bytes of an event.
pub const LENGTH: usize = 8;

/// Ends what happened at once (code `REPORT`), or tells that events are missing (code `DROPPED`).
pub const SYNC: u16 = 0;
/// A key or a button: value 1 pressed, 0 released, 2 still pressed.
pub const KEY: u16 = 1;
/// A movement, as a difference.
pub const RELATIVE: u16 = 2;
/// A movement, as a place: from 0, left or above, to `FAR`, whatever the device counts by.
pub const ABSOLUTE: u16 = 3;

/// With `ABSOLUTE`: where an axis ends, right or below. Axes that count something else than places have the device's numbers: which
/// finger is told of (0x2f), what it is (0x37 to 0x39).
pub const FAR: i32 = 32_767;

/// With `SYNC`: the report ends here.
pub const REPORT: u16 = 0;
/// With `SYNC`: events are missing here.
pub const DROPPED: u16 = 3;

/// With `RELATIVE` or `ABSOLUTE`: to the right.
pub const X: u16 = 0;
/// With `RELATIVE` or `ABSOLUTE`: down.
pub const Y: u16 = 1;
/// With `RELATIVE`: notches of the wheel, away from the person.
pub const WHEEL: u16 = 8;

/// With `KEY`: the first of a mouse's buttons, left, right and middle.
pub const LEFT: u16 = 0x110;
/// The right button.
pub const RIGHT: u16 = 0x111;
/// The middle button.
pub const MIDDLE: u16 = 0x112;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// `SYNC`, `KEY`, `RELATIVE` or `ABSOLUTE`; others may come.
    pub kind: u16,
    /// Which key or axis.
    pub code: u16,
    /// What happened to it.
    pub value: i32,
}

impl Event {
    /// The end of what happened at once.
    pub const END: Self = Self { kind: SYNC, code: REPORT, value: 0 };
    /// Events are missing here.
    pub const LOST: Self = Self { kind: SYNC, code: DROPPED, value: 0 };

    /// The event as bytes, little endian.
    pub fn encode(self) -> [u8; LENGTH] {
        let ([a, b], [c, d], [e, f, g, h]) = (self.kind.to_le_bytes(), self.code.to_le_bytes(), self.value.to_le_bytes());
        [a, b, c, d, e, f, g, h]
    }

    /// The event in `bytes`.
    pub fn decode(bytes: &[u8; LENGTH]) -> Self {
        let [a, b, c, d, e, f, g, h] = *bytes;
        Self { kind: u16::from_le_bytes([a, b]), code: u16::from_le_bytes([c, d]), value: i32::from_le_bytes([e, f, g, h]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        for event in [Event { kind: KEY, code: LEFT, value: 1 }, Event { kind: RELATIVE, code: Y, value: -300 }, Event::END, Event::LOST] {
            assert_eq!(Event::decode(&event.encode()), event);
        }
        assert_eq!(Event { kind: 1, code: 0x0203, value: 0x0405_0607 }.encode(), [1, 0, 3, 2, 7, 6, 5, 4]);
    }
}
