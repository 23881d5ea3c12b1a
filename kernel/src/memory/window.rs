//! A window of virtual addresses: ranges are reserved with a guard page behind each, backed with frames on demand, and
//! given back whole.
use super::{PAGE, paging::{self, Access, OutOfMemory}, round_up};
use crate::cell::Global;
use munal_logic::addresses::Addresses;

pub struct Window {
    start: u64,
    end: u64,
    addresses: Global<Option<Addresses>>,
}

impl Window {
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end, addresses: Global::new(None) }
    }

    pub fn contains(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }

    /// Reserves `length` bytes, rounded up to pages; no page of them is there yet.
    pub fn reserve(&self, length: u64) -> Result<u64, OutOfMemory> {
        self.addresses.with(|slot| {
            let addresses = slot.get_or_insert_with(|| Addresses::new(self.start + PAGE, self.end - self.start - PAGE));
            addresses.take(round_up(length) + PAGE).ok_or(OutOfMemory)
        })
    }

    /// Reserves `length` bytes and gives them this access.
    pub fn map(&self, length: u64, access: Access) -> Result<u64, OutOfMemory> {
        let start = self.reserve(length)?;
        if let Err(error) = paging::protect(start, start + round_up(length), access) {
            // SAFETY: nobody has seen the range yet.
            unsafe { self.release(start, length) };
            return Err(error);
        }
        Ok(start)
    }

    /// Gives back what `reserve` or `map` answered for this length.
    ///
    /// # Safety
    /// Nothing reaches the range any more.
    pub unsafe fn release(&self, start: u64, length: u64) {
        // SAFETY: the caller's promise.
        unsafe { paging::unmap(start, start + round_up(length)) };
        self.addresses.with(|slot| {
            if let Some(addresses) = slot {
                addresses.give(start, round_up(length) + PAGE);
            }
        });
    }
}
