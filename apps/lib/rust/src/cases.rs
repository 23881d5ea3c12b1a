//! The protocol `munal-cases/1` of a service that hands out the numbers of test cases to a client that may not survive them.
//!
//! A request is eight bytes, little endian: in a life's first one, 0 and how many cases there are; after a case that the
//! client survived, 1 and what it answered. The reply is the number of the next case, four bytes. Who has done all of them
//! waits for a reply that does not come.

/// What a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// It has just started, and has so many cases.
    Started(u32),
    /// The case that it was given last answered this.
    Answered(i32),
}

impl Request {
    /// The request in `bytes`; none where there is no such request.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, value) = bytes.split_first_chunk::<4>()?;
        let value = <[u8; 4]>::try_from(value).ok()?;
        match u32::from_le_bytes(*kind) {
            0 => Some(Request::Started(u32::from_le_bytes(value))),
            1 => Some(Request::Answered(i32::from_le_bytes(value))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_requests() {
        assert_eq!(Request::decode(&[0, 0, 0, 0, 1, 2, 0, 0]), Some(Request::Started(513)));
        assert_eq!(Request::decode(&[1, 0, 0, 0, 254, 255, 255, 255]), Some(Request::Answered(-2)));
    }

    #[test]
    fn all_else_is_refused() {
        for bytes in [&[][..], &[0; 4], &[0; 7], &[0; 9], &[2, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Request::decode(bytes), None);
        }
    }
}
