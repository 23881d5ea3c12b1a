//! What is asked of a network card: that the router of QEMU's user network (10.0.2.2) says its address, many times over
//! (RFC 826; the network is that of `-netdev user`).

use crate::{CLOCK, Error, why};
use alloc::{format, string::String};
use munal::ethernet::{Address, LARGEST, Message, arp};
use munal::time::{MILLISECOND, SECOND};

/// Questions that are asked, one after the other, and how long an answer is waited for in all.
const QUESTIONS: u64 = 500;
const PATIENCE: u64 = 10 * SECOND;
/// After this time a question is asked again: a card may be deaf when its driver begins.
const AGAIN: i64 = 200 * MILLISECOND as i64;

const OWN: [u8; 4] = [10, 0, 2, 15];
const ROUTER: [u8; 4] = [10, 0, 2, 2];

/// The channel to a card's driver.
pub struct Card {
    /// Sends a message.
    pub send: fn(&[u8]) -> Result<u32, Error>,
    /// Receives one, for so many nanoseconds.
    pub receive: fn(&mut [u8], i64) -> Result<u32, Error>,
}

/// Figures, or why it failed.
pub fn check(card: &Card) -> Result<String, String> {
    let mut frame = [0; LARGEST];
    (card.send)(&[]).map_err(why)?;
    let own = loop {
        let length = (card.receive)(&mut frame, PATIENCE as i64).map_err(why)?;
        if let Some(Message::Link(link)) = Message::of(&frame[..length as usize]) {
            break link.address;
        }
    };
    let (router, _) = ask(card, own, &mut frame, CLOCK.now() + PATIENCE)?;
    let before = CLOCK.now();
    let mut asked = 0;
    for _ in 0..QUESTIONS {
        let (answer, times) = ask(card, own, &mut frame, CLOCK.now() + PATIENCE)?;
        if answer != router {
            return Err(format!("the router says that it is {answer}, and was {router}"));
        }
        asked += times;
    }
    let each = (CLOCK.now() - before) / QUESTIONS / 1000;
    Ok(format!("{own}, {QUESTIONS} answers of {router} to {asked} questions, {each} us each"))
}

/// The router's address, and how often it was asked for.
fn ask(card: &Card, own: Address, frame: &mut [u8; LARGEST], end: u64) -> Result<(Address, u64), String> {
    let question = arp::question(own, OWN, ROUTER);
    for times in 1.. {
        if CLOCK.now() >= end {
            break;
        }
        (card.send)(&question).map_err(why)?;
        loop {
            match (card.receive)(frame, AGAIN) {
                Ok(length) => if let Some(found) = arp::answer(&frame[..(length as usize).min(LARGEST)], ROUTER) {
                    return Ok((found, times));
                },
                Err(Error::TimedOut) => break,
                Err(error) => return Err(why(error)),
            }
        }
    }
    Err("nobody answers".into())
}
