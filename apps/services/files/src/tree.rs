//! Folders and files: each is an entry of its folder, found by the folder's number and its own name. Number 0 has the outermost folder.

use crate::Problem;
use alloc::vec::Vec;
use munal::files::{Entry, Path, Status};
use redb::{ReadableTable, TableDefinition};

/// The number of the folder that an entry is in, and the entry's name.
pub type Key = (u64, &'static [u8]);
/// An entry's own number, whether it is a folder, its size, and when it was written.
pub type Value = (u64, bool, u64, u64);
/// The entries of all folders.
pub const ENTRIES: TableDefinition<'static, Key, Value> = TableDefinition::new("entries");

/// The key of the outermost folder.
pub const OUTERMOST: (u64, &[u8]) = (0, b"");
/// The key of what holds the number of the next entry, as its own.
pub const NEXT: (u64, &[u8]) = (0, b"next");
/// The number of the outermost folder.
pub const FIRST: u64 = 1;

/// An entry, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// The number of its folder.
    pub parent: u64,
    /// Its name there.
    pub name: &'a [u8],
    /// Its own number.
    pub number: u64,
    /// Whether it is a folder.
    pub folder: bool,
    /// Bytes of a file; what all below a folder costs.
    pub size: u64,
    /// When it was written last, in nanoseconds since 1970.
    pub modified: u64,
}

impl<'a> Node<'a> {
    /// What an entry says.
    pub fn of(parent: u64, name: &'a [u8], (number, folder, size, modified): Value) -> Self {
        Self { parent, name, number, folder, size, modified }
    }

    /// What it costs of a quota: its bytes, or what is below it, and its entry.
    pub fn cost(&self) -> u64 {
        self.size + entry_cost(self.name)
    }

    /// What a client is told of it.
    pub fn told(&self) -> Entry {
        Entry { folder: self.folder, size: if self.folder { 0 } else { self.size }, modified: self.modified }
    }
}

/// What an entry costs of a quota, whatever it is of: nobody fills a disk with files that are empty.
pub const fn entry_cost(name: &[u8]) -> u64 {
    128 + name.len() as u64
}

/// A way from the outermost folder down, as far as there is one.
#[derive(Debug)]
pub struct Way<'a> {
    /// What is on it, the outermost folder first.
    pub nodes: Vec<Node<'a>>,
    /// The names that come next, which are not there.
    pub missing: Vec<&'a str>,
    /// Which node is the client's own folder, where all of its own path is there.
    pub own: usize,
}

impl<'a> Way<'a> {
    /// Goes down `root`, which is the client's own folder, and then `path`.
    pub fn walk(entries: &impl ReadableTable<Key, Value>, root: Path<'a>, path: Path<'a>) -> Result<Self, Problem> {
        let (parent, name) = OUTERMOST;
        let outermost = entries.get(OUTERMOST)?.ok_or(Problem::Told(Status::Failed))?.value();
        let mut way = Self { nodes: alloc::vec![Node::of(parent, name, outermost)], missing: Vec::new(), own: root.parts().count() };
        for part in root.parts().chain(path.parts()) {
            let last = way.last();
            let found = if way.missing.is_empty() && last.folder { entries.get((last.number, part.as_bytes()))? } else { None };
            match found {
                Some(entry) => way.nodes.push(Node::of(last.number, part.as_bytes(), entry.value())),
                None => way.missing.push(part),
            }
        }
        Ok(way)
    }

    /// What it leads to, or how far it goes.
    pub fn last(&self) -> Node<'a> {
        *self.nodes.last().expect("the outermost folder is on every way")
    }

    /// What it leads to. Errors: it does not go all the way.
    pub fn end(&self) -> Result<Node<'a>, Status> {
        match (self.missing.is_empty(), self.last().folder) {
            (true, _) => Ok(self.last()),
            (false, true) => Err(Status::NotFound),
            (false, false) => Err(Status::NotAFolder),
        }
    }

    /// The file that it leads to.
    pub fn file(&self) -> Result<Node<'a>, Status> {
        self.end().and_then(|node| if node.folder { Err(Status::IsAFolder) } else { Ok(node) })
    }

    /// The name of what can be made at its end: all but that is there.
    pub fn new_name(&self) -> Result<&'a str, Status> {
        match (self.last().folder, &self.missing[..]) {
            (_, []) => Err(Status::Exists),
            (false, _) => Err(Status::NotAFolder),
            (true, [name]) => Ok(name),
            (true, _) => Err(Status::NotFound),
        }
    }

    /// The client's own folder, where there is one.
    pub fn own_folder(&self) -> Option<Node<'a>> {
        self.nodes.get(self.own).copied()
    }
}

/// The entries of a folder that come after a name, in the order of names.
pub fn entries_after<'t, T: ReadableTable<Key, Value>>(entries: &'t T, folder: u64, after: &[u8]) -> Result<redb::Range<'t, Key, Value>, redb::StorageError> {
    use core::ops::Bound::Excluded;
    let end: (u64, &[u8]) = (folder + 1, b"");
    entries.range((Excluded((folder, after)), Excluded(end)))
}
