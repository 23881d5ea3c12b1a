//! The commands about files: each asks one of those that keep files, and all go on where that was started anew.

use crate::commands::{Done, Failure};
use crate::{Error, console, files};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use munal::files::client::{Client, Fault};
use munal::files::{Entry, Path, Request, Status};
use munal::time::{DateTime, SECOND};
use shell::places::{Place, Redirection};
use shell::show::size;
use shell::table::{Align, Table};

/// What the shell may be granted, by the name of the need.
struct Mount {
    name: &'static str,
    granted: fn() -> u32,
    call: Call,
}

type Call = fn(&[u8], &mut [u8]) -> Result<u32, Error>;

const MOUNTS: [Mount; 3] = [
    Mount { name: "disk", granted: || files::disk.granted(), call: |request, reply| files::disk.call(request, reply) },
    Mount { name: "fat", granted: || files::fat.granted(), call: |request, reply| files::fat.call(request, reply) },
    Mount { name: "ram", granted: || files::ram.granted(), call: |request, reply| files::ram.call(request, reply) },
];

/// Bytes that are asked for, and moved, at once.
const ROOM: usize = 32 << 10;
const PART: usize = 16 << 10;

fn mounts() -> impl Iterator<Item = &'static Mount> {
    MOUNTS.iter().filter(|mount| (mount.granted)() != 0)
}

impl Mount {
    fn client(&self) -> Client<impl FnMut(&[u8], &mut [u8]) -> Option<usize> + use<>> {
        let call = self.call;
        Client::new(move |request, reply| ask(call, request, reply), ROOM)
    }
}

/// Asks once more where the service was started anew in between, unless what is asked for may have been done already.
fn ask(call: Call, request: &[u8], reply: &mut [u8]) -> Option<usize> {
    let answer = match call(request, reply) {
        Err(Error::Restarted) if Request::decode(request).is_some_and(|request| !request.writes()) => call(request, reply),
        answer => answer,
    };
    answer.ok().map(|length| length as usize)
}

/// Where a word leads, and who keeps that.
fn find(word: &str) -> Result<(Place, &'static Mount), Failure> {
    let place = Place::new(word).ok_or_else(|| format!("`{word}` is no path of a file or a folder"))?;
    match mounts().find(|mount| mount.name == place.mount()) {
        Some(mount) => Ok((place, mount)),
        None if mounts().next().is_none() => Err(String::from("this shell is not granted any files").into()),
        None => Err(format!("there is no `/{}`; `ls` lists where files are", place.mount()).into()),
    }
}

fn said(word: &str, fault: Fault) -> Failure {
    format!("{word}: {fault}").into()
}

/// `ls`: names, sizes and times.
pub fn list(words: &[&str]) -> Done {
    let word = match words {
        [] => "/",
        [word] => word,
        _ => return Err(Failure::Usage),
    };
    if word.split('/').all(str::is_empty) {
        return mounts().try_for_each(|mount| Ok(console::say(&format!("/{}\n", mount.name))?));
    }
    let (place, mount) = find(word)?;
    let mut table = Table::new(&[("NAME", Align::Left), ("SIZE", Align::Right), ("WRITTEN", Align::Left)]);
    let mut client = mount.client();
    let entry = client.stat(place.path()).map_err(|fault| said(word, fault))?;
    let mut count = 0;
    let mut row = |name: &str, entry: Entry| {
        count += 1;
        let time = (entry.modified > 0).then(|| DateTime::from_unix(entry.modified / SECOND)).flatten();
        let (name, length) = if entry.folder { (format!("{name}/"), String::new()) } else { (name.into(), size(entry.size)) };
        table.row([name, length, time.map_or_else(String::new, |time| time.to_string())]);
    };
    if entry.folder {
        client.list(place.path(), row).map_err(|fault| said(word, fault))?;
    } else {
        row(place.path().split().map_or("", |(_, name)| name), entry);
    }
    if count > 0 { Ok(console::say(&table.text())?) } else { Ok(()) }
}

/// `cat`: what is in files, as it is.
pub fn show(words: &[&str]) -> Done {
    if words.is_empty() {
        return Err(Failure::Usage);
    }
    for word in words {
        let (place, mount) = find(word)?;
        each_part(mount, place.path(), word, |part| Ok(console::say_bytes(part)?))?;
    }
    Ok(())
}

/// Hands over a file part by part.
fn each_part(mount: &Mount, path: Path<'_>, word: &str, mut take: impl FnMut(&[u8]) -> Done) -> Done {
    let (mut client, mut part, mut offset) = (mount.client(), vec![0; PART], 0);
    loop {
        let count = client.read(path, offset, &mut part).map_err(|fault| said(word, fault))?;
        take(&part[..count])?;
        offset += count as u64;
        if count < part.len() {
            return Ok(());
        }
    }
}

/// `echo WORD... > FILE`.
pub fn write(to: &Redirection<'_>, data: &[u8]) -> Done {
    let (place, mount) = find(to.to)?;
    let mut client = mount.client();
    let done = if to.behind {
        client.append(place.path(), data)
    } else {
        client.write(place.path(), 0, data).and_then(|()| client.truncate(place.path(), data.len() as u64))
    };
    done.map_err(|fault| said(to.to, fault))
}

/// `mkdir`.
pub fn make_folder(words: &[&str]) -> Done {
    let [word] = words else { return Err(Failure::Usage) };
    let (place, mount) = find(word)?;
    mount.client().make_folder(place.path()).map_err(|fault| said(word, fault))
}

/// `rm`.
pub fn remove(words: &[&str]) -> Done {
    if words.is_empty() {
        return Err(Failure::Usage);
    }
    for word in words {
        let (place, mount) = find(word)?;
        mount.client().remove(place.path()).map_err(|fault| said(word, fault))?;
    }
    Ok(())
}

/// `mv`: within what one service keeps.
pub fn rename(words: &[&str]) -> Done {
    let [from, to] = words else { return Err(Failure::Usage) };
    let ((source, mount), (target, other)) = (find(from)?, find_target(from, to)?);
    if mount.name != other.name {
        return Err(format!("/{} and /{} are kept by two: copy it with `cp`, then remove it", mount.name, other.name).into());
    }
    mount.client().rename(source.path(), target.path()).map_err(|fault| said(from, fault))
}

/// `cp`: one file, to anywhere.
pub fn copy(words: &[&str]) -> Done {
    let [from, to] = words else { return Err(Failure::Usage) };
    let ((source, mount), (target, other)) = (find(from)?, find_target(from, to)?);
    if source == target {
        return Err(String::from("a file is not copied to itself").into());
    }
    let (mut client, mut size) = (other.client(), 0);
    each_part(mount, source.path(), from, |part| {
        client.write(target.path(), size, part).map_err(|fault| said(to, fault))?;
        size += part.len() as u64;
        Ok(())
    })?;
    client.truncate(target.path(), size).map_err(|fault| said(to, fault))
}

/// Where something goes: to a path, or into a folder that is there.
fn find_target(from: &str, to: &str) -> Result<(Place, &'static Mount), Failure> {
    let ((source, _), (target, mount)) = (find(from)?, find(to)?);
    if !matches!(mount.client().stat(target.path()), Ok(entry) if entry.folder) {
        return Ok((target, mount));
    }
    target.with_name_of(&source).map(|target| (target, mount)).ok_or_else(|| format!("{to}: the path would be too long").into())
}

/// `df`: bytes used and free.
pub fn space(words: &[&str]) -> Done {
    let [] = words else { return Err(Failure::Usage) };
    let mut table = Table::new(&[("FILES", Align::Left), ("USED", Align::Right), ("FREE", Align::Right), ("QUOTA", Align::Right), ("", Align::Left)]);
    for mount in mounts() {
        let bytes = |count: u64| if count == u64::MAX { String::new() } else { size(count) };
        let name = format!("/{}", mount.name);
        table.row(match mount.client().space() {
            Ok(space) => [name, size(space.used), bytes(space.free), bytes(space.quota), String::new()],
            Err(fault) => [name, String::new(), String::new(), String::new(), fault.to_string()],
        });
    }
    Ok(console::say(&table.text())?)
}

/// `sync`.
pub fn sync(words: &[&str]) -> Done {
    let [] = words else { return Err(Failure::Usage) };
    sync_all()
}

/// Waits until all that was written outlives a loss of power. Services that have ended have nothing to lose any more.
pub fn sync_all() -> Done {
    mounts().try_for_each(|mount| match mount.client().sync() {
        Err(Fault::Told(status)) if status != Status::ReadOnly => Err(said(&format!("/{}", mount.name), Fault::Told(status))),
        _ => Ok(()),
    })
}
