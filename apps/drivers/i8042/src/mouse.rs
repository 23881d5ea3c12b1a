//! Packets of a PS/2 mouse, of three bytes or, with a wheel, of four (IBM Personal System/2 Mouse Technical Reference; the wheel as
//! Microsoft's IntelliMouse has it).

use munal::input::{Event, KEY, LEFT, MIDDLE, RELATIVE, RIGHT, WHEEL, X, Y};

/// Always set in a packet's first byte: how the beginning is found again after a byte was lost.
const FIRST: u8 = 1 << 3;
const SIGN: [u8; 2] = [1 << 4, 1 << 5];
const OVERFLOW: u8 = 1 << 6 | 1 << 7;
const BUTTONS: [(u8, u16); 3] = [(1, LEFT), (2, RIGHT), (4, MIDDLE)];

/// What came of a packet, and which buttons are pressed.
pub struct Mouse {
    packet: [u8; 4],
    length: usize,
    came: usize,
    buttons: u8,
}

/// The most events that one packet is: three buttons, two axes, the wheel, and their end.
pub const MOST: usize = 7;

impl Mouse {
    /// A mouse that sends three bytes, or four.
    pub const fn new(has_wheel: bool) -> Self {
        Self { packet: [0; 4], length: if has_wheel { 4 } else { 3 }, came: 0, buttons: 0 }
    }

    /// Takes a byte of the mouse's; where it ends a packet that tells something, `tell` gets the events, their end included.
    pub fn take(&mut self, byte: u8, tell: &mut impl FnMut(Event)) {
        if self.came == 0 && byte & FIRST == 0 {
            return;
        }
        self.packet[self.came] = byte;
        self.came += 1;
        if self.came == self.length {
            self.came = 0;
            self.decode(tell);
        }
    }

    fn decode(&mut self, tell: &mut impl FnMut(Event)) {
        let [first, x, y, wheel] = self.packet;
        let mut any = false;
        let mut event = |kind, code, value| {
            any = true;
            tell(Event { kind, code, value });
        };
        for (bit, code) in BUTTONS {
            if (first ^ self.buttons) & bit != 0 {
                event(KEY, code, i32::from(first & bit != 0));
            }
        }
        self.buttons = first & 7;
        let movement = |byte: u8, sign: u8| i32::from(byte) - if first & sign != 0 { 256 } else { 0 };
        // A movement beyond nine bits is not known: how the hand moved is seen better from the next one.
        let (x, y) = if first & OVERFLOW == 0 { (movement(x, SIGN[0]), -movement(y, SIGN[1])) } else { (0, 0) };
        // Four bits of the wheel count, with their sign; towards the person is positive there.
        let wheel = if self.length == 4 { -i32::from((wheel << 4) as i8 >> 4) } else { 0 };
        for (code, value) in [(X, x), (Y, y), (WHEEL, wheel)] {
            if value != 0 {
                event(RELATIVE, code, value);
            }
        }
        if any {
            tell(Event::END);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    fn events(has_wheel: bool, bytes: &[u8]) -> Vec<(u16, u16, i32)> {
        let (mut mouse, mut told) = (Mouse::new(has_wheel), Vec::new());
        bytes.iter().for_each(|&byte| mouse.take(byte, &mut |event: Event| told.push((event.kind, event.code, event.value))));
        told
    }

    const END: (u16, u16, i32) = (0, 0, 0);

    #[test]
    fn movements_have_signs_and_down_is_positive() {
        assert_eq!(events(false, &[0x08, 5, 3]), [(2, X, 5), (2, Y, -3), END]);
        assert_eq!(events(false, &[0x38, 0xfb, 0xff]), [(2, X, -5), (2, Y, 1), END]);
    }

    #[test]
    fn buttons_are_told_when_they_change() {
        assert_eq!(events(false, &[0x09, 0, 0, 0x09, 0, 0, 0x0e, 0, 0]), [(1, LEFT, 1), END, (1, LEFT, 0), (1, RIGHT, 1), (1, MIDDLE, 1), END]);
    }

    #[test]
    fn the_wheel_turns_both_ways() {
        assert_eq!(events(true, &[0x08, 0, 0, 0x0f, 0x08, 0, 0, 0x02]), [(2, WHEEL, 1), END, (2, WHEEL, -2), END]);
    }

    #[test]
    fn the_beginning_is_found_again() {
        assert_eq!(events(false, &[0x00, 0x07, 0x08, 1, 0]), [(2, X, 1), END]);
    }

    #[test]
    fn a_movement_too_far_to_be_told_is_none() {
        assert_eq!(events(false, &[0x49, 200, 1]), [(1, LEFT, 1), END]);
    }

    #[test]
    fn a_packet_tells_at_most_so_many() {
        assert_eq!(events(true, &[0x0f, 1, 1, 1]).len(), MOST);
    }
}
