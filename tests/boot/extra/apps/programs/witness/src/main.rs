//! One line of its log a case: what it was in when its peer died, and what it was answered.
#![no_std]
#![no_main]

use munal::FOREVER;

munal::bindings!();
munal::main!(run);

const BACK: stream_server::back = stream_server::back;
const DESK: service_server::desk = service_server::desk;
const CONTROL: control::all = control::all;
const LOG: log::log = log::log;

macro_rules! tell {
    ($($text:tt)*) => { munal::log!(LOG, $($text)*) };
}

fn run() -> Result<(), Error> {
    stays_dead()?;
    starts_anew()?;
    serves_the_dying()?;
    tell!("that is all");
    Ok(())
}

/// The peer's policy is never to restart it: each case starts it by hand.
fn stays_dead() -> Result<(), Error> {
    let (stream, service, mut byte) = (stream::mortal, service::mortal, [0]);
    let over = CONTROL.wait(b"mortal", 0, 0).err();
    tell!("wait for an end that has not come: {over:?}");
    let begin = || -> Result<u32, Error> {
        let over = CONTROL.start(b"mortal")?;
        expect_life(|buffer| stream.read(buffer)).map(|()| over)
    };
    let over = begin()?;
    stream.write(b"d")?;
    tell!("read: {:?}", stream.read(&mut byte));
    tell!("ends: {:?} after {over}", CONTROL.wait(b"mortal", over, FOREVER));
    begin()?;
    stream.write(b"d")?;
    let written = loop {
        match stream.write(&[b'x'; 200]) {
            Ok(_) => {}
            why => break why,
        }
    };
    tell!("write: {written:?}");
    begin()?;
    stream.write(b"d")?;
    let mut polls = [Poll::new(stream.handle(), events::READABLE | events::CLOSED)];
    let count = sip::wait(&mut polls, FOREVER);
    tell!("wait: {count:?}, closed {}", polls[0].ready == events::CLOSED);
    begin()?;
    tell!("call: {:?}", service.call(b"?", &mut byte));
    tell!("then read {:?}, write {:?}, call {:?}", stream.read(&mut byte), stream.write(b"x"), service.call(b"?", &mut byte));
    begin()?;
    stream.write(b"d")?;
    tell!("stop: {}, at once {}, read {:?}", CONTROL.stop(b"mortal").is_ok(), is(b"stopped"), stream.read(&mut byte));
    begin()?;
    tell!("restart: {}, at once {}, read {:?}", CONTROL.restart(b"mortal").is_ok(), !is(b"restarting"), stream.read(&mut byte));
    tell!("stop again: {}", CONTROL.stop(b"mortal").is_ok());
    Ok(())
}

/// Whether the status of the peer says so.
fn is(word: &[u8]) -> bool {
    let mut status = [0; 256];
    let length = CONTROL.status(b"mortal", &mut status).unwrap_or(0) as usize;
    status[..length.min(256)].windows(word.len()).any(|part| part == word)
}

/// The peer's policy is to restart it always: streams go on, and what was being served is to be asked again.
fn starts_anew() -> Result<(), Error> {
    let (stream, service, mut byte) = (stream::phoenix, service::phoenix, [0]);
    expect_life(|buffer| stream.read(buffer))?;
    stream.write(b"d")?;
    tell!("read on: {:?}", stream.read(&mut byte));
    stream.write(b"d")?;
    let mut left = 1000;
    while left > 0 {
        left -= stream.write(&[b'x'; 200][..left.min(200)])? as usize;
    }
    tell!("write on: {left} left");
    expect_life(|buffer| stream.read(buffer))?;
    stream.write(b"d")?;
    let mut polls = [Poll::new(stream.handle(), events::READABLE | events::CLOSED)];
    let count = sip::wait(&mut polls, FOREVER);
    tell!("wait on: {count:?}, readable {}", polls[0].ready == events::READABLE);
    expect_life(|buffer| stream.read(buffer))?;
    tell!("call again: {:?}", service.call(b"?", &mut byte));
    expect_life(|buffer| stream.read(buffer))
}

/// The client dies while it is served.
fn serves_the_dying() -> Result<(), Error> {
    let asked = DESK.receive(&mut [0], FOREVER);
    tell!("receive: {asked:?}, stop: {}, reply: {:?}", CONTROL.stop(b"petitioner").is_ok(), DESK.reply(b"!"));
    let mut polls = [Poll::new(BACK.handle(0), events::READABLE | events::CLOSED)];
    let count = sip::wait(&mut polls, FOREVER);
    tell!("serve: {count:?}, closed {}, read {:?}, write {:?}", polls[0].ready == events::CLOSED, BACK.try_read(0, &mut [0]), BACK.try_write(0, b"x"));
    Ok(())
}

/// The first byte of a life of the peer.
fn expect_life(read: impl Fn(&mut [u8]) -> Result<u32, Error>) -> Result<(), Error> {
    let mut byte = [0];
    read(&mut byte)?;
    if byte != *b"!" {
        tell!("a life began with {byte:?}");
    }
    Ok(())
}
