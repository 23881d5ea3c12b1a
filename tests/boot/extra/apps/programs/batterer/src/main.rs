//! Says numbers in order, and restarts the driver that carries them while they are on their way; at last says what it has heard.
#![no_std]
#![no_main]

use munal::text::{Line, Writer};
use munal::time::MILLISECOND;

munal::bindings!();
munal::main!(run);

const CONSOLE: stream::console = stream::console;
const CLOCK: clock::time = clock::time;

/// Restarts of the driver, and numbers that are said before each.
const ROUNDS: usize = 100;
const NUMBERS: usize = 40;
/// How much longer the driver lives each round, in turns of eight.
const STEP: u64 = 3 * MILLISECOND / 20;

fn run() -> Result<(), Error> {
    let (mut heard, mut length) = ([0; 8192], 0);
    say(b"munal battered: it begins\n")?;
    CONSOLE.flush(munal::FOREVER)?; // the line by which the guest is known from its firmware is not said in pieces
    for round in 0..ROUNDS {
        for number in round * NUMBERS..(round + 1) * NUMBERS {
            say(Line::<16>::of(format_args!("<{number}>")).as_bytes())?;
        }
        say(b"\n")?;
        CLOCK.sleep(CLOCK.now() + round as u64 % 8 * STEP);
        control::driver.restart(b"com1")?;
        length += listen(&mut heard[length..]);
    }
    let early = CONSOLE.flush(0);
    CONSOLE.flush(munal::FOREVER)?; // what the last driver says once more does not fall on what comes now
    let late = CONSOLE.flush(0);
    say(Line::<64>::of(format_args!("flushed: {early:?}, then {late:?}\n")).as_bytes())?;
    say(b"heard: ")?;
    say(&heard[..length])?;
    say(b"\nthat is all\n")
}

fn say(text: &[u8]) -> Result<(), Error> {
    Writer::new(|bytes: &[u8]| CONSOLE.write(bytes)).write_all(text)
}

/// Takes what has come.
fn listen(buffer: &mut [u8]) -> usize {
    CONSOLE.try_read(buffer).unwrap_or(0) as usize
}
