//! What the neighbour tells of its deadlines.

use crate::{CLOCK, Error, stream_server};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use munal::deadlines::{LENGTH, Report};
use munal::time::MILLISECOND;

const REPORTS: stream_server::reports = stream_server::reports;
/// The neighbour is the only one that is wired to this.
const NEIGHBOUR: u32 = 0;
/// How long to wait between looks for its last report.
const PAUSE: u64 = 10 * MILLISECOND;

/// How it stood last.
#[derive(Default)]
pub struct Neighbour {
    report: Report,
    /// Bytes of a report that is not complete yet.
    part: Vec<u8>,
    ended: bool,
}

impl Neighbour {
    /// Deadlines so far.
    pub fn deadlines(&self) -> u32 {
        self.report.deadlines
    }

    /// Whether it kept all of its deadlines, and enough of them.
    pub fn is_well(&self, enough: u32) -> bool {
        self.report.missed == 0 && self.report.deadlines >= enough
    }

    /// Takes what it has told; answers which deadline it missed last and how, where it missed any since it was last listened to.
    pub fn listen(&mut self) -> Result<Option<String>, String> {
        let missed = self.report.missed;
        self.take()?;
        if self.ended {
            return Err("the neighbour ended before it was asked to".into());
        }
        let Report { missed_at, missed_wake, missed_work, .. } = self.report;
        let words = || format!("the deadline at {} us: woken {} us late, worked for {} us", missed_at / 1000, missed_wake / 1000, missed_work / 1000);
        Ok((self.report.missed > missed).then(words))
    }

    /// Asks it to end, and waits for its last report.
    pub fn end(&mut self) -> Result<(), String> {
        REPORTS.try_write(NEIGHBOUR, &[0]).map_err(|why| format!("the neighbour: {why}"))?;
        while !self.ended {
            CLOCK.sleep(CLOCK.now() + PAUSE);
            self.take()?;
        }
        Ok(())
    }

    /// The line about it.
    pub fn words(&self) -> String {
        let Report { deadlines, missed, .. } = self.report;
        format!("neighbour: {deadlines} deadlines, {missed} missed\n")
    }

    fn take(&mut self) -> Result<(), String> {
        let mut buffer = [0; 10 * LENGTH];
        match REPORTS.try_read(NEIGHBOUR, &mut buffer) {
            Ok(count) => self.part.extend_from_slice(&buffer[..count as usize]),
            Err(Error::WouldBlock) => {}
            Err(Error::Closed) => self.ended = true,
            Err(why) => return Err(format!("the neighbour: {why}")),
        }
        while let Some((first, rest)) = self.part.split_first_chunk::<LENGTH>() {
            self.report = Report::decode(first);
            self.part = rest.to_vec();
        }
        Ok(())
    }
}
