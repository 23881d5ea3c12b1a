//! Sleeps while frames come; then takes what waits, up to the answer to its question of what it lost.
#![no_std]
#![no_main]

use munal::ethernet::{LARGEST, Message};
use munal::time::SECOND;

munal::bindings!();
munal::main!(run);

const FRAMES: channel::frames = channel::frames;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

/// Long enough for more frames than a channel holds; QEMU's e1000 is deaf for its first second.
const SLEEP: u64 = 4 * SECOND;

fn run() -> Result<(), Error> {
    loop {
        CLOCK.sleep(CLOCK.now() + SLEEP);
        FRAMES.send(&[], &[], munal::FOREVER)?;
        let (mut links, mut frames) = (0, 0);
        // The driver's own first word, and its answer.
        while links < 2 {
            let mut buffer = [0; LARGEST];
            let length = FRAMES.receive(&mut buffer, &mut [], munal::FOREVER)? as usize;
            match Message::of(&buffer[..length]) {
                Some(Message::Link(link)) => {
                    links += 1;
                    munal::log!(LOG, "link {links} behind {frames} frames: {} lost", link.lost);
                }
                _ => frames += 1,
            }
        }
        CLOCK.sleep(u64::MAX);
    }
}
