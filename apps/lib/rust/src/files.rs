//! The protocol `munal-files/1` of a service that has folders and files.
//!
//! A request is `HEADER` bytes, then a path, then what the request is about: data, a second path or a name (`Request`). A reply is
//! `REPLY` bytes (`Reply`): how it went, which life of the service says so, and the answer behind. Numbers are little endian. Requests
//! stand alone: nothing is open between them, and a client goes on where the service was started anew.
//!
//! What a client may do, and which folder its paths begin at, a request does not say: the kernel tells the provider, by a `Badge`.
//!
//! Each request is done as a whole or not at all. What was written is safe from a loss of power, and from the service's own end, once a
//! `Sync` after it was answered with `Done`, and not before; until then the latest of it may be lost. `Sync` says in which life of the
//! service the client wrote: where that is over, what it wrote may be gone, and `Lost` tells it to write once more.

mod badge;
mod path;

#[cfg(feature = "alloc")]
pub mod client;
pub mod provider;

pub use badge::{BADGE_MOST, Badge};
pub use path::{PATH_MOST, PARTS_MOST, PART_MOST, Path};

/// Bytes of a request before its path.
pub const HEADER: usize = 16;
/// Bytes of a reply before the answer.
pub const REPLY: usize = 16;
/// The most bytes of a request or a reply.
pub const MOST: usize = 1 << 20;
/// The most bytes that are read at once.
pub const READ_MOST: usize = MOST - REPLY;
/// The most bytes that are written at once, whatever the path.
pub const WRITE_MOST: usize = MOST - HEADER - PATH_MOST;
/// Bytes of a listed entry before its name.
pub const LISTED: usize = Entry::LENGTH + 1;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// What is at a path; answered with an `Entry`.
    Stat {
        /// Of what.
        path: Path<'a>,
    },
    /// Bytes of a file; fewer, or none, where it ends before.
    Read {
        /// Of which file.
        path: Path<'a>,
        /// The first byte's place.
        offset: u64,
        /// How many, at most `READ_MOST`.
        length: u32,
    },
    /// That bytes of a file become the data. Makes the file where there is none; what is between its end and the offset becomes zeros.
    Write {
        /// Of which file.
        path: Path<'a>,
        /// The first byte's place.
        offset: u64,
        /// The bytes; none make a file that is empty.
        data: &'a [u8],
    },
    /// That the data follows a file's last byte. Makes the file where there is none.
    Append {
        /// Of which file.
        path: Path<'a>,
        /// The bytes.
        data: &'a [u8],
    },
    /// That a file has so many bytes; new ones are zeros.
    Truncate {
        /// Which file.
        path: Path<'a>,
        /// How many.
        size: u64,
    },
    /// What is in a folder, in the order of the names' bytes; answered with entries and their names (`listed`).
    List {
        /// Which folder.
        path: Path<'a>,
        /// Only names that come after this one; empty for all.
        after: &'a str,
        /// The most bytes of the answer: as many entries as fit, and whether there are `more`.
        length: u32,
    },
    /// That there is a folder.
    MakeFolder {
        /// Where, in a folder that there is.
        path: Path<'a>,
    },
    /// That a file, or an empty folder, is no more.
    Remove {
        /// Which.
        path: Path<'a>,
    },
    /// That what was at one path is at another, at once: a file that was there is no more, nor is a folder that was there empty.
    Rename {
        /// What.
        from: Path<'a>,
        /// To where.
        to: Path<'a>,
    },
    /// That what was written so far stays.
    Sync {
        /// In which life of the service it was written, as replies told; 0 where that does not matter.
        life: u64,
    },
    /// How much room there is; answered with `Space`.
    Space,
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It was done.
    Done,
    /// There is no such request, or a path or a name in it is none that there can be here.
    Malformed,
    /// Nothing is at the path.
    NotFound,
    /// There is something at the path already.
    Exists,
    /// A part of the path that must be a folder is a file.
    NotAFolder,
    /// What must be a file is a folder.
    IsAFolder,
    /// The folder has something in it.
    NotEmpty,
    /// This client may not write, or nobody can.
    ReadOnly,
    /// The client has no more bytes to use.
    Quota,
    /// There is no room left.
    Full,
    /// More is asked for than goes into one reply, or into a file.
    TooLarge,
    /// A folder cannot be moved into itself, nor the client's own folder be moved or removed.
    Refused,
    /// What was written in the life that is told may be gone.
    Lost,
    /// The service could not.
    Failed,
}

impl Status {
    const ALL: [Self; 14] = [
        Self::Done,
        Self::Malformed,
        Self::NotFound,
        Self::Exists,
        Self::NotAFolder,
        Self::IsAFolder,
        Self::NotEmpty,
        Self::ReadOnly,
        Self::Quota,
        Self::Full,
        Self::TooLarge,
        Self::Refused,
        Self::Lost,
        Self::Failed,
    ];

    /// It in words, for a person.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Malformed => "no such request, or no such name can be here",
            Self::NotFound => "not found",
            Self::Exists => "exists already",
            Self::NotAFolder => "not a folder",
            Self::IsAFolder => "a folder",
            Self::NotEmpty => "the folder is not empty",
            Self::ReadOnly => "may only be read",
            Self::Quota => "the quota is used up",
            Self::Full => "no room is left",
            Self::TooLarge => "too large",
            Self::Refused => "cannot be moved or removed",
            Self::Lost => "the service was started anew: what was written before may be lost",
            Self::Failed => "the service could not",
        }
    }
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

/// What a reply begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How it went.
    pub status: Status,
    /// Whether a list goes on after the last name in this reply.
    pub more: bool,
    /// Which life of the service it is: another number, never 0, whenever what was not synced may have been lost.
    pub life: u64,
}

impl Reply {
    /// It as bytes.
    pub fn encode(&self) -> [u8; REPLY] {
        let mut bytes = [0; REPLY];
        bytes[0] = self.status as u8;
        bytes[1] = u8::from(self.more);
        bytes[8..].copy_from_slice(&self.life.to_le_bytes());
        bytes
    }

    /// It and the answer from bytes; none where they are no reply.
    pub fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&[status, more @ 0..=1, 0, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h], answer) = bytes.split_first_chunk::<REPLY>()? else {
            return None;
        };
        let status = *Status::ALL.get(usize::from(status))?;
        Some((Self { status, more: more == 1, life: u64::from_le_bytes([a, b, c, d, e, f, g, h]) }, answer))
    }
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether it is a folder; a file otherwise.
    pub folder: bool,
    /// Bytes of the file; 0 for a folder.
    pub size: u64,
    /// When it was written last, in nanoseconds since 1970; 0 where that is not known.
    pub modified: u64,
}

impl Entry {
    /// Bytes of an encoded one.
    pub const LENGTH: usize = 17;

    /// It as bytes.
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = u8::from(self.folder);
        bytes[1..9].copy_from_slice(&self.size.to_le_bytes());
        bytes[9..].copy_from_slice(&self.modified.to_le_bytes());
        bytes
    }

    /// It from the bytes that begin with it; none where they do not.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (folder @ 0..=1, size, modified) = (*bytes.first()?, number(bytes, 1)?, number(bytes, 9)?) else { return None };
        Some(Self { folder: folder == 1, size, modified })
    }
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that all that the client sees takes, as the service counts against a quota.
    pub used: u64,
    /// How many these may be; `u64::MAX` for no limit.
    pub quota: u64,
    /// How many more can be written, as far as is known.
    pub free: u64,
}

impl Space {
    /// Bytes of an encoded one.
    pub const LENGTH: usize = 24;

    /// It as bytes.
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        for (number, part) in [self.used, self.quota, self.free].iter().zip(bytes.chunks_exact_mut(8)) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// It from bytes; none where they are too few.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self { used: number(bytes, 0)?, quota: number(bytes, 8)?, free: number(bytes, 16)? })
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Writes a listed entry to the start of `room`; gives its length, or none where it does not fit.
pub fn put_listed(room: &mut [u8], name: &str, entry: &Entry) -> Option<usize> {
    let length = LISTED + name.len();
    let room = room.get_mut(..length)?;
    room[..Entry::LENGTH].copy_from_slice(&entry.encode());
    room[Entry::LENGTH] = u8::try_from(name.len()).ok()?;
    room[LISTED..].copy_from_slice(name.as_bytes());
    Some(length)
}

/// The entries and names of a list's answer, up to its end or to the first that is none.
pub fn listed(mut answer: &[u8]) -> impl Iterator<Item = (&str, Entry)> {
    core::iter::from_fn(move || {
        let entry = Entry::decode(answer)?;
        let end = LISTED + usize::from(*answer.get(Entry::LENGTH)?);
        let name = core::str::from_utf8(answer.get(LISTED..end)?).ok().filter(|name| path::is_part(name))?;
        answer = &answer[end..];
        Some((name, entry))
    })
}

impl<'a> Request<'a> {
    /// Whether it changes what is there.
    pub const fn writes(&self) -> bool {
        match self {
            Self::Stat { .. } | Self::Read { .. } | Self::List { .. } | Self::Sync { .. } | Self::Space => false,
            Self::Write { .. } | Self::Append { .. } | Self::Truncate { .. } => true,
            Self::MakeFolder { .. } | Self::Remove { .. } | Self::Rename { .. } => true,
        }
    }

    /// Writes it to the start of `room`; gives its length, or none where it does not fit.
    pub fn encode(&self, room: &mut [u8]) -> Option<usize> {
        let none: (Path<'_>, &[u8]) = (Path::ROOT, &[]);
        let (kind, (path, rest), length, number) = match *self {
            Self::Stat { path } => (0, (path, &[][..]), 0, 0),
            Self::Read { path, offset, length } => (1, (path, &[][..]), length, offset),
            Self::Write { path, offset, data } => (2, (path, data), 0, offset),
            Self::Append { path, data } => (3, (path, data), 0, 0),
            Self::Truncate { path, size } => (4, (path, &[][..]), 0, size),
            Self::List { path, after, length } => (5, (path, after.as_bytes()), length, 0),
            Self::MakeFolder { path } => (6, (path, &[][..]), 0, 0),
            Self::Remove { path } => (7, (path, &[][..]), 0, 0),
            Self::Rename { from, to } => (8, (from, to.as_str().as_bytes()), 0, 0),
            Self::Sync { life } => (9, none, 0, life),
            Self::Space => (10, none, 0, 0),
        };
        let path = path.as_str().as_bytes();
        let end = HEADER + path.len();
        let room = room.get_mut(..end.checked_add(rest.len())?)?;
        room[..2].copy_from_slice(&[kind, 0]);
        room[2..4].copy_from_slice(&(path.len() as u16).to_le_bytes());
        room[4..8].copy_from_slice(&u32::to_le_bytes(length));
        room[8..HEADER].copy_from_slice(&u64::to_le_bytes(number));
        room[HEADER..end].copy_from_slice(path);
        room[end..].copy_from_slice(rest);
        Some(room.len())
    }

    /// The request that these bytes are; none where they are none.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&[kind, 0, a, b, c, d, e, f, g, h, i, j, k, l, m, n], behind) = bytes.split_first_chunk::<HEADER>()? else { return None };
        let (length, number) = (u32::from_le_bytes([c, d, e, f]), u64::from_le_bytes([g, h, i, j, k, l, m, n]));
        let (path, rest) = behind.split_at_checked(usize::from(u16::from_le_bytes([a, b])))?;
        let path = Path::from_bytes(path)?;
        let request = match kind {
            0 => Self::Stat { path },
            1 => Self::Read { path, offset: number, length },
            2 => Self::Write { path, offset: number, data: rest },
            3 => Self::Append { path, data: rest },
            4 => Self::Truncate { path, size: number },
            5 => {
                let after = core::str::from_utf8(rest).ok().filter(|name| name.is_empty() || path::is_part(name))?;
                Self::List { path, after, length }
            }
            6 => Self::MakeFolder { path },
            7 => Self::Remove { path },
            8 => Self::Rename { from: path, to: Path::from_bytes(rest)? },
            9 => Self::Sync { life: number },
            10 => Self::Space,
            _ => return None,
        };
        request.fits(path, rest, length, number).then_some(request)
    }

    /// Whether what does not belong to this request is empty.
    fn fits(&self, path: Path<'_>, rest: &[u8], length: u32, number: u64) -> bool {
        let numbers = match self {
            Self::Read { .. } => true,
            Self::Write { .. } | Self::Truncate { .. } | Self::Sync { .. } => length == 0,
            Self::List { .. } => number == 0,
            _ => (length, number) == (0, 0),
        };
        let text = match self {
            Self::Write { .. } | Self::Append { .. } | Self::List { .. } | Self::Rename { .. } => true,
            Self::Sync { .. } | Self::Space => path.is_root() && rest.is_empty(),
            _ => rest.is_empty(),
        };
        numbers && text
    }
}

#[cfg(test)]
mod tests;
