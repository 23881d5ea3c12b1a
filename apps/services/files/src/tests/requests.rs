//! What each request does, and what it refuses.

use super::sim::{ALL, Disk, client, client_with_room, open, path};
use crate::contents::CHUNK;
use crate::memory::Memory;
use crate::server;
use crate::tree::entry_cost;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use munal::files::client::Fault::Told;
use munal::files::{Badge, Entry, MOST, Path, Reply, Request, Space, Status};
use alloc::format;

const DISK: u64 = 16 << 20;

fn names(client: &mut munal::files::client::Client<impl FnMut(&[u8], &mut [u8]) -> Option<usize>>, folder: &str) -> Vec<String> {
    let mut names = Vec::new();
    client.list(path(folder), |name, entry| names.push(format!("{name}{}", if entry.folder { "/" } else { "" }))).expect("lists");
    names
}

#[test]
fn bytes_come_back_from_wherever_they_were_written() {
    let store = RefCell::new(open(Disk::new(DISK), 1));
    let mut client = client(&store, ALL);
    let (file, chunk) = (path("file"), CHUNK as u64);
    let mut expected: Vec<u8> = Vec::new();
    for (offset, length) in [(0, 10), (5, 10), (chunk - 3, 7), (3 * chunk, CHUNK), (2 * chunk, 1), (0, 3 * CHUNK + 1), (5 * chunk + 9, 1)] {
        let data: Vec<u8> = (0..length).map(|n| (n as u64 * 7 + offset) as u8 | 1).collect();
        client.write(file, offset, &data).expect("writes");
        let end = offset as usize + length;
        expected.resize(expected.len().max(end), 0);
        expected[offset as usize..end].copy_from_slice(&data);
        let mut room = vec![9; expected.len() + 10];
        assert_eq!(client.read(file, 0, &mut room), Ok(expected.len()));
        assert!(room[..expected.len()] == expected, "after {length} at {offset}");
        assert_eq!(client.stat(file), Ok(Entry { folder: false, size: expected.len() as u64, modified: 7 }));
    }
    assert_eq!(client.read(file, u64::MAX, &mut [0; 4]), Ok(0));
}

#[test]
fn what_is_cut_off_does_not_come_back() {
    let store = RefCell::new(open(Disk::new(DISK), 1));
    let mut client = client(&store, ALL);
    let (file, chunk) = (path("file"), CHUNK as u64);
    for size in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk] {
        client.write(file, 0, &vec![1; 3 * CHUNK]).expect("writes");
        client.truncate(file, size).expect("cuts");
        client.truncate(file, 4 * chunk).expect("grows");
        let mut room = vec![9; 4 * CHUNK];
        assert_eq!(client.read(file, 0, &mut room), Ok(room.len()));
        let ones = room.iter().take_while(|&&byte| byte == 1).count() as u64;
        assert!(ones == size && room[size as usize..].iter().all(|&byte| byte == 0), "cut to {size}");
    }
    assert_eq!(client.truncate(file, u64::MAX), Err(Told(Status::TooLarge)));
    assert_eq!(client.truncate(path("other"), 0), Err(Told(Status::NotFound)));
    assert_eq!(client.write(file, u64::MAX - 1, b"abc"), Err(Told(Status::TooLarge)));
}

#[test]
fn appended_data_follows_what_is_there() {
    let store = RefCell::new(open(Memory::default(), 1));
    let mut client = client(&store, ALL);
    let (file, data) = (path("log"), vec![3; CHUNK - 1]);
    client.append(file, b"ab").expect("appends");
    client.append(file, &data).expect("appends");
    client.append(file, b"").expect("appends");
    let mut room = vec![0; CHUNK + 10];
    assert_eq!(client.read(file, 0, &mut room), Ok(CHUNK + 1));
    assert!(room[..2] == *b"ab" && room[2..CHUNK + 1] == data[..]);
    client.append(path("empty"), b"").expect("makes it");
    assert_eq!(client.stat(path("empty")).map(|entry| entry.size), Ok(0));
}

#[test]
fn paths_lead_through_folders_alone() {
    let store = RefCell::new(open(Disk::new(DISK), 1));
    let mut client = client(&store, ALL);
    assert_eq!(client.write(path("a/b"), 0, b"x"), Err(Told(Status::NotFound)));
    client.make_folder(path("a")).expect("makes");
    assert_eq!(client.make_folder(path("a")), Err(Told(Status::Exists)));
    client.write(path("a/b"), 0, b"x").expect("writes");
    assert_eq!(client.make_folder(path("a/b")), Err(Told(Status::Exists)));
    assert_eq!(client.make_folder(path("a/b/c")), Err(Told(Status::NotAFolder)));
    assert_eq!(client.stat(path("a/b/c")), Err(Told(Status::NotAFolder)));
    assert_eq!(client.stat(path("a/c/d")), Err(Told(Status::NotFound)));
    assert_eq!(client.write(path("a"), 0, b"x"), Err(Told(Status::IsAFolder)));
    assert_eq!(client.read(Path::ROOT, 0, &mut [0]), Err(Told(Status::IsAFolder)));
    assert_eq!(client.list(path("a/b"), |_, _| ()), Err(Told(Status::NotAFolder)));
    assert_eq!(client.remove(path("a")), Err(Told(Status::NotEmpty)));
    assert_eq!(client.remove(Path::ROOT), Err(Told(Status::Refused)));
    client.remove(path("a/b")).expect("removes");
    client.remove(path("a")).expect("removes");
    assert_eq!(names(&mut client, ""), [""; 0]);
}

#[test]
fn what_is_renamed_is_as_it_was_and_replaces_what_can_be_replaced() {
    let store = RefCell::new(open(Disk::new(DISK), 1));
    let mut client = client(&store, ALL);
    for folder in ["a", "a/b", "empty", "full"] {
        client.make_folder(path(folder)).expect("makes");
    }
    for (file, data) in [("a/b/one", "1"), ("two", "22"), ("full/three", "333")] {
        client.write(path(file), 0, data.as_bytes()).expect("writes");
    }
    for (from, to, status) in [
        ("a", "a/b/c", Status::Refused),
        ("a", "a/c", Status::Refused),
        ("", "x", Status::Refused),
        ("a", "", Status::Refused),
        ("none", "x", Status::NotFound),
        ("two", "none/x", Status::NotFound),
        ("two", "full/three/x", Status::NotAFolder),
        ("two", "empty", Status::IsAFolder),
        ("empty", "two", Status::NotAFolder),
        ("empty", "full", Status::NotEmpty),
    ] {
        assert_eq!(client.rename(path(from), path(to)), Err(Told(status)), "{from} to {to}");
    }
    client.rename(path("two"), path("two")).expect("stays");
    client.rename(path("a"), path("empty")).expect("replaces");
    client.rename(path("two"), path("empty/b/one")).expect("replaces");
    client.rename(path("full/three"), path("empty/b/three")).expect("moves");
    assert_eq!(names(&mut client, ""), ["empty/", "full/"]);
    assert_eq!(names(&mut client, "empty/b"), ["one", "three"]);
    let mut room = [0; 4];
    assert_eq!((client.read(path("empty/b/one"), 0, &mut room), &room[..2]), (Ok(2), &b"22"[..]));
    client.rename(path("empty/b"), path("b")).expect("moves up");
    assert_eq!(names(&mut client, "b"), ["one", "three"]);
}

#[test]
fn lists_of_any_length_come_page_by_page_in_order() {
    let store = RefCell::new(open(Disk::new(DISK), 1));
    let mut client = client_with_room(&store, ALL, 0);
    let mut expected: Vec<String> = (0..300).map(|n| format!("{}{n}", "long-".repeat(n % 40))).collect();
    client.make_folder(path("many")).expect("makes");
    for name in &expected {
        client.write(path(&format!("many/{name}")), 0, b"").expect("writes");
    }
    client.write(path("beside"), 0, b"").expect("writes");
    expected.sort();
    assert_eq!(names(&mut client, "many"), expected);
}

#[test]
fn a_list_that_has_no_room_for_one_name_is_refused() {
    let store = RefCell::new(open(Memory::default(), 1));
    client(&store, ALL).write(path("name"), 0, b"").expect("writes");
    let (mut request, mut reply) = ([0; 100], vec![0; MOST]);
    for (length, status) in [(21, Status::TooLarge), (22, Status::Done)] {
        let count = Request::List { path: Path::ROOT, after: "", length }.encode(&mut request).expect("fits");
        let count = server::answer(&mut store.borrow_mut(), Some(ALL), &request[..count], 7, &mut reply);
        assert_eq!(Reply::decode(&reply[..count]).map(|(reply, answer)| (reply.status, answer.len())), Some((status, if status == Status::Done { 22 } else { 0 })));
    }
}

#[test]
fn a_client_sees_its_own_folder_alone() {
    let store = RefCell::new(open(Disk::new(DISK), 1));
    let mut all = client(&store, ALL);
    all.make_folder(path("home")).expect("makes");
    all.write(path("home/secret"), 0, b"s").expect("writes");
    let own = Badge { root: path("home/one"), ..ALL };
    let mut one = client(&store, own);
    assert_eq!((one.stat(Path::ROOT).map(|it| it.folder), names(&mut one, "")), (Ok(true), vec![]));
    assert_eq!(one.stat(path("secret")), Err(Told(Status::NotFound)));
    one.write(path("mine"), 0, b"mine").expect("its folder is made");
    assert_eq!(names(&mut one, ""), ["mine"]);
    assert_eq!(names(&mut all, "home"), ["one/", "secret"]);
    let mut blocked = client(&store, Badge { root: path("home/secret/x"), ..ALL });
    assert_eq!(blocked.write(path("a"), 0, b""), Err(Told(Status::NotAFolder)));
    assert_eq!(blocked.list(Path::ROOT, |_, _| ()), Err(Told(Status::NotAFolder)));
    let mut file = client(&store, Badge { root: path("home/secret"), ..ALL });
    assert_eq!(file.stat(Path::ROOT), Err(Told(Status::NotAFolder)));
    assert_eq!(file.write(Path::ROOT, 0, b"x"), Err(Told(Status::NotAFolder)));
}

#[test]
fn who_may_only_read_changes_nothing() {
    let store = RefCell::new(open(Memory::default(), 1));
    client(&store, ALL).write(path("file"), 0, b"12").expect("writes");
    let mut reader = client(&store, Badge { writes: false, ..ALL });
    let (file, other) = (path("file"), path("other"));
    let refused = Err(Told(Status::ReadOnly));
    assert_eq!([reader.write(file, 0, b"x"), reader.append(file, b"x"), reader.truncate(file, 0)], [refused; 3]);
    assert_eq!([reader.make_folder(other), reader.remove(file), reader.rename(file, other)], [refused; 3]);
    let mut room = [0; 3];
    assert_eq!((reader.read(file, 0, &mut room), room), (Ok(2), [b'1', b'2', 0]));
}

#[test]
fn a_quota_is_kept_to_the_byte() {
    let store = RefCell::new(open(Disk::new(DISK), 1));
    let quota = 2 * entry_cost(b"file") + 1000;
    let mut client = client(&store, Badge { root: path("own"), quota, ..ALL });
    let file = path("file");
    client.write(file, 0, &[1; 900]).expect("fits");
    assert_eq!(client.space(), Ok(Space { used: entry_cost(b"file") + 900, quota, free: entry_cost(b"file") + 100 }));
    client.write(path("elif"), 0, &[1; 100]).expect("fits to the byte");
    assert_eq!(client.space().map(|it| it.free), Ok(0));
    for refused in [client.append(file, b"x"), client.truncate(file, 901), client.make_folder(path("f")), client.rename(file, path("filed"))] {
        assert_eq!(refused, Err(Told(Status::Quota)));
    }
    client.write(file, 0, &[2; 900]).expect("is not more");
    client.rename(file, path("fil")).expect("is less");
    client.append(path("fil"), b"x").expect("what a letter cost is a byte");
    assert_eq!(client.append(path("fil"), b"x"), Err(Told(Status::Quota)));
    client.remove(path("elif")).expect("removes");
    assert_eq!(client.space().map(|it| it.used), Ok(entry_cost(b"fil") + 901));
}

#[test]
fn what_is_no_request_is_told_so() {
    let store = RefCell::new(open(Memory::default(), 1));
    let mut reply = vec![0; MOST];
    for (badge, request, status) in [(Some(ALL), &b"nonsense"[..], Status::Malformed), (Some(ALL), b"", Status::Malformed), (None, b"", Status::Failed)] {
        let length = server::answer(&mut store.borrow_mut(), badge, request, 7, &mut reply);
        assert_eq!(Reply::decode(&reply[..length]).map(|(reply, _)| reply.status), Some(status));
    }
    let text = "x".to_string();
    assert_eq!(client(&store, ALL).stat(path(&text)), Err(Told(Status::NotFound)));
}
