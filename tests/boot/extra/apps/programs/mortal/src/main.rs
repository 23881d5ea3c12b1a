//! Says `!` when a life begins; then each byte that it is sent is a way to die, and so is each request.
#![no_std]
#![no_main]

use munal::FOREVER;
use munal::time::MILLISECOND;

munal::bindings!();
munal::main!(run);

const DATA: stream_server::data = stream_server::data;
const ASK: service_server::ask = service_server::ask;

/// Long enough for the peer to be waiting when this one dies. Where it is not yet, it is to be answered the same.
const MOMENT: u64 = 5 * MILLISECOND;

fn run() -> Result<(), Error> {
    DATA.try_write(0, b"!")?;
    let mut polls = [Poll::new(DATA.handle(0), events::READABLE), Poll::new(ASK.handle(), events::READABLE)];
    loop {
        sip::wait(&mut polls, FOREVER)?;
        if polls[1].is(events::READABLE) {
            ASK.receive(&mut [0], FOREVER)?;
            die();
        }
        let mut byte = [0];
        match (DATA.try_read(0, &mut byte), byte[0]) {
            (Ok(1), b'd') => die(),
            _ => {} // anything else only takes room
        }
    }
}

fn die() -> ! {
    clock::time.sleep(clock::time.now() + MOMENT);
    core::arch::wasm32::unreachable()
}
