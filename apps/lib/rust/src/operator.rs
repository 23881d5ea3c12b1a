//! The protocol `munal-operator/1` of a service that has whoever runs this machine press keys and move pointers.
//!
//! A request is a line of text, in ASCII and without its end: a seat, and events that are to happen there at once, each its kind, its
//! code and its value. Kinds and codes are those of `input`. The reply has no bytes where the line was passed on, and otherwise says in
//! UTF-8 why not. That something was pressed, the device tells that it was pressed on.

use crate::input::{ABSOLUTE, Event, KEY};
use crate::text::Line;
use core::fmt::Write;

/// The most bytes of a request.
pub const LONGEST: usize = 512;

/// Whose devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// Those that the machine has by itself.
    Machine,
    /// Those that belong to a display.
    Display,
}

/// Asks for events that happen at once: keys and movements, as many as a line has room for.
pub fn request(seat: Seat, events: &[Event]) -> Line<LONGEST> {
    let mut line = Line::of(format_args!("{}", if seat == Seat::Machine { "machine" } else { "display" }));
    for Event { kind, code, value } in events {
        let kind = match *kind {
            KEY => "key",
            ABSOLUTE => "abs",
            _ => "rel",
        };
        let _ = write!(line, " {kind} {code} {value}");
    }
    line
}

/// Whether it can be passed on as one line.
pub fn is_line(request: &[u8]) -> bool {
    (1..=LONGEST).contains(&request.len()) && request.iter().all(|byte| (b' '..=b'~').contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{RELATIVE, X, Y};

    #[test]
    fn events_are_a_line() {
        let at = |code, value| Event { kind: ABSOLUTE, code, value };
        assert_eq!(request(Seat::Display, &[at(X, 16_384), at(Y, 0)]).as_str(), "display abs 0 16384 abs 1 0");
        assert_eq!(request(Seat::Machine, &[Event { kind: KEY, code: 30, value: 1 }]).as_str(), "machine key 30 1");
        assert_eq!(request(Seat::Machine, &[Event { kind: RELATIVE, code: Y, value: -3 }]).as_str(), "machine rel 1 -3");
    }

    #[test]
    fn what_is_no_line_is_known() {
        assert!(is_line(request(Seat::Display, &[Event { kind: KEY, code: 88, value: 0 }]).as_bytes()) && is_line(&[b'~'; LONGEST]));
        assert!(![&b""[..], b"machine\nkey", b"\x80", b"a\0", &[b' '; LONGEST + 1]].into_iter().any(is_line));
    }
}
