//! Losses of power in what a machine's disk was told, as QEMU's driver blklogwrites wrote it down.
//!
//! `CHRONICLE_LOG` names that log, and `CHRONICLE_SYNCED` a file with lines of a step and of the log's bytes when the machine said that the
//! step was synced. `CHRONICLE_CUTS` is how many losses there are; without a log, there is nothing to be tested.

extern crate std;

use crate::{FILES, examine, has_all, path};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use munal::files::client::Client;
use munal::files::{Badge, MOST};
use std::sync::Mutex;
use std::{env, fs};
use store::medium::{Blocks, Fault, Medium};
use store::server;
use store::store::Store;

const SECTOR: usize = 512;
/// The format of dm-log-writes, version 1 (Linux, drivers/md/dm-log-writes.c).
const MAGIC: u64 = 0x6a73_6677_7368_72;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;

type Sectors = BTreeMap<u64, [u8; SECTOR]>;

/// One thing that the disk was told.
struct Told {
    /// Where the log was as long as it is behind this.
    end: u64,
    flush: bool,
    sector: u64,
    data: Vec<[u8; SECTOR]>,
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(core::array::from_fn(|i| bytes[at + i]))
}

fn read_log(bytes: &[u8]) -> Vec<Told> {
    assert_eq!((number(bytes, 0), number(bytes, 8)), (MAGIC, 1), "it is no such log");
    let size = u32::from_le_bytes(core::array::from_fn(|i| bytes[24 + i])) as usize;
    assert_eq!(size, SECTOR);
    let (mut told, mut at) = (Vec::new(), SECTOR);
    while let Some(entry) = bytes.get(at..at + SECTOR) {
        let (sector, count, flags) = (number(entry, 0), number(entry, 8) as usize, number(entry, 16));
        assert_eq!(flags & !(FLUSH | FUA), 0, "the disk is told nothing else (a discard is {DISCARD})");
        if (sector, count, flags) == (0, 0, 0) {
            break;
        }
        at += SECTOR;
        let Some(data) = bytes.get(at..at + count * SECTOR) else { break };
        at += data.len();
        let data = data.chunks_exact(SECTOR).map(|sector| sector.try_into().expect("is one")).collect();
        told.push(Told { end: at as u64, flush: flags & FLUSH != 0, sector, data });
    }
    told
}

#[derive(Debug)]
struct Disk(Arc<Mutex<Sectors>>, u64);

impl Blocks for Disk {
    fn capacity(&self) -> Option<u64> {
        Some(self.1)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        let sectors = self.0.lock().expect("is whole");
        for (at, byte) in (offset..).zip(bytes) {
            *byte = sectors.get(&(at / SECTOR as u64)).map_or(0, |sector| sector[at as usize % SECTOR]);
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8], _last: bool) -> Result<(), Fault> {
        let mut sectors = self.0.lock().expect("is whole");
        for (at, byte) in (offset..).zip(bytes) {
            sectors.entry(at / SECTOR as u64).or_insert([0; SECTOR])[at as usize % SECTOR] = *byte;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// What the chronicler finds on a disk.
fn found_on(sectors: Sectors, capacity: u64) -> [u64; FILES] {
    let medium = Medium::open(Disk(Arc::new(Mutex::new(sectors)), capacity)).expect("is one of ours, or blank");
    let store = RefCell::new(Store::open(medium, 1 << 20, 1, 1).expect("opens"));
    let badge = Badge { instance: "chronicler", root: path("home/chronicler"), writes: true, quota: u64::MAX };
    let mut whole = vec![0; MOST];
    let ask = |request: &[u8], reply: &mut [u8]| {
        let length = server::answer(&mut store.borrow_mut(), Some(badge), request, 1, &mut whole);
        reply[..length].copy_from_slice(&whole[..length]);
        Some(length)
    };
    examine(&mut Client::new(ask, MOST)).expect("no file is torn")
}

fn apply(sectors: &mut Sectors, told: &Told, mut keep: impl FnMut() -> bool) {
    for (sector, data) in (told.sector..).zip(&told.data) {
        if keep() {
            sectors.insert(sector, *data);
        }
    }
}

/// Numbers that look like chance and come again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        crate::mixed(self.0 ^ crate::mixed(self.0)) % bound
    }
}

#[test]
fn what_was_said_to_be_synced_is_there_after_each_loss() {
    let Ok(log) = env::var("CHRONICLE_LOG") else { return };
    let text = |name: &str| env::var(name).expect("is set");
    let (told, capacity) = (read_log(&fs::read(log).expect("is there")), 64 << 20);
    let marks: String = fs::read_to_string(text("CHRONICLE_SYNCED")).expect("is there");
    let marks: Vec<(u64, u64)> =
        marks.lines().filter_map(|line| line.split_once(' ')).map(|(step, at)| (step.parse().expect("step"), at.parse().expect("place"))).collect();
    let mut chance = Chance(text("CHRONICLE_CUTS").len() as u64);
    let mut cuts: Vec<usize> = (0..text("CHRONICLE_CUTS").parse().expect("a number")).map(|_| chance.below(told.len() as u64 + 1) as usize).collect();
    cuts.sort_unstable();
    let (mut lasting, mut flushed, mut most, mut lost) = (Sectors::new(), 0, 0, 0);
    for cut in &cuts {
        let last_flush = told[..*cut].iter().rposition(|each| each.flush).map_or(0, |at| at + 1);
        told[flushed..last_flush.max(flushed)].iter().for_each(|each| apply(&mut lasting, each, || true));
        flushed = last_flush.max(flushed);
        let (mut sectors, share) = (lasting.clone(), chance.below(5));
        for each in &told[flushed..*cut] {
            apply(&mut sectors, each, || {
                let keep = chance.below(4) < share;
                lost += u64::from(!keep);
                keep
            });
        }
        let found = found_on(sectors, capacity);
        let reached = cut.checked_sub(1).map_or(0, |last| told[last].end);
        let synced = marks.iter().filter(|(_, at)| *at <= reached).map(|(step, _)| *step).max().unwrap_or(0);
        assert!(has_all(&found, synced), "step {synced} was synced, and {found:?} is there after {cut} of {} writes", told.len());
        most = most.max(synced);
    }
    std::println!("{} losses among {} writes of a disk, {lost} sectors lost, steps up to {most} synced: all there", cuts.len(), told.len());
    assert!(most > 0 && lost > 0, "nothing was tested");
}
