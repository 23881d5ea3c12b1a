//! The line that is being typed: keys change it, and what the terminal has to do so that it shows it is written to `screen`.
//!
//! Each character is taken to fill one column. At the line's end, typing and deleting need no escape sequences.

use crate::history::History;
use crate::keys::{Key, Keys};
use alloc::string::String;
use core::fmt::Write;

/// The longest line, in bytes.
pub const LONGEST: usize = 512;

const BELL: char = '\x07';
const ERASE_TO_END: &str = "\x1b[K";
const CLEAR_SCREEN: &str = "\x1b[H\x1b[2J";

/// What the person did, beside editing.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// Entered a line.
    Line(String),
    /// Gave up the line (Ctrl-C).
    Cancelled,
    /// Ended the input on an empty line (Ctrl-D).
    End,
}

/// A line editor with a history.
#[derive(Default)]
pub struct Editor {
    keys: Keys,
    line: String,
    /// A byte index in `line`, at a character's start or the end.
    cursor: usize,
    history: History,
    prompt: &'static str,
}

impl Editor {
    /// An editor whose line stands after `prompt`, which whoever calls it shows.
    pub fn new(prompt: &'static str) -> Self {
        Self { prompt, ..Self::default() }
    }

    /// Takes a byte from the terminal, and writes what it has to show.
    pub fn feed(&mut self, byte: u8, screen: &mut String) -> Option<Input> {
        match self.keys.feed(byte)? {
            Key::Enter => return Some(self.enter(screen)),
            Key::Ctrl('c') => return Some(self.cancel(screen)),
            Key::Ctrl('d') if self.line.is_empty() => return Some(Input::End),
            Key::Char(char) => self.insert(char, screen),
            Key::Backspace => self.delete(self.before_cursor()..self.cursor, screen),
            Key::Delete | Key::Ctrl('d') => self.delete(self.cursor..self.after_cursor(), screen),
            Key::Left => self.move_to(self.before_cursor(), screen),
            Key::Right => self.move_to(self.after_cursor(), screen),
            Key::Home => self.move_to(0, screen),
            Key::End => self.move_to(self.line.len(), screen),
            Key::Ctrl('u') => self.delete(0..self.cursor, screen),
            Key::Ctrl('k') => self.delete(self.cursor..self.line.len(), screen),
            Key::Ctrl('w') => self.delete(self.word_before_cursor()..self.cursor, screen),
            Key::Ctrl('l') => self.clear_screen(screen),
            Key::Up => {
                if let Some(line) = self.history.older(&self.line).map(String::from) {
                    self.replace(line, screen);
                }
            }
            Key::Down => {
                if let Some(line) = self.history.newer().map(String::from) {
                    self.replace(line, screen);
                }
            }
            Key::Ctrl(_) => {}
        }
        None
    }

    fn enter(&mut self, screen: &mut String) -> Input {
        screen.push('\n');
        let line = core::mem::take(&mut self.line);
        self.cursor = 0;
        self.history.add(&line);
        Input::Line(line)
    }

    fn cancel(&mut self, screen: &mut String) -> Input {
        screen.push_str("^C\n");
        self.line.clear();
        self.cursor = 0;
        self.history.add("");
        Input::Cancelled
    }

    fn insert(&mut self, char: char, screen: &mut String) {
        if self.line.len() + char.len_utf8() > LONGEST {
            screen.push(BELL);
            return;
        }
        self.line.insert(self.cursor, char);
        self.cursor += char.len_utf8();
        screen.push(char);
        self.show_rest("", screen);
    }

    /// Deletes a range that ends or starts at the cursor.
    fn delete(&mut self, range: core::ops::Range<usize>, screen: &mut String) {
        if range.is_empty() {
            return;
        }
        self.move_to(range.start, screen);
        self.line.drain(range);
        self.show_rest(ERASE_TO_END, screen);
    }

    fn replace(&mut self, line: String, screen: &mut String) {
        self.move_to(0, screen);
        screen.push_str(&line);
        screen.push_str(ERASE_TO_END);
        self.cursor = line.len();
        self.line = line;
    }

    fn clear_screen(&mut self, screen: &mut String) {
        screen.push_str(CLEAR_SCREEN);
        screen.push_str(self.prompt);
        screen.push_str(&self.line[..self.cursor]);
        self.show_rest("", screen);
    }

    /// Shows what stands from the cursor on, then `and`, and goes back to the cursor.
    fn show_rest(&self, and: &str, screen: &mut String) {
        screen.push_str(&self.line[self.cursor..]);
        screen.push_str(and);
        move_columns('D', columns(&self.line[self.cursor..]), screen);
    }

    fn move_to(&mut self, target: usize, screen: &mut String) {
        if target < self.cursor {
            move_columns('D', columns(&self.line[target..self.cursor]), screen);
        } else {
            move_columns('C', columns(&self.line[self.cursor..target]), screen);
        }
        self.cursor = target;
    }

    fn before_cursor(&self) -> usize {
        self.line[..self.cursor].char_indices().next_back().map_or(0, |(index, _)| index)
    }

    fn after_cursor(&self) -> usize {
        self.cursor + self.line[self.cursor..].chars().next().map_or(0, char::len_utf8)
    }

    /// The start of the word before the cursor; spaces in between count to it.
    fn word_before_cursor(&self) -> usize {
        let words = self.line[..self.cursor].trim_end();
        words.char_indices().rev().find(|(_, char)| char.is_whitespace()).map_or(0, |(index, char)| index + char.len_utf8())
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Moves the terminal's cursor by `count` columns; `D` is to the left, `C` to the right (ECMA-48, 8.3.18 and 8.3.20).
fn move_columns(direction: char, count: usize, screen: &mut String) {
    match (direction, count) {
        (_, 0) => {}
        ('D', 1) => screen.push('\x08'),
        _ => write!(screen, "\x1b[{count}{direction}").expect("a string takes everything"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    extern crate std;

    /// A terminal of one line: it does what the editor tells it to, so that what is shown can be compared with what is meant.
    #[derive(Default)]
    struct Terminal {
        cells: Vec<char>,
        column: usize,
    }

    impl Terminal {
        fn show(&mut self, text: &str) {
            let mut chars = text.chars();
            while let Some(char) = chars.next() {
                match char {
                    '\x1b' => self.escape(&mut chars),
                    '\x08' => self.column -= 1,
                    BELL => {}
                    '\n' => *self = Self::default(),
                    _ => {
                        self.cells.resize(self.cells.len().max(self.column + 1), ' ');
                        self.cells[self.column] = char;
                        self.column += 1;
                    }
                }
            }
        }

        fn escape(&mut self, chars: &mut core::str::Chars<'_>) {
            assert_eq!(chars.next(), Some('['));
            let mut digits = String::new();
            let command = loop {
                match chars.next().unwrap() {
                    digit @ '0'..='9' => digits.push(digit),
                    command => break command,
                }
            };
            match command {
                'K' => self.cells.truncate(self.column),
                'D' => self.column -= digits.parse::<usize>().unwrap(),
                'C' => self.column += digits.parse::<usize>().unwrap(),
                'H' => self.column = 0,
                'J' => self.cells.clear(),
                _ => panic!("{command}"),
            }
        }
    }

    struct Session {
        editor: Editor,
        terminal: Terminal,
        inputs: Vec<Input>,
    }

    fn type_in(bytes: impl AsRef<[u8]>) -> Session {
        let mut session = Session { editor: Editor::new("> "), terminal: Terminal::default(), inputs: Vec::new() };
        session.type_in(bytes);
        session
    }

    impl Session {
        fn type_in(&mut self, bytes: impl AsRef<[u8]>) {
            for &byte in bytes.as_ref() {
                let mut screen = String::new();
                self.inputs.extend(self.editor.feed(byte, &mut screen));
                self.terminal.show(&screen);
                self.check();
            }
        }

        /// What the terminal shows is the line, with its cursor where the editor's is. (Ctrl-L shows a prompt before it.)
        fn check(&self) {
            let shown: String = self.terminal.cells.iter().collect();
            let after_prompt = shown.strip_prefix("> ").unwrap_or(&shown);
            assert_eq!(after_prompt.trim_end(), self.editor.line.trim_end());
            let prompt = columns(&shown) - columns(after_prompt);
            assert_eq!(self.terminal.column - prompt, columns(&self.editor.line[..self.editor.cursor]));
        }
    }

    fn line_of(bytes: impl AsRef<[u8]>) -> String {
        match type_in(bytes).inputs.pop() {
            Some(Input::Line(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn editing() {
        for (typed, line) in [
            ("ps\n", "ps"),
            ("pss\x7f\n", "ps"),
            ("\x7fps\r", "ps"),
            ("s\x1b[Dp\n", "ps"),
            ("s\x01p\x05 a\n", "ps a"),
            ("xps\x1b[H\x1b[3~\n", "ps"),
            ("ps\x1b[3~\n", "ps"),
            ("log com1\x17rtc\n", "log rtc"),
            ("log com1  \x17rtc\n", "log rtc"),
            ("abc\x15ps\n", "ps"),
            ("psabc\x1b[D\x1b[D\x1b[D\x0b\n", "ps"),
            ("a\x01\x04ps\n", "ps"),
            ("é€\x1b[D\x7f😀\n", "😀€"),
            ("né\x17\n", ""),
        ] {
            assert_eq!(line_of(typed), line, "{typed:?}");
        }
    }

    #[test]
    fn at_the_end_of_the_line_no_escape_sequence_is_needed() {
        let (mut editor, mut screen) = (Editor::new("> "), String::new());
        for byte in *b"ps\n" {
            editor.feed(byte, &mut screen);
        }
        assert_eq!(screen, "ps\n");
    }

    #[test]
    fn history_comes_back_and_can_be_edited() {
        assert_eq!(line_of("one\ntwo\ndra\x1b[A\x1b[A!\n"), "one!");
        assert_eq!(line_of("one\ndraft\x1b[A\x1b[B\n"), "draft");
        assert_eq!(line_of("one\n\x1b[B\x1b[A\x1b[A\n"), "one");
    }

    #[test]
    fn giving_up_and_ending() {
        assert_eq!(type_in("abc\x03").inputs, [Input::Cancelled]);
        assert_eq!(type_in("\x04").inputs, [Input::End]);
        assert_eq!(line_of("abc\x03ps\n"), "ps");
    }

    #[test]
    fn clearing_the_screen_keeps_the_line() {
        assert_eq!(line_of("abd\x1b[D\x0cc\n"), "abcd");
    }

    #[test]
    fn the_line_is_bounded() {
        let line = line_of(std::format!("{}\n", "x".repeat(2 * LONGEST)));
        assert_eq!(line.len(), LONGEST);
        assert_eq!(line_of(std::format!("{}é\n", "x".repeat(LONGEST - 1))).len(), LONGEST - 1);
    }

    #[test]
    fn what_is_shown_is_what_is_meant_whatever_is_pressed() {
        let keys: [&[u8]; 15] = [
            b"a",
            "é".as_bytes(),
            b" ",
            b"\x7f",
            b"\x1b[3~",
            b"\x1b[D",
            b"\x1b[C",
            b"\x01",
            b"\x05",
            b"\x17",
            b"\x0b",
            b"\x1b[A",
            b"\x1b[B",
            b"\n",
            b"\x15",
        ];
        let (mut session, mut random) = (type_in(""), 12345u32);
        for _ in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            session.type_in(keys[(random >> 16) as usize % keys.len()]);
        }
        assert!(session.inputs.len() > 500);
    }
}
