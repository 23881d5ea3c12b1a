//! QEMU's debug console as the way to the machine's operator: lines that ask for keys go there, and nothing else.
#![no_std]
#![no_main]

use munal::FOREVER;
use munal::operator::{LONGEST, is_line};

munal::bindings!();
munal::main!(run);

const CONSOLE: port::console = port::console;
const CLIENTS: service_server::operator = service_server::operator;
const LOG: log::log = log::log;

/// The only register: what is written is said, and what is read tells that somebody may listen (hw/char/debugcon.c in QEMU's source).
const REGISTER: u16 = 0;
const PRESENT: u8 = 0xe9;

fn run() -> Result<(), Error> {
    if CONSOLE.read8(REGISTER) != PRESENT {
        munal::log!(LOG, "nobody operates this machine: no debug console answers at {:#x}", CONSOLE.base());
        return Ok(());
    }
    let mut request = [0; LONGEST];
    loop {
        let length = CLIENTS.receive(&mut request, FOREVER)? as usize;
        let line = request.get(..length).unwrap_or(&[]);
        let why_not: &[u8] = if is_line(line) { b"" } else { b"that is no line of text" };
        if why_not.is_empty() {
            line.iter().chain(b"\n").for_each(|byte| CONSOLE.write8(REGISTER, *byte));
        }
        match CLIENTS.reply(why_not) {
            Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
            Err(why) => return Err(why),
        }
    }
}
