//! Who has an address of the Internet Protocol, version 4: the question and its answer as whole frames (RFC 826).

use super::Address;

/// Bytes of a question.
pub const LENGTH: usize = 42;

/// The frame's type, and what both say first: Ethernet, version 4, addresses of 6 and of 4 bytes, question or answer.
const QUESTION: [u8; 10] = [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1];
const ANSWER: [u8; 10] = [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 2];

/// The frame by which `own`, who is `from`, asks everybody who `whom` is.
pub fn question(own: Address, from: [u8; 4], whom: [u8; 4]) -> [u8; LENGTH] {
    let mut frame = [0; LENGTH];
    frame[..6].copy_from_slice(&Address::EVERYBODY.0);
    frame[6..12].copy_from_slice(&own.0);
    frame[12..22].copy_from_slice(&QUESTION);
    frame[22..28].copy_from_slice(&own.0);
    frame[28..32].copy_from_slice(&from);
    frame[38..].copy_from_slice(&whom);
    frame
}

/// The address of `whom`, where the frame says it.
pub fn answer(frame: &[u8], whom: [u8; 4]) -> Option<Address> {
    let says = *frame.get(12..22)? == ANSWER && *frame.get(28..32)? == whom;
    says.then(|| frame[22..28].try_into().ok().map(Address)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKER: Address = Address([2, 0, 0, 0, 0, 1]);
    const ASKED: Address = Address([2, 0, 0, 0, 0, 2]);

    #[test]
    fn a_question_goes_to_everybody_and_says_who_asks() {
        let frame = question(ASKER, [10, 0, 2, 15], [10, 0, 2, 2]);
        assert_eq!(frame[..14], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6]);
        assert_eq!(frame[14..], [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2]);
    }

    #[test]
    fn an_answer_is_of_whom_was_asked_and_whole() {
        let mut frame = question(ASKED, [10, 0, 2, 2], [10, 0, 2, 15]);
        assert_eq!(answer(&frame, [10, 0, 2, 2]), None, "a question is no answer");
        frame[21] = 2;
        assert_eq!(answer(&frame, [10, 0, 2, 2]), Some(ASKED));
        assert_eq!(answer(&frame, [10, 0, 2, 3]), None);
        for length in 0..32 {
            assert_eq!(answer(&frame[..length], [10, 0, 2, 2]), None);
        }
    }
}
