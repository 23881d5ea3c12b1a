//! Keeps a deadline each 10 ms: in each period it computes, and in each fifth it asks a peer that hostile ones ask, too.
//!
//! A deadline is missed where the work of a period ends after the next one has begun. It tells how it stands on its stream
//! `report`, and ends when it reads a byte there.
#![no_std]
#![no_main]

use munal::deadlines::{Report, LENGTH};
use munal::time::MILLISECOND;
use neighbour::{EXPECTED, scalar, vector};

munal::bindings!();
munal::main!(run);

const CLOCK: clock::time = clock::time;
const PEER: service::peer = service::peer;
const REPORT: stream::report = stream::report;
const LOG: log::log = log::log;

const PERIOD: u64 = 10 * MILLISECOND;
/// Periods from one question to the peer to the next.
const ASKS_EACH: u32 = 5;
/// Periods from one report to the next.
const REPORTS_EACH: u32 = 20;

fn run() -> Result<(), Error> {
    let (mut report, mut deadline) = (Report::default(), CLOCK.now());
    loop {
        deadline += PERIOD;
        CLOCK.sleep(deadline);
        let woken = CLOCK.now();
        work(report.deadlines)?;
        let done = CLOCK.now();
        report.late = report.late.max(woken - deadline);
        report.deadlines += 1;
        if done - deadline > PERIOD {
            note_missed(&mut report, deadline, woken, done);
            deadline += (done - deadline) / PERIOD * PERIOD;
        }
        if report.deadlines % REPORTS_EACH == 0 && told(&report)? {
            return Ok(());
        }
    }
}

/// What each period asks for. A wrong result is a panic: it ends this SIP, and with it the run.
fn work(period: u32) -> Result<(), Error> {
    assert_eq!(scalar(), EXPECTED, "numbers");
    assert_eq!(vector(), EXPECTED, "vectors");
    if period % ASKS_EACH == 0 {
        let (question, mut answer) = (period.to_le_bytes(), [0; 4]);
        let length = PEER.call(&question, &mut answer)?;
        assert_eq!((length, answer), (4, question), "what the peer answers");
    }
    Ok(())
}

fn note_missed(report: &mut Report, deadline: u64, woken: u64, done: u64) {
    report.missed += ((done - deadline) / PERIOD) as u32;
    (report.missed_at, report.missed_wake, report.missed_work) = (deadline, woken - deadline, done - woken);
    munal::log!(LOG, "missed at {} us: woken {} us late, done {} us after that", deadline / 1000, (woken - deadline) / 1000, (done - woken) / 1000);
}

/// Tells how it stands; answers whether it was asked to end.
fn told(report: &Report) -> Result<bool, Error> {
    let bytes = report.encode();
    let mut sent = 0;
    while sent < LENGTH {
        sent += REPORT.write(&bytes[sent..])? as usize;
    }
    match REPORT.try_read(&mut [0]) {
        Err(Error::WouldBlock) => Ok(false),
        answer => answer.map(|_| true),
    }
}
