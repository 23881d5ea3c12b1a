//! Says what is there, then writes step by step, and says how far it came whenever that is synced.
#![no_std]
#![no_main]

extern crate alloc;

use munal::files::client::{Client, Fault};
use munal::text::{Line, Writer};
use chronicle::{PACE, examine, write};

munal::bindings!();
munal::main!(run);

const HOME: files::home = files::home;
const CONSOLE: stream::console = stream::console;

fn run() -> Result<(), Fault> {
    let ask = |request: &[u8], reply: &mut [u8]| HOME.call(request, reply).ok().map(|length| length as usize);
    let mut client = Client::new(ask, 256 << 10);
    let found = match examine(&mut client) {
        Ok(found) => found,
        Err(name) => return say(format_args!("torn {name}\n")),
    };
    say(format_args!("found {found:?}\n"))?;
    let mut step = found.iter().copied().max().unwrap_or(0);
    loop {
        step += 1;
        write(&mut client, step)?;
        if step % PACE == 0 {
            client.sync()?;
            say(format_args!("synced {step}\n"))?;
        }
    }
}

fn say(text: core::fmt::Arguments<'_>) -> Result<(), Fault> {
    let line = Line::<128>::of(text);
    Writer::new(|bytes: &[u8]| CONSOLE.write(bytes)).write_all(line.as_bytes()).map_err(|_| Fault::Silent)
}
