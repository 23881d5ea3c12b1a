//! What is asked of a screen: whole pictures, small pieces, and nothing past its edge.

use crate::Error;
use crate::checks::{timed, why};
use alloc::{format, string::String, vec::Vec};
use munal::display::{Mode, PIXEL, REPLY, Rectangle, Request, Status};

/// Asks a screen's driver.
pub type Screen = fn(&[u8], &mut [u8]) -> Result<u32, Error>;

/// Draws whole screens in bands, then small pieces all over it; leaves a picture with bars of all colours.
pub fn check(screen: Screen) -> Result<String, String> {
    const FRAMES: u32 = 8;
    const PIECES: u32 = 256;
    const SIDE: u32 = 32;
    let mode = draw(screen, Request::Mode, &[])?;
    let bars = |x: u32| [(x >> 6 & 1) * 255, (x >> 7 & 1) * 255, (x >> 8 & 1) * 255, 0].map(|part| part as u8);
    let row: Vec<u8> = (0..mode.width).flat_map(bars).collect();
    let ((), whole) = timed(|| {
        (0..FRAMES).flat_map(|_| mode.all().bands()).try_for_each(|to| present(screen, mode, to, &row))
    })?;
    let side = SIDE.min(mode.width).min(mode.height);
    let places = |number: u32| (number * 61 % (mode.width - side + 1), number * 37 % (mode.height - side + 1));
    let ((), pieces) = timed(|| {
        (0..PIECES).try_for_each(|number| {
            let (x, y) = places(number);
            present(screen, mode, Rectangle { x, y, width: side, height: side }, &row[..side as usize * PIXEL])
        })
    })?;
    let past = Rectangle { x: 1, ..mode.all() };
    if draw(screen, Request::Fill { mode: mode.number, to: past, colour: 0 }, &[]).is_ok() {
        return Err("it draws past its edge".into());
    }
    let second = |count: u32, took: u64| u64::from(count) * 1_000_000_000 / took.max(1);
    Ok(format!("{} x {}, {} frames/s, {} pieces of {side} x {side}/s", mode.width, mode.height, second(FRAMES, whole), second(PIECES, pieces)))
}

fn present(screen: Screen, mode: Mode, to: Rectangle, row: &[u8]) -> Result<(), String> {
    draw(screen, Request::Present { mode: mode.number, to }, &row.repeat(to.height as usize)).map(|_| ())
}

/// The mode that the screen has, after what was asked for.
fn draw(screen: Screen, request: Request, pixels: &[u8]) -> Result<Mode, String> {
    let message = [&request.encode()[..], pixels].concat();
    let mut reply = [0; REPLY + Mode::LENGTH];
    let length = screen(&message, &mut reply).map_err(why)? as usize;
    let reply = &reply[..length.min(reply.len())];
    match Status::of(reply) {
        Status::Done => Mode::decode(&reply[REPLY..]).ok_or_else(|| "it does not say what it is".into()),
        status => Err(format!("{request:?}: {status:?}")),
    }
}
