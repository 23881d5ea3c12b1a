//! The console: lines of text both ways.

use crate::{Error, stream};
use alloc::string::String;
use munal::text::Writer;

const CONSOLE: stream::console = stream::console;

/// Writes a text. Errors: those of the stream.
pub fn say(text: &str) -> Result<(), Error> {
    Writer::new(|bytes: &[u8]| CONSOLE.write(bytes)).write_all(text.as_bytes())
}

/// Reads to the end of a line. Errors: those of the stream.
pub fn read_line(line: &mut String) -> Result<(), Error> {
    line.clear();
    while !line.ends_with('\n') {
        let mut byte = [0];
        if CONSOLE.read(&mut byte)? == 1 {
            line.push(char::from(byte[0]));
        }
    }
    Ok(())
}
