//! A store beside what it should be: requests by lot do to both the same, and what each folder costs is what a count gives.

use super::sim::{ALL, Chance, Disk, client, open, path};
use crate::medium::Blocks;
use crate::store::Store;
use crate::tree::entry_cost;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use munal::files::client::{Client, Fault};
use munal::files::{Badge, Status};
use alloc::format;

/// Files with what they hold, and folders with none, by their paths.
pub type Files = BTreeMap<String, Option<Vec<u8>>>;

const NAMES: [&str; 9] = ["a", "b", "d", "d/a", "d/b", "d/d", "d/d/a", "d/d/long-name", "e"];

/// One request by lot, to the client and to the model; gives how it went. What is refused changes neither.
pub fn one_of_all(chance: &mut Chance, client: &mut Client<impl FnMut(&[u8], &mut [u8]) -> Option<usize>>, files: &mut Files) -> Result<(), Fault> {
    let name = NAMES[chance.below(NAMES.len() as u64) as usize];
    let other = NAMES[chance.below(NAMES.len() as u64) as usize];
    let size = if chance.below(4) == 0 { chance.below(200_000) } else { chance.below(3000) };
    let offset = if chance.below(2) == 0 { 0 } else { chance.below(70_000) };
    let data = vec![chance.next() as u8 | 1; size as usize];
    match chance.below(8) {
        0 | 1 => {
            client.write(path(name), offset, &data)?;
            let file = files.entry(name.to_string()).or_insert(Some(Vec::new())).as_mut().expect("is a file");
            if !data.is_empty() {
                let end = offset as usize + data.len();
                file.resize(file.len().max(end), 0);
                file[offset as usize..end].copy_from_slice(&data);
            }
        }
        2 => {
            client.append(path(name), &data)?;
            files.entry(name.to_string()).or_insert(Some(Vec::new())).as_mut().expect("is a file").extend(&data);
        }
        3 => {
            client.truncate(path(name), size)?;
            files.get_mut(name).and_then(Option::as_mut).expect("is a file").resize(size as usize, 0);
        }
        4 => {
            client.make_folder(path(name))?;
            assert!(files.insert(name.to_string(), None).is_none());
        }
        5 => {
            client.remove(path(name))?;
            files.remove(name).expect("was there");
        }
        _ => {
            client.rename(path(name), path(other))?;
            let moved: Files = files.extract_if(.., |at, _| path(at).is_within(path(name))).collect();
            if name != other {
                files.remove(other);
            }
            files.extend(moved.into_iter().map(|(at, what)| (format!("{other}{}", &at[name.len()..]), what)));
        }
    }
    Ok(())
}

/// All that a store has.
pub fn all_of<B: Blocks>(store: &RefCell<Store<B>>) -> Files {
    let mut files = Files::new();
    let mut client = client(store, ALL);
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let mut found = Vec::new();
        client.list(path(&folder), |name, entry| found.push((name.to_string(), entry))).expect("lists");
        for (name, entry) in found {
            let at = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if entry.folder {
                folders.push(at.clone());
            }
            let mut room = vec![0; entry.size as usize];
            if !entry.folder {
                assert_eq!(client.read(path(&at), 0, &mut room), Ok(room.len()));
            }
            files.insert(at, (!entry.folder).then_some(room));
        }
    }
    files
}

/// What all below a folder costs, counted.
pub fn count(files: &Files, folder: &str) -> u64 {
    let below = files.iter().filter(|(at, _)| path(at).is_within(path(folder)) && at.as_str() != folder);
    below.map(|(at, what)| entry_cost(path(at).split().expect("has a name").1.as_bytes()) + what.as_ref().map_or(0, |it| it.len() as u64)).sum()
}

#[test]
fn requests_by_lot_do_what_they_should_and_cost_what_a_count_gives() {
    for seed in 0..20 {
        let (mut chance, mut files) = (Chance(seed), Files::new());
        let store = RefCell::new(open(Disk::new(32 << 20), 1));
        for step in 0..150 {
            let _ = one_of_all(&mut chance, &mut client(&store, ALL), &mut files);
            if chance.below(20) == 0 {
                client(&store, ALL).sync().expect("syncs");
            }
            let folders = files.iter().filter(|(_, what)| what.is_none()).map(|(at, _)| at.as_str()).chain([""]);
            for folder in folders {
                let used = client(&store, Badge { root: path(folder), ..ALL }).space().map(|space| space.used);
                assert_eq!(used, Ok(count(&files, folder)), "{folder:?} in step {step} of {seed}");
            }
        }
        assert!(all_of(&store) == files, "{seed}");
    }
}

#[test]
fn no_request_takes_more_than_the_quota() {
    let mut refused = 0;
    for seed in 0..20 {
        let (mut chance, mut files, quota) = (Chance(seed), Files::new(), 20_000 + 10_000 * seed);
        let store = RefCell::new(open(Disk::new(32 << 20), 1));
        let badge = Badge { root: path("own"), quota, ..ALL };
        for _ in 0..150 {
            let before = count(&files, "");
            let answer = one_of_all(&mut chance, &mut client(&store, badge), &mut files);
            refused += u32::from(answer == Err(Fault::Told(Status::Quota)));
            let used = client(&store, badge).space().expect("tells").used;
            assert!(used == count(&files, "") && (used <= quota || used <= before), "{seed}");
        }
        let own: Files = all_of(&store).into_iter().filter_map(|(at, what)| Some((at.strip_prefix("own/")?.to_string(), what))).collect();
        assert!(own == files, "{seed}");
    }
    assert!(refused > 100, "{refused}");
}
