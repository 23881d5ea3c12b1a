//! The protocol `munal-wall-clock/1` of a service that knows the time of day.
//!
//! Request: one byte, `NOW`. Reply: eight bytes, little endian: nanoseconds since 1970-01-01 00:00:00 UTC; or none at all
//! where the clock's time is not known or the request is not understood.

/// Ask for the time.
pub const NOW: u8 = 0;

/// The request for the time.
pub const REQUEST: [u8; 1] = [NOW];

/// The length of a reply that carries the time.
pub const REPLY_LENGTH: usize = 8;

/// The reply to `request`, given the time as `now` knows it; empty where there is none.
pub fn reply(request: &[u8], now: Option<u64>) -> Option<[u8; REPLY_LENGTH]> {
    (request == REQUEST).then_some(now)?.map(u64::to_le_bytes)
}

/// The time in a reply.
pub fn time(reply: &[u8]) -> Option<u64> {
    reply.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_understood() {
        let sent = reply(&REQUEST, Some(1_234_567_890_123)).unwrap();
        assert_eq!(time(&sent), Some(1_234_567_890_123));
    }

    #[test]
    fn no_time_for_what_is_no_request() {
        assert_eq!(reply(&[], Some(1)), None);
        assert_eq!(reply(&[NOW, 0], Some(1)), None);
        assert_eq!(reply(&REQUEST, None), None);
        assert_eq!(time(&[]), None);
        assert_eq!(time(&[0; 7]), None);
    }
}
