//! Scan codes of set 1, as the controller translates them, into key codes of the input protocol (IBM Personal System/2 Hardware
//! Interface Technical Reference, keyboard; the codes of the keys up to 0x53 are the same in both).

/// After this comes the code of a key that the first keyboards did not have.
const EXTENDED: u8 = 0xe0;
/// The key Pause: this and five more bytes, and no release of its own.
const PAUSE: u8 = 0xe1;
const AFTER_PAUSE: u8 = 5;
const RELEASED: u8 = 0x80;
/// Bytes that are no keys: answers and an overrun; and a test that was passed.
const NO_KEYS: [u8; 4] = [0x00, 0xfa, 0xfe, 0xff];
const WELL: u8 = 0xaa;
const LEFT_SHIFT: u16 = 42;

/// The last code that is the same in both; above, these.
const LAST_SAME: u8 = 0x53;
const OTHERS: [(u8, u16); 4] = [(0x54, 99), (0x56, 86), (0x57, 87), (0x58, 88)];
/// Keys after `EXTENDED`. Shifts that the keyboard sends around some of them are not among these, and are left out.
const EXTENDED_KEYS: [(u8, u16); 29] = [
    (0x10, 165), (0x19, 163), (0x1c, 96), (0x1d, 97), (0x20, 113), (0x22, 164), (0x24, 166), (0x2e, 114), (0x30, 115), (0x35, 98), (0x37, 99), (0x38, 100),
    (0x46, 119), (0x47, 102), (0x48, 103), (0x49, 104), (0x4b, 105), (0x4d, 106), (0x4f, 107), (0x50, 108), (0x51, 109), (0x52, 110), (0x53, 111), (0x5b, 125),
    (0x5c, 126), (0x5d, 127), (0x5e, 116), (0x5f, 142), (0x63, 143),
];
const KEY_PAUSE: u16 = 119;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stroke {
    /// The key's code.
    pub key: u16,
    /// 1 pressed, 0 released, 2 still pressed: the keyboard repeats it.
    pub value: i32,
}

/// What came so far of a key's code, and which keys are pressed.
#[derive(Default)]
pub struct Keyboard {
    extended: bool,
    /// Bytes of the key Pause that are still to come.
    pausing: u8,
    pressed: [u64; 3],
}

impl Keyboard {
    /// Takes a byte of the keyboard's; answers what it ends.
    pub fn take(&mut self, byte: u8) -> Option<Stroke> {
        if self.pausing > 0 {
            self.pausing -= 1;
            return (self.pausing == 0).then_some(Stroke { key: KEY_PAUSE, value: 1 });
        }
        let extended = core::mem::take(&mut self.extended);
        match byte {
            PAUSE => {
                self.pausing = AFTER_PAUSE;
                None
            }
            EXTENDED => {
                self.extended = true;
                None
            }
            // The release of the left shift reads as a test that was passed: it is one only where that key is not pressed.
            WELL if !extended && !self.is_pressed(LEFT_SHIFT) => None,
            byte if !extended && NO_KEYS.contains(&byte) => None,
            byte => Some(self.stroke(key(byte & !RELEASED, extended)?, byte & RELEASED == 0)),
        }
    }

    fn is_pressed(&self, key: u16) -> bool {
        self.pressed[usize::from(key / 64)] & 1 << (key % 64) != 0
    }

    fn stroke(&mut self, key: u16, down: bool) -> Stroke {
        let (word, bit) = (&mut self.pressed[usize::from(key / 64)], 1 << (key % 64));
        let was_down = *word & bit != 0;
        *word = if down { *word | bit } else { *word & !bit };
        Stroke { key, value: i32::from(down) + i32::from(down && was_down) }
    }
}

/// The key that a code stands for; none for what is no key.
fn key(code: u8, extended: bool) -> Option<u16> {
    let of = |table: &[(u8, u16)]| table.iter().find(|&&(known, _)| known == code).map(|&(_, key)| key);
    match (code, extended) {
        (_, true) => of(&EXTENDED_KEYS),
        (1..=LAST_SAME, false) => Some(u16::from(code)),
        (_, false) => of(&OTHERS),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    fn strokes(bytes: &[u8]) -> Vec<(u16, i32)> {
        let mut keyboard = Keyboard::default();
        bytes.iter().filter_map(|&byte| keyboard.take(byte)).map(|stroke| (stroke.key, stroke.value)).collect()
    }

    #[test]
    fn a_key_is_pressed_repeated_and_released() {
        assert_eq!(strokes(&[0x1e, 0x1e, 0x1e, 0x9e, 0x1e]), [(30, 1), (30, 2), (30, 2), (30, 0), (30, 1)]);
    }

    #[test]
    fn keys_of_later_keyboards() {
        assert_eq!(strokes(&[0xe0, 0x48, 0xe0, 0xc8, 0x48, 0xc8]), [(103, 1), (103, 0), (72, 1), (72, 0)]);
        assert_eq!(strokes(&[0x57, 0xd7, 0x56, 0x58]), [(87, 1), (87, 0), (86, 1), (88, 1)]);
    }

    #[test]
    fn shifts_around_a_key_are_left_out() {
        assert_eq!(strokes(&[0xe0, 0x2a, 0xe0, 0x52, 0xe0, 0xd2, 0xe0, 0xaa]), [(110, 1), (110, 0)]);
    }

    #[test]
    fn pause_is_one_stroke() {
        assert_eq!(strokes(&[0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x1e]), [(KEY_PAUSE, 1), (30, 1)]);
    }

    #[test]
    fn answers_and_what_nobody_knows_are_no_keys() {
        assert_eq!(strokes(&NO_KEYS), []);
        assert_eq!(strokes(&[WELL, 0x2a, WELL, WELL]), [(LEFT_SHIFT, 1), (LEFT_SHIFT, 0)], "the left shift's release looks like a test that was passed");
        assert_eq!(strokes(&[0x7f, 0xe0, 0x7f, 0x1e]), [(30, 1)]);
    }

    #[test]
    fn any_bytes_are_taken() {
        let mut keyboard = Keyboard::default();
        for round in 0..4u32 {
            for byte in 0..=255u8 {
                let other = (u32::from(byte).wrapping_mul(2_654_435_761) >> (8 * round)) as u8;
                [byte, other].into_iter().filter_map(|byte| keyboard.take(byte)).for_each(|stroke| assert!((1..192).contains(&stroke.key)));
            }
        }
    }
}
