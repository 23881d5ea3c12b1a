//! What a request means for the client that makes it: where its paths lead, what it may do there, and how the answer goes back.

use crate::volume::{FILE_MOST, Volume};
use alloc::format;
use alloc::string::String;
use hadris_storage::sync::BlockDevice;
use munal::files::provider::{self, Answer};
use munal::files::{Badge, Entry, Path, READ_MOST, Request, Space, Status};

/// The life of a provider of files on a volume. It is not 0.
pub type Life = u64;

/// Answers a request that is made by the grant `badge`; gives the length of the reply, for which `reply` has room.
pub fn answer<D: BlockDevice>(volume: &mut Volume<D>, life: Life, badge: Option<Badge<'_>>, request: &[u8], reply: &mut [u8]) -> usize {
    provider::answer(badge, request, life, reply, |badge, request, room| Client { volume, badge, life }.carry_out(&request, room))
}

struct Client<'a, D> {
    volume: &'a mut Volume<D>,
    badge: Badge<'a>,
    life: Life,
}

impl<D: BlockDevice> Client<'_, D> {
    fn carry_out(&mut self, request: &Request<'_>, room: &mut [u8]) -> Result<Answer, Status> {
        match *request {
            Request::Stat { path } => self.stat(path).map(|entry| put(room, &entry.encode())),
            Request::Read { path, offset, length } => self.read(path, offset, length, room),
            Request::List { path, after, length } => self.list(path, after, length, room),
            Request::Space => self.space().map(|space| put(room, &space.encode())),
            Request::Sync { life } => {
                self.volume.sync()?;
                if life == 0 || life == self.life { Ok(Answer::default()) } else { Err(Status::Lost) }
            }
            _ => {
                let changed = self.change_in_own_folder(request);
                // What was done in part, and undone, is written as well.
                changed.and(self.volume.settle()).map(|()| Answer::default())
            }
        }
    }

    fn stat(&mut self, path: Path<'_>) -> Result<Entry, Status> {
        match self.volume.stat(self.whole(path)?.as_path()) {
            Err(Status::NotFound) if path.is_root() => Ok(Entry { folder: true, size: 0, modified: 0 }),
            found => found,
        }
    }

    fn read(&mut self, path: Path<'_>, offset: u64, length: u32, room: &mut [u8]) -> Result<Answer, Status> {
        let length = length as usize;
        let room = room.get_mut(..length).filter(|_| length <= READ_MOST).ok_or(Status::TooLarge)?;
        let length = self.volume.read(self.whole(path)?.as_path(), offset, room)?;
        Ok(Answer { length, more: false })
    }

    fn list(&mut self, path: Path<'_>, after: &str, length: u32, room: &mut [u8]) -> Result<Answer, Status> {
        let most = room.len().min(length as usize);
        match self.volume.list(self.whole(path)?.as_path(), after, &mut room[..most]) {
            Err(Status::NotFound) if path.is_root() => Ok(Answer::default()),
            listed => listed.map(|(length, more)| Answer { length, more }),
        }
    }

    fn space(&mut self) -> Result<Space, Status> {
        let (used, room) = (self.used()?, self.volume.room()?);
        Ok(Space { used, quota: self.badge.quota, free: room.free.min(self.badge.quota.saturating_sub(used)) })
    }

    /// Bytes that all below the client's own folder takes, which is nothing where nobody made it yet.
    fn used(&mut self) -> Result<u64, Status> {
        match self.volume.used(self.badge.root) {
            Err(Status::NotFound) => Ok(0),
            used => used,
        }
    }

    /// Makes the client's own folder where something is to be made in it and it is not there.
    fn change_in_own_folder(&mut self, request: &Request<'_>) -> Result<(), Status> {
        let makes = matches!(request, Request::Write { .. } | Request::Append { .. } | Request::MakeFolder { .. });
        match self.change(request) {
            Err(Status::NotFound) if makes && self.volume.stat(self.badge.root) == Err(Status::NotFound) => {
                self.make_own_folder()?;
                self.change(request)
            }
            changed => changed,
        }
    }

    fn make_own_folder(&mut self) -> Result<(), Status> {
        let root = self.badge.root.as_str();
        let ends = root.match_indices('/').map(|(at, _)| at).chain([root.len()]);
        for folder in ends.filter_map(|end| Path::new(&root[..end])) {
            match self.volume.make_folder(folder) {
                Ok(()) | Err(Status::Exists) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    fn change(&mut self, request: &Request<'_>) -> Result<(), Status> {
        match *request {
            Request::Write { path, offset, data } => {
                let path = self.whole(path)?;
                // Nothing to write makes a file, and changes none.
                self.require_quota(&path, |size| if data.is_empty() { size } else { size.max(offset.saturating_add(data.len() as u64)) })?;
                self.volume.write(path.as_path(), offset, data)
            }
            Request::Append { path, data } => {
                let path = self.whole(path)?;
                self.require_quota(&path, |size| size.saturating_add(data.len() as u64))?;
                self.volume.append(path.as_path(), data)
            }
            Request::Truncate { path, size } => {
                let path = self.whole(path)?;
                self.require_quota(&path, |_| size)?;
                self.volume.truncate(path.as_path(), size)
            }
            Request::MakeFolder { path } => {
                self.require_room(self.volume.folder_cost())?;
                self.volume.make_folder(self.whole(path)?.as_path())
            }
            Request::Remove { path } if path.is_root() => Err(Status::Refused),
            Request::Remove { path } => self.volume.remove(self.whole(path)?.as_path()),
            Request::Rename { from, to } if from.is_root() || to.is_root() => Err(Status::Refused),
            Request::Rename { from, to } => self.volume.rename(self.whole(from)?.as_path(), self.whole(to)?.as_path()),
            _ => Err(Status::Malformed),
        }
    }

    /// That all that is the client's stays within its quota where the file at a path gets the size that `becomes` makes of its size now.
    fn require_quota(&mut self, path: &Whole, becomes: impl Fn(u64) -> u64) -> Result<(), Status> {
        let (size, cost) = match self.volume.stat(path.as_path()) {
            Ok(entry) => (entry.size, self.volume.file_cost(entry.size)),
            Err(_) => (0, 0),
        };
        // One that is larger than any file can be is refused for that.
        let becomes = becomes(size).min(FILE_MOST);
        self.require_room(self.volume.file_cost(becomes).saturating_sub(cost))
    }

    /// That the client's quota leaves so many bytes more.
    fn require_room(&mut self, bytes: u64) -> Result<(), Status> {
        let fits = self.badge.quota == u64::MAX || bytes == 0 || self.used()?.saturating_add(bytes) <= self.badge.quota;
        if fits { Ok(()) } else { Err(Status::Quota) }
    }

    /// The path from the volume's root on of what the client calls `path`.
    fn whole(&self, path: Path<'_>) -> Result<Whole, Status> {
        let (root, path) = (self.badge.root.as_str(), path.as_str());
        let between = if root.is_empty() || path.is_empty() { "" } else { "/" };
        let text = format!("{root}{between}{path}");
        if Path::new(&text).is_some() { Ok(Whole(text)) } else { Err(Status::Malformed) }
    }
}

/// A path from the volume's root on.
struct Whole(String);

impl Whole {
    fn as_path(&self) -> Path<'_> {
        Path::new(&self.0).expect("was one when it was made")
    }
}

fn put(room: &mut [u8], bytes: &[u8]) -> Answer {
    room[..bytes.len()].copy_from_slice(bytes);
    Answer { length: bytes.len(), more: false }
}
