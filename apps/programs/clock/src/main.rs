//! Tells the wall time each second, on the second: in its log and, where one is granted, on the stream `console`.
//!
//! It asks the service `rtc` anew each second, so that it follows when the clock there is corrected, and sleeps in between.
#![no_std]
#![no_main]

use core::fmt;
use munal::text::{Line, Writer};
use munal::time::{DateTime, SECOND};
use munal::wall_clock;

munal::bindings!();
munal::main!(run);

const LOG: log::log = log::log;
const CLOCK: clock::time = clock::time;

enum Failure {
    Asking(Error),
    Unknown,
    Telling(Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Asking(why) => write!(f, "cannot ask for the time: {why}"),
            Failure::Unknown => f.write_str("the clock does not know the time"),
            Failure::Telling(why) => write!(f, "cannot write to the console: {why}"),
        }
    }
}

fn run() -> Result<(), Failure> {
    let shows = stream::console.granted() != 0;
    loop {
        let second = sleep_to_next_second()?;
        let Some(date) = DateTime::from_unix(second) else { return Err(Failure::Unknown) };
        munal::log!(LOG, "{date}");
        if shows {
            tell(date)?;
        }
    }
}

/// Sleeps until the wall clock's next full second; answers it, in seconds since 1970.
fn sleep_to_next_second() -> Result<u64, Failure> {
    let now = ask()?;
    let asked_at = CLOCK.now();
    let second = now / SECOND + 1;
    CLOCK.sleep(asked_at + (second * SECOND - now));
    Ok(second)
}

/// The wall time, in nanoseconds since 1970.
fn ask() -> Result<u64, Failure> {
    let mut reply = [0; wall_clock::REPLY_LENGTH];
    let length = loop {
        match service::rtc.call(&wall_clock::REQUEST, &mut reply) {
            Err(Error::Restarted) => continue, // its driver was started anew, and waits for requests again
            answer => break answer.map_err(Failure::Asking)?,
        }
    };
    reply.get(..length as usize).and_then(wall_clock::time).ok_or(Failure::Unknown)
}

fn tell(date: DateTime) -> Result<(), Failure> {
    let line = Line::<64>::of(format_args!("{date}\n"));
    Writer::new(|bytes: &[u8]| stream::console.write(bytes)).write_all(line.as_bytes()).map_err(Failure::Telling)
}
