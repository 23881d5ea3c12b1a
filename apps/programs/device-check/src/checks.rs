//! What is asked of each device.

use crate::disk::{self, Disk};
use crate::network::{self, Card};
use crate::{CLOCK, Error, channel, service, stream};
use alloc::{format, string::{String, ToString}, vec::Vec};
use munal::display::{self, Mode, Rectangle};
use munal::FOREVER;
use munal::pci::{self, Function};

/// One device, or several of one driver.
pub struct Check {
    pub name: &'static str,
    pub granted: fn() -> bool,
    /// Figures, or why it failed.
    pub run: fn() -> Result<String, String>,
}

const NET: Card = Card {
    send: |bytes| channel::net.send(bytes, &[], FOREVER), receive: |buffer, timeout| channel::net.receive(buffer, &mut [], timeout),
};
const E1000: Card = Card {
    send: |bytes| channel::e1000.send(bytes, &[], FOREVER), receive: |buffer, timeout| channel::e1000.receive(buffer, &mut [], timeout),
};

const DISK: Disk = Disk { call: |request, reply| service::disk.call(request, reply) };
const AHCI: Disk = Disk { call: |request, reply| service::ahci.call(request, reply) };

/// All checks, in the order in which they are made.
pub const ALL: &[Check] = &[
    Check { name: "pci", granted: || service::pci.granted() != 0, run: functions },
    Check { name: "rng", granted: || stream::entropy.granted() != 0, run: entropy },
    Check { name: "disk", granted: || service::disk.granted() != 0, run: || disk::check(&DISK) },
    Check { name: "ahci", granted: || service::ahci.granted() != 0, run: || disk::check(&AHCI) },
    Check { name: "net", granted: || channel::net.granted() != 0, run: || network::check(&NET) },
    Check { name: "e1000", granted: || channel::e1000.granted() != 0, run: || network::check(&E1000) },
    Check { name: "display", granted: || service::display.granted() != 0, run: screen },
];

/// An error in words.
pub fn why(error: Error) -> String {
    error.to_string()
}

/// Megabytes a second, in tenths.
pub fn rate(bytes: usize, nanoseconds: u64) -> String {
    let tenths = bytes as u64 * 10_000 / nanoseconds.max(1);
    format!("{}.{} MB/s", tenths / 10, tenths % 10)
}

/// Does something and tells how long it took, in nanoseconds.
pub fn timed<T>(job: impl FnOnce() -> Result<T, String>) -> Result<(T, u64), String> {
    let before = CLOCK.now();
    let done = job()?;
    Ok((done, CLOCK.now() - before))
}

fn functions() -> Result<String, String> {
    let (mut count, mut interrupting) = (0, 0);
    let mut reply = [0; pci::LARGEST];
    loop {
        let length = service::pci.call(&u32::to_le_bytes(count), &mut reply).map_err(why)? as usize;
        let Some(function) = Function::decode(&reply[..length.min(reply.len())]) else { break };
        interrupting += u32::from(function.capabilities.iter().any(|capability| matches!(capability[0], 0x05 | 0x11)));
        count += 1;
    }
    if count == 0 { Err("no function answers".into()) } else { Ok(format!("{count} functions, {interrupting} with messages for interrupts")) }
}

/// Bytes whose values come up as often as chance lets them: chi-square of 255 degrees of freedom, which is above 400 once in 10^8.
fn entropy() -> Result<String, String> {
    const BYTES: usize = 256 << 10;
    let (mut counts, mut part) = ([0u32; 256], [0; 4096]);
    let ((), took) = timed(|| {
        let mut left = BYTES;
        while left > 0 {
            let room = left.min(part.len());
            let count = stream::entropy.read(&mut part[..room]).map_err(why)? as usize;
            part[..count].iter().for_each(|&byte| counts[usize::from(byte)] += 1);
            left -= count;
        }
        Ok(())
    })?;
    let expected = (BYTES / 256) as i64;
    let squares: i64 = counts.iter().map(|&count| (i64::from(count) - expected).pow(2)).sum();
    let chi = squares / expected;
    if !(120..400).contains(&chi) {
        return Err(format!("{BYTES} bytes are not random: chi-square {chi}"));
    }
    Ok(format!("{} KiB, {}, chi-square {chi}", BYTES >> 10, rate(BYTES, took)))
}

/// Draws whole screens in bands, then small pieces all over it; leaves a picture with bars of all colours.
fn screen() -> Result<String, String> {
    const FRAMES: u32 = 8;
    const PIECES: u32 = 256;
    const SIDE: u32 = 32;
    let mode = draw(display::Request::Mode, &[])?;
    let bars = |x: u32| [(x >> 6 & 1) * 255, (x >> 7 & 1) * 255, (x >> 8 & 1) * 255, 0].map(|part| part as u8);
    let row: Vec<u8> = (0..mode.width).flat_map(bars).collect();
    let ((), whole) = timed(|| {
        (0..FRAMES).flat_map(|_| mode.all().bands()).try_for_each(|to| present(mode, to, &row))
    })?;
    let side = SIDE.min(mode.width).min(mode.height);
    let places = |number: u32| (number * 61 % (mode.width - side + 1), number * 37 % (mode.height - side + 1));
    let ((), pieces) = timed(|| {
        (0..PIECES).try_for_each(|number| {
            let (x, y) = places(number);
            present(mode, Rectangle { x, y, width: side, height: side }, &row[..side as usize * display::PIXEL])
        })
    })?;
    let past = Rectangle { x: 1, ..mode.all() };
    if draw(display::Request::Fill { mode: mode.number, to: past, colour: 0 }, &[]).is_ok() {
        return Err("it draws past its edge".into());
    }
    let second = |count: u32, took: u64| u64::from(count) * 1_000_000_000 / took.max(1);
    Ok(format!("{} x {}, {} frames/s, {} pieces of {side} x {side}/s", mode.width, mode.height, second(FRAMES, whole), second(PIECES, pieces)))
}

fn present(mode: Mode, to: Rectangle, row: &[u8]) -> Result<(), String> {
    draw(display::Request::Present { mode: mode.number, to }, &row.repeat(to.height as usize)).map(|_| ())
}

/// The mode that the screen has, after what was asked for.
fn draw(request: display::Request, pixels: &[u8]) -> Result<Mode, String> {
    let message = [&request.encode()[..], pixels].concat();
    let mut reply = [0; display::REPLY + Mode::LENGTH];
    let length = service::display.call(&message, &mut reply).map_err(why)? as usize;
    let reply = &reply[..length.min(reply.len())];
    match display::Status::of(reply) {
        display::Status::Done => Mode::decode(&reply[display::REPLY..]).ok_or_else(|| "it does not say what it is".into()),
        status => Err(format!("{request:?}: {status:?}")),
    }
}
