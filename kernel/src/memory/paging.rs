//! Our own page tables. A page is readable, and either writable or executable, never both; large pages serve only the
//! one-to-one map of physical memory (Intel SDM volume 3, chapter 4).
use super::{PAGE, frames};
use crate::{cell::Global, thread};
use x86_64::{
    PhysAddr, VirtAddr,
    instructions::tlb,
    registers::control::{Cr3, Cr3Flags},
    structures::paging::{PageTable, PageTableFlags as Flags, PhysFrame, page_table::PageTableEntry},
};

const LARGE: u64 = 2 << 20;
/// A page that has its frame but lets nobody in: one of the bits that the processor leaves to us.
const KEPT: Flags = Flags::BIT_9;

/// What a page lets its users do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    None,
    Read,
    Write,
    Execute,
}

impl Access {
    fn flags(self) -> Flags {
        match self {
            Access::None => KEPT | Flags::NO_EXECUTE,
            Access::Read => Flags::PRESENT | Flags::NO_EXECUTE,
            Access::Write => Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE,
            Access::Execute => Flags::PRESENT,
        }
    }
}

/// There is no frame left for a page or a table.
#[derive(Debug, Clone, Copy)]
pub struct OutOfMemory;

/// The physical address of the top table, which is its virtual address too.
static TOP: Global<u64> = Global::new(0);

fn table(address: u64) -> &'static mut PageTable {
    // SAFETY: tables are frames that this module took and reaches one to one; one core and the kernel's rule (cell.rs) keep
    // two changes from happening at once, and no reference outlives the function that asked for it.
    unsafe { &mut *(address as *mut PageTable) }
}

fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * (level - 1)) & 511) as usize
}

/// The entry that maps `address` at `level` (1 for pages, 2 for large ones), with the tables above it made where missing.
fn entry(address: u64, level: u32) -> Result<&'static mut PageTableEntry, OutOfMemory> {
    let mut at = TOP.with(|top| *top);
    for above in (level + 1..=4).rev() {
        let entry = &mut table(at)[index(address, above)];
        if entry.is_unused() {
            let new = frames::take().ok_or(OutOfMemory)?;
            entry.set_addr(PhysAddr::new(new), Flags::PRESENT | Flags::WRITABLE);
        }
        assert!(!entry.flags().contains(Flags::HUGE_PAGE), "{address:#x} lies in a large page");
        at = entry.addr().as_u64();
    }
    Ok(&mut table(at)[index(address, level)])
}

/// The entry of the page at `address` where its tables exist, else the first address at which another table begins.
fn present_entry(address: u64) -> Result<&'static mut PageTableEntry, u64> {
    let mut at = TOP.with(|top| *top);
    for above in (2..=4).rev() {
        let entry = &mut table(at)[index(address, above)];
        if entry.is_unused() {
            let span = PAGE << (9 * (above - 1));
            return Err((address & !(span - 1)) + span);
        }
        at = entry.addr().as_u64();
    }
    Ok(&mut table(at)[index(address, 1)])
}

fn each_present(start: u64, end: u64, mut job: impl FnMut(u64, &mut PageTableEntry)) {
    let mut address = start;
    while address < end {
        match present_entry(address) {
            Ok(entry) => {
                if !entry.is_unused() {
                    job(address, entry);
                }
                address += PAGE;
            }
            Err(next) => address = next,
        }
    }
}

/// Makes an empty set of tables. Called once, at boot, before `use_own`.
pub fn start() -> Result<(), OutOfMemory> {
    let top = frames::take().ok_or(OutOfMemory)?;
    TOP.with(|slot| *slot = top);
    Ok(())
}

/// Maps [start, end) one to one: large pages where they fit, small ones where an edge or an exception asks for it.
/// `except` tells of each 2 MiB whether some of it is mapped otherwise; pages that are mapped already stay.
pub fn map_physical(start: u64, end: u64, except: impl Fn(u64) -> bool) -> Result<(), OutOfMemory> {
    let mut address = start & !(PAGE - 1);
    while address < end {
        if address % LARGE == 0 && address + LARGE <= end && !except(address) {
            entry(address, 2)?.set_addr(PhysAddr::new(address), Access::Write.flags() | Flags::HUGE_PAGE);
            address += LARGE;
        } else {
            let entry = entry(address, 1)?;
            if entry.is_unused() {
                entry.set_addr(PhysAddr::new(address), Access::Write.flags());
            }
            address += PAGE;
        }
    }
    Ok(())
}

/// Maps the pages of [start, end) one to one with the given access, and notes them as not to be mapped otherwise.
pub fn map_image(start: u64, end: u64, access: Access) -> Result<(), OutOfMemory> {
    for address in (start..end).step_by(PAGE as usize) {
        entry(address, 1)?.set_addr(PhysAddr::new(address), access.flags());
    }
    Ok(())
}

/// Maps a device's registers one to one, uncached (PAT entry 3, UC, as it is after reset). Called at boot, for the kernel's own
/// devices and for those that the table grants.
pub fn map_device(start: u64, length: u64) {
    let uncached = Access::Write.flags() | Flags::NO_CACHE | Flags::WRITE_THROUGH;
    for address in (start & !(PAGE - 1)..start + length).step_by(PAGE as usize) {
        entry(address, 1).expect("memory for a page table").set_addr(PhysAddr::new(address), uncached);
        tlb::flush(VirtAddr::new(address));
    }
}

/// Takes the page of a device away, which `map_device` mapped for the kernel: another is to have it.
pub fn unmap_device(address: u64) {
    if let Ok(entry) = present_entry(address & !(PAGE - 1)) {
        entry.set_unused();
        tlb::flush(VirtAddr::new(address));
    }
}

/// Maps [start, end) one to one for reading where nothing is mapped yet: firmware tables that lie in no known memory.
pub fn map_firmware(start: u64, end: u64) {
    let mut address = start & !(PAGE - 1);
    while address < end {
        if !is_mapped(address) {
            entry(address, 1).expect("memory for a page table").set_addr(PhysAddr::new(address), Access::Read.flags());
        }
        address += PAGE;
    }
}

/// Whether anything is mapped at the address.
pub fn is_mapped(address: u64) -> bool {
    let mut at = TOP.with(|top| *top);
    for level in (1..=4).rev() {
        let entry = &table(at)[index(address, level)];
        if entry.is_unused() {
            return false;
        }
        if entry.flags().contains(Flags::HUGE_PAGE) {
            return true;
        }
        at = entry.addr().as_u64();
    }
    true
}

/// Where in physical memory the byte at an address of a linear memory is; none where its page was not touched yet.
pub fn physical(address: u64) -> Option<u64> {
    let entry = existing(address, 1).filter(|entry| entry.flags().contains(Flags::PRESENT))?;
    Some(entry.addr().as_u64() | address & (PAGE - 1))
}

/// Leaves the firmware's tables.
///
/// # Safety
/// The code that runs, its stack and all it will touch are mapped, where they are now.
pub unsafe fn use_own() {
    let top = PhysFrame::containing_address(PhysAddr::new(TOP.with(|top| *top)));
    // SAFETY: the caller's promise.
    unsafe { Cr3::write(top, Cr3Flags::empty()) };
}

/// Takes one page away for good, whatever lies there.
///
/// # Safety
/// Nobody reaches it.
pub unsafe fn forbid(address: u64) {
    if let Some(entry) = existing(address, 1) {
        entry.set_unused();
        tlb::flush(VirtAddr::new(address));
    }
}

/// Lets the one-to-one map of physical memory write a frame, or not: what another mapping executes or only reads, nobody writes.
fn set_alias(frame: u64, writable: bool) -> Result<(), OutOfMemory> {
    let Some(large) = existing(frame, 2).filter(|entry| !entry.is_unused()) else { return Ok(()) };
    if large.flags().contains(Flags::HUGE_PAGE) {
        if writable {
            return Ok(());
        }
        split(large)?;
    }
    if let Some(entry) = existing(frame, 1).filter(|entry| entry.flags().contains(Flags::PRESENT | Flags::WRITABLE) != writable) {
        let access = if writable { Access::Write } else { Access::Read };
        set_flags(frame, entry, access);
    }
    Ok(())
}

/// Maps what a large page maps by small ones.
fn split(large: &mut PageTableEntry) -> Result<(), OutOfMemory> {
    let (start, new) = (large.addr().as_u64(), frames::take().ok_or(OutOfMemory)?);
    for (number, entry) in table(new).iter_mut().enumerate() {
        entry.set_addr(PhysAddr::new(start + number as u64 * PAGE), Access::Write.flags());
    }
    large.set_addr(PhysAddr::new(new), Flags::PRESENT | Flags::WRITABLE);
    tlb::flush_all();
    Ok(())
}

/// Gives each page of [start, end) this access. `Read`, `Write` and `Execute` take frames for pages that have none; `None`
/// keeps the frames of those that have one. A frame that may be read or executed is written through no other mapping either.
/// On error some pages have changed; `unmap` cleans up.
pub fn protect(start: u64, end: u64, access: Access) -> Result<(), OutOfMemory> {
    if access == Access::None {
        each_present(start, end, |address, entry| set_flags(address, entry, access));
        return Ok(());
    }
    for address in (start..end).step_by(PAGE as usize) {
        let entry = entry(address, 1)?;
        let fresh = entry.is_unused();
        let frame = if fresh { frames::take().ok_or(OutOfMemory)? } else { entry.addr().as_u64() };
        if access != Access::Write
            && let Err(error) = set_alias(frame, false)
        {
            if fresh {
                // SAFETY: it was just taken, and mapped nowhere.
                unsafe { frames::give(frame) };
            }
            return Err(error);
        }
        entry.set_addr(PhysAddr::new(frame), access.flags());
        tlb::flush(VirtAddr::new(address));
        if access == Access::Write && !fresh {
            set_alias(frame, true)?;
        }
    }
    Ok(())
}

fn set_flags(address: u64, entry: &mut PageTableEntry, access: Access) {
    entry.set_flags(access.flags());
    tlb::flush(VirtAddr::new(address));
}

/// Takes the pages of [start, end) away and gives their frames back. Tables stay: addresses come back to the same place.
///
/// # Safety
/// Nothing reaches the range any more.
pub unsafe fn unmap(start: u64, end: u64) {
    each_present(start, end, |address, entry| {
        let frame = entry.addr().as_u64();
        let was_written = entry.flags().contains(Flags::WRITABLE);
        entry.set_unused();
        tlb::flush(VirtAddr::new(address));
        if !was_written {
            set_alias(frame, true).expect("nothing is split to be written");
        }
        // SAFETY: the only mapping of the frame, which came from `frames::take`, is gone; the caller vouches for the rest.
        unsafe { frames::give(frame) };
    });
}

/// Makes the table that entries of 1 GiB around `address` lie in, so that `back` has no need of one that was not promised.
pub fn prepare(address: u64) -> Result<(), OutOfMemory> {
    entry(address, 3).map(|_| ())
}

/// Makes a page of zeros, to read and to write, where none is: its frame, and the tables that are missing, were promised.
pub fn back(address: u64) {
    let mut at = TOP.with(|top| *top);
    for level in (1..=4).rev() {
        let entry = &mut table(at)[index(address, level)];
        if entry.is_unused() {
            let flags = if level == 1 { Access::Write.flags() } else { Flags::PRESENT | Flags::WRITABLE };
            entry.set_addr(PhysAddr::new(frames::take_promised()), flags);
        }
        at = entry.addr().as_u64();
    }
}

/// The entry for `address` at `level` where the tables above it exist.
fn existing(address: u64, level: u32) -> Option<&'static mut PageTableEntry> {
    let mut at = TOP.with(|top| *top);
    for above in (level + 1..=4).rev() {
        let entry = &table(at)[index(address, above)];
        if entry.is_unused() {
            return None;
        }
        at = entry.addr().as_u64();
    }
    Some(&mut table(at)[index(address, level)])
}

/// Takes all pages of [start, end) away, whole GiB, with the tables that found them; answers how many frames that freed. The
/// time it takes goes with the pages that are there.
///
/// # Safety
/// Nothing reaches the range any more, and every page in it came from `back`.
pub unsafe fn release(start: u64, end: u64) -> u64 {
    const MOST: usize = 4;
    let mut directories = [0; MOST];
    for (slot, address) in directories.iter_mut().zip((start..end).step_by(1 << 30)) {
        if let Some(entry) = existing(address, 3).filter(|entry| !entry.is_unused()) {
            *slot = entry.addr().as_u64();
            entry.set_unused();
        }
    }
    tlb::flush_all(); // before a frame is another's: the processor keeps tables, too
    // SAFETY: cut off above, and nothing else led there.
    directories.into_iter().filter(|&directory| directory != 0).map(|directory| unsafe { give_tree(directory, 2) }).sum()
}

/// Gives back a table with all that it leads to; answers how many frames.
///
/// # Safety
/// No table leads to it, and the processor has forgotten that one did.
unsafe fn give_tree(at: u64, level: u32) -> u64 {
    let mut given = 1;
    for entry in table(at).iter().filter(|entry| !entry.is_unused()) {
        let next = entry.addr().as_u64();
        // SAFETY: it is reached from here alone.
        given += unsafe {
            if level > 1 {
                give_tree(next, level - 1)
            } else {
                frames::give(next);
                1
            }
        };
    }
    // SAFETY: the caller's promise, and what it led to is gone.
    unsafe { frames::give(at) };
    thread::relax(); // nobody else reaches the tree, and the next of its tables can wait
    given
}

/// Whether the page is mapped writable and executable at once; asked at boot of every page that is executable.
pub fn count_writable_and_executable() -> u64 {
    let mut count = 0;
    walk(TOP.with(|top| *top), 4, true, true, &mut count);
    count
}

fn walk(at: u64, level: u32, writable: bool, executable: bool, count: &mut u64) {
    for entry in table(at).iter().filter(|entry| entry.flags().contains(Flags::PRESENT)) {
        let flags = entry.flags();
        let (writable, executable) = (writable && flags.contains(Flags::WRITABLE), executable && !flags.contains(Flags::NO_EXECUTE));
        if level > 1 && !flags.contains(Flags::HUGE_PAGE) {
            walk(entry.addr().as_u64(), level - 1, writable, executable, count);
        } else if writable && executable {
            *count += 1;
        }
    }
}
