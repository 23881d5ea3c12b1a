//! Checks the machine's devices one after the other, through the drivers that are granted, and says one line of each.
#![no_std]
#![no_main]

extern crate alloc;

mod checks;
mod disk;
mod display;
mod input;
mod network;

use alloc::{format, string::String};
use checks::why;
use munal::FOREVER;
use munal::power::Request;
use munal::text::{Line, Writer};

munal::bindings!();
munal::main!(run);

const CONSOLE: stream::console = stream::console;
const POWER: service::power = service::power;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

/// What the debug exit tells where a device failed.
const FAILED: u8 = 1;

fn run() -> Result<(), Error> {
    let mut failed = false;
    say(&Line::<64>::of(format_args!("munal devices: {} to check\n", checks::ALL.iter().filter(|check| (check.granted)()).count())))?;
    for check in checks::ALL.iter().filter(|check| (check.granted)()) {
        let (word, figures) = match (check.run)() {
            Ok(figures) => ("ok", figures),
            Err(why) if why == Error::Closed.text() => ("absent", String::new()), // its driver found none, and ended
            Err(why) if why == input::NOBODY => ("untried:", why),
            Err(why) => ("FAILED", why),
        };
        failed |= word == "FAILED";
        say(&Line::<256>::of(format_args!("device {}: {}\n", check.name, format!("{word} {figures}").trim_end())))?;
    }
    CONSOLE.flush(FOREVER)?;
    let (request, length) = if failed { Request::Exit(FAILED) } else { Request::Off }.encode();
    let mut reply = [0; 256];
    let count = POWER.call(&request[..length], &mut reply)? as usize;
    munal::log!(LOG, "{}", String::from_utf8_lossy(&reply[..count.min(reply.len())]));
    Ok(())
}

fn say<const N: usize>(line: &Line<N>) -> Result<(), Error> {
    Writer::new(|bytes: &[u8]| CONSOLE.write(bytes)).write_all(line.as_bytes())
}
