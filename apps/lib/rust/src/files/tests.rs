use super::*;
extern crate std;
use std::vec;
use std::vec::Vec;

fn path(text: &str) -> Path<'_> {
    Path::new(text).expect("is one")
}

fn all() -> Vec<Request<'static>> {
    vec![
        Request::Stat { path: path("") },
        Request::Read { path: path("a/b"), offset: u64::MAX, length: u32::MAX },
        Request::Write { path: path("a"), offset: 7, data: b"data" },
        Request::Append { path: path("a"), data: &[] },
        Request::Truncate { path: path("a"), size: 1 << 40 },
        Request::List { path: path(""), after: "", length: 9 },
        Request::List { path: path("a"), after: "x", length: u32::MAX },
        Request::MakeFolder { path: path("f") },
        Request::Remove { path: path("f") },
        Request::Rename { from: path("a/b"), to: path("c") },
        Request::Sync { life: 3 },
        Request::Space,
    ]
}

fn encoded(request: &Request<'_>) -> Vec<u8> {
    let mut room = vec![0xaa; 200];
    let length = request.encode(&mut room).expect("fits");
    room.truncate(length);
    room
}

#[test]
fn requests_come_back_as_they_went() {
    for request in all() {
        let bytes = encoded(&request);
        assert_eq!(Request::decode(&bytes), Some(request));
        assert_eq!(request.encode(&mut vec![0; bytes.len() - 1]), None, "{request:?} where there is no room");
    }
}

#[test]
fn what_is_cut_or_changed_is_the_request_it_says_or_none() {
    for request in all() {
        let bytes = encoded(&request);
        for length in 0..bytes.len() {
            let cut = Request::decode(&bytes[..length]);
            assert!(cut.is_none_or(|cut| encoded(&cut) == bytes[..length]), "{request:?} cut to {length}");
        }
        for at in 0..bytes.len() {
            for value in 0..=255 {
                let mut changed = bytes.clone();
                changed[at] = value;
                assert!(Request::decode(&changed).is_none_or(|it| encoded(&it) == changed), "{request:?} with {value} at {at}");
            }
        }
    }
}

#[test]
fn what_leads_elsewhere_is_no_request() {
    let mut bytes = encoded(&Request::Stat { path: path("a/b") });
    bytes[HEADER..].copy_from_slice(b"../");
    assert_eq!(Request::decode(&bytes), None);
    let mut bytes = encoded(&Request::Rename { from: path("a"), to: path("bcd") });
    let end = bytes.len() - 3;
    bytes[end..].copy_from_slice(b"/..");
    assert_eq!(Request::decode(&bytes), None);
    let mut bytes = encoded(&Request::List { path: path("a"), after: "bcd", length: 0 });
    bytes[end..].copy_from_slice(b"b/c");
    assert_eq!(Request::decode(&bytes), None);
}

#[test]
fn replies_come_back_as_they_went() {
    for status in Status::ALL {
        let reply = Reply { status, more: status == Status::Done, life: 1 << 63 };
        let bytes = [&reply.encode()[..], b"answer"].concat();
        assert_eq!(Reply::decode(&bytes), Some((reply, &b"answer"[..])));
    }
    assert_eq!(Reply::decode(&[0; REPLY - 1]), None);
    for at in 0..8 {
        let mut bytes = Reply { status: Status::Done, more: false, life: 1 }.encode();
        bytes[at] = Status::ALL.len() as u8;
        assert_eq!(Reply::decode(&bytes), None, "{at}");
    }
}

#[test]
fn entries_and_space_come_back_as_they_went() {
    let entry = Entry { folder: true, size: 1 << 60, modified: 5 };
    assert_eq!((Entry::decode(&entry.encode()), Entry::decode(&entry.encode()[..16])), (Some(entry), None));
    assert_eq!(Entry::decode(&[2; Entry::LENGTH]), None);
    let space = Space { used: 1, quota: u64::MAX, free: 3 };
    assert_eq!((Space::decode(&space.encode()), Space::decode(&[0; 23])), (Some(space), None));
}

#[test]
fn a_list_is_read_up_to_what_is_no_entry() {
    let (one, two) = (Entry { folder: true, size: 0, modified: 1 }, Entry { folder: false, size: 9, modified: 2 });
    let mut room = vec![0; 100];
    let first = put_listed(&mut room, "one", &one).expect("fits");
    let end = first + put_listed(&mut room[first..], "two", &two).expect("fits");
    assert_eq!(listed(&room[..end]).collect::<Vec<_>>(), [("one", one), ("two", two)]);
    for cut in first..end {
        assert_eq!(listed(&room[..cut]).collect::<Vec<_>>(), [("one", one)], "{cut}");
    }
    room[first + LISTED] = b'/';
    assert_eq!(listed(&room[..end]).count(), 1);
    assert_eq!(put_listed(&mut room[..LISTED + 2], "two", &two), None);
    assert_eq!(put_listed(&mut vec![0; 1000], &"x".repeat(256), &two), None);
}
