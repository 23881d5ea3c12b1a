//! From the bytes of a terminal to keys: UTF-8, control characters, and the escape sequences of ECMA-48 and of xterm.

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character to insert.
    Char(char),
    /// The end of the line.
    Enter,
    /// Delete before the cursor.
    Backspace,
    /// Delete at the cursor.
    Delete,
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// The line's start.
    Home,
    /// The line's end.
    End,
    /// The line before in the history.
    Up,
    /// The line after in the history.
    Down,
    /// A control character that is no key above: Ctrl and this letter.
    Ctrl(char),
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Plain,
    /// After ESC.
    Escape,
    /// After ESC O: one letter follows.
    Single,
    /// After ESC [: the first parameter, as far as it has come; whether another one started.
    Sequence { parameter: u16, more: bool },
    /// Inside of a character: its bits, and how many bytes are to come of how many.
    Character { code: u32, left: u8, length: u8 },
}

/// Reads keys byte by byte.
#[derive(Default)]
pub struct Keys {
    state: State,
    after_cr: bool,
}

const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

impl Keys {
    /// Takes the next byte; gives the key that it ends, if it ends one. What is no key and no UTF-8 is dropped.
    pub fn feed(&mut self, byte: u8) -> Option<Key> {
        let after_cr = core::mem::replace(&mut self.after_cr, byte == b'\r');
        match core::mem::take(&mut self.state) {
            State::Plain if byte == b'\n' && after_cr => None, // CR LF is one end of line
            State::Plain => self.plain(byte),
            State::Escape => self.escape(byte),
            State::Single => final_key(byte),
            State::Sequence { parameter, more } => self.sequence(parameter, more, byte),
            State::Character { code, left, length } => self.continue_character(code, left, length, byte),
        }
    }

    fn plain(&mut self, byte: u8) -> Option<Key> {
        match byte {
            b'\r' | b'\n' => Some(Key::Enter),
            DELETE | 0x08 => Some(Key::Backspace),
            ESCAPE => self.go(State::Escape),
            0x00..0x20 => Some(control(byte)),
            0x20..0x7f => Some(Key::Char(char::from(byte))),
            0xc2..=0xdf => self.start_character(byte & 0x1f, 2),
            0xe0..=0xef => self.start_character(byte & 0x0f, 3),
            0xf0..=0xf4 => self.start_character(byte & 0x07, 4),
            _ => None,
        }
    }

    fn escape(&mut self, byte: u8) -> Option<Key> {
        match byte {
            b'[' => self.go(State::Sequence { parameter: 0, more: false }),
            b'O' => self.go(State::Single),
            ESCAPE => self.go(State::Escape),
            0x00..0x20 => self.plain(byte), // a key that was pressed after Escape alone
            _ => None,
        }
    }

    fn sequence(&mut self, parameter: u16, more: bool, byte: u8) -> Option<Key> {
        match byte {
            b'0'..=b'9' if more => self.go(State::Sequence { parameter, more }),
            b'0'..=b'9' => {
                let parameter = parameter.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                self.go(State::Sequence { parameter, more })
            }
            0x20..0x40 => self.go(State::Sequence { parameter, more: true }),
            b'~' => numbered_key(parameter),
            0x40..0x7f => final_key(byte),
            _ => self.plain(byte), // no sequence after all
        }
    }

    fn start_character(&mut self, bits: u8, length: u8) -> Option<Key> {
        self.go(State::Character { code: u32::from(bits), left: length - 1, length })
    }

    fn continue_character(&mut self, code: u32, left: u8, length: u8, byte: u8) -> Option<Key> {
        if byte & 0xc0 != 0x80 {
            return self.plain(byte); // the character was cut; this byte starts something new
        }
        let code = code << 6 | u32::from(byte & 0x3f);
        if left > 1 {
            return self.go(State::Character { code, left: left - 1, length });
        }
        let char = char::from_u32(code).filter(|char| char.len_utf8() == usize::from(length) && !char.is_control());
        char.map(Key::Char)
    }

    fn go(&mut self, state: State) -> Option<Key> {
        self.state = state;
        None
    }
}

/// A control character as a key: those that Emacs and readline use for moving are the keys that move.
fn control(byte: u8) -> Key {
    match char::from(byte + b'@').to_ascii_lowercase() {
        'a' => Key::Home,
        'b' => Key::Left,
        'e' => Key::End,
        'f' => Key::Right,
        'n' => Key::Down,
        'p' => Key::Up,
        letter => Key::Ctrl(letter),
    }
}

/// The key of a sequence by its last byte (xterm's cursor keys).
fn final_key(byte: u8) -> Option<Key> {
    match byte {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'H' => Some(Key::Home),
        b'F' => Some(Key::End),
        _ => None,
    }
}

/// The key of a sequence that ends in `~` (VT220's editing keys, and rxvt's home and end).
fn numbered_key(parameter: u16) -> Option<Key> {
    match parameter {
        1 | 7 => Some(Key::Home),
        3 => Some(Key::Delete),
        4 | 8 => Some(Key::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    extern crate std;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        bytes.iter().filter_map(|&byte| keys.feed(byte)).collect()
    }

    #[test]
    fn ends_of_line_of_every_kind_count_once() {
        for bytes in [&b"\n"[..], b"\r", b"\r\n"] {
            assert_eq!(keys(bytes), [Key::Enter], "{bytes:?}");
        }
        assert_eq!(keys(b"\r\r\n\n"), [Key::Enter; 3]);
    }

    #[test]
    fn escape_sequences() {
        for (bytes, key) in [
            (&b"\x1b[A"[..], Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[C", Key::Right),
            (b"\x1b[1;5D", Key::Left),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1b[8~", Key::End),
            (b"\x1bOF", Key::End),
            (b"\x1b[3~", Key::Delete),
        ] {
            assert_eq!(keys(bytes), [key], "{bytes:?}");
        }
    }

    #[test]
    fn unknown_sequences_leave_nothing_behind() {
        assert_eq!(keys(b"\x1b[24~a\x1b[?2004hb\x1bxc\x1b[99999999999~d"), ['a', 'b', 'c', 'd'].map(Key::Char));
    }

    #[test]
    fn a_cut_sequence_does_not_swallow_the_end_of_line() {
        assert_eq!(keys(b"\x1b\n"), [Key::Enter]);
        assert_eq!(keys(b"\x1b[\n"), [Key::Enter]);
        assert_eq!(keys(b"\xc3\n"), [Key::Enter]);
    }

    #[test]
    fn characters_of_every_length() {
        assert_eq!(keys("aé€😀".as_bytes()), ['a', 'é', '€', '😀'].map(Key::Char));
    }

    #[test]
    fn what_is_no_utf_8_is_dropped() {
        assert_eq!(keys(b"\x80\xff\xc0\xaf"), []);
        assert_eq!(keys(b"\xe0\x80\xafa"), [Key::Char('a')]); // overlong
        assert_eq!(keys(b"\xed\xa0\x80a"), [Key::Char('a')]); // a surrogate
        assert_eq!(keys(b"\xc2\x9ba"), [Key::Char('a')]); // the control character CSI
    }

    #[test]
    fn control_characters() {
        assert_eq!(keys(b"\x01\x05\x03\x7f\x08"), [Key::Home, Key::End, Key::Ctrl('c'), Key::Backspace, Key::Backspace]);
    }
}
