//! The power goes after any write, and of what was not flushed any sectors are there: what was synced is, and nothing is in between.

use super::model::{Files, all_of, one_of_all};
use super::sim::{ALL, Chance, Disk, client, open};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

const DISK: u64 = 16 << 20;
const LOSSES: u64 = 2000;

/// The states that a store went through since what is sure to be there.
struct History(Vec<Files>);

impl History {
    fn reached(&mut self, files: &Files) {
        if self.0.last() != Some(files) {
            self.0.push(files.clone());
        }
    }

    fn synced(&mut self, files: &Files) {
        self.0 = vec![files.clone()];
    }
}

/// Requests and syncs by lot until the power goes.
fn until_the_power_goes(disk: &Disk, chance: &mut Chance, files: &mut Files, life: u64) -> History {
    let mut history = History(vec![files.clone()]);
    let store = RefCell::new(open(disk.clone(), life));
    let mut client = client(&store, ALL);
    disk.end_after(chance.below(120));
    loop {
        let mut next = files.clone();
        if chance.below(4) == 0 {
            if client.sync().is_err() {
                return history;
            }
            history.synced(files);
        } else if let Err(why) = one_of_all(chance, &mut client, &mut next) {
            if matches!(why, munal::files::client::Fault::Told(munal::files::Status::Failed)) {
                return history;
            }
            continue;
        }
        history.reached(&next);
        *files = next;
    }
}

#[test]
fn what_was_synced_is_there_and_nothing_is_torn_whenever_the_power_goes() {
    let (mut losses, mut seed, mut kept) = (0, 0, [0u32; 2]);
    while losses < LOSSES {
        let (mut chance, mut files, mut disk) = (Chance(seed), Files::new(), Disk::new(DISK));
        for life in 1..=10 {
            let history = until_the_power_goes(&disk, &mut chance, &mut files, life * 1000);
            disk = disk.after_loss(&mut chance);
            let found = all_of(&RefCell::new(open(disk.clone(), life * 1000 + 500)));
            let which = history.0.iter().position(|state| *state == found);
            assert!(which.is_some(), "seed {seed}, life {life}: none of {} states", history.0.len());
            kept[usize::from(which > Some(0))] += 1;
            files = found;
            losses += 1;
        }
        seed += 1;
    }
    assert!(kept[0] > 100, "{kept:?}");
}

#[test]
fn a_disk_whose_making_is_cut_off_is_made_anew() {
    let whole = Disk::new(DISK);
    let store = open(whole.clone(), 1);
    let writes = whole.writes();
    drop(store);
    assert!(writes > 5, "{writes}");
    for seed in 0..20 {
        for end in 1..writes {
            let disk = Disk::new(DISK);
            disk.end_after(end);
            let medium = crate::medium::Medium::open(disk.clone()).expect("is blank");
            assert!(crate::store::Store::open(medium, 1 << 18, 1, 1).is_err(), "{end}");
            let disk = disk.after_loss(&mut Chance(seed * 1000 + end));
            assert_eq!(all_of(&RefCell::new(open(disk, 2))), Files::new());
        }
    }
}
