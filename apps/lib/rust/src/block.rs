//! The protocol `munal-block/1` of a service that has a disk.
//!
//! A request is `HEADER` bytes (`Request`), for `Write` followed by the data. A reply is `REPLY` bytes, the first of which says how it
//! went (`Status`), for `Info` followed by `Info`, for `Read` by the data. Numbers are little endian; a sector has 512 bytes.
//!
//! What was written is safe from a loss of power once a `Flush` after it was answered, and not before.

#[cfg(feature = "alloc")]
pub mod client;
#[cfg(feature = "alloc")]
mod message;

#[cfg(feature = "alloc")]
pub use message::{Message, Pieces};

/// Bytes of a sector.
pub const SECTOR: usize = 512;
/// Bytes before the data of a request.
pub const HEADER: usize = 16;
/// Bytes before the data of a reply.
pub const REPLY: usize = 8;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// What disk it is.
    Info,
    /// `count` sectors from `sector` on.
    Read {
        /// The first.
        sector: u64,
        /// How many.
        count: u32,
    },
    /// That the data becomes the `count` sectors from `sector` on.
    Write {
        /// The first.
        sector: u64,
        /// How many; the data has so many.
        count: u32,
    },
    /// That what was written so far stays.
    Flush,
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It was done.
    Done,
    /// There is no such request, or its data does not fit it.
    Malformed,
    /// It leaves the disk, or is more than is moved at once.
    OutOfRange,
    /// Nothing is written to this disk.
    ReadOnly,
    /// The disk could not.
    Failed,
}

impl Status {
    const ALL: [Self; 5] = [Self::Done, Self::Malformed, Self::OutOfRange, Self::ReadOnly, Self::Failed];

    /// The status that a reply begins with; `Malformed` for one that is none.
    pub fn of(reply: &[u8]) -> Self {
        let number = if reply.len() < REPLY { None } else { reply.first() };
        number.and_then(|number| Self::ALL.get(usize::from(*number))).copied().unwrap_or(Self::Malformed)
    }

    /// The bytes that a reply begins with.
    pub const fn encode(self) -> [u8; REPLY] {
        [self as u8, 0, 0, 0, 0, 0, 0, 0]
    }
}

/// A disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// How long it is, in sectors.
    pub sectors: u64,
    /// The most sectors of one request.
    pub most: u32,
    /// Whether nothing is written to it.
    pub read_only: bool,
}

impl Info {
    /// Bytes of an encoded one.
    pub const LENGTH: usize = 16;

    /// It as bytes.
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.sectors.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.most.to_le_bytes());
        bytes[12] = u8::from(self.read_only);
        bytes
    }

    /// It from bytes; none where they are too few.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LENGTH] = bytes.get(..Self::LENGTH)?.try_into().ok()?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, read_only, ..] = *bytes;
        Some(Self { sectors: u64::from_le_bytes([a, b, c, d, e, f, g, h]), most: u32::from_le_bytes([i, j, k, l]), read_only: read_only != 0 })
    }

    /// Whether a request can be done on this disk, and if not, why.
    pub fn judge(&self, request: Request, data: usize) -> Status {
        match request {
            Request::Info | Request::Flush => if data == 0 { Status::Done } else { Status::Malformed },
            Request::Read { sector, count } | Request::Write { sector, count } => {
                let expected = if matches!(request, Request::Write { .. }) { count as usize * SECTOR } else { 0 };
                match sector.checked_add(u64::from(count)) {
                    _ if data != expected || count == 0 => Status::Malformed,
                    Some(end) if end <= self.sectors && count <= self.most => match request {
                        Request::Write { .. } if self.read_only => Status::ReadOnly,
                        _ => Status::Done,
                    },
                    _ => Status::OutOfRange,
                }
            }
        }
    }
}

impl Request {
    /// The header of a request.
    pub fn encode(&self) -> [u8; HEADER] {
        let (number, sector, count) = match *self {
            Request::Info => (0, 0, 0),
            Request::Read { sector, count } => (1, sector, count),
            Request::Write { sector, count } => (2, sector, count),
            Request::Flush => (3, 0, 0),
        };
        let mut bytes = [0; HEADER];
        bytes[0] = number;
        bytes[4..8].copy_from_slice(&u32::to_le_bytes(count));
        bytes[8..].copy_from_slice(&u64::to_le_bytes(sector));
        bytes
    }

    /// The request that begins with these bytes; none where it is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let [number, 0, 0, 0, a, b, c, d, e, f, g, h, i, j, k, l] = *bytes.first_chunk::<HEADER>()? else { return None };
        let (count, sector) = (u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes([e, f, g, h, i, j, k, l]));
        match (number, sector, count) {
            (0, 0, 0) => Some(Request::Info),
            (1, ..) => Some(Request::Read { sector, count }),
            (2, ..) => Some(Request::Write { sector, count }),
            (3, 0, 0) => Some(Request::Flush),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISK: Info = Info { sectors: 100, most: 8, read_only: false };

    #[test]
    fn requests_come_back_as_they_went() {
        for request in [Request::Info, Request::Read { sector: 7, count: 8 }, Request::Write { sector: u64::MAX, count: u32::MAX }, Request::Flush] {
            assert_eq!(Request::decode(&request.encode()), Some(request));
        }
        let mut bytes = Request::Flush.encode();
        bytes[0] = 4;
        assert_eq!((Request::decode(&bytes), Request::decode(&bytes[..15])), (None, None));
        bytes = Request::Info.encode();
        bytes[1] = 1;
        assert_eq!(Request::decode(&bytes), None);
    }

    #[test]
    fn disks_and_replies_come_back_as_they_went() {
        let disk = Info { read_only: true, ..DISK };
        assert_eq!((Info::decode(&disk.encode()), Info::decode(&[0; 15])), (Some(disk), None));
        assert!(Status::ALL.iter().all(|status| Status::of(&status.encode()) == *status));
        assert_eq!((Status::of(&[]), Status::of(&[9; 8])), (Status::Malformed, Status::Malformed));
    }

    #[test]
    fn what_leaves_the_disk_or_is_too_much_is_refused() {
        let read = |sector, count| DISK.judge(Request::Read { sector, count }, 0);
        assert_eq!([read(0, 8), read(92, 8), read(99, 1)], [Status::Done; 3]);
        assert_eq!([read(93, 8), read(100, 1), read(u64::MAX, 1), read(0, 9)], [Status::OutOfRange; 4]);
        assert_eq!(read(5, 0), Status::Malformed);
    }

    #[test]
    fn writes_bring_exactly_their_data_to_a_disk_that_takes_some() {
        let write = |disk: Info, data| disk.judge(Request::Write { sector: 0, count: 2 }, data);
        assert_eq!((write(DISK, 1024), write(DISK, 1023), write(Info { read_only: true, ..DISK }, 1024)), (Status::Done, Status::Malformed, Status::ReadOnly));
        assert_eq!((DISK.judge(Request::Flush, 0), DISK.judge(Request::Flush, 1)), (Status::Done, Status::Malformed));
    }
}
