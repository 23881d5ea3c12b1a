//! What is done where there is no more room, no disk, or something else on it.

use super::sim::{ALL, Disk, client, open, path};
use crate::medium::{HEAD, LEAST, Medium, Refusal, START};
use crate::store::Store;
use alloc::vec;
use core::cell::RefCell;
use munal::files::Status;
use munal::files::client::Fault::Told;
use alloc::format;

#[test]
fn a_full_disk_loses_nothing_and_has_room_again_when_something_is_removed() {
    for size in [3000, 60_000, 300_000] {
        let disk = Disk::new(LEAST + LEAST / 2);
        let store = RefCell::new(open(disk.clone(), 1));
        let mut client = client(&store, ALL);
        let life = store.borrow().life();
        for round in 0..2 {
            let mut count: u32 = 0;
            let why = loop {
                match client.write(path(&format!("{round}-{count}")), 0, &vec![count as u8; size]) {
                    Ok(()) => count += 1,
                    Err(why) => break why,
                }
            };
            assert_eq!(why, Told(Status::Full), "{size}");
            assert!(u64::from(count) * size as u64 > LEAST / 2, "{count} files of {size} bytes");
            let mut room = vec![0; size];
            for file in 0..count {
                assert_eq!(client.read(path(&format!("{round}-{file}")), 0, &mut room), Ok(size));
                assert!(room.iter().all(|&byte| byte == file as u8), "{file} of {size}");
            }
            for file in 0..count {
                client.remove(path(&format!("{round}-{file}"))).unwrap_or_else(|why| panic!("{file}: {why:?}"));
            }
        }
        client.sync().expect("syncs");
        assert_eq!(store.borrow().life(), life, "nothing was lost");
    }
}

#[test]
fn a_disk_that_holds_something_else_is_left_as_it_is() {
    for offset in [0, 510, START + 1, 0x8001, 0x10040, HEAD - 1] {
        let disk = Disk::new(LEAST);
        disk.damage(offset, b"x");
        let writes = disk.writes();
        assert!(matches!(Medium::open(disk.clone()), Err(Refusal::Foreign)), "{offset}");
        assert_eq!(disk.writes(), writes);
    }
    let disk = Disk::new(LEAST);
    disk.damage(HEAD, b"x");
    drop(open(disk, 1));
}

#[test]
fn a_disk_that_is_too_small_or_damaged_is_refused() {
    assert!(matches!(Medium::open(Disk::new(LEAST - 1)), Err(Refusal::TooSmall(_))));
    let disk = Disk::new(LEAST);
    drop(open(disk.clone(), 1));
    disk.damage(20, b"x");
    assert!(matches!(Medium::open(disk.clone()), Err(Refusal::Unknown)));
    disk.damage(20, &[0]);
    disk.damage(24 + 7, &[1]);
    assert!(matches!(Medium::open(disk.clone()), Err(Refusal::Unknown)), "longer than the disk");
    disk.damage(24 + 7, &[0]);
    disk.damage(START, b"nothing of a database");
    let opened = Store::open(Medium::open(disk).expect("is marked"), 1 << 18, 1, 1);
    assert!(matches!(opened, Err(crate::store::Refusal::Damaged(_))));
}

#[test]
fn a_disk_that_goes_fails_and_what_was_not_synced_is_told_as_lost() {
    let disk = Disk::new(2 * LEAST);
    let store = RefCell::new(open(disk.clone(), 1));
    let mut client = client(&store, ALL);
    client.write(path("kept"), 0, b"kept").expect("writes");
    client.sync().expect("syncs");
    client.write(path("lost"), 0, b"lost").expect("writes");
    disk.end_after(0);
    assert_eq!(client.sync(), Err(Told(Status::Failed)));
    assert_eq!(client.write(path("more"), 0, b"more"), Err(Told(Status::Failed)));
    assert_eq!(store.borrow_mut().take_note().as_deref(), Some("the disk does not answer"));
    assert_eq!((client.stat(path("kept")), store.borrow_mut().take_note()), (Err(Told(Status::Failed)), None), "said once");
    disk.end_after(u64::MAX);
    assert_eq!(client.sync(), Err(Told(Status::Lost)));
    assert_eq!(client.sync(), Ok(()));
    assert_eq!(client.stat(path("kept")).map(|entry| entry.size), Ok(4));
    assert_eq!(client.stat(path("lost")), Err(Told(Status::NotFound)));
}
