//! What the warden says, and how it ends the machine's run.

use crate::{CLOCK, Error, log, service, stream};
use alloc::format;
use alloc::string::String;
use munal::power::Request;
use munal::text::Writer;
use munal::time::MILLISECOND;

const CONSOLE: stream::console = stream::console;
const POWER: service::power = service::power;
const LOG: log::log = log::log;

/// What was said last must reach the line first: a full stream of 4 KiB takes 356 ms at 115,200 baud.
const LAST_WORDS_TAKE: u64 = 400 * MILLISECOND;

/// Says a line.
pub fn say(line: &str) -> Result<(), String> {
    LOG.write(line.trim_end().as_bytes());
    Writer::new(|bytes: &[u8]| CONSOLE.write(bytes)).write_all(line.as_bytes()).map_err(|why| format!("the console: {why}"))
}

/// Has the machine powered off where all is well, else has it end with status 1. Comes back where neither is done.
pub fn end(well: bool) -> Result<(), String> {
    CLOCK.sleep(CLOCK.now() + LAST_WORDS_TAKE);
    let (bytes, count) = if well { Request::Off } else { Request::Exit(1) }.encode();
    let mut reply = [0; 256];
    let length = match POWER.call(&bytes[..count], &mut reply) {
        Err(Error::Restarted) => POWER.call(&bytes[..count], &mut reply),
        answer => answer,
    };
    let length = length.map_err(|why| format!("power: {why}"))? as usize;
    Err(String::from_utf8_lossy(&reply[..length.min(reply.len())]).into_owned())
}
