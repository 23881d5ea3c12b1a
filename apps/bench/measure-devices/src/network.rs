//! Questions to the router of QEMU's user network for its address.

use crate::{Error, channel};
use munal::ethernet::{Address, LARGEST, Message, arp};
use munal::time::MILLISECOND;

const NET: channel::net = channel::net;
/// Who asks, and who is asked, in QEMU's user network.
const OWN: [u8; 4] = [10, 0, 2, 15];
const ROUTER: [u8; 4] = [10, 0, 2, 2];
/// How often one thing is asked, and when it is asked again: a card may be deaf at first.
const TRIES: u32 = 50;
const AGAIN: i64 = 200 * MILLISECOND as i64;

/// A card, and the question that it is to send, once its address is known.
pub struct Card {
    question: Option<[u8; arp::LENGTH]>,
    frame: [u8; LARGEST],
}

impl Card {
    /// One that nobody asked for anything.
    pub fn new() -> Self {
        Self { question: None, frame: [0; LARGEST] }
    }

    /// Asks so many times, each time when the answer before is there; answers how many came. Errors: those of the channel.
    pub fn round_trips(&mut self, operations: u32) -> Result<u64, Error> {
        let question = match self.question {
            Some(question) => question,
            None => arp::question(self.address()?, OWN, ROUTER),
        };
        self.question = Some(question);
        let mut answered = 0;
        for _ in 0..operations {
            answered += u64::from(self.ask(&question)?);
        }
        Ok(answered)
    }

    fn address(&mut self) -> Result<Address, Error> {
        NET.send(&[], &[], munal::FOREVER)?;
        loop {
            let length = self.receive(munal::FOREVER)?;
            if let Some(Message::Link(link)) = Message::of(&self.frame[..length]) {
                return Ok(link.address);
            }
        }
    }

    fn ask(&mut self, question: &[u8]) -> Result<bool, Error> {
        for _ in 0..TRIES {
            NET.send(question, &[], munal::FOREVER)?;
            loop {
                match self.receive(AGAIN) {
                    Ok(length) => if arp::answer(&self.frame[..length], ROUTER).is_some() {
                        return Ok(true);
                    },
                    Err(Error::TimedOut) => break,
                    Err(why) => return Err(why),
                }
            }
        }
        Ok(false)
    }

    fn receive(&mut self, timeout: i64) -> Result<usize, Error> {
        Ok((NET.receive(&mut self.frame, &mut [], timeout)? as usize).min(LARGEST))
    }
}
