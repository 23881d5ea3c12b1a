//! What the shell asks of others: the time, and the end of the machine's run.

use crate::{Error, console, random, service, wall};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use munal::pci::{self, Function};
use munal::power::Request;
use munal::time::{DateTime, SECOND};
use munal::wall_clock;

const RTC: service::rtc = service::rtc;
const PCI: service::pci = service::pci;
const POWER: service::power = service::power;
const WALL: wall::time = wall::time;
const RANDOM: random::bytes = random::bytes;

/// What was said last is to reach the line first; a line that takes none of it for so long does not keep the machine on.
const LAST_WORDS_TAKE: i64 = 5 * SECOND as i64;

/// The date and time of day: by the driver of the real-time clock, which follows when somebody sets it, or by the kernel.
pub fn date() -> Result<DateTime, String> {
    if RTC.granted() == 0 {
        return kernels_date();
    }
    let mut reply = [0; wall_clock::REPLY_LENGTH];
    let length =
        asked_again(|| RTC.call(&wall_clock::REQUEST, &mut reply)).map_err(|why| format!("the clock does not answer: {why}"))?;
    let time = reply.get(..length as usize).and_then(wall_clock::time);
    time.and_then(|time| DateTime::from_unix(time / SECOND)).ok_or_else(|| "the clock does not know the time".into())
}

/// The date and time of day as the kernel knows it.
pub fn kernels_date() -> Result<DateTime, String> {
    if WALL.granted() == 0 {
        return Err("this shell is granted neither a clock as `rtc` nor the time of day".into());
    }
    let known = Some(WALL.now()).filter(|&time| time != 0);
    known.and_then(|time| DateTime::from_unix(time / SECOND)).ok_or_else(|| "the machine does not know the time of day".into())
}

/// Fills the buffer with random bytes.
pub fn random(buffer: &mut [u8]) -> Result<(), String> {
    if RANDOM.granted() == 0 {
        return Err("this shell is denied random bytes".into());
    }
    RANDOM.fill(buffer).map(|_| ()).map_err(|why| format!("no random bytes: {why}"))
}

/// All PCI functions.
pub fn pci_functions() -> Result<Vec<Function>, String> {
    if PCI.granted() == 0 {
        return Err("this shell is not granted a service as `pci`".into());
    }
    let (mut list, mut reply) = (Vec::new(), [0; pci::LARGEST]);
    loop {
        let number = (list.len() as u32).to_le_bytes();
        let length = asked_again(|| PCI.call(&number, &mut reply)).map_err(|why| format!("the service does not answer: {why}"))? as usize;
        match reply.get(..length) {
            Some([]) => return Ok(list),
            Some(bytes) => list.push(Function::decode(bytes).ok_or("the service answers what is no function")?),
            None => return Err("the service's answer is too long".into()),
        }
    }
}

/// Has the machine's run end. Comes back with the reason where it does not.
pub fn end(request: Request) -> Result<(), String> {
    if POWER.granted() == 0 {
        return Err("this shell is not granted a driver as `power`".into());
    }
    let _ = console::flush_line(LAST_WORDS_TAKE);
    let (bytes, count) = request.encode();
    let mut reply = [0; 256];
    let length =
        asked_again(|| POWER.call(&bytes[..count], &mut reply)).map_err(|why| format!("the driver does not answer: {why}"))?;
    Err(String::from_utf8_lossy(&reply[..(length as usize).min(reply.len())]).into_owned())
}

/// Asks once more where the peer was started anew in between; a peer that fails again and again is given up.
fn asked_again(mut ask: impl FnMut() -> Result<u32, Error>) -> Result<u32, Error> {
    match ask() {
        Err(Error::Restarted) => ask(),
        answer => answer,
    }
}
