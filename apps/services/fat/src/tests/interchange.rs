//! What others wrote is read, and others read what was written: mtools and fsck.fat are the others.

use super::images::{KINDS, TemporaryFile, found, opened, require_sound, sectors, shared, tool};
use super::std::{vec, vec::Vec};
use crate::find::{Missing, find};
use hadris_fs::{Clock, DateTime, MountOptions};
use munal::files::{Path, Status};

fn path(text: &str) -> Path<'_> {
    Path::new(text).expect("is a path")
}

/// Some bytes that are like no others.
fn data(length: usize, seed: u32) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed as u8).collect()
}

#[test]
fn files_of_mtools_are_read() {
    for kind in KINDS {
        let (disk, file) = (TemporaryFile::new(&kind.volume()), TemporaryFile::new(&data(5_000, 1)));
        tool("mmd", &["-i", disk.path(), "::/A folder", "::/A folder/below"]);
        tool("mcopy", &["-i", disk.path(), file.path(), "::/A folder/below/a name that is long.text"]);
        tool("mcopy", &["-i", disk.path(), file.path(), "::/SHORT.TXT"]);
        let mut files = opened(&shared(disk.bytes())).expect("has a volume");
        let mut room = vec![0; 6_000];
        for name in ["A folder/below/a name that is long.text", "a FOLDER/Below/A NAME THAT IS LONG.TEXT", "short.txt"] {
            assert_eq!(files.read(path(name), 0, &mut room), Ok(5_000), "{kind:?} {name}");
            assert_eq!(room[..5_000], data(5_000, 1));
        }
        let entry = files.stat(path("A folder/below")).expect("is there");
        assert!(entry.folder && entry.modified > 0);
    }
}

#[test]
fn mtools_reads_what_was_written_and_the_volume_is_sound() {
    for kind in KINDS {
        let platter = shared(kind.volume());
        let mut files = opened(&platter).expect("has a volume");
        files.make_folder(path("out")).expect("makes");
        files.write(path("out/Bericht für Österreich.txt"), 0, &data(70_000, 2)).expect("writes");
        files.append(path("out/Bericht für Österreich.txt"), b"the end").expect("writes");
        files.sync().expect("syncs");
        let (disk, file) = (TemporaryFile::new(&platter.borrow().bytes), TemporaryFile::new(&[]));
        tool("mcopy", &["-n", "-i", disk.path(), "::/OUT/BERICH~1.TXT", file.path()]);
        assert!(file.bytes() == [data(70_000, 2), b"the end".to_vec()].concat(), "{kind:?}");
        require_sound(&disk.bytes());
    }
}

#[test]
fn what_was_settled_is_on_the_disk_before_any_sync() {
    let platter = shared(KINDS[1].volume());
    let mut files = opened(&platter).expect("has a volume");
    files.write(path("now.txt"), 0, b"at once").expect("writes");
    files.settle().expect("settles");
    let (disk, file) = (TemporaryFile::new(&platter.borrow().bytes), TemporaryFile::new(&[]));
    tool("mcopy", &["-n", "-i", disk.path(), "::/now.txt", file.path()]);
    assert_eq!(file.bytes(), b"at once");
}

/// A disk of partitions, each from a sector of its own on: by a table of the PC's, with the number of the kind of each.
fn partitioned(parts: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut disk = vec![0; 2048 * 512];
    for (number, (kind, bytes)) in parts.iter().enumerate() {
        let (first, count) = ((disk.len() / 512) as u32, (bytes.len() / 512) as u32);
        let entry = &mut disk[446 + 16 * number..][..16];
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..].copy_from_slice(&count.to_le_bytes());
        disk.extend_from_slice(bytes);
    }
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk
}

#[test]
fn the_first_partition_with_a_volume_is_it() {
    let disk = shared(partitioned(&[(0x83, data(1 << 20, 3)), (0x0c, KINDS[0].volume()), (0x0c, KINDS[1].volume())]));
    let found = found(&disk).expect("has a volume");
    assert_eq!((found.partition, found.describe().as_str()), (Some(2), "FAT12, partition 2, 0 MiB"));
}

#[test]
fn tables_that_lie_are_no_harm() {
    let mut lying = partitioned(&[(0x0c, KINDS[0].volume())]);
    lying[446 + 12..446 + 16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(found(&shared(lying)), Err(Missing::None)));
    let mut circle = partitioned(&[(0x05, vec![0; 2 << 20])]);
    circle.copy_within(446..512, 2048 * 512 + 446); // an extended partition that begins with itself
    assert!(matches!(found(&shared(circle)), Err(Missing::None)));
}

#[test]
fn a_disk_that_is_not_blank_is_left_as_it_is() {
    for (at, what) in [(0, 1u8), (65_600, 2), ((4 << 20) - 1, 3)] {
        let mut bytes = vec![0; 4 << 20];
        bytes[at] = what;
        let disk = shared(bytes.clone());
        assert!(matches!(found(&disk), Err(Missing::None)));
        assert!(disk.borrow().bytes == bytes);
    }
    let disk = shared(vec![0; 4 << 20]);
    disk.borrow_mut().read_only = true;
    assert!(matches!(found(&disk), Err(Missing::None)));
}

#[test]
fn a_blank_disk_becomes_a_volume() {
    for mebibytes in [1, 64, 600] {
        let disk = shared(vec![0; mebibytes << 20]);
        assert!(found(&disk).expect("has a volume").is_new);
        assert!(!found(&disk).expect("has one still").is_new);
        require_sound(&disk.borrow().bytes);
    }
}

#[test]
fn times_are_those_of_the_clock() {
    struct Fixed;
    impl Clock for Fixed {
        fn now(&self) -> DateTime {
            DateTime::new(1_700_000_002, 0).expect("is a time")
        }
    }
    let disk = shared(KINDS[0].volume());
    let sectors = sectors(&disk);
    let fat = find(&sectors, &MountOptions::new().with_clock(&Fixed)).expect("has a volume").fat;
    let mut files = crate::volume::Volume::new(fat, sectors);
    files.write(path("a"), 0, b"x").expect("writes");
    assert_eq!(files.stat(path("a")).map(|entry| entry.modified), Ok(1_700_000_002_000_000_000));
    let mut unknown = opened(&disk).expect("has a volume");
    unknown.write(path("b"), 0, b"x").expect("writes");
    assert_eq!(unknown.stat(path("b")).map(|entry| entry.modified), Ok(0));
}

#[test]
fn a_file_with_the_attribute_of_dos_is_only_read() {
    let disk = TemporaryFile::new(&KINDS[0].volume());
    let file = TemporaryFile::new(b"fixed");
    tool("mcopy", &["-i", disk.path(), file.path(), "::/fixed.txt"]);
    tool("mattrib", &["-i", disk.path(), "+r", "::/fixed.txt"]);
    let mut files = opened(&shared(disk.bytes())).expect("has a volume");
    assert_eq!(files.append(path("fixed.txt"), b"!"), Err(Status::ReadOnly));
    assert_eq!(files.truncate(path("fixed.txt"), 0), Err(Status::ReadOnly));
    let mut room = [0; 9];
    assert_eq!(files.read(path("fixed.txt"), 0, &mut room), Ok(5));
}

#[test]
fn a_volume_that_was_in_use_is_checked_and_said_to_be_well() {
    let platter = shared(KINDS[1].volume());
    let mut files = opened(&platter).expect("has a volume");
    files.write(path("a"), 0, b"x").expect("writes");
    files.settle().expect("settles");
    let again = found(&platter).expect("has a volume");
    let checked = again.checked.as_ref().expect("was in use");
    assert_eq!((checked.faults, checked.dangerous), (0, false), "{:?}", checked.told);
    let mut fat = again.fat;
    fat.sync().expect("syncs");
    assert!(found(&platter).expect("has a volume").checked.is_none());
}

#[test]
fn where_chains_cross_nothing_is_written_until_they_are_apart() {
    let platter = shared(KINDS[1].volume());
    let mut files = opened(&platter).expect("has a volume");
    for name in ["one.txt", "two.txt"] {
        files.write(path(name), 0, &data(512, 4)).expect("writes");
    }
    files.settle().expect("settles"); // and power goes before the sync, so that it counts as in use
    // The second file's entry leads to the first one's cluster.
    let mut bytes = platter.borrow().bytes.clone();
    let at = |name: &[u8]| bytes.windows(11).position(|part| part == name).expect("has an entry");
    let (one, two) = (at(b"ONE     TXT"), at(b"TWO     TXT"));
    bytes.copy_within(one + 26..one + 28, two + 26);
    let crossed = found(&shared(bytes.clone())).expect("has a volume");
    let checked = crossed.checked.as_ref().expect("was in use");
    assert!(checked.dangerous && checked.faults > 0 && crossed.fat.is_read_only());
    assert!(checked.told.iter().any(|fault| fault.contains("two.txt") || fault.contains("TWO.TXT")), "{:?}", checked.told);
    let mut files = opened(&shared(bytes)).expect("has a volume");
    assert_eq!(files.write(path("three.txt"), 0, b"x"), Err(Status::ReadOnly));
    assert_eq!(files.read(path("one.txt"), 0, &mut [0; 600]), Ok(512));
}
