//! Serves the files of a FAT volume on the disk that it is granted. What a request wrote is on the disk when it is answered, and made to
//! outlive a loss of power a second later where nobody syncs before.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use core::fmt::Display;
use fat_volume::answer::{Life, answer};
use fat_volume::disk::Disk;
use fat_volume::find::{Checked, find};
use fat_volume::sectors::Sectors;
use fat_volume::volume::Volume;
use hadris_fs::{Clock, DateTime, MountOptions, NoClock};
use hadris_storage::sync::BlockDevice;
use munal::FOREVER;
use munal::files::{BADGE_MOST, Badge, MOST};
use munal::time::SECOND;

munal::bindings!();
munal::main!(run);

const DISK: service::disk = service::disk;
const CLOCK: clock::time = clock::time;
const WALL: wall::time = wall::time;
const LOG: log::log = log::log;
const CLIENTS: files_server::files = files_server::files;

/// For how long what was written may wait for a sync, in nanoseconds.
const LAG: u64 = SECOND;

/// The time that files are written at: the machine's where that is granted, or else the first that FAT can say.
struct TimeOfDay;

impl Clock for TimeOfDay {
    fn now(&self) -> DateTime {
        let now = if WALL.granted() == 0 { 0 } else { WALL.now() };
        let time = DateTime::new((now / SECOND) as i64, (now % SECOND) as u32);
        time.ok().filter(|_| now != 0).unwrap_or(NoClock::TIME)
    }
}

fn run() -> Result<(), Error> {
    let disk = match Disk::new(ask) {
        Ok(disk) => disk,
        Err(why) => return say(why),
    };
    let sectors = Sectors::new(disk);
    let found = match find(&sectors, &MountOptions::new().with_clock(&TimeOfDay)) {
        Ok(found) => found,
        Err(why) => return say(why),
    };
    munal::log!(LOG, "{}", found.describe());
    if let Some(checked) = &found.checked {
        tell(checked);
    }
    serve(Volume::new(found.fat, sectors), CLOCK.now().max(1))
}

/// Asks the disk's driver. One that was started anew in between is asked again: whatever it was asked for can be done twice.
fn ask(request: &[u8], reply: &mut [u8]) -> Option<usize> {
    munal::again(Error::Restarted, || DISK.call(request, reply)).map(|length| length as usize)
}

/// Says what keeps the service from being one, which ends it.
fn say(why: impl Display) -> Result<(), Error> {
    munal::log!(LOG, "{why}");
    Ok(())
}

fn tell(checked: &Checked) {
    for fault in &checked.told {
        munal::log!(LOG, "{fault}");
    }
    let faults = checked.faults;
    match (faults, checked.dangerous) {
        (0, _) => munal::log!(LOG, "it was in use when power went; a check found no fault"),
        (_, false) => munal::log!(LOG, "a check found {faults} faults: fsck.fat -a repairs them"),
        (_, true) => munal::log!(LOG, "a check found {faults} faults: only read until fsck.fat -a has repaired them"),
    };
}

fn serve(mut volume: Volume<impl BlockDevice>, life: Life) -> Result<(), Error> {
    let (mut request, mut reply) = (vec![0; MOST], vec![0; MOST]);
    let mut badge = [0; BADGE_MOST];
    let mut due = None;
    loop {
        match CLIENTS.receive(&mut request, patience(due)) {
            Ok(length) => {
                let badge = CLIENTS.badge(&mut badge).ok().and_then(|length| badge.get(..length as usize)).and_then(Badge::decode);
                let request = request.get(..length as usize).unwrap_or(&[]);
                let length = answer(&mut volume, life, badge, request, &mut reply);
                match CLIENTS.reply(&reply[..length]) {
                    Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
                    Err(why) => return Err(why),
                }
            }
            Err(Error::TimedOut) => {}
            Err(why) => return Err(why),
        }
        if patience(due) == 0 {
            let _ = volume.sync(); // where it fails, the complaint below says so
        }
        due = volume.is_changed().then(|| due.unwrap_or(CLOCK.now() + LAG));
        if let Some(complaint) = volume.take_complaint() {
            munal::log!(LOG, "{complaint}");
        }
    }
}

/// For how long to wait for a request, in nanoseconds, where something is due.
fn patience(due: Option<u64>) -> i64 {
    due.map_or(FOREVER, |due| due.saturating_sub(CLOCK.now()) as i64)
}
