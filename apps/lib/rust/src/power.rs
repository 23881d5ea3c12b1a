//! The protocol `munal-power/1` of a service that can end the machine's run.
//!
//! Request: one byte that says what to do, for `exit` followed by the code. A reply is why it was not done, UTF-8: where it
//! is done, nobody is left to read one.

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Power off.
    Off,
    /// Start the machine anew.
    Reset,
    /// End the emulator with a code, for tests.
    Exit(u8),
}

impl Request {
    /// The request as bytes: the buffer, and how many of it count.
    pub const fn encode(self) -> ([u8; 2], usize) {
        match self {
            Request::Off => ([0, 0], 1),
            Request::Reset => ([1, 0], 1),
            Request::Exit(code) => ([2, code], 2),
        }
    }

    /// The request in `bytes`; none where there is no such request.
    pub const fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(Request::Off),
            [1] => Some(Request::Reset),
            [2, code] => Some(Request::Exit(*code)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_understood() {
        for request in [Request::Off, Request::Reset, Request::Exit(0), Request::Exit(255)] {
            let (bytes, length) = request.encode();
            assert_eq!(Request::decode(&bytes[..length]), Some(request));
        }
    }

    #[test]
    fn all_else_is_refused() {
        for bytes in [&[][..], &[0, 0], &[2], &[3], &[2, 1, 1]] {
            assert_eq!(Request::decode(bytes), None);
        }
    }
}
