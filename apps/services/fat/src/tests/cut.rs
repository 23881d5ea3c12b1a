//! Power goes after any of the writes that a sequence of requests makes: what was synced is there, and what a check finds then is what
//! docs/files.md says.

use super::images::{KINDS, Shared, found, opened, shared};
use super::std::vec;
use crate::volume::Volume;
use hadris_storage::sync::BlockDevice;
use munal::files::{Path, Status};

const SYNCED: &[u8] = &[0x5a; 3_000];

fn path(text: &str) -> Path<'_> {
    Path::new(text).expect("is a path")
}

fn prepare<D: BlockDevice>(files: &mut Volume<D>) -> Result<(), Status> {
    files.make_folder(path("folder"))?;
    files.write(path("folder/synced.txt"), 0, SYNCED)?;
    files.write(path("a file to remove, with a long name"), 0, &[1; 2_000])?;
    files.write(path("replaced"), 0, &[2; 2_000])?;
    files.sync()
}

fn without_renames<D: BlockDevice>(files: &mut Volume<D>) -> Result<(), Status> {
    files.write(path("folder/a new file with a long name"), 0, &[3; 5_000])?;
    files.settle()?;
    files.remove(path("a file to remove, with a long name"))?;
    files.write(path("another one"), 0, &[4; 3_000])?;
    files.truncate(path("another one"), 100)?;
    files.settle()?;
    files.make_folder(path("folder/inner"))?;
    files.append(path("folder/inner/x"), &[5; 700])?;
    files.append(path("folder/inner/x"), &[5; 700])?;
    files.settle()?;
    files.sync()
}

fn renames<D: BlockDevice>(files: &mut Volume<D>) -> Result<(), Status> {
    files.rename(path("a file to remove, with a long name"), path("folder/moved"))?;
    files.settle()?;
    files.rename(path("folder/moved"), path("replaced"))?;
    files.sync()
}

/// Does `$job` on a prepared volume, and hands `$judge` the disk as it is after each of its writes.
macro_rules! at_each_cut {
    ($kind:expr, $job:expr, $judge:expr) => {{
        let platter = shared($kind.volume());
        let mut files = opened(&platter).expect("has a volume");
        prepare(&mut files).expect("writes");
        let mut bytes = platter.borrow().bytes.clone();
        platter.borrow_mut().notes = true;
        $job(&mut files).expect("writes");
        let written = core::mem::take(&mut platter.borrow_mut().written);
        assert!(written.len() > 10);
        for (at, data) in &written {
            bytes[*at..at + data.len()].copy_from_slice(data);
            $judge(shared(bytes.clone()));
        }
    }};
}

fn require_synced(disk: &Shared) {
    let mut files = opened(disk).expect("has a volume");
    let mut room = vec![0; SYNCED.len() + 1];
    assert_eq!(files.read(path("folder/synced.txt"), 0, &mut room), Ok(SYNCED.len()));
    assert!(room.starts_with(SYNCED));
}

#[test]
fn no_cut_makes_it_dangerous_to_write_on() {
    for kind in KINDS {
        at_each_cut!(kind, without_renames, |disk: Shared| {
            require_synced(&disk);
            let found = found(&disk).expect("has a volume");
            assert!(found.checked.is_none_or(|checked| !checked.dangerous), "{kind:?}");
            let mut files = opened(&disk).expect("has a volume");
            files.write(path("and on"), 0, &[6; 4_000]).and(files.sync()).expect("goes on");
            require_synced(&disk);
        });
    }
}

#[test]
fn a_cut_within_a_rename_leaves_one_of_both_names_or_both() {
    let mut twice = false;
    for kind in KINDS {
        at_each_cut!(kind, renames, |disk: Shared| {
            require_synced(&disk);
            let mut files = opened(&disk).expect("has a volume");
            let mut room = vec![0; 2_001];
            let held = ["a file to remove, with a long name", "folder/moved", "replaced"]
                .map(|name| files.read(path(name), 0, &mut room) == Ok(2_000) && room[..2_000] == [1; 2_000]);
            assert!(held.contains(&true), "{kind:?}");
            // Who removed one of two names would take the other's bytes away.
            let under_two = held.iter().filter(|held| **held).count() == 2;
            let is_read_only = found(&disk).expect("has a volume").fat.is_read_only();
            assert!(is_read_only || !under_two, "{kind:?}");
            twice |= under_two;
        });
    }
    assert!(twice, "none of the cuts was between both names");
}
