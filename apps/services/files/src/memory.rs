//! A medium in the service's own memory, which takes what is written and no more.

use crate::medium::{Blocks, Fault};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Bytes of one piece.
const PIECE: usize = 64 * 1024;
/// What is left free for the work itself, and how much less for requests that give room back.
const LEFT: usize = 1536 * 1024;
const LAST: usize = 1024 * 1024;

/// Pieces of memory, by their number.
#[derive(Debug, Default)]
pub struct Memory(spin::Mutex<BTreeMap<u64, Box<[u8]>>>);

impl Blocks for Memory {
    fn capacity(&self) -> Option<u64> {
        None
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        let pieces = self.0.lock();
        each_piece(offset, bytes.len(), |number, within, part| {
            match pieces.get(&number) {
                Some(piece) => bytes[part.clone()].copy_from_slice(&piece[within..within + part.len()]),
                None => bytes[part].fill(0),
            }
            Ok(())
        })
    }

    fn write(&self, offset: u64, bytes: &[u8], last: bool) -> Result<(), Fault> {
        let mut pieces = self.0.lock();
        each_piece(offset, bytes.len(), |number, within, part| {
            if !pieces.contains_key(&number) {
                pieces.insert(number, new_piece(if last { LAST } else { LEFT })?);
            }
            let piece = pieces.get_mut(&number).ok_or(Fault::Full)?;
            piece[within..within + part.len()].copy_from_slice(&bytes[part]);
            Ok(())
        })
    }

    fn cut(&self, end: u64) {
        self.0.lock().split_off(&end.div_ceil(PIECE as u64));
    }

    fn flush(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Calls `act` for each piece with its number, the place in it and the bytes that are there.
fn each_piece(offset: u64, length: usize, mut act: impl FnMut(u64, usize, core::ops::Range<usize>) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut at = 0;
    while at < length {
        let place = offset + at as u64;
        let within = (place % PIECE as u64) as usize;
        let count = (PIECE - within).min(length - at);
        act(place / PIECE as u64, within, at..at + count)?;
        at += count;
    }
    Ok(())
}

/// A piece of zeros, where `left` bytes are left beside it.
fn new_piece(left: usize) -> Result<Box<[u8]>, Fault> {
    let mut piece = Vec::new();
    piece.try_reserve_exact(PIECE).map_err(|_| Fault::Full)?;
    piece.resize(PIECE, 0);
    Vec::<u8>::new().try_reserve_exact(left).map_err(|_| Fault::Full)?;
    Ok(piece.into_boxed_slice())
}
