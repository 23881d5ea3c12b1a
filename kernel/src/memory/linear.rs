//! Linear memories of wasm: 4 GiB of addresses each, far from the next, of which the first bytes are the memory. What it may
//! grow to is promised when it grows; a page comes when it is touched first, by wasm or by the kernel on its behalf.
use super::{MEMORIES_END, MEMORIES_START, PAGE, accounts::{self, Owner}, frames, paging};
use crate::cell::Global;
use alloc::{boxed::Box, format, string::String, vec::Vec};
use munal_logic::quota::tables;
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// Addresses that a linear memory may reach: an index and an offset of 32 bits each stay below, with the guard.
const REACH: u64 = 4 << 30;
/// Addresses for one memory: 1 GiB that is never there, the memory, and 3 GiB that are never there.
const STRIDE: u64 = 8 << 30;
const BEFORE: u64 = 1 << 30;
const SLOTS: usize = ((MEMORIES_END - MEMORIES_START) / STRIDE) as usize;

// Every access that wasm makes ends in its own slot: 32 bits of index, an offset below the guard size that code is compiled for
// (wasm.rs; beyond it code checks bounds), and the widest access, 16 bytes.
const _: () = assert!(crate::wasm::GUARD + 16 <= STRIDE - BEFORE - REACH);

/// Bytes of each slot that are memory: what a page fault asks for.
static SIZES: Global<[u64; SLOTS]> = Global::new([0; SLOTS]);
/// Slots that were given back, and how many were ever used.
static FREE: Global<(Vec<usize>, usize)> = Global::new((Vec::new(), 0));

/// One linear memory, and all that is charged for it.
struct Linear {
    slot: usize,
    owner: Owner,
    size: u64,
}

impl Linear {
    /// A memory of no bytes. Errors: there is no slot, or no memory to find its pages with.
    fn new() -> Result<Self, &'static str> {
        let slot = FREE.with(|(free, used)| free.pop().or_else(|| (*used < SLOTS).then(|| core::mem::replace(used, *used + 1))));
        let memory = Self { slot: slot.ok_or("too many memories")?, owner: accounts::current(), size: 0 };
        paging::prepare(memory.start()).map_err(|_| "no memory for page tables")?;
        Ok(memory)
    }

    fn start(&self) -> u64 {
        MEMORIES_START + self.slot as u64 * STRIDE + BEFORE
    }

    /// Grows to `size` bytes, charged and promised whole. Errors: why not, in words; nothing has changed.
    fn grow(&mut self, size: u64) -> Result<(), String> {
        let more = cost(size) - cost(self.size);
        if size > REACH {
            return Err(format!("a memory of {size} bytes is more than wasm can reach"));
        }
        if !accounts::with(self.owner, |account| account.charge(more)) {
            return Err(format!("a memory of {size} bytes passes its quota"));
        }
        if !frames::promise(more / PAGE) {
            accounts::with(self.owner, |account| account.release(more));
            return Err(format!("the machine has {} bytes left, too few for a memory of {size}", frames::spare()));
        }
        self.size = size;
        SIZES.with(|sizes| sizes[self.slot] = size);
        Ok(())
    }
}

/// Bytes that a memory of `size` costs: its pages and the tables that find them.
fn cost(size: u64) -> u64 {
    size.next_multiple_of(PAGE) + tables(size)
}

impl Drop for Linear {
    fn drop(&mut self) {
        SIZES.with(|sizes| sizes[self.slot] = 0);
        let start = self.start();
        // SAFETY: the runtime drops a memory when nothing can reach it any more, and only `back` mapped anything in its slot.
        let given = unsafe { paging::release(start, start + REACH) };
        frames::renounce(cost(self.size) / PAGE - given);
        accounts::with(self.owner, |account| account.release(cost(self.size)));
        FREE.with(|(free, _)| free.push(self.slot));
    }
}

// SAFETY: all of [start, start + size) reads as zeros until it is written (`fault`), nothing else in the slot is ever there,
// and the memory never moves.
unsafe impl LinearMemory for Linear {
    fn byte_size(&self) -> usize {
        self.size as usize
    }

    fn byte_capacity(&self) -> usize {
        REACH as usize
    }

    fn grow_to(&mut self, size: usize) -> wasmtime::Result<()> {
        self.grow(size as u64).map_err(wasmtime::Error::msg)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.start() as *mut u8
    }
}

/// Makes linear memories for the wasm runtime.
pub struct Creator;

// SAFETY: a slot has as many addresses as are asked for, or there is no memory.
unsafe impl MemoryCreator for Creator {
    fn new_memory(&self, _: MemoryType, minimum: usize, _: Option<usize>, reserved: Option<usize>, guard: usize) -> Result<Box<dyn LinearMemory>, String> {
        if reserved.unwrap_or(0) as u64 > REACH || guard as u64 > crate::wasm::GUARD {
            return Err("a memory is to have more addresses than a slot has".into());
        }
        let mut memory = Linear::new()?;
        memory.grow(minimum as u64)?;
        Ok(Box::new(memory))
    }
}

/// A page that is not there was touched. Whether it is a linear memory's: then it is there now, as zeros.
///
/// Runs where wasm was interrupted, or as if the kernel's code that touched the page had called it: nobody who touches a SIP's
/// memory holds the books, the page tables or the frames.
pub fn fault(address: u64) -> bool {
    let Some(place) = address.checked_sub(MEMORIES_START + BEFORE) else { return false };
    let (slot, offset) = ((place / STRIDE) as usize, place % STRIDE);
    let there = slot < SLOTS && offset < SIZES.with(|sizes| sizes[slot]);
    if there {
        paging::back(address & !(PAGE - 1));
    }
    there
}

/// Whether the address lies where linear memories are.
pub fn is_inside(address: u64) -> bool {
    (MEMORIES_START..MEMORIES_END).contains(&address)
}

/// How many slots are in use; for those who look for leaks.
pub fn count() -> usize {
    FREE.with(|(free, used)| *used - free.len())
}
