//! Paints a picture in each mode of a screen, of which tests/boot/test_virtio_gpu.py knows every pixel.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::{string::{String, ToString}, vec::Vec};
use munal::display::{Mode, REPLY, Rectangle, Request, Status};

munal::bindings!();
munal::main!(run);

const LOG: log::log = log::log;

fn run() {
    let mut last = None;
    loop {
        match paint(&mut last) {
            Ok(()) => {}
            Err(Status::Outdated) => continue,
            Err(why) => {
                munal::log!(LOG, "{why:?}");
                return;
            }
        }
        if stream::modes.read(&mut [0; 64]).is_err() {
            munal::log!(LOG, "no driver is left");
            return;
        }
    }
}

/// Paints all of it, unless the mode is that which was painted last.
fn paint(last: &mut Option<Mode>) -> Result<(), Status> {
    let mode = ask(Request::Mode, &[])?;
    if last.is_some_and(|last| last.number == mode.number) {
        return Ok(());
    }
    let at = |x, y, width, height| Rectangle { x, y, width, height };
    let fill = |to, colour| ask(Request::Fill { mode: mode.number, to, colour }, &[]);
    fill(at(3, 5, mode.width - 7, mode.height - 11), 0x20_3040)?;
    for band in at(0, 30, mode.width, mode.height - 60).bands() {
        ask(Request::Present { mode: mode.number, to: band }, &pixels(band, |x, y| (x * 3) << 16 | y))?;
    }
    let middle = at(37, 41, 333, 277);
    ask(Request::Present { mode: mode.number, to: middle }, &pixels(middle, |x, y| x << 8 | (x ^ y)))?;
    fill(at(0, 0, 1, 1), 0xff_ffff)?;
    fill(at(mode.width - 1, mode.height - 1, 1, 1), 0x00_ff00)?;
    let one = at(100, 7, 1, 1);
    ask(Request::Present { mode: mode.number, to: one }, &[0x33, 0x22, 0x11, 0xee])?;
    let answers: Vec<String> = [
        (Request::Fill { mode: mode.number, to: at(1, 0, mode.width, 1), colour: 0 }, 0),
        (Request::Present { mode: mode.number, to: at(0, mode.height, 1, 1) }, 4),
        (Request::Present { mode: mode.number, to: at(0, 0, 2, 2) }, 12),
        (Request::Fill { mode: mode.number, to: at(0, 0, 0, 1), colour: 0 }, 0),
        (Request::Fill { mode: mode.number.wrapping_sub(1), to: mode.all(), colour: 0 }, 0),
    ].into_iter().map(|(request, bytes)| alloc::format!("{:?}", ask(request, &[0; 12][..bytes]).err())).collect();
    munal::log!(LOG, "{}", answers.join(" "));
    munal::log!(LOG, "painted {} x {}", mode.width, mode.height);
    *last = Some(mode);
    Ok(())
}

/// The pixels of a rectangle, by their places on the screen.
fn pixels(of: Rectangle, colour: impl Fn(u32, u32) -> u32) -> Vec<u8> {
    let places = (of.y..of.y + of.height).flat_map(|y| (of.x..of.x + of.width).map(move |x| (x, y)));
    let mut all = Vec::with_capacity(of.bytes() as usize);
    all.extend(places.flat_map(|(x, y)| (colour(x, y) & 0xff_ffff).to_le_bytes()));
    all
}

/// Asks, and asks again where the driver ended meanwhile.
fn ask(request: Request, pixels: &[u8]) -> Result<Mode, Status> {
    let message = [&request.encode()[..], pixels].concat();
    let mut reply = [0; REPLY + Mode::LENGTH];
    let length = loop {
        match service::display.call(&message, &mut reply) {
            Ok(length) => break length as usize,
            Err(Error::Restarted) => {}
            Err(why) => {
                munal::log!(LOG, "{}", why.to_string());
                return Err(Status::Failed);
            }
        }
    };
    match Status::of(&reply[..length.min(reply.len())]) {
        Status::Done => Mode::decode(&reply[REPLY..]).ok_or(Status::Malformed),
        status => Err(status),
    }
}
