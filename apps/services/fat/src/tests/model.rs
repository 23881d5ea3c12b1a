//! Random requests against a plain model of files: the same answers, the same contents after a new start, and a volume that fsck.fat
//! finds no fault in.

use super::images::{KINDS, Kind, opened, require_sound, shared};
use super::random::Random;
use super::std::collections::BTreeMap;
use super::std::string::{String, ToString};
use super::std::{format, vec, vec::Vec};
use crate::volume::Volume;
use hadris_storage::sync::BlockDevice;
use munal::files::{Path, Status, listed};

const STEPS: usize = 1500;
/// Bytes of a file at most, so that the smallest volume has room for all that there can be.
const LARGEST: u64 = 9_000;

/// Files' bytes by their paths in small letters, and none for folders; each with the name that it was given.
#[derive(Default)]
struct Model(BTreeMap<String, (String, Option<Vec<u8>>)>);

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

impl Model {
    /// Whether a folder is at the path; otherwise it is a file.
    fn is_folder(&self, path: &str) -> Result<bool, Status> {
        if path.is_empty() {
            return Ok(true);
        }
        if !self.is_folder(folder_of(path))? {
            return Err(Status::NotAFolder);
        }
        self.0.get(&path.to_lowercase()).map(|(_, data)| data.is_none()).ok_or(Status::NotFound)
    }

    fn put(&mut self, path: &str, data: Option<Vec<u8>>) {
        let name = path.rsplit('/').next().expect("has a name").to_string();
        self.0.insert(path.to_lowercase(), (name, data));
    }

    fn change(&mut self, path: &str, makes: bool, change: impl FnOnce(&mut Vec<u8>)) -> Result<(), Status> {
        match self.is_folder(path) {
            Ok(true) => return Err(Status::IsAFolder),
            Err(Status::NotFound) if makes && self.is_folder(folder_of(path)).is_ok() => self.put(path, Some(Vec::new())),
            Err(why) => return Err(why),
            Ok(false) => {}
        }
        let (_, data) = self.0.get_mut(&path.to_lowercase()).expect("is there");
        change(data.as_mut().expect("is a file"));
        Ok(())
    }

    fn make_folder(&mut self, path: &str) -> Result<(), Status> {
        match self.is_folder(path) {
            Ok(_) => Err(Status::Exists),
            Err(Status::NotFound) if self.is_folder(folder_of(path)).is_ok() => {
                self.put(path, None);
                Ok(())
            }
            Err(why) => Err(why),
        }
    }

    fn is_empty(&self, folder: &str) -> bool {
        !self.0.keys().any(|path| is_below(path, &folder.to_lowercase()))
    }

    fn remove(&mut self, path: &str) -> Result<(), Status> {
        if self.is_folder(path)? && !self.is_empty(path) {
            return Err(Status::NotEmpty);
        }
        self.0.remove(&path.to_lowercase());
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Status> {
        let (lower_from, lower_to) = (from.to_lowercase(), to.to_lowercase());
        self.is_folder(folder_of(from))?;
        self.is_folder(folder_of(to))?;
        let moves_folder = self.is_folder(from)?;
        if is_below(&lower_to, &lower_from) {
            return Err(Status::Refused);
        }
        if lower_from != lower_to {
            match (moves_folder, self.is_folder(to)) {
                (false, Ok(true)) => return Err(Status::IsAFolder),
                (true, Ok(false)) => return Err(Status::NotAFolder),
                (true, Ok(true)) if !self.is_empty(to) => return Err(Status::NotEmpty),
                (_, Err(why)) if why != Status::NotFound => return Err(why),
                _ => {}
            }
        }
        let (_, data) = self.0.remove(&lower_from).expect("is there");
        self.put(to, data);
        let below: Vec<String> = self.0.keys().filter(|path| is_below(path, &lower_from)).cloned().collect();
        for path in below {
            let moved = self.0.remove(&path).expect("is there");
            self.0.insert(format!("{lower_to}{}", &path[lower_from.len()..]), moved);
        }
        Ok(())
    }

    /// Names in a folder with their sizes, in order.
    fn children(&self, folder: &str) -> Vec<(String, u64)> {
        let inside = |path: &&String| folder_of(path) == folder.to_lowercase();
        let mut children: Vec<_> = self.0.keys().filter(inside).map(|path| self.child(path)).collect();
        children.sort();
        children
    }

    fn child(&self, path: &str) -> (String, u64) {
        let (name, data) = &self.0[path];
        (name.clone(), data.as_ref().map_or(0, |data| data.len() as u64))
    }

    /// What all of it takes, in clusters of one sector.
    fn used(&self) -> u64 {
        self.0.values().map(|(_, data)| 672 + data.as_ref().map_or(512, |data| (data.len() as u64).next_multiple_of(512))).sum()
    }
}

fn path(text: &str) -> Path<'_> {
    Path::new(text).expect("is a path")
}

fn names<D: BlockDevice>(files: &mut Volume<D>, folder: &str) -> Result<Vec<(String, u64)>, Status> {
    let mut room = vec![0; 1 << 16];
    let (length, more) = files.list(path(folder), "", &mut room)?;
    assert!(!more);
    Ok(listed(&room[..length]).map(|(name, entry)| (name.to_string(), entry.size)).collect())
}

fn any_path(random: &mut Random) -> String {
    const NAMES: [&str; 5] = ["a", "B.TXT", "a name that is long", "A", "Ünïcode näme.text"];
    let depth = 1 + random.below(3);
    (0..depth).map(|_| *random.one_of(&NAMES)).collect::<Vec<_>>().join("/")
}

/// Does the same to both, and requires that they answer alike.
fn step<D: BlockDevice>(files: &mut Volume<D>, model: &mut Model, random: &mut Random) {
    let (one, other) = (any_path(random), any_path(random));
    let data: Vec<u8> = (0..random.below(LARGEST / 2)).map(|_| random.below(256) as u8).collect();
    let offset = random.below(LARGEST / 2);
    let size = model.0.get(&one.to_lowercase()).map_or(0, |_| model.child(&one.to_lowercase()).1);
    let alike = match random.below(9) {
        0 | 1 => {
            let written = model.change(&one, true, |bytes| {
                let end = offset as usize + data.len();
                if !data.is_empty() {
                    bytes.resize(bytes.len().max(end), 0);
                    bytes[offset as usize..end].copy_from_slice(&data);
                }
            });
            (written, files.write(path(&one), offset, &data))
        }
        2 if size + data.len() as u64 <= LARGEST => {
            (model.change(&one, true, |bytes| bytes.extend_from_slice(&data)), files.append(path(&one), &data))
        }
        3 => (model.change(&one, false, |bytes| bytes.resize(offset as usize, 0)), files.truncate(path(&one), offset)),
        4 | 5 => (model.make_folder(&one), files.make_folder(path(&one))),
        6 => (model.remove(&one), files.remove(path(&one))),
        7 => (model.rename(&one, &other), files.rename(path(&one), path(&other))),
        _ => {
            assert_eq!(files.used(Path::ROOT), Ok(model.used()));
            (Ok(()), if random.below(4) == 0 { files.sync() } else { files.settle() })
        }
    };
    assert_eq!(alike.1, alike.0, "{one}, {other}, {offset}");
}

fn require_same<D: BlockDevice>(files: &mut Volume<D>, model: &Model) {
    assert_eq!(names(files, ""), Ok(model.children("")));
    for (key, (_, data)) in &model.0 {
        match data {
            None => assert_eq!(names(files, key), Ok(model.children(key))),
            Some(data) => {
                let mut room = vec![0; LARGEST as usize + 1];
                assert_eq!(files.read(path(key), 0, &mut room), Ok(data.len()), "{key}");
                assert!(room[..data.len()] == data[..], "{key}");
            }
        }
    }
}

fn run(kind: Kind, seed: u64) {
    let platter = shared(kind.volume());
    let (mut model, mut random) = (Model::default(), Random::new(seed));
    for _ in 0..3 {
        let mut files = opened(&platter).expect("has a volume");
        require_same(&mut files, &model);
        for _ in 0..STEPS / 3 {
            step(&mut files, &mut model, &mut random);
        }
        require_same(&mut files, &model);
        files.sync().expect("syncs");
    }
    require_sound(&platter.borrow().bytes);
}

#[test]
fn any_requests_do_what_a_model_does() {
    for kind in KINDS {
        (0..3).for_each(|seed| run(kind, seed));
    }
}
