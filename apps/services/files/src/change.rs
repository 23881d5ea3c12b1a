//! What requests change, inside of one transaction of the database: after an error, the transaction is to be given up.
//!
//! A folder's size is what all below it costs: changed on the whole way up with each change below, it is exact at any time.

use crate::contents::{self, CHUNKS, FILE_MOST};
use crate::tree::{ENTRIES, FIRST, Key, NEXT, Node, OUTERMOST, Value, Way, entries_after, entry_cost};
use crate::Problem;
use munal::files::{Path, Status};
use redb::{ReadableTable, Table, WriteTransaction};

/// What a client may reach, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The folder that its paths begin at.
    pub root: Path<'a>,
    /// What all below that may cost.
    pub quota: u64,
}

/// Where data is written.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// From an offset on.
    At(u64),
    /// Behind the last byte.
    End,
}

/// The tables of a transaction.
pub struct Change<'t> {
    entries: Table<'t, Key, Value>,
    chunks: Table<'t, contents::Key, &'static [u8]>,
    /// What all files together may cost.
    room: u64,
    /// The time of day, in nanoseconds since 1970.
    now: u64,
}

/// By how many bytes something costs more, or less.
type Cost = i128;

impl<'t> Change<'t> {
    /// A change within a transaction.
    pub fn begin(transaction: &'t WriteTransaction, room: u64, now: u64) -> Result<Self, Problem> {
        Ok(Self { entries: transaction.open_table(ENTRIES)?, chunks: transaction.open_table(CHUNKS)?, room, now })
    }

    /// Makes the outermost folder, where there is none.
    pub fn found(&mut self) -> Result<(), Problem> {
        if self.entries.get(OUTERMOST)?.is_none() {
            self.entries.insert(NEXT, (FIRST + 1, false, 0, 0))?;
            self.entries.insert(OUTERMOST, (FIRST, true, 0, self.now))?;
        }
        Ok(())
    }

    /// Writes data to a file, which is made where there is none.
    pub fn write(&mut self, client: Client<'_>, path: Path<'_>, place: Place, data: &[u8]) -> Result<(), Problem> {
        let way = self.enter(client, path)?;
        if way.missing.is_empty() {
            let file = way.file()?;
            return self.write_file(client, &way, file, place, data);
        }
        let name = way.new_name()?.as_bytes();
        let folder = way.last();
        let file = Node { parent: folder.number, name, number: self.next()?, folder: false, size: 0, modified: self.now };
        let size = self.write_chunks(file, place, data)?;
        self.put(Node { size, ..file })?;
        self.charge(client, &way, Cost::from(size + entry_cost(name)), true)
    }

    /// Has a file have `size` bytes.
    pub fn truncate(&mut self, client: Client<'_>, path: Path<'_>, size: u64) -> Result<(), Problem> {
        let mut way = self.enter(client, path)?;
        let file = way.file()?;
        if size > FILE_MOST {
            return Err(Status::TooLarge.into());
        }
        if size < file.size {
            contents::cut(&mut self.chunks, file.number, size)?;
        }
        way.nodes.pop();
        self.put(Node { size, modified: self.now, ..file })?;
        self.charge(client, &way, Cost::from(size) - Cost::from(file.size), false)
    }

    /// Makes a folder.
    pub fn make_folder(&mut self, client: Client<'_>, path: Path<'_>) -> Result<(), Problem> {
        let way = self.enter(client, path)?;
        let name = way.new_name()?.as_bytes();
        let number = self.next()?;
        self.put(Node { parent: way.last().number, name, number, folder: true, size: 0, modified: self.now })?;
        self.charge(client, &way, Cost::from(entry_cost(name)), true)
    }

    /// Removes a file or an empty folder.
    pub fn remove(&mut self, client: Client<'_>, path: Path<'_>) -> Result<(), Problem> {
        let mut way = self.enter(client, path)?;
        let node = way.end()?;
        if path.is_root() {
            return Err(Status::Refused.into());
        }
        self.drop_node(node)?;
        way.nodes.pop();
        self.charge(client, &way, -Cost::from(node.cost()), true)
    }

    /// Has what is at `from` be at `to`; what was there is removed.
    pub fn rename(&mut self, client: Client<'_>, from: Path<'_>, to: Path<'_>) -> Result<(), Problem> {
        let mut way = self.enter(client, from)?;
        let node = way.end()?;
        let Some((_, name)) = to.split().filter(|_| !from.is_root()) else { return Err(Status::Refused.into()) };
        if from == to {
            return Ok(());
        }
        if node.folder && to.is_within(from) {
            return Err(Status::Refused.into());
        }
        let target = Way::walk(&self.entries, client.root, to)?;
        if target.missing.is_empty() {
            let replaced = target.last();
            match (node.folder, replaced.folder) {
                (false, true) => return Err(Status::IsAFolder.into()),
                (true, false) => return Err(Status::NotAFolder.into()),
                _ => self.remove(client, to)?,
            }
        } else {
            target.new_name()?;
        }
        // What is removed, and what is taken away here, changes sizes on the way to the other place.
        way.nodes.pop();
        self.entries.remove((node.parent, node.name))?;
        let way = self.enter(client, from)?;
        self.charge(client, &Way { missing: alloc::vec![], ..way }, -Cost::from(node.cost()), true)?;
        let target = Way::walk(&self.entries, client.root, to)?;
        let moved = Node { parent: target.last().number, name: name.as_bytes(), ..node };
        self.put(moved)?;
        self.charge(client, &target, Cost::from(moved.cost()), true)
    }

    /// The way to a path, on which the client's own folder is: made where it is not there.
    fn enter<'a>(&mut self, client: Client<'a>, path: Path<'a>) -> Result<Way<'a>, Problem> {
        loop {
            let way = Way::walk(&self.entries, client.root, path)?;
            if way.own_folder().is_some_and(|own| own.folder) {
                return Ok(way);
            }
            let folder = way.last();
            let name = match way.missing.first() {
                Some(name) if folder.folder => name.as_bytes(),
                _ => return Err(Status::NotAFolder.into()),
            };
            let number = self.next()?;
            self.put(Node { parent: folder.number, name, number, folder: true, size: 0, modified: self.now })?;
            let whole = Client { root: Path::ROOT, quota: u64::MAX };
            self.charge(whole, &Way { own: 0, ..way }, Cost::from(entry_cost(name)), true)?;
        }
    }

    fn write_file(&mut self, client: Client<'_>, way: &Way<'_>, file: Node<'_>, place: Place, data: &[u8]) -> Result<(), Problem> {
        let size = self.write_chunks(file, place, data)?;
        self.put(Node { size, modified: self.now, ..file })?;
        let folders = Way { nodes: way.nodes[..way.nodes.len() - 1].into(), missing: alloc::vec![], own: way.own };
        self.charge(client, &folders, Cost::from(size) - Cost::from(file.size), false)
    }

    /// Writes data; gives the size that the file has then.
    fn write_chunks(&mut self, file: Node<'_>, place: Place, data: &[u8]) -> Result<u64, Problem> {
        let offset = match place {
            Place::At(offset) => offset,
            Place::End => file.size,
        };
        let end = offset.checked_add(data.len() as u64).filter(|end| *end <= FILE_MOST).ok_or(Status::TooLarge)?;
        if data.is_empty() {
            return Ok(file.size);
        }
        contents::write(&mut self.chunks, file.number, offset, data)?;
        Ok(end.max(file.size))
    }

    /// Takes away an entry and what is in it.
    fn drop_node(&mut self, node: Node<'_>) -> Result<(), Problem> {
        if node.folder && entries_after(&self.entries, node.number, b"")?.next().is_some() {
            return Err(Status::NotEmpty.into());
        }
        if !node.folder {
            contents::cut(&mut self.chunks, node.number, 0)?;
        }
        self.entries.remove((node.parent, node.name))?;
        Ok(())
    }

    /// Has each folder on a way cost so much more. Errors: more than the client may use, or than there is room for.
    fn charge(&mut self, client: Client<'_>, way: &Way<'_>, cost: Cost, entries: bool) -> Result<(), Problem> {
        let last = way.nodes.len() - 1;
        for (at, node) in way.nodes.iter().enumerate() {
            let size = u64::try_from(Cost::from(node.size) + cost).map_err(|_| Status::Failed)?;
            if cost > 0 && at == 0 && size > self.room {
                return Err(Status::Full.into());
            }
            if cost > 0 && at == way.own && size > client.quota {
                return Err(Status::Quota.into());
            }
            let modified = if entries && at == last { self.now } else { node.modified };
            self.put(Node { size, modified, ..*node })?;
        }
        Ok(())
    }

    fn put(&mut self, node: Node<'_>) -> Result<(), Problem> {
        self.entries.insert((node.parent, node.name), (node.number, node.folder, node.size, node.modified))?;
        Ok(())
    }

    fn next(&mut self) -> Result<u64, Problem> {
        let (next, ..) = self.entries.get(NEXT)?.ok_or(Problem::Told(Status::Failed))?.value();
        self.entries.insert(NEXT, (next + 1, false, 0, 0))?;
        Ok(next)
    }
}
