//! What lies between the library and the disk: sectors that were read or written are kept, and what is written goes on in the order in
//! which the library writes it, neighbours together.
//!
//! The order is what keeps a volume whole where power goes: the library writes data and the file allocation tables before the entry
//! that leads to them, and takes entries away before what they led to. So a write is held back only until another one comes that it
//! cannot be one request with, until a flush, or until `settle`: nothing overtakes anything.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use hadris_io::{Error, ErrorType};
use hadris_storage::sync::BlockDevice;
use hadris_storage::{BlockIndex, BlockSize};
use munal::block::SECTOR;

/// Sectors that are read and kept together, and how many such pages are kept.
const PAGE: u64 = 8;
const PAGES: usize = 64;
/// The most bytes that are held back.
const HELD: usize = 64 * SECTOR;

/// A disk whose sectors are kept. Clones are the same disk.
pub struct Sectors<D>(Rc<RefCell<Kept<D>>>);

struct Kept<D> {
    disk: D,
    pages: BTreeMap<u64, Page>,
    /// Counts uses of pages.
    uses: u64,
    /// The first sector of what is held back.
    held_at: u64,
    held: Vec<u8>,
}

struct Page {
    used: u64,
    bytes: Box<[u8]>,
}

impl<D> Clone for Sectors<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: BlockDevice> Sectors<D> {
    /// A disk of which nothing is kept yet.
    pub fn new(disk: D) -> Self {
        Self(Rc::new(RefCell::new(Kept { disk, pages: BTreeMap::new(), uses: 0, held_at: 0, held: Vec::new() })))
    }

    /// Hands on what is held back.
    pub fn settle(&self) -> Result<(), Error<D::Error>> {
        self.0.borrow_mut().settle()
    }
}

impl<D: BlockDevice> Kept<D> {
    fn settle(&mut self) -> Result<(), Error<D::Error>> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.disk.write_blocks(BlockIndex::new(self.held_at), &self.held)?;
        self.held.clear();
        Ok(())
    }

    fn held_end(&self) -> u64 {
        self.held_at + sectors(&self.held)
    }

    /// Hands on what is held back where it is among `count` sectors from `first` on.
    fn settle_among(&mut self, first: u64, count: u64) -> Result<(), Error<D::Error>> {
        if first < self.held_end() && self.held_at < first.saturating_add(count) { self.settle() } else { Ok(()) }
    }

    fn page(&mut self, number: u64) -> Result<&mut Page, Error<D::Error>> {
        if !self.pages.contains_key(&number) {
            let first = number * PAGE;
            let count = PAGE.min(self.disk.block_count().saturating_sub(first));
            self.settle_among(first, count)?;
            let mut bytes = vec![0; count as usize * SECTOR].into_boxed_slice();
            self.disk.read_blocks(BlockIndex::new(first), &mut bytes)?;
            self.make_room();
            self.pages.insert(number, Page { used: 0, bytes });
        }
        self.uses += 1;
        let page = self.pages.get_mut(&number).expect("is kept now");
        page.used = self.uses;
        Ok(page)
    }

    fn make_room(&mut self) {
        if self.pages.len() >= PAGES
            && let Some(oldest) = self.pages.iter().min_by_key(|(_, page)| page.used).map(|(number, _)| *number)
        {
            self.pages.remove(&oldest);
        }
    }

    fn read(&mut self, first: u64, buf: &mut [u8]) -> Result<(), Error<D::Error>> {
        if sectors(buf) > PAGE {
            self.settle_among(first, sectors(buf))?;
            return self.disk.read_blocks(BlockIndex::new(first), buf);
        }
        for (sector, part) in (first..).zip(buf.chunks_mut(SECTOR)) {
            let at = (sector % PAGE) as usize * SECTOR;
            // A page at the disk's end may be short: asked past it, the disk itself says so.
            match self.page(sector / PAGE)?.bytes.get(at..at + part.len()) {
                Some(bytes) => part.copy_from_slice(bytes),
                None => self.disk.read_blocks(BlockIndex::new(sector), part)?,
            }
        }
        Ok(())
    }

    fn write(&mut self, first: u64, buf: &[u8]) -> Result<(), Error<D::Error>> {
        if !self.joins(first, buf) {
            self.settle()?;
        }
        if buf.len() <= HELD {
            self.hold(first, buf);
        } else if let Err(error) = self.disk.write_blocks(BlockIndex::new(first), buf) {
            // How much of it the disk took is not known.
            self.pages.retain(|number, _| *number < first / PAGE || first + sectors(buf) <= number * PAGE);
            return Err(error);
        }
        self.renew(first, buf);
        Ok(())
    }

    /// Whether a write and what is held back can be one request: they touch or overlap, and are not too much together.
    fn joins(&self, first: u64, buf: &[u8]) -> bool {
        let (start, end) = (self.held_at.min(first), self.held_end().max(first + sectors(buf)));
        !self.held.is_empty() && end - start <= sectors(&self.held) + sectors(buf) && end - start <= (HELD / SECTOR) as u64
    }

    fn hold(&mut self, first: u64, buf: &[u8]) {
        if self.held.is_empty() {
            self.held_at = first;
        }
        if first < self.held_at {
            let before = (self.held_at - first) as usize * SECTOR;
            self.held.splice(..0, core::iter::repeat_n(0, before));
            self.held_at = first;
        }
        let at = (first - self.held_at) as usize * SECTOR;
        self.held.resize(self.held.len().max(at + buf.len()), 0);
        self.held[at..at + buf.len()].copy_from_slice(buf);
    }

    /// Brings the pages that are kept to what was written.
    fn renew(&mut self, first: u64, buf: &[u8]) {
        let last = first + sectors(buf);
        for (number, page) in self.pages.range_mut(first / PAGE..last.div_ceil(PAGE)) {
            let (from, until) = (first.max(number * PAGE), last.min((number + 1) * PAGE));
            let (at, length) = ((from - number * PAGE) as usize * SECTOR, (until - from) as usize * SECTOR);
            let source = (from - first) as usize * SECTOR;
            page.bytes[at..at + length].copy_from_slice(&buf[source..source + length]);
        }
    }
}

fn sectors(bytes: &[u8]) -> u64 {
    (bytes.len() / SECTOR) as u64
}

impl<D: ErrorType> ErrorType for Sectors<D> {
    type Error = D::Error;
}

impl<D: BlockDevice> BlockDevice for Sectors<D> {
    fn block_size(&self) -> BlockSize {
        self.0.borrow().disk.block_size()
    }

    fn block_count(&self) -> u64 {
        self.0.borrow().disk.block_count()
    }

    fn writable(&self) -> bool {
        self.0.borrow().disk.writable()
    }

    fn read_blocks(&mut self, first: BlockIndex, buf: &mut [u8]) -> Result<(), Error<D::Error>> {
        self.0.borrow_mut().read(first.get(), buf)
    }

    fn write_blocks(&mut self, first: BlockIndex, buf: &[u8]) -> Result<(), Error<D::Error>> {
        self.0.borrow_mut().write(first.get(), buf)
    }

    fn flush(&mut self) -> Result<(), Error<D::Error>> {
        let mut kept = self.0.borrow_mut();
        kept.settle()?;
        kept.disk.flush()
    }
}

#[cfg(test)]
mod tests;
