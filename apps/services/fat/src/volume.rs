//! Files and folders of a FAT volume by their paths: each function does all of what it says, or nothing, as `munal-files/1` wants it.
//!
//! Paths begin at the volume's root. Names are found whatever their case, and kept in the case that they were made with.

use crate::find::Fat;
use crate::sectors::Sectors;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;
use hadris_fs::{Attributes, DirCursor, FileType, Metadata, Name, NoClock, NodeId, RenameMode, SetAttr};
use hadris_io::{Error, ErrorKind};
use hadris_storage::sync::BlockDevice;
use munal::files::{Entry, LISTED, Path, Status, put_listed};

mod usage;

use usage::Usage;

/// Bytes of a file at most: a directory entry counts them in 32 bits.
pub const FILE_MOST: u64 = 0xffff_ffff;

/// Folders and files, by their paths.
pub struct Volume<D> {
    fat: Fat<D>,
    sectors: Sectors<D>,
    usage: Usage,
    is_changed: bool,
    complaint: Option<String>,
}

/// How much room a volume has, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Of all files and folders.
    pub total: u64,
    /// That is left.
    pub free: u64,
}

/// What a path leads through, from the root on, each held until `leave`.
struct Trail(Vec<NodeId>);

impl Trail {
    /// What is at the path.
    fn end(&self) -> NodeId {
        *self.0.last().expect("begins with the root")
    }
}

impl<D: BlockDevice> Volume<D> {
    /// The files of the volume that was found on `sectors`.
    pub fn new(fat: Fat<D>, sectors: Sectors<D>) -> Self {
        Self { fat, sectors, usage: Usage::default(), is_changed: false, complaint: None }
    }

    /// Why something failed, where it is the volume's fault or the disk's; told once.
    pub fn take_complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    /// Whether something was written since the last `sync`.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// What is at a path.
    pub fn stat(&mut self, path: Path<'_>) -> Result<Entry, Status> {
        self.at(path, |volume, trail| volume.metadata(trail.end()).map(|metadata| entry(&metadata)))
    }

    /// Reads bytes of a file from `offset` on; gives how many there were.
    pub fn read(&mut self, path: Path<'_>, offset: u64, room: &mut [u8]) -> Result<usize, Status> {
        self.at(path, |volume, trail| {
            let read = volume.fat.read(trail.end(), offset, room);
            volume.judge(read)
        })
    }

    /// Puts bytes into a file from `offset` on. It is made where there is none.
    pub fn write(&mut self, path: Path<'_>, offset: u64, data: &[u8]) -> Result<(), Status> {
        require_size(offset.checked_add(data.len() as u64))?;
        self.change_file(path, true, |volume, node| volume.put(node, offset, data))
    }

    /// Puts bytes behind a file's last. It is made where there is none.
    pub fn append(&mut self, path: Path<'_>, data: &[u8]) -> Result<(), Status> {
        self.change_file(path, true, |volume, node| {
            let offset = volume.metadata(node)?.len();
            require_size(offset.checked_add(data.len() as u64))?;
            volume.put(node, offset, data)
        })
    }

    /// Cuts a file to `size` bytes, or puts zeros behind its last up to them.
    pub fn truncate(&mut self, path: Path<'_>, size: u64) -> Result<(), Status> {
        require_size(Some(size))?;
        self.change_file(path, false, |volume, node| {
            let done = volume.fat.truncate(node, size);
            volume.judge(done)
        })
    }

    /// Puts into `room` what a folder has, in the order of the names' bytes, from the first name after `after` on; gives how many bytes
    /// that are, and whether there is more.
    pub fn list(&mut self, path: Path<'_>, after: &str, room: &mut [u8]) -> Result<(usize, bool), Status> {
        let (names, more) = self.at(path, |volume, trail| volume.names(trail.end(), after, room.len()))?;
        if more && names.is_empty() {
            return Err(Status::TooLarge);
        }
        let mut used = 0;
        for (name, entry) in &names {
            used += put_listed(&mut room[used..], name, entry).ok_or(Status::Failed)?;
        }
        Ok((used, more))
    }

    /// Bytes that a file of `size` bytes takes: whole clusters, and its entry.
    pub fn file_cost(&self, size: u64) -> u64 {
        usage::file_cost(size, self.cluster())
    }

    /// Bytes that an empty folder takes.
    pub fn folder_cost(&self) -> u64 {
        usage::folder_cost(self.cluster())
    }

    fn cost(&self, entry: &Entry) -> u64 {
        if entry.folder { self.folder_cost() } else { self.file_cost(entry.size) }
    }

    fn cluster(&self) -> u64 {
        u64::from(self.fat.info().cluster_size())
    }

    /// Makes a folder.
    pub fn make_folder(&mut self, path: Path<'_>) -> Result<(), Status> {
        let (folder, name) = path.split().ok_or(Status::Exists)?;
        self.at(folder, |volume, trail| {
            volume.is_changed = true;
            let made = volume.fat.mkdir(trail.end(), Name::new(name), &SetAttr::new());
            let made = volume.judge(made)?;
            volume.fat.forget(made, 1);
            volume.usage.grow(&trail.0, volume.folder_cost());
            Ok(())
        })
    }

    /// Removes a file or an empty folder.
    pub fn remove(&mut self, path: Path<'_>) -> Result<(), Status> {
        let (folder, name) = path.split().ok_or(Status::Refused)?;
        self.at(folder, |volume, trail| {
            let entry = volume.peek(trail.end(), name)?;
            volume.is_changed = true;
            let (folder, name) = (trail.end(), Name::new(name));
            if entry.folder {
                volume.usage.forget(&mut volume.fat);
                let removed = volume.fat.rmdir(folder, name);
                return volume.judge(removed);
            }
            let removed = volume.fat.unlink(folder, name);
            volume.judge(removed)?;
            volume.usage.shrink(&trail.0, volume.cost(&entry));
            Ok(())
        })
    }

    /// Has what is at `from` be at `to`, where a file, or a folder without anything in it, gives way.
    pub fn rename(&mut self, from: Path<'_>, to: Path<'_>) -> Result<(), Status> {
        let ((from, name), (to, new_name)) = from.split().zip(to.split()).ok_or(Status::Refused)?;
        self.at(from, |volume, source| volume.at(to, |volume, target| volume.move_entry(source, name, target, new_name)))
    }

    /// Comes back when all that was written stays where power goes.
    pub fn sync(&mut self) -> Result<(), Status> {
        self.is_changed = false;
        let synced = self.fat.sync();
        self.judge(synced)
    }

    /// Hands on to the disk what is held back: it is there for whoever reads the disk, though power may still take it.
    pub fn settle(&mut self) -> Result<(), Status> {
        let settled = self.sectors.settle();
        self.judge(settled)
    }

    /// How much room there is.
    pub fn room(&mut self) -> Result<Room, Status> {
        let stats = self.fat.statfs();
        let stats = self.judge(stats)?;
        let cluster = u64::from(stats.block_size());
        Ok(Room { total: stats.total_blocks() * cluster, free: stats.free_blocks() * cluster })
    }

    /// Bytes that all files and folders below a folder take. They are counted once, and kept up from then on.
    pub fn used(&mut self, folder: Path<'_>) -> Result<u64, Status> {
        self.at(folder, |volume, trail| {
            if let Some(used) = volume.usage.of(trail.end()) {
                return Ok(used);
            }
            let counted = usage::count(&mut volume.fat, trail.end());
            let used = volume.judge(counted)?;
            if let Ok(held) = volume.hold(trail, folder) {
                volume.usage.keep(&mut volume.fat, held, used);
            }
            Ok(used)
        })
    }

    /// Does something at the end of a path.
    fn at<T>(&mut self, path: Path<'_>, job: impl FnOnce(&mut Self, &Trail) -> Result<T, Status>) -> Result<T, Status> {
        let mut trail = Trail(alloc::vec![self.fat.root()]);
        let done = match self.follow(path, &mut trail) {
            Ok(()) => job(self, &trail),
            Err(why) => Err(why),
        };
        trail.0.iter().for_each(|node| self.fat.forget(*node, 1));
        done
    }

    fn follow(&mut self, path: Path<'_>, trail: &mut Trail) -> Result<(), Status> {
        for part in path.parts() {
            let node = self.fat.lookup(trail.end(), Name::new(part));
            trail.0.push(self.judge(node)?);
        }
        Ok(())
    }

    /// Holds what a trail leads to for longer.
    fn hold(&mut self, trail: &Trail, path: Path<'_>) -> Result<NodeId, Status> {
        let (Some((_, name)), [.., folder, _]) = (path.split(), trail.0.as_slice()) else { return Ok(self.fat.root()) };
        let held = self.fat.lookup(*folder, Name::new(name));
        self.judge(held)
    }

    /// What a folder has by a name.
    fn peek(&mut self, folder: NodeId, name: &str) -> Result<Entry, Status> {
        let node = self.fat.lookup(folder, Name::new(name));
        let node = self.judge(node)?;
        let found = self.metadata(node).map(|metadata| entry(&metadata));
        self.fat.forget(node, 1);
        found
    }

    fn metadata(&mut self, node: NodeId) -> Result<Metadata, Status> {
        let metadata = self.fat.stat(node);
        self.judge(metadata)
    }

    fn put(&mut self, node: NodeId, offset: u64, data: &[u8]) -> Result<(), Status> {
        let written = self.fat.write(node, offset, data);
        let written = self.judge(written)?;
        if written == data.len() { Ok(()) } else { Err(Status::TooLarge) }
    }

    /// Changes a file, which with `makes` is made where there is none; where that fails, it is no more.
    fn change_file(&mut self, path: Path<'_>, makes: bool, change: impl FnOnce(&mut Self, NodeId) -> Result<(), Status>) -> Result<(), Status> {
        let (folder, name) = path.split().ok_or(Status::IsAFolder)?;
        self.at(folder, |volume, trail| {
            let (folder, name) = (trail.end(), Name::new(name));
            let (node, is_new) = match volume.fat.lookup(folder, name) {
                Err(error) if error.kind() == ErrorKind::NotFound && makes => {
                    volume.is_changed = true;
                    (volume.fat.create(folder, name, &SetAttr::new()), true)
                }
                found => (found, false),
            };
            let node = volume.judge(node)?;
            if is_new {
                volume.usage.grow(&trail.0, volume.file_cost(0));
            }
            let done = volume.change_node(node, trail, change);
            // Why it was not done is what the client is told.
            if is_new && done.is_err() && volume.fat.unlink(folder, name).is_ok() {
                volume.usage.shrink(&trail.0, volume.file_cost(0));
            }
            volume.fat.forget(node, 1);
            done
        })
    }

    fn change_node(&mut self, node: NodeId, trail: &Trail, change: impl FnOnce(&mut Self, NodeId) -> Result<(), Status>) -> Result<(), Status> {
        let before = self.metadata(node)?;
        if before.file_type() != FileType::File {
            return Err(Status::IsAFolder);
        }
        if before.attributes().contains(Attributes::READ_ONLY) {
            return Err(Status::ReadOnly);
        }
        self.is_changed = true;
        let done = change(self, node);
        let closed = self.fat.close(node); // whatever became of it, what its entry says is what is
        let closed = self.judge(closed);
        let after = self.metadata(node)?;
        self.usage.grow(&trail.0, self.file_cost(after.len()));
        self.usage.shrink(&trail.0, self.file_cost(before.len()));
        done.and(closed)
    }

    fn move_entry(&mut self, source: &Trail, name: &str, target: &Trail, new_name: &str) -> Result<(), Status> {
        let moved = self.fat.lookup(source.end(), Name::new(name));
        let moved = self.judge(moved)?;
        let done = if target.0.contains(&moved) { Err(Status::Refused) } else { self.move_node(moved, source, name, target, new_name) };
        self.fat.forget(moved, 1);
        done
    }

    fn move_node(&mut self, moved: NodeId, source: &Trail, name: &str, target: &Trail, new_name: &str) -> Result<(), Status> {
        let entry = entry(&self.metadata(moved)?);
        let replaced = self.gives_way(moved, target.end(), new_name)?;
        if entry.folder {
            self.usage.forget(&mut self.fat);
        }
        self.is_changed = true;
        let renamed = self.fat.rename(source.end(), Name::new(name), target.end(), Name::new(new_name), RenameMode::Replace);
        self.judge(renamed)?;
        self.usage.shrink(&source.0, self.cost(&entry));
        self.usage.grow(&target.0, self.cost(&entry));
        self.usage.shrink(&target.0, replaced);
        Ok(())
    }

    /// Bytes of what is where something else is to be; that itself, by another case of its name, is none.
    fn gives_way(&mut self, moved: NodeId, folder: NodeId, name: &str) -> Result<u64, Status> {
        let found = self.fat.lookup(folder, Name::new(name));
        let found = match self.judge(found) {
            Err(Status::NotFound) => return Ok(0),
            found => found?,
        };
        let size = if found == moved { Ok(0) } else { self.metadata(found).map(|metadata| self.cost(&entry(&metadata))) };
        self.fat.forget(found, 1);
        size
    }

    /// The entries of a folder after a name that go into `room` bytes, and whether there are more.
    fn names(&mut self, folder: NodeId, after: &str, room: usize) -> Result<(BTreeMap<String, Entry>, bool), Status> {
        let (mut names, mut used, mut first_left) = (BTreeMap::new(), 0, None::<String>);
        let mut cursor = DirCursor::START;
        loop {
            let found = self.fat.readdir(folder, cursor);
            let Some(found) = self.judge(found)? else { break };
            cursor = found.next_cursor();
            // A name that no path can have is one that nobody can ask for.
            let Some(name) = found.name().to_str().ok().filter(|name| Path::new(name).is_some()) else { continue };
            if name <= after || first_left.as_ref().is_some_and(|left| name >= left.as_str()) {
                continue;
            }
            if names.insert(name.to_string(), entry(found.metadata())).is_none() {
                used += LISTED + name.len();
            }
            while used > room
                && let Some((last, _)) = names.pop_last()
            {
                used -= LISTED + last.len();
                first_left = Some(last);
            }
        }
        Ok((names, first_left.is_some()))
    }

    /// What the protocol says to an answer of the library.
    fn judge<T, E: Display>(&mut self, answer: Result<T, Error<E>>) -> Result<T, Status> {
        answer.map_err(|error| {
            let status = status(error.kind());
            if status == Status::Failed {
                self.complaint = Some(error.to_string());
            }
            status
        })
    }
}

/// What the protocol calls an error of the library.
fn status(kind: ErrorKind) -> Status {
    match kind {
        ErrorKind::NotFound => Status::NotFound,
        ErrorKind::AlreadyExists => Status::Exists,
        ErrorKind::NotADirectory => Status::NotAFolder,
        ErrorKind::IsADirectory => Status::IsAFolder,
        ErrorKind::DirectoryNotEmpty => Status::NotEmpty,
        ErrorKind::NoSpace => Status::Full,
        ErrorKind::ReadOnly => Status::ReadOnly,
        ErrorKind::FileTooLarge => Status::TooLarge,
        ErrorKind::InvalidInput | ErrorKind::NameTooLong => Status::Malformed,
        _ => Status::Failed,
    }
}

fn entry(metadata: &Metadata) -> Entry {
    let folder = metadata.file_type() == FileType::Dir;
    // Without a clock, files are written at the first time that FAT can say.
    let modified = metadata.modified().filter(|time| time.unix_seconds() > NoClock::TIME.unix_seconds());
    let modified = modified.map_or(0, |time| time.unix_seconds() as u64 * 1_000_000_000 + u64::from(time.nanoseconds()));
    Entry { folder, size: if folder { 0 } else { metadata.len() }, modified }
}

fn require_size(size: Option<u64>) -> Result<(), Status> {
    if size.is_some_and(|size| size <= FILE_MOST) { Ok(()) } else { Err(Status::TooLarge) }
}
