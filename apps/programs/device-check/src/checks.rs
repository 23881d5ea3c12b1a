//! What is asked of each device.

use crate::disk::{self, Disk};
use crate::input::{self, Device};
use crate::network::{self, Card};
use crate::{CLOCK, Error, channel, display, service, stream};
use alloc::{format, string::{String, ToString}, vec::Vec};
use munal::FOREVER;
use munal::operator::Seat;
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

const PS2_KEYBOARD: Device = Device { seat: Seat::Machine, handle: || stream::ps2_keyboard.handle(), read: |buffer| stream::ps2_keyboard.try_read(buffer) };
const PS2_MOUSE: Device = Device { seat: Seat::Machine, handle: || stream::ps2_mouse.handle(), read: |buffer| stream::ps2_mouse.try_read(buffer) };
const KEYBOARD: Device = Device { seat: Seat::Display, handle: || stream::keyboard.handle(), read: |buffer| stream::keyboard.try_read(buffer) };
const MOUSE: Device = Device { seat: Seat::Display, handle: || stream::mouse.handle(), read: |buffer| stream::mouse.try_read(buffer) };
const TABLET: Device = Device { seat: Seat::Display, handle: || stream::tablet.handle(), read: |buffer| stream::tablet.try_read(buffer) };
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
    Check { name: "display", granted: || service::display.granted() != 0, run: || display::check(|message, reply| service::display.call(message, reply)) },
    Check { name: "framebuffer", granted: || service::framebuffer.granted() != 0, run: || display::check(|message, reply| service::framebuffer.call(message, reply)) },
    Check { name: "ps2", granted: || operated() && stream::ps2_keyboard.granted() != 0 && stream::ps2_mouse.granted() != 0, run: ps2 },
    Check { name: "keyboard", granted: || operated() && stream::keyboard.granted() != 0, run: || input::keyboard(KEYBOARD) },
    Check { name: "mouse", granted: || operated() && stream::mouse.granted() != 0, run: || input::mouse(MOUSE) },
    Check { name: "tablet", granted: || operated() && stream::tablet.granted() != 0, run: || input::tablet(TABLET) },
    Check { name: "factorial", granted: || service::factorial.granted() != 0, run: factorials },
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

/// Whether anybody can be asked for keys.
fn operated() -> bool {
    service::operator.granted() != 0
}

/// The PC's keyboard and mouse, which one driver drives.
fn ps2() -> Result<String, String> {
    let keyboard = input::keyboard(PS2_KEYBOARD).map_err(|reason| in_words("keyboard", reason))?;
    let mouse = input::mouse(PS2_MOUSE).map_err(|reason| in_words("mouse", reason))?;
    Ok(format!("{keyboard}; {mouse}"))
}

/// Why a part of a device failed; what is not the part's own fault stays as it is.
fn in_words(part: &str, reason: String) -> String {
    if reason == Error::Closed.text() || reason == input::NOBODY { reason } else { format!("{part}: {reason}") }
}

/// Factorials of all numbers that have one in 32 bits, many times; none of the next.
fn factorials() -> Result<String, String> {
    const ROUNDS: u64 = 50;
    let of = |n: u32| -> Result<Option<u32>, String> {
        let mut reply = [0; 4];
        let length = service::factorial.call(&n.to_le_bytes(), &mut reply).map_err(why)?;
        Ok((length == 4).then_some(u32::from_le_bytes(reply)))
    };
    let (count, took) = timed(|| {
        let mut count = 0;
        for n in (0..ROUNDS).flat_map(|_| 0..=12) {
            let (found, wanted) = (of(n)?, (1..=n).product());
            if found != Some(wanted) {
                return Err(format!("{n}! is {wanted}, and not {found:?}"));
            }
            count += 1;
        }
        Ok(count)
    })?;
    match of(13)? {
        None => Ok(format!("{count} factorials, {} us each", took / count / 1000)),
        Some(found) => Err(format!("13! is more than 32 bits, and not {found}")),
    }
}
