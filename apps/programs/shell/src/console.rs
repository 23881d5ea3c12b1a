//! The shell's terminal: a stream of bytes in, whole texts out.

use crate::{Error, stream};
use alloc::string::String;
use munal::text::Writer;

const CONSOLE: stream::console = stream::console;

/// Waits for bytes; answers how many came.
pub fn read(buffer: &mut [u8]) -> Result<usize, Error> {
    CONSOLE.read(buffer).map(|count| count as usize)
}

/// Writes all of a text. Errors: `Closed` when nobody carries it any more.
pub fn say(text: &str) -> Result<(), Error> {
    say_bytes(text.as_bytes())
}

/// Writes all bytes of a text.
pub fn say_bytes(text: &[u8]) -> Result<(), Error> {
    Writer::new(|bytes: &[u8]| CONSOLE.write(bytes)).write_all(text)
}

/// Writes what was gathered, and empties it.
pub fn flush(text: &mut String) -> Result<(), Error> {
    say(&core::mem::take(text))
}

/// Waits until the line has all that was said, for so many nanoseconds at most.
pub fn flush_line(longest: i64) -> Result<(), Error> {
    CONSOLE.flush(longest).map(|_| ())
}
