//! What clients are answered: their folders, their quotas, lists in parts, and requests that are none.

use super::images::{KINDS, opened, shared};
use super::std::string::{String, ToString};
use super::std::{format, vec, vec::Vec};
use crate::answer::answer;
use crate::volume::Volume;
use hadris_storage::sync::BlockDevice;
use munal::files::client::{Client, Fault};
use munal::files::{Badge, MOST, Path, REPLY, Reply, Request, Status};

const LIFE: u64 = 77;

fn path(text: &str) -> Path<'_> {
    Path::new(text).expect("is a path")
}

fn badge(root: &str, writes: bool, quota: u64) -> Badge<'_> {
    Badge { instance: "test", root: path(root), writes, quota }
}

/// Does something as the client that a badge is for.
fn by<D: BlockDevice, T>(files: &mut Volume<D>, badge: Badge<'_>, job: impl FnOnce(&mut Client<&mut dyn FnMut(&[u8], &mut [u8]) -> Option<usize>>) -> T) -> T {
    let mut call = |request: &[u8], reply: &mut [u8]| {
        let mut room = vec![0; MOST];
        let length = answer(files, LIFE, Some(badge), request, &mut room);
        reply[..length].copy_from_slice(&room[..length]);
        Some(length)
    };
    job(&mut Client::new(&mut call, 16 << 10))
}

fn new() -> Volume<impl BlockDevice> {
    opened(&shared(KINDS[1].volume())).expect("has a volume")
}

const ALL: u64 = u64::MAX;

#[test]
fn a_client_reaches_what_is_below_its_folder_and_nothing_else() {
    let mut files = new();
    by(&mut files, badge("", true, ALL), |all| {
        all.make_folder(path("theirs")).and(all.write(path("theirs/a"), 0, b"a")).and(all.write(path("secret"), 0, b"s")).expect("writes");
    });
    by(&mut files, badge("theirs", true, ALL), |theirs| {
        assert_eq!(theirs.stat(path("a")).map(|entry| entry.size), Ok(1));
        assert_eq!(theirs.stat(path("secret")), Err(Fault::Told(Status::NotFound)));
        assert_eq!(theirs.remove(Path::ROOT), Err(Fault::Told(Status::Refused)));
        assert_eq!(theirs.rename(path("a"), Path::ROOT), Err(Fault::Told(Status::Refused)));
        assert!(theirs.stat(Path::ROOT).is_ok_and(|entry| entry.folder));
    });
}

#[test]
fn a_folder_that_nobody_made_is_empty_until_its_client_writes() {
    let mut files = new();
    by(&mut files, badge("home/notes", true, ALL), |theirs| {
        assert!(theirs.stat(Path::ROOT).is_ok_and(|entry| entry.folder));
        assert_eq!(theirs.list(Path::ROOT, |name, _| unreachable!("{name}")), Ok(()));
        assert_eq!(theirs.space().map(|space| space.used), Ok(0));
        assert_eq!(theirs.stat(path("a")), Err(Fault::Told(Status::NotFound)));
        assert_eq!(theirs.remove(path("a")), Err(Fault::Told(Status::NotFound)));
        assert_eq!(theirs.truncate(path("a"), 1), Err(Fault::Told(Status::NotFound)));
    });
    by(&mut files, badge("", false, ALL), |all| assert_eq!(all.stat(path("home")), Err(Fault::Told(Status::NotFound))));
    by(&mut files, badge("home/notes", true, ALL), |theirs| assert_eq!(theirs.append(path("a"), b"1"), Ok(())));
    by(&mut files, badge("", false, ALL), |all| assert_eq!(all.stat(path("home/notes/a")).map(|entry| entry.size), Ok(1)));
}

#[test]
fn who_may_only_read_changes_nothing() {
    let mut files = new();
    by(&mut files, badge("", true, ALL), |all| all.write(path("a"), 0, b"abc").expect("writes"));
    by(&mut files, badge("", false, ALL), |reader| {
        let refused = Err(Fault::Told(Status::ReadOnly));
        assert_eq!(reader.write(path("a"), 0, b"x"), refused);
        assert_eq!(reader.append(path("a"), b"x"), refused);
        assert_eq!(reader.truncate(path("a"), 0), refused);
        assert_eq!(reader.make_folder(path("b")), refused);
        assert_eq!(reader.remove(path("a")), refused);
        assert_eq!(reader.rename(path("a"), path("b")), refused);
        let mut room = [0; 9];
        assert_eq!(reader.read(path("a"), 1, &mut room), Ok(2));
        assert_eq!(&room[..2], b"bc");
    });
}

/// Bytes of a cluster of these volumes, and of an entry for a quota.
const CLUSTER: u64 = 512;
const ENTRY: u64 = 672;

#[test]
fn a_quota_counts_all_that_is_below_the_folder_whoever_wrote_it() {
    let mut files = new();
    by(&mut files, badge("", true, ALL), |all| {
        all.make_folder(path("Mine")).and(all.make_folder(path("Mine/deep"))).and(all.write(path("Mine/deep/a"), 0, &[1; 600])).expect("writes");
    });
    let before = ENTRY + CLUSTER + ENTRY + 2 * CLUSTER;
    let quota = before + ENTRY + 2 * CLUSTER;
    let mine = badge("mine", true, quota);
    by(&mut files, mine, |mine| {
        assert_eq!(mine.space().map(|space| (space.used, space.quota, space.free)), Ok((before, quota, ENTRY + 2 * CLUSTER)));
        assert_eq!(mine.write(path("b"), 0, &[2; 1025]), Err(Fault::Told(Status::Quota)));
        assert_eq!(mine.stat(path("b")), Err(Fault::Told(Status::NotFound)));
        assert_eq!(mine.write(path("b"), 0, &[2; 1000]), Ok(()));
        assert_eq!(mine.write(path("b"), 100, &[3; 900]), Ok(()), "what is there already counts once");
        assert_eq!(mine.append(path("b"), &[2; 24]), Ok(()), "and so does what is left of a cluster");
        assert_eq!(mine.append(path("b"), &[2]), Err(Fault::Told(Status::Quota)));
        assert_eq!(mine.truncate(path("b"), 1025), Err(Fault::Told(Status::Quota)));
        assert_eq!(mine.write(path("c"), 0, &[]), Err(Fault::Told(Status::Quota)), "a name needs room as well");
        assert_eq!(mine.make_folder(path("c")), Err(Fault::Told(Status::Quota)));
        assert_eq!(mine.space().map(|space| (space.used, space.free)), Ok((quota, 0)));
    });
    // By another name of the same folder, and by moving out of it.
    by(&mut files, badge("", true, ALL), |all| all.truncate(path("MINE/deep/A"), 100).and(all.rename(path("mine/b"), path("b"))).expect("writes"));
    let left = before - CLUSTER;
    by(&mut files, mine, |mine| assert_eq!(mine.space().map(|space| space.used), Ok(left)));
    // And by moving a folder into it, which others change then.
    by(&mut files, badge("", true, ALL), |all| {
        all.make_folder(path("x")).and(all.write(path("x/y"), 0, &[1; 50])).and(all.rename(path("x"), path("mine/x"))).expect("moves");
        all.write(path("MINE/X/z"), 9, &[1]).expect("writes");
    });
    by(&mut files, mine, |mine| {
        assert_eq!(mine.space().map(|space| space.used), Ok(left + 3 * (ENTRY + CLUSTER)));
        mine.remove(path("x/y")).and(mine.rename(path("x/z"), path("deep/A"))).expect("removes and replaces");
        assert_eq!(mine.space().map(|space| space.used), Ok(left + ENTRY + CLUSTER));
        mine.remove(path("x")).expect("removes");
        assert_eq!(mine.space().map(|space| space.used), Ok(left));
    });
}

#[test]
fn a_list_comes_in_parts_and_in_order() {
    let mut files = new();
    let mut names: Vec<String> = (0..300).map(|number| format!("file number {:03}", number * 7 % 300)).collect();
    // FAT's root folder has room for some of them only.
    by(&mut files, badge("many", true, ALL), |many| {
        for name in &names {
            many.write(path(name), 0, name.as_bytes()).expect("writes");
        }
    });
    names.sort();
    for room in [REPLY + 40, REPLY + 100, 4000, MOST - REPLY] {
        let (mut listed, mut after) = (Vec::new(), String::new());
        loop {
            let mut request = vec![0; 4000];
            let length = Request::List { path: Path::ROOT, after: &after, length: room as u32 }.encode(&mut request).expect("fits");
            let mut reply = vec![0; MOST];
            let length = answer(&mut files, LIFE, Some(badge("many", false, ALL)), &request[..length], &mut reply);
            assert!(length <= REPLY + room);
            let (reply, entries) = Reply::decode(&reply[..length]).expect("is one");
            assert_eq!((reply.status, reply.life), (Status::Done, LIFE));
            listed.extend(munal::files::listed(entries).map(|(name, entry)| (name.to_string(), entry.size)));
            after = listed.last().expect("comes forward").0.clone();
            if !reply.more {
                break;
            }
        }
        assert!(listed.iter().map(|(name, _)| name).eq(&names) && listed.iter().all(|(_, size)| *size == 15));
    }
}

#[test]
fn names_that_fat_forbids_are_none() {
    let mut files = new();
    by(&mut files, badge("", true, ALL), |all| {
        for name in ["a:b", "what?", "a*", "\"", "a<b", "a|b", "back\\slash", "end.", "end "] {
            assert_eq!(all.write(path(name), 0, b"x"), Err(Fault::Told(Status::Malformed)), "{name}");
            assert_eq!(all.make_folder(path(name)), Err(Fault::Told(Status::Malformed)), "{name}");
            assert_eq!(all.stat(path(name)), Err(Fault::Told(Status::NotFound)), "{name}");
        }
        assert_eq!(all.rename(path("a:b"), path("b")), Err(Fault::Told(Status::NotFound)));
    });
}

#[test]
fn a_name_in_another_case_is_the_same_file() {
    let mut files = new();
    by(&mut files, badge("", true, ALL), |all| {
        all.write(path("Straße ÄÖ.txt"), 0, b"1").and(all.append(path("STRAßE äö.TXT"), b"2")).expect("writes");
        assert_eq!(all.make_folder(path("STRAßE ÄÖ.txt")), Err(Fault::Told(Status::Exists)));
        all.rename(path("straße äö.txt"), path("STRAßE ÄÖ.TXT")).expect("renames");
        let mut names = Vec::new();
        all.list(Path::ROOT, |name, entry| names.push((name.to_string(), entry.size))).expect("lists");
        assert_eq!(names, [("STRAßE ÄÖ.TXT".to_string(), 2)]);
    });
}

#[test]
fn what_is_too_large_or_does_not_fit_changes_nothing() {
    let mut files = new();
    by(&mut files, badge("", true, ALL), |all| {
        all.write(path("a"), 0, b"abc").expect("writes");
        let free = all.space().expect("tells").free;
        for (offset, why) in [(0xffff_ffff, Status::TooLarge), (u64::MAX, Status::TooLarge), (free + 4096, Status::Full)] {
            assert_eq!(all.write(path("a"), offset, b"x"), Err(Fault::Told(why)), "{offset}");
            assert_eq!(all.write(path("b"), offset, b"x"), Err(Fault::Told(why)), "{offset}");
        }
        assert_eq!(all.truncate(path("a"), 1 << 32), Err(Fault::Told(Status::TooLarge)));
        assert_eq!(all.truncate(path("a"), free + 4096), Err(Fault::Told(Status::Full)));
        assert_eq!((all.stat(path("a")).map(|entry| entry.size), all.stat(path("b"))), (Ok(3), Err(Fault::Told(Status::NotFound))));
        assert_eq!(all.space().map(|space| space.free), Ok(free));
    });
}

#[test]
fn a_sync_in_another_life_says_that_something_may_be_lost() {
    let mut files = new();
    let mut ask = |request: Request<'_>, badge| {
        let (mut room, mut reply) = (vec![0; 4000], vec![0; MOST]);
        let length = request.encode(&mut room).expect("fits");
        let length = answer(&mut files, LIFE, badge, &room[..length], &mut reply);
        Reply::decode(&reply[..length]).expect("is one").0.status
    };
    let all = Some(badge("", true, ALL));
    assert_eq!(ask(Request::Sync { life: 0 }, all), Status::Done);
    assert_eq!(ask(Request::Sync { life: LIFE }, all), Status::Done);
    assert_eq!(ask(Request::Sync { life: 3 }, all), Status::Lost);
    assert_eq!(ask(Request::Space, None), Status::Failed);
    assert_eq!(ask(Request::Read { path: path("a"), offset: 0, length: u32::MAX }, all), Status::TooLarge);
}

#[test]
fn requests_that_are_none_are_malformed() {
    let mut files = new();
    for request in [&[][..], &[0; 15], &[99; 16], &[1; 64]] {
        let mut reply = vec![0; MOST];
        let length = answer(&mut files, LIFE, Some(badge("", true, ALL)), request, &mut reply);
        assert_eq!(Reply::decode(&reply[..length]).expect("is one").0.status, Status::Malformed);
    }
}

#[test]
fn own_folders_and_paths_are_not_too_long_together() {
    let mut files = new();
    let long = vec!["x".repeat(200); 4].join("/");
    by(&mut files, badge(&long, true, ALL), |theirs| {
        assert_eq!(theirs.write(path("a"), 0, b"1"), Ok(()));
        assert_eq!(theirs.write(path(&"y".repeat(250)), 0, b"1"), Err(Fault::Told(Status::Malformed)));
    });
}
