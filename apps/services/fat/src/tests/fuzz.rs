//! Volumes with any bytes in them: nothing panics, nothing goes on for ever, and nothing is asked for that the disk does not have.

use super::images::{KINDS, Kind, Shared, opened, shared};
use super::random::Random;
use super::std::string::{String, ToString};
use super::std::{format, vec, vec::Vec};
use crate::volume::Volume;
use hadris_storage::sync::BlockDevice;
use munal::files::{Path, Status, listed};

const VOLUMES: u64 = 40;
/// Requests of a disk that all what is done to a volume takes at most.
const PATIENCE: u64 = 100_000;
/// Folders that are looked into, and how deep.
const FOLDERS: usize = 40;
const DEPTH: usize = 6;

fn path(text: &str) -> Option<Path<'_>> {
    Path::new(text)
}

fn whole(text: &str) -> Path<'_> {
    Path::new(text).expect("is a path")
}

/// A volume with some folders and files, removed ones too.
fn furnished(kind: Kind) -> Vec<u8> {
    let platter = shared(kind.volume());
    let mut files = opened(&platter).expect("has a volume");
    for folder in ["one", "one/two", "one/two/three", "a folder with a long name"] {
        files.make_folder(whole(folder)).expect("makes");
        for number in 0..6 {
            let name = format!("{folder}/file with a name {number}.txt");
            files.write(whole(&name), 0, &vec![number as u8; 700 * number]).expect("writes");
        }
        files.remove(whole(&format!("{folder}/file with a name 2.txt"))).expect("removes");
    }
    files.sync().expect("syncs");
    drop(files);
    let bytes = platter.borrow().bytes.clone();
    bytes
}

/// Bytes up to which there is something in a volume of these tests.
fn in_use(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1)
}

/// Changes bytes up to `end`: where the volume says what it is, in its tables, in its folders, anywhere.
fn spoil(bytes: &mut [u8], end: u64, random: &mut Random) {
    let places = [0x5a, 512 * 3, 512 * 40, end];
    for _ in 0..1 + random.below(24) {
        let place = *random.one_of(&places);
        let at = random.below(place) as usize;
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes[at] = 0xff,
            3 => bytes[at] = 0,
            _ => {
                // A piece of one place in another: entries twice, tables in folders, chains that meet.
                let length = *random.one_of(&[2usize, 4, 32, 64, 512]);
                let from = random.below(end) as usize / length * length;
                let to = at / length * length;
                if from + length <= bytes.len() && to + length <= bytes.len() {
                    bytes.copy_within(from..from + length, to);
                }
            }
        }
    }
}

fn names<D: BlockDevice>(files: &mut Volume<D>, folder: Path<'_>) -> Vec<(String, bool)> {
    let mut room = vec![0; 1 << 16];
    let length = files.list(folder, "", &mut room).map_or(0, |(length, _)| length);
    listed(&room[..length]).map(|(name, entry)| (name.to_string(), entry.folder)).collect()
}

/// Does some of everything; what comes of it does not matter.
fn use_it(disk: &Shared, random: &mut Random) {
    let Ok(mut files) = opened(disk) else { return };
    let mut room = vec![0; 1 << 16];
    let (mut folders, mut looked) = (vec![String::new()], 0);
    while let Some(folder) = folders.pop().filter(|_| looked < FOLDERS) {
        looked += 1;
        for (name, is_folder) in names(&mut files, path(&folder).unwrap_or(Path::ROOT)) {
            let child = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let Some(at) = path(&child) else { continue };
            match random.below(10) {
                0 => drop(files.write(at, random.below(5_000), &room[..3_000])),
                1 => drop(files.append(at, &room[..1_000])),
                2 => drop(files.truncate(at, random.below(3_000))),
                3 => drop(files.remove(at)),
                4 => drop(files.rename(at, whole("one/renamed"))),
                5 => drop(files.rename(at, whole("a name at the top"))),
                6 => drop(files.write(whole(&format!("new file {looked}")), 0, &room[..5_000])),
                7 => drop(files.make_folder(whole(&format!("new folder {looked}")))),
                8 => drop(files.used(at)),
                _ => drop((files.stat(at), files.read(at, random.below(2_000), &mut room))),
            }
            if is_folder && child.split('/').count() < DEPTH {
                folders.push(child);
            }
        }
    }
    let _: [Result<(), Status>; 4] =
        [files.used(Path::ROOT).map(drop), files.room().map(drop), files.settle(), files.sync()];
}

#[test]
fn spoiled_volumes_do_no_harm() {
    for kind in KINDS {
        let good = furnished(kind);
        let end = in_use(&good) as u64;
        for seed in 0..VOLUMES {
            let mut random = Random::new(seed << 8 | u64::from(kind.bits));
            let mut bytes = good.clone();
            spoil(&mut bytes, end, &mut random);
            if seed % 3 == 0 {
                dirty(&mut bytes, kind); // so that it is checked as well
            }
            let disk = shared(bytes);
            disk.borrow_mut().patience = Some(PATIENCE);
            use_it(&disk, &mut random);
            use_it(&disk, &mut random); // what was made of it is found again
        }
    }
}

/// Marks a volume as in use (Microsoft FAT specification, section 4).
fn dirty(bytes: &mut [u8], kind: Kind) {
    let table = usize::from(u16::from_le_bytes([bytes[14], bytes[15]])) * 512;
    let (at, bit) = match kind.bits {
        16 => (table + 3, 0x80),
        32 => (table + 7, 0x08),
        _ => return,
    };
    if let Some(byte) = bytes.get_mut(at) {
        *byte &= !bit;
    }
}
