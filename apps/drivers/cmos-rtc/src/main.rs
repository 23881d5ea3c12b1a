//! The PC's clock as a service: reads it at the start, finds the moment when its second changes, and answers who asks.
#![no_std]
#![no_main]

use cmos_rtc::registers::{self, A, A_UIP, B, D, D_VALID, DATA, INDEX, INDEX_MASK, Reading, USUAL_CENTURY};
use cmos_rtc::tracker::{Sight, Tracker};
use munal::time::{DateTime, MILLISECOND};
use munal::wall_clock;

munal::bindings!();
munal::main!(run);

const REGS: port::regs = port::regs;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;
const CLIENTS: service_server::time = service_server::time;

/// Where the FADT holds the century's register (ACPI 6.5, table 5.9).
const FADT_CENTURY: u32 = 108;
const FADT: u32 = u32::from_le_bytes(*b"FACP");

/// An update takes at most 2.3 ms (MC146818A, table 5): a clock that updates for longer than this is none.
const READING_TRIES: u32 = 50;

fn run() -> Result<(), Error> {
    let century = century_register();
    let Some(second) = read_second(century) else {
        munal::log!(LOG, "no clock answers at port {:#x}, or it holds no date", REGS.base());
        return Ok(());
    };
    let battery = if read(D) & D_VALID == 0 { "; its battery failed, the date may be wrong" } else { "" };
    munal::log!(LOG, "the clock shows {}{battery}", Shown(second));
    serve(Tracker::new(second, CLOCK.now()), century)
}

/// Answers requests for ever, and looks at the clock in between as often as the tracker wants.
fn serve(mut tracker: Tracker, century: Option<u8>) -> Result<(), Error> {
    let mut request = [0; wall_clock::REQUEST.len() + 1];
    loop {
        match CLIENTS.receive(&mut request, tracker.next_look(CLOCK.now()) as i64) {
            Ok(length) => answer(request.get(..length as usize).unwrap_or_default(), &tracker)?,
            Err(Error::TimedOut) => {}
            Err(why) => return Err(why),
        }
        look(&mut tracker, century);
    }
}

fn answer(request: &[u8], tracker: &Tracker) -> Result<(), Error> {
    let reply = wall_clock::reply(request, Some(tracker.time(CLOCK.now())));
    match CLIENTS.reply(reply.as_ref().map_or(&[], |time| &time[..])) {
        Ok(_) | Err(Error::NotFound) => Ok(()), // not found: who asked has ended
        Err(why) => Err(why),
    }
}

/// Lets the tracker see the clock, if it is time to.
fn look(tracker: &mut Tracker, century: Option<u8>) {
    if tracker.is_due(CLOCK.now())
        && let Some(second) = read_second(century)
        && tracker.look(second, CLOCK.now()) == Sight::StandsStill
    {
        munal::log!(LOG, "the clock stands still at {}", Shown(second));
    }
}

/// The second that the clock shows, counted from 1970; none where it holds no date or never ends its update.
fn read_second(century: Option<u8>) -> Option<u64> {
    let mut before = None;
    for _ in 0..READING_TRIES {
        if read(A) & A_UIP != 0 {
            CLOCK.sleep(CLOCK.now() + MILLISECOND);
            continue;
        }
        let reading = Reading::take(read, century);
        if before == Some(reading) {
            return reading.date(read(B))?.to_unix();
        }
        before = Some(reading); // the same twice: no update came in between
    }
    None
}

fn read(register: u8) -> u8 {
    REGS.write8(INDEX, register & INDEX_MASK);
    REGS.read8(DATA)
}

/// The register that holds the century: what the firmware says, which may be that there is none.
fn century_register() -> Option<u8> {
    let mut index = [0];
    if acpi::tables.granted() == 0 || acpi::tables.read(FADT, FADT_CENTURY, &mut index) != Ok(1) {
        return Some(USUAL_CENTURY);
    }
    (index[0] != 0).then_some(index[0] & registers::INDEX_MASK)
}

/// A number of seconds since 1970 as a date.
struct Shown(u64);

impl core::fmt::Display for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        DateTime::from_unix(self.0).map_or(Ok(()), |date| date.fmt(f))
    }
}
