//! The database on its medium: opened, changed by whole requests, made to last, and opened anew where it failed.
//!
//! A change is a transaction of its own that does not last yet; `sync` makes all of them last. While the database surely finds room for
//! what was changed since, that is all. Where it may not, each change is made to last at once: a database that does not find room has
//! failed, and what it goes back to then is the state before the change. It is opened anew with all of the disk, and the change is made
//! again. So that there is always room to remove something, pages are counted before what adds to them; what was written since is
//! taken off, so that not every change has to count.

use crate::change::Change;
use crate::contents::{CHUNK, CHUNKS};
use crate::medium::{Blocks, Fault, Medium, Storage};
use crate::tree::ENTRIES;
use crate::Problem;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use munal::files::Status;
use redb::{Builder, Database, Durability, ReadTransaction, ReadableDatabase};

/// Bytes that a change takes beside its data, at most: the pages on the way to what it changed.
const BESIDE: u64 = 256 * 1024;

/// A database and its medium.
#[derive(Debug)]
pub struct Store<B> {
    medium: Arc<Medium<B>>,
    /// None where it failed, and is to be opened anew.
    database: Option<Database>,
    /// Bytes of memory for what was read and written last.
    cache: usize,
    /// Bytes that what was changed since the last sync takes at most; 0 where all lasts.
    pending: u64,
    /// The number of this life.
    life: u64,
    /// Bytes that are left beside what is kept, where that was counted: at least so many.
    left: Option<u64>,
    /// What a change takes that did not fit, since room was given back last.
    refused: Option<u64>,
    /// What the log is to be told, and what it was told last since all went well.
    note: Option<String>,
    told: Option<String>,
    /// Whether what is on the medium turned out to be damaged.
    damaged: bool,
}

/// Why there is no store.
#[derive(Debug)]
pub enum Refusal {
    /// The medium cannot.
    Fault(Fault),
    /// What is on the medium is damaged.
    Damaged(String),
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Damaged(why) => write!(f, "what is on the disk is damaged: {why}"),
        }
    }
}

impl<B: Blocks> Store<B> {
    /// The store on a medium, which is made where there is none. `life` is a number that no life before had.
    pub fn open(medium: Medium<B>, cache: usize, life: u64, now: u64) -> Result<Self, Refusal> {
        let mut store = Self { medium: Arc::new(medium), database: None, cache, pending: 0, life, left: None, refused: None, note: None, told: None, damaged: false };
        if store.medium.is_made() { store.reopen()? } else { store.make(now)? }
        Ok(store)
    }

    /// The number of this life: another one whenever what was not synced may be lost.
    pub fn life(&self) -> u64 {
        self.life
    }

    /// Whether something was changed that does not last yet.
    pub fn is_pending(&self) -> bool {
        self.pending > 0
    }

    /// What the log is to be told, once.
    pub fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }

    /// Whether what is on the medium turned out to be damaged: nothing good comes of going on.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// How much all files can cost, as far as is known.
    pub fn room(&self) -> Option<u64> {
        self.medium.room()
    }

    /// Reads what is there.
    pub fn read<T>(&mut self, read: impl FnOnce(&ReadTransaction) -> Result<T, Problem>) -> Result<T, Problem> {
        let result = self.database().and_then(|database| read(&database.begin_read()?));
        result.map_err(|problem| self.judge(problem))
    }

    /// Changes what is there, by `bytes` of data, or gives room back. It is done as a whole or not at all.
    pub fn change(&mut self, bytes: Option<usize>, now: u64, change: &mut dyn FnMut(&mut Change<'_>) -> Result<(), Problem>) -> Result<(), Problem> {
        let need = (bytes.unwrap_or(0) as u64 / CHUNK as u64 + 2) * 2 * CHUNK as u64 + BESIDE;
        if !self.medium.surely_fits(self.pending + need) {
            self.sync()?;
        }
        if self.medium.surely_fits(self.pending + need) {
            self.try_change(false, now, change).map_err(|problem| self.judge(problem))?;
            (self.pending, self.left) = (self.pending + need, None);
            return Ok(());
        }
        match bytes {
            Some(_) => self.require(need)?,
            None => self.refused = None,
        }
        self.medium.take_last(bytes.is_none());
        let result = self.change_at_once(now, change);
        self.medium.take_last(true);
        result
    }

    /// Changes what is there, and makes that last; where the database's own room is too small for it, with all of the disk.
    fn change_at_once(&mut self, now: u64, change: &mut dyn FnMut(&mut Change<'_>) -> Result<(), Problem>) -> Result<(), Problem> {
        self.medium.take_written();
        let mut result = self.try_change(true, now, change).map_err(|problem| self.judge(problem));
        if matches!(result, Err(Problem::Told(Status::Full))) && self.database.is_none() {
            self.spread();
            result = self.try_change(true, now, change).map_err(|problem| self.judge(problem));
        }
        self.left = self.left.map(|left| left.saturating_sub(self.medium.take_written()));
        result
    }

    /// Sees to it that there are so many bytes beside what is kept for requests that give room back. Errors: there are not.
    fn require(&mut self, need: u64) -> Result<(), Problem> {
        if self.medium.room().is_none() || self.left.is_some_and(|left| left >= need) {
            return Ok(());
        }
        if self.refused.is_none_or(|refused| need < refused) {
            self.spread();
            let pages = self.database().and_then(|database| {
                let transaction = database.begin_write()?;
                let pages = transaction.stats()?.allocated_pages();
                transaction.abort()?;
                Ok(pages)
            });
            let left = pages.map(|pages| self.medium.left_beside(pages)).map_err(|problem| self.judge(problem))?;
            self.left = Some(left);
            if left >= need {
                return Ok(());
            }
            self.refused = Some(need);
        }
        Err(Status::Full.into())
    }

    /// Has the database find all of the disk. Where that fails, it fails again when the database is opened, and is told then.
    fn spread(&mut self) {
        self.database = None;
        let _ = self.medium.stretch();
        let _ = self.medium.take_fault();
    }

    /// Makes all changes last.
    pub fn sync(&mut self) -> Result<(), Problem> {
        if self.pending == 0 {
            return Ok(());
        }
        self.medium.take_last(true);
        let result = self.database().and_then(|database| {
            let mut transaction = database.begin_write()?;
            make_lasting(&mut transaction)?;
            Ok(transaction.commit()?)
        });
        match result {
            Ok(()) => {
                (self.pending, self.told) = (0, None);
                Ok(())
            }
            Err(problem) => Err(self.judge(problem)),
        }
    }

    fn try_change(&mut self, at_once: bool, now: u64, change: &mut dyn FnMut(&mut Change<'_>) -> Result<(), Problem>) -> Result<(), Problem> {
        let room = self.medium.room().unwrap_or(u64::MAX);
        let database = self.database()?;
        let mut transaction = database.begin_write()?;
        if at_once {
            make_lasting(&mut transaction)?;
        } else {
            transaction.set_durability(Durability::None).map_err(|_| Status::Failed)?;
        }
        let result = Change::begin(&transaction, room, now).and_then(|mut tables| change(&mut tables));
        match result {
            Ok(()) => Ok(transaction.commit()?),
            Err(problem) => {
                transaction.abort()?;
                Err(problem)
            }
        }
    }

    /// What a client is told of a problem. A database that failed is dropped, to be opened anew.
    fn judge(&mut self, problem: Problem) -> Problem {
        let Problem::Database(error) = problem else { return problem };
        let fault = self.medium.take_fault();
        self.database = None;
        let was_pending = core::mem::take(&mut self.pending) > 0;
        if was_pending {
            self.life += 1;
        }
        if fault == Some(Fault::Full) {
            return Status::Full.into();
        }
        match fault {
            Some(fault) => self.tell(format!("{fault}")),
            None => {
                self.damaged = matches!(error, redb::Error::Corrupted(_));
                self.tell(format!("{error}"));
            }
        }
        Problem::Told(Status::Failed)
    }

    /// Has the log be told something, if that is not what it was told last.
    fn tell(&mut self, what: String) {
        if self.told.as_ref() != Some(&what) {
            self.told = Some(what.clone());
            self.note = Some(what);
        }
    }

    fn database(&mut self) -> Result<&Database, Problem> {
        if self.database.is_none()
            && let Err(why) = self.reopen()
        {
            self.damaged = matches!(why, Refusal::Damaged(_));
            self.tell(format!("{why}"));
            return Err(Status::Failed.into());
        }
        self.database.as_ref().ok_or(Problem::Told(Status::Failed))
    }

    /// Opens the database, after the one before is closed: a medium has one at a time.
    fn reopen(&mut self) -> Result<(), Refusal> {
        self.database = None;
        let opened = Builder::new().set_cache_size(self.cache).create_with_backend(Storage(self.medium.clone()));
        self.database = Some(opened.map_err(|why| match self.medium.take_fault() {
            Some(fault) => Refusal::Fault(fault),
            None => Refusal::Damaged(format!("{why}")),
        })?);
        Ok(())
    }

    /// Makes a database with nothing but the outermost folder.
    fn make(&mut self, now: u64) -> Result<(), Refusal> {
        self.medium.begin().map_err(Refusal::Fault)?;
        self.reopen()?;
        self.pending = 1; // whatever there is room for, the first change lasts
        self.change(None, now, &mut |tables| tables.found()).and_then(|()| self.sync()).map_err(|_| Refusal::Fault(Fault::Failed))?;
        self.medium.finish().map_err(Refusal::Fault)
    }
}

/// What is committed by it lasts, and the database is opened quickly after a loss of power.
fn make_lasting(transaction: &mut redb::WriteTransaction) -> Result<(), Problem> {
    transaction.set_durability(Durability::Immediate).map_err(|_| Status::Failed)?;
    transaction.set_quick_repair(true);
    Ok(())
}

/// The tables, for reading.
pub struct Tables {
    /// Entries of folders.
    pub entries: redb::ReadOnlyTable<crate::tree::Key, crate::tree::Value>,
    /// Chunks of files.
    pub chunks: redb::ReadOnlyTable<crate::contents::Key, &'static [u8]>,
}

impl Tables {
    /// The tables as they are in a transaction.
    pub fn of(transaction: &ReadTransaction) -> Result<Self, Problem> {
        Ok(Self { entries: transaction.open_table(ENTRIES)?, chunks: transaction.open_table(CHUNKS)? })
    }
}
