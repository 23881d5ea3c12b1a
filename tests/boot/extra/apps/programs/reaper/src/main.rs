//! Starts each of its victims in turn and ends it: at once, or after a moment that is another each time, wherever it is then.
//! After each round of lives it tells what memory the machine has left.
#![no_std]
#![no_main]

extern crate alloc;

use munal::audit::System;
use munal::text::Writer;

munal::bindings!();
munal::main!(run);

const CLOCK: clock::time = clock::time;
const VICTIMS: control::victims = control::victims;
const NAMES: [&str; 6] = ["once", "loop", "grow", "grow-table", "log-flood", "trap"];
/// Lives between two lines.
const ROUND: u32 = 996;
/// The longest that a victim is left alone, in nanoseconds.
const LONGEST: u64 = 400_000;

fn run() -> Result<(), Error> {
    let mut random = 0x2545_f491_u32;
    let mut lives = 0;
    loop {
        tell(lives)?;
        for life in 0..ROUND {
            one(NAMES[life as usize % NAMES.len()].as_bytes(), &mut random)?;
        }
        lives += ROUND;
    }
}

fn one(name: &[u8], random: &mut u32) -> Result<(), Error> {
    let over = VICTIMS.start(name)?;
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    if name == b"once" || name == b"trap" {
        VICTIMS.wait(name, over, -1)?;
    } else {
        CLOCK.sleep(CLOCK.now() + u64::from(*random) % LONGEST);
        VICTIMS.stop(name)?;
    }
    Ok(())
}

fn tell(lives: u32) -> Result<(), Error> {
    let mut buffer = [0; 2048];
    let length = audit::all.system(&mut buffer)? as usize;
    let system = buffer.get(..length).and_then(|bytes| System::decode(bytes).ok()).ok_or(Error::TooLarge)?;
    let line = alloc::format!(
        "after {lives} lives: {} bytes free, {} of heap, {} memories, {} us\n",
        system.memory_free, system.memory_heap, system.memories, system.uptime / 1000
    );
    Writer::new(|bytes: &[u8]| stream::console.write(bytes)).write_all(line.as_bytes())
}
