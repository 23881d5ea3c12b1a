//! What the database lies on: bytes from `START` on of a disk, as long as the database wants them to be, behind a first block that says
//! what the disk is.
//!
//! The database doubles its length when it has no more room, and fails where that is more than the disk has: `store` sees to it that
//! nothing is lost by that, and that all of the disk is used. The last of it is kept for requests that give room back: also to remove
//! something, the database writes.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use redb::StorageBackend;
use redb::io::Error;

/// Where the database begins.
pub const START: u64 = 4096;
/// How much of a disk must be zeros for it to be taken as blank: file systems have their marks there.
pub const HEAD: u64 = 128 * 1024;
/// The least room that a store makes sense with.
pub const LEAST: u64 = 4 << 20;

const SECTOR: usize = 512;
/// What the database's length is a multiple of.
const PAGE: u64 = 4096;
const MAGIC: &[u8; 16] = b"munal files 1\r\n\x1a";

/// Bytes that are there again later. Between two flushes, writes may become lasting in any order, or not at all.
pub trait Blocks: fmt::Debug + Send + Sync + 'static {
    /// How many bytes there are; none where that turns out when no more can be written.
    fn capacity(&self) -> Option<u64>;
    /// Reads bytes; those that were never written are zeros or left from before.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Fault>;
    /// Writes bytes; `last` where the last room may be taken for it.
    fn write(&self, offset: u64, bytes: &[u8], last: bool) -> Result<(), Fault>;
    /// Forgets what is from `end` on, where it is any use.
    fn cut(&self, _end: u64) {}
    /// Comes back when all that was written lasts.
    fn flush(&self) -> Result<(), Fault>;
}

/// Why bytes were not read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no more room.
    Full,
    /// The disk does not answer, or answers what it cannot.
    Gone,
    /// The disk says that it could not.
    Failed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "no room is left",
            Self::Gone => "the disk does not answer",
            Self::Failed => "the disk could not read or write",
        })
    }
}

/// Why a disk is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It holds something else.
    Foreign,
    /// It was made by a later version, or its first block is damaged.
    Unknown,
    /// It has fewer bytes than it takes.
    TooSmall(u64),
    /// It cannot be read or written.
    Fault(Fault),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the disk holds something else, and is left as it is: fill its first 128 KiB with zeros to have it made anew"),
            Self::Unknown => f.write_str("the disk's first block is of another version or damaged"),
            Self::TooSmall(wanted) => write!(f, "the disk is too small: {wanted} bytes are wanted"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

/// What the first block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// Whether the database was made to its end.
    made: bool,
    /// How long it is, in bytes.
    length: u64,
    /// How many bytes the disk had.
    capacity: u64,
}

impl Mark {
    const MADE: u8 = 1;

    fn encode(self) -> [u8; SECTOR] {
        let mut bytes = [0; SECTOR];
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16] = if self.made { Self::MADE } else { 0 };
        bytes[24..32].copy_from_slice(&self.length.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.capacity.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; SECTOR]) -> Option<Self> {
        let number = |at: usize| u64::from_le_bytes(core::array::from_fn(|i| bytes[at + i]));
        let mark = Self { made: bytes[16] == Self::MADE, length: number(24), capacity: number(32) };
        // One comparison for all that is fixed.
        (mark.encode() == *bytes && mark.length.is_multiple_of(PAGE)).then_some(mark)
    }
}

/// A database's bytes, shared by those who open it one after the other.
#[derive(Debug)]
pub struct Medium<B> {
    blocks: B,
    /// The end of what the database may take, from its own start; none where `blocks` knows better.
    end: Option<u64>,
    made: AtomicBool,
    written: AtomicU64,
    length: AtomicU64,
    /// Whether the last of a memory may be taken.
    last: AtomicBool,
    /// What the last failure was.
    fault: spin::Mutex<Option<Fault>>,
}

impl<B: Blocks> Medium<B> {
    /// What a disk has, or has room for. Errors: it holds something else, or cannot be read.
    pub fn open(blocks: B) -> Result<Self, Refusal> {
        let capacity = blocks.capacity();
        let capacity_or_most = capacity.unwrap_or(u64::MAX);
        if capacity_or_most < LEAST {
            return Err(Refusal::TooSmall(LEAST));
        }
        let mut first = [0; SECTOR];
        blocks.read(0, &mut first).map_err(Refusal::Fault)?;
        let mark = Mark::decode(&first);
        match mark {
            Some(mark) if mark.capacity > capacity_or_most => return Err(Refusal::TooSmall(mark.capacity)),
            Some(mark) if mark.length > capacity_or_most - START => return Err(Refusal::Unknown),
            None if first.starts_with(&MAGIC[..8]) => return Err(Refusal::Unknown),
            None if !is_blank(&blocks).map_err(Refusal::Fault)? => return Err(Refusal::Foreign),
            _ => {}
        }
        let made = mark.is_some_and(|mark| mark.made);
        let length = mark.filter(|_| made).map_or(0, |mark| mark.length);
        let end = capacity.map(|capacity| capacity - START);
        let (made, length) = (AtomicBool::new(made), AtomicU64::new(length));
        Ok(Self { blocks, end, made, written: AtomicU64::new(0), length, last: AtomicBool::new(false), fault: spin::Mutex::new(None) })
    }

    /// Whether it has a database that was made to its end.
    pub fn is_made(&self) -> bool {
        self.made.load(Relaxed)
    }

    /// Has it begin anew: what was made of a database before is no more.
    pub fn begin(&self) -> Result<(), Fault> {
        self.length.store(0, Relaxed);
        self.mark().and_then(|()| self.blocks.flush())
    }

    /// Notes that the database was made to its end.
    pub fn finish(&self) -> Result<(), Fault> {
        self.blocks.flush()?;
        self.made.store(true, Relaxed);
        self.mark().and_then(|()| self.blocks.flush())
    }

    /// The bytes that files can have, as far as is known.
    pub fn room(&self) -> Option<u64> {
        self.end.map(|end| end - self.kept(end))
    }

    /// Whether `bytes` more can be written: the database, which at least doubles its length, has no need to become too long.
    pub fn surely_fits(&self, bytes: u64) -> bool {
        self.end.is_some_and(|end| 2 * (self.length.load(Relaxed) + bytes) <= end)
    }

    /// Has the database find all of the disk when it is opened next.
    pub fn stretch(&self) -> Result<(), Fault> {
        let Some(end) = self.end.filter(|end| self.length.load(Relaxed) < end / PAGE * PAGE) else { return Ok(()) };
        self.length.store(end / PAGE * PAGE, Relaxed);
        self.mark().and_then(|()| self.blocks.flush())
    }

    /// What is left for files beside so many pages, and what is kept.
    pub fn left_beside(&self, pages: u64) -> u64 {
        self.room().unwrap_or(u64::MAX).saturating_sub(pages * PAGE)
    }

    /// How many bytes were written since this was asked last.
    pub fn take_written(&self) -> u64 {
        self.written.swap(0, Relaxed)
    }

    /// Has the last of a memory be taken where it is needed, or be kept.
    pub fn take_last(&self, take: bool) {
        self.last.store(take, Relaxed);
    }

    /// What the last failure was, once.
    pub fn take_fault(&self) -> Option<Fault> {
        self.fault.lock().take()
    }

    /// What is kept for requests that give room back.
    fn kept(&self, end: u64) -> u64 {
        (end / 64).max(512 * 1024)
    }

    fn mark(&self) -> Result<(), Fault> {
        let capacity = self.end.map_or(0, |end| START + end);
        let mark = Mark { made: self.is_made(), length: self.length.load(Relaxed), capacity };
        self.blocks.write(0, &mark.encode(), true)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        if self.end.is_some_and(|end| offset.saturating_add(bytes.len() as u64) > end) {
            return Err(Fault::Full);
        }
        self.written.fetch_add(bytes.len() as u64, Relaxed);
        self.blocks.write(START + offset, bytes, self.last.load(Relaxed))
    }

    fn note<T>(&self, result: Result<T, Fault>) -> Result<T, Error> {
        result.map_err(|fault| {
            *self.fault.lock() = Some(fault);
            Error::other(format!("{fault}"))
        })
    }
}

/// Whether a disk's head is zeros.
fn is_blank(blocks: &impl Blocks) -> Result<bool, Fault> {
    let mut bytes = vec![0; HEAD as usize];
    blocks.read(0, &mut bytes)?;
    Ok(bytes.iter().all(|&byte| byte == 0))
}

/// What the database reads and writes a medium by.
#[derive(Debug)]
pub struct Storage<B>(pub Arc<Medium<B>>);

impl<B: Blocks> StorageBackend for Storage<B> {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.0.length.load(Relaxed))
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > self.0.length.load(Relaxed)) {
            return Err(Error::other("read past the end"));
        }
        self.0.note(self.0.blocks.read(START + offset, bytes))
    }

    /// What is longer by it is not filled with zeros: the database reads pages that it wrote, and no others.
    fn set_len(&self, length: u64) -> Result<(), Error> {
        if self.0.end.is_some_and(|end| length > end) {
            return self.0.note(Err(Fault::Full));
        }
        self.0.length.store(length, Relaxed);
        self.0.blocks.cut(START + length);
        self.0.note(self.0.mark())
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.0.note(self.0.blocks.flush())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.0.note(self.0.write(offset, bytes))
    }
}
