//! What is in a file: chunks of bytes, by the file's number and their own. What no chunk has, up to the file's size, is zeros.

use alloc::vec;
use alloc::vec::Vec;
use redb::{ReadableTable, Table, TableDefinition};

/// Bytes of a chunk: with its key, it fits in 64 KiB, of which the database's pages are twice, four times and so on as many.
pub const CHUNK: usize = 65_024;
/// Bytes of a file at most.
pub const FILE_MOST: u64 = CHUNK as u64 * u32::MAX as u64;

/// A file's number and the chunk's.
pub type Key = (u64, u32);
/// The chunks of all files.
pub const CHUNKS: TableDefinition<'static, Key, &[u8]> = TableDefinition::new("chunks");

/// The chunk that a byte is in, and where.
fn place(offset: u64) -> (u32, usize) {
    ((offset / CHUNK as u64) as u32, (offset % CHUNK as u64) as usize)
}

/// Reads bytes of a file, all of which it has.
pub fn read(chunks: &impl ReadableTable<Key, &'static [u8]>, file: u64, offset: u64, bytes: &mut [u8]) -> Result<(), redb::StorageError> {
    let mut at = 0;
    while at < bytes.len() {
        let (number, within) = place(offset + at as u64);
        let part = (CHUNK - within).min(bytes.len() - at);
        let room = &mut bytes[at..at + part];
        let chunk = chunks.get((file, number))?;
        let stored = chunk.as_ref().map_or(&[][..], |chunk| chunk.value());
        let stored = stored.get(within..stored.len().min(within + part)).unwrap_or(&[]);
        room[..stored.len()].copy_from_slice(stored);
        room[stored.len()..].fill(0);
        at += part;
    }
    Ok(())
}

/// Writes bytes of a file.
pub fn write(chunks: &mut Table<'_, Key, &'static [u8]>, file: u64, offset: u64, bytes: &[u8]) -> Result<(), redb::StorageError> {
    let mut at = 0;
    while at < bytes.len() {
        let (number, within) = place(offset + at as u64);
        let part = &bytes[at..at + (CHUNK - within).min(bytes.len() - at)];
        at += part.len();
        if part.len() == CHUNK {
            chunks.insert((file, number), part)?;
            continue;
        }
        let before: Vec<u8> = chunks.get((file, number))?.map_or_else(Vec::new, |chunk| chunk.value().to_vec());
        let mut chunk = before;
        if chunk.len() < within + part.len() {
            chunk.resize(within + part.len(), 0);
        }
        chunk[within..within + part.len()].copy_from_slice(part);
        chunks.insert((file, number), &chunk[..])?;
    }
    Ok(())
}

/// Drops what a file has from `size` on.
pub fn cut(chunks: &mut Table<'_, Key, &'static [u8]>, file: u64, size: u64) -> Result<(), redb::StorageError> {
    let (number, within) = place(size);
    let first = if within == 0 { number } else { number + 1 };
    chunks.retain_in((file, first)..=(file, u32::MAX), |_, _| false)?;
    if within > 0 {
        let mut kept = vec![0; within];
        let is_longer = match chunks.get((file, number))? {
            Some(chunk) if chunk.value().len() > within => {
                kept.copy_from_slice(&chunk.value()[..within]);
                true
            }
            _ => false,
        };
        if is_longer {
            chunks.insert((file, number), &kept[..])?;
        }
    }
    Ok(())
}
