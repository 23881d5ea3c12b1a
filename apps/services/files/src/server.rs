//! Answers requests: what a client may do is in its badge, what there is in the store.

use crate::change::{Change, Client, Place};
use crate::contents;
use crate::medium::Blocks;
use crate::store::{Store, Tables};
use crate::tree::{Way, entries_after};
use crate::Problem;
use munal::files::provider::{self, Answer};
use munal::files::{Badge, Entry, Path, READ_MOST, Request, Space, Status, put_listed};

/// Answers a request; gives the reply's length. `now` is the time of day in nanoseconds since 1970, 0 where nobody knows.
pub fn answer<B: Blocks>(store: &mut Store<B>, badge: Option<Badge<'_>>, request: &[u8], now: u64, reply: &mut [u8]) -> usize {
    provider::answer(badge, request, store.life(), reply, |badge, request, room| {
        carry_out(store, badge, request, now, room).map_err(|problem| match problem {
            Problem::Told(status) => status,
            Problem::Database(_) => Status::Failed,
        })
    })
}

fn carry_out<B: Blocks>(store: &mut Store<B>, badge: Badge<'_>, request: Request<'_>, now: u64, room: &mut [u8]) -> Result<Answer, Problem> {
    let client = Client { root: badge.root, quota: badge.quota };
    let mut change = |bytes: Option<usize>, change: &mut dyn FnMut(&mut Change<'_>) -> Result<(), Problem>| {
        store.change(bytes, now, change).map(|()| Answer::default())
    };
    match request {
        Request::Write { path, offset, data } => change(Some(data.len()), &mut |it| it.write(client, path, Place::At(offset), data)),
        Request::Append { path, data } => change(Some(data.len()), &mut |it| it.write(client, path, Place::End, data)),
        Request::Truncate { path, size } => change(None, &mut |it| it.truncate(client, path, size)),
        Request::MakeFolder { path } => change(Some(0), &mut |it| it.make_folder(client, path)),
        Request::Remove { path } => change(None, &mut |it| it.remove(client, path)),
        Request::Rename { from, to } => change(Some(0), &mut |it| it.rename(client, from, to)),
        Request::Stat { path } => store.read(|it| stat(&Tables::of(it)?, client, path, room)),
        Request::Read { path, offset, length } => store.read(|it| read(&Tables::of(it)?, client, path, offset, length, room)),
        Request::List { path, after, length } => store.read(|it| list(&Tables::of(it)?, client, path, after, length, room)),
        Request::Space => {
            let whole = store.room();
            store.read(|it| space(&Tables::of(it)?, client, whole, room))
        }
        Request::Sync { life } => {
            store.sync()?;
            if life == 0 || life == store.life() { Ok(Answer::default()) } else { Err(Status::Lost.into()) }
        }
    }
}

/// The way to a path; none where it is the client's own folder, which nobody made yet: that is empty.
fn way<'a>(tables: &Tables, client: Client<'a>, path: Path<'a>) -> Result<Option<Way<'a>>, Problem> {
    let way = Way::walk(&tables.entries, client.root, path)?;
    match way.own_folder() {
        None if !way.last().folder => Err(Status::NotAFolder.into()),
        None if path.is_root() => Ok(None),
        Some(own) if !own.folder => Err(Status::NotAFolder.into()),
        _ => Ok(Some(way)),
    }
}

fn stat(tables: &Tables, client: Client<'_>, path: Path<'_>, room: &mut [u8]) -> Result<Answer, Problem> {
    let entry = match way(tables, client, path)? {
        Some(way) => way.end()?.told(),
        None => Entry { folder: true, size: 0, modified: 0 },
    };
    room[..Entry::LENGTH].copy_from_slice(&entry.encode());
    Ok(Answer { length: Entry::LENGTH, more: false })
}

fn read(tables: &Tables, client: Client<'_>, path: Path<'_>, offset: u64, length: u32, room: &mut [u8]) -> Result<Answer, Problem> {
    let file = way(tables, client, path)?.ok_or(Problem::Told(Status::IsAFolder))?.file()?;
    let length = length as usize;
    if length > READ_MOST.min(room.len()) {
        return Err(Status::TooLarge.into());
    }
    let length = length.min(usize::try_from(file.size.saturating_sub(offset)).unwrap_or(usize::MAX));
    contents::read(&tables.chunks, file.number, offset, &mut room[..length])?;
    Ok(Answer { length, more: false })
}

fn list(tables: &Tables, client: Client<'_>, path: Path<'_>, after: &str, length: u32, room: &mut [u8]) -> Result<Answer, Problem> {
    let Some(way) = way(tables, client, path)? else { return Ok(Answer::default()) };
    let folder = way.end()?;
    if !folder.folder {
        return Err(Status::NotAFolder.into());
    }
    let most = room.len().min(length as usize);
    let mut answer = Answer::default();
    for entry in entries_after(&tables.entries, folder.number, after.as_bytes())? {
        let (key, value) = entry?;
        let name = key.value().1;
        let node = crate::tree::Node::of(folder.number, name, value.value());
        let name = core::str::from_utf8(name).map_err(|_| Status::Failed)?;
        match put_listed(&mut room[answer.length..most], name, &node.told()) {
            Some(put) => answer.length += put,
            None if answer.length == 0 => return Err(Status::TooLarge.into()),
            None => return Ok(Answer { more: true, ..answer }),
        }
    }
    Ok(answer)
}

fn space(tables: &Tables, client: Client<'_>, whole: Option<u64>, room: &mut [u8]) -> Result<Answer, Problem> {
    let way = Way::walk(&tables.entries, client.root, Path::ROOT)?;
    let used = way.own_folder().map_or(0, |own| own.size);
    let left = whole.map_or(u64::MAX, |whole| whole.saturating_sub(way.nodes[0].size));
    let free = if client.quota == u64::MAX { left } else { left.min(client.quota.saturating_sub(used)) };
    room[..Space::LENGTH].copy_from_slice(&Space { used, quota: client.quota, free }.encode());
    Ok(Answer { length: Space::LENGTH, more: false })
}
