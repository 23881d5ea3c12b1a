//! Disks for tests: made and judged by mkfs.fat and fsck.fat (dosfstools), reached through `munal-block/1` as in a machine.

use super::std::process::Command;
use super::std::string::{String, ToString};
use super::std::{env, fs, path::PathBuf, vec, vec::Vec};
use crate::disk::Disk;
use crate::find::{Found, Missing, find};
use crate::sectors::Sectors;
use crate::volume::Volume;
use alloc::rc::Rc;
use core::cell::RefCell;
use core::sync::atomic::{AtomicU32, Ordering};
use hadris_fs::MountOptions;
use hadris_storage::sync::BlockDevice;
use munal::block::{HEADER, Info, REPLY, Request, SECTOR, Status};

/// A disk's bytes, and what is done to them.
#[derive(Default)]
pub struct Platter {
    pub bytes: Vec<u8>,
    pub read_only: bool,
    /// How many more requests it answers before its patience ends, where it has an end.
    pub patience: Option<u64>,
    /// What was written, from which byte on; a flush is no bytes. Noted where `notes`.
    pub notes: bool,
    pub written: Vec<(usize, Vec<u8>)>,
}

/// A disk that a test looks at and changes while it is in use.
pub type Shared = Rc<RefCell<Platter>>;

pub fn shared(bytes: Vec<u8>) -> Shared {
    Rc::new(RefCell::new(Platter { bytes, ..Platter::default() }))
}

impl Platter {
    /// Does what a request asks for; gives the length of the reply.
    pub fn answer(&mut self, request: &[u8], reply: &mut [u8]) -> usize {
        if let Some(patience) = &mut self.patience {
            *patience = patience.checked_sub(1).expect("comes to an end");
        }
        let info = Info { sectors: (self.bytes.len() / SECTOR) as u64, most: 512, read_only: self.read_only };
        let what = Request::decode(request).expect("is a request");
        let status = info.judge(what, request.len() - HEADER);
        reply[..REPLY].copy_from_slice(&status.encode());
        let answer = if status == Status::Done { self.carry_out(what, &request[HEADER..], &info) } else { Vec::new() };
        reply[REPLY..REPLY + answer.len()].copy_from_slice(&answer);
        REPLY + answer.len()
    }

    fn carry_out(&mut self, what: Request, data: &[u8], info: &Info) -> Vec<u8> {
        match what {
            Request::Info => return info.encode().to_vec(),
            Request::Read { sector, count } => return self.bytes[sector as usize * SECTOR..][..count as usize * SECTOR].to_vec(),
            Request::Write { sector, .. } => {
                let at = sector as usize * SECTOR;
                self.bytes[at..at + data.len()].copy_from_slice(data);
                if self.notes {
                    self.written.push((at, data.to_vec()));
                }
            }
            Request::Flush if self.notes => self.written.push((0, Vec::new())),
            Request::Flush => {}
        }
        Vec::new()
    }
}

pub fn sectors(platter: &Shared) -> Sectors<impl BlockDevice + use<>> {
    let platter = platter.clone();
    Sectors::new(Disk::new(move |request: &[u8], reply: &mut [u8]| Some(platter.borrow_mut().answer(request, reply))).expect("answers"))
}

pub fn found(platter: &Shared) -> Result<Found<impl BlockDevice + use<>>, Missing> {
    find(&sectors(platter), &MountOptions::new())
}

/// The files on a disk.
pub fn opened(platter: &Shared) -> Result<Volume<impl BlockDevice + use<>>, Missing> {
    let sectors = sectors(platter);
    find(&sectors, &MountOptions::new()).map(|found| Volume::new(found.fat, sectors))
}

/// A kind of volume: bits of its table's entries, and KiB of a disk for it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub bits: u32,
    pub kib: usize,
}

pub const KINDS: [Kind; 3] = [Kind { bits: 12, kib: 720 }, Kind { bits: 16, kib: 16 << 10 }, Kind { bits: 32, kib: 34 << 10 }];

impl Kind {
    /// A new volume of the kind, the whole disk.
    pub fn volume(self) -> Vec<u8> {
        let file = TemporaryFile::new(&vec![0; self.kib << 10]);
        // One sector a cluster: enough of them for the kind, and chains that are long.
        tool("mkfs.fat", &["-F", &self.bits.to_string(), "-s", "1", "-n", "TEST", file.path()]);
        file.bytes()
    }
}

/// That fsck.fat finds no fault in a volume.
pub fn require_sound(bytes: &[u8]) {
    tool("fsck.fat", &["-n", "-v", TemporaryFile::new(bytes).path()]);
}

/// Runs one of dosfstools or mtools, which `munal test` installs. Without MTOOLS_SKIP_CHECK, these take no volume that is in use.
pub fn tool(name: &str, words: &[&str]) {
    let path = super::std::format!("{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default());
    let done = Command::new(name).args(words).env("PATH", path).env("MTOOLS_SKIP_CHECK", "1").output();
    let done = done.unwrap_or_else(|error| panic!("{name}: {error}: install dosfstools and mtools"));
    let said = String::from_utf8_lossy(&done.stdout).to_string() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{name} {words:?}: {}: {said}", done.status);
}

/// A file that goes with its owner.
pub struct TemporaryFile(PathBuf);

impl TemporaryFile {
    pub fn new(bytes: &[u8]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(super::std::format!("munal-fat-{}-{number}", super::std::process::id()));
        fs::write(&path, bytes).expect("writes a file");
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("is text")
    }

    pub fn bytes(&self) -> Vec<u8> {
        fs::read(&self.0).expect("reads a file")
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
