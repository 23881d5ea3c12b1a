//! Text without a heap: a line of bounded length, and a writer that pushes all of a text through a call that takes parts.

use core::fmt::{self, Write};

/// A text of at most `N` bytes, UTF-8. What does not fit is cut, at a character.
pub struct Line<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Line<N> {
    /// The empty line.
    pub const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    /// The formatted text, cut where it does not fit.
    pub fn of(text: fmt::Arguments<'_>) -> Self {
        let mut line = Self::new();
        let _ = line.write_fmt(text);
        line
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl<const N: usize> Default for Line<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Write for Line<N> {
    /// Errors: when `text` was cut.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut fits = text.len().min(N - self.length);
        while !text.is_char_boundary(fits) {
            fits -= 1;
        }
        self.bytes[self.length..self.length + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.length += fits;
        if fits == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Writes whole texts through `put`, which takes some bytes of what it is given and answers how many: a stream's `write`.
pub struct Writer<F> {
    put: F,
}

impl<F, E> Writer<F>
where
    F: FnMut(&[u8]) -> Result<u32, E>,
{
    /// A writer over `put`.
    pub const fn new(put: F) -> Self {
        Self { put }
    }

    /// Writes all of `bytes`. Errors: those of `put`.
    pub fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), E> {
        while !bytes.is_empty() {
            let taken = (self.put)(bytes)? as usize;
            bytes = &bytes[taken.min(bytes.len())..];
        }
        Ok(())
    }
}

impl<F, E> Write for Writer<F>
where
    F: FnMut(&[u8]) -> Result<u32, E>,
{
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write_all(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    #[test]
    fn a_line_is_cut_at_a_character() {
        let mut line = Line::<4>::new();
        assert!(line.write_str("ab").is_ok());
        assert!(line.write_str("cé").is_err());
        assert_eq!(line.as_str(), "abc");
    }

    #[test]
    fn a_line_that_just_fits_is_whole() {
        let mut line = Line::<4>::new();
        assert!(line.write_str("abé").is_ok());
        assert_eq!(line.as_str(), "abé");
    }

    #[test]
    fn a_writer_goes_on_until_all_is_taken() {
        let mut got = Vec::new();
        let mut writer = Writer::new(|bytes: &[u8]| {
            let part = bytes.len().min(3);
            got.extend_from_slice(&bytes[..part]);
            Ok::<u32, ()>(part as u32)
        });
        writer.write_all(b"hello, world").unwrap();
        assert_eq!(got, b"hello, world");
    }

    #[test]
    fn a_writer_stops_at_an_error() {
        let mut calls = 0;
        let mut writer = Writer::new(|_: &[u8]| {
            calls += 1;
            if calls == 1 { Ok(1) } else { Err("closed") }
        });
        assert_eq!(writer.write_all(b"abc"), Err("closed"));
        assert_eq!(calls, 2);
    }
}
