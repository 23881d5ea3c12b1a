//! The kernel's heap: grows through its window as it is used, a stretch at a time.
use super::{HEAP_END, HEAP_START, PAGE, paging::{self, Access}, round_up};
use core::alloc::Layout;
use talc::{TalcLock, base::{Talc, binning::Binning}, source::Source};

/// The least that the heap grows by, in bytes.
const STRETCH: u64 = 1 << 20;

#[derive(Debug)]
pub struct Grow {
    end: u64,
}

// SAFETY: each stretch is fresh memory right behind the last, mapped for the heap alone and never taken back.
unsafe impl Source for Grow {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let wanted = (layout.size() as u64).checked_add(layout.align() as u64).ok_or(())?;
        let length = round_up(wanted.checked_add(PAGE).ok_or(())?).max(STRETCH);
        let start = talc.source.end;
        let end = start.checked_add(length).filter(|&end| end <= HEAP_END).ok_or(())?;
        paging::protect(start, end, Access::Write).map_err(|_| {
            // SAFETY: the stretch was not handed to anyone yet.
            unsafe { paging::unmap(start, end) }
        })?;
        talc.source.end = end;
        // SAFETY: mapped above, writable, used by nobody else.
        unsafe { talc.claim(start as *mut u8, length as usize) }.map(|_| ()).ok_or(())
    }
}

#[global_allocator]
static HEAP: TalcLock<spin::Mutex<()>, Grow> = TalcLock::new(Grow { end: HEAP_START });
