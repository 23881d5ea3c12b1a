//! How many bytes files and folders take, for quotas: counted below a folder when it is asked for first, and kept up from then on.

use crate::find::Fat;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use hadris_fs::{DirCursor, FileType, NodeId};
use hadris_io::{Error, ErrorKind};
use hadris_storage::sync::BlockDevice;

/// Bytes that the entry of a file or folder takes at most: 21 parts of 32, 20 of them for a name of 255 characters.
const ENTRY_COST: u64 = 21 * 32;
/// The most folders whose bytes are kept up.
const KEPT: usize = 32;
/// The most folders that are counted: a volume that has more is counted for nobody.
const FOLDERS: usize = 1 << 16;

/// The bytes below some folders, which the library is told to hold.
#[derive(Default)]
pub struct Usage(Vec<(NodeId, u64)>);

impl Usage {
    /// Bytes below a folder, where they were counted.
    pub fn of(&self, folder: NodeId) -> Option<u64> {
        self.0.iter().find(|(kept, _)| *kept == folder).map(|(_, used)| *used)
    }

    /// Keeps what was counted below a folder that is held for it, in place of what was counted first where there is too much.
    pub fn keep<D: BlockDevice>(&mut self, fat: &mut Fat<D>, folder: NodeId, used: u64) {
        if self.0.len() >= KEPT {
            fat.forget(self.0.remove(0).0, 1);
        }
        self.0.push((folder, used));
    }

    /// Something in the last of these folders takes more bytes.
    pub fn grow(&mut self, folders: &[NodeId], bytes: u64) {
        self.change(folders, |used| used.saturating_add(bytes));
    }

    /// Something in the last of these folders takes fewer bytes.
    pub fn shrink(&mut self, folders: &[NodeId], bytes: u64) {
        self.change(folders, |used| used.saturating_sub(bytes));
    }

    /// Forgets all: where a folder moves or goes, all that is above it changes.
    pub fn forget<D: BlockDevice>(&mut self, fat: &mut Fat<D>) {
        self.0.drain(..).for_each(|(folder, _)| fat.forget(folder, 1));
    }

    fn change(&mut self, folders: &[NodeId], change: impl Fn(u64) -> u64) {
        for (_, used) in self.0.iter_mut().filter(|(kept, _)| folders.contains(kept)) {
            *used = change(*used);
        }
    }
}

/// Bytes that a file of `size` bytes takes: whole clusters, and its entry.
pub fn file_cost(size: u64, cluster: u64) -> u64 {
    size.next_multiple_of(cluster) + ENTRY_COST
}

/// Bytes that an empty folder takes.
pub fn folder_cost(cluster: u64) -> u64 {
    cluster + ENTRY_COST
}

/// Adds up what all that is below a folder takes. A folder that leads back to one above it is counted once.
pub fn count<D: BlockDevice>(fat: &mut Fat<D>, folder: NodeId) -> Result<u64, Error<D::Error>> {
    let cluster = u64::from(fat.info().cluster_size());
    let (mut seen, mut left, mut bytes) = (BTreeSet::from([folder]), alloc::vec![folder], 0u64);
    while let Some(folder) = left.pop() {
        let mut cursor = DirCursor::START;
        while let Some(entry) = fat.readdir(folder, cursor)? {
            cursor = entry.next_cursor();
            if entry.file_type() == FileType::File {
                bytes = bytes.saturating_add(file_cost(entry.metadata().len(), cluster));
            } else if seen.insert(entry.node()) {
                bytes = bytes.saturating_add(folder_cost(cluster));
                left.push(entry.node());
            }
        }
        if seen.len() > FOLDERS {
            return Err(Error::new(ErrorKind::LimitExceeded, "too many folders to count"));
        }
    }
    Ok(bytes)
}
