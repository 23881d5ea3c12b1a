//! The kernel's heap: grows through its window as it is used, a stretch at a time; what is large has pages of its own, which
//! go back when it is freed. Each allocation carries whose it is, so that an account shows what an instance causes.
use super::{HEAP_END, HEAP_START, LARGE_END, LARGE_START, PAGE, accounts, paging::{self, Access}, round_up, window::Window};
use core::{alloc::{GlobalAlloc, Layout}, ptr};
use talc::{TalcLock, base::{Talc, binning::Binning}, source::Source};

/// The least that the heap grows by, in bytes.
const STRETCH: u64 = 1 << 20;
/// From how many bytes on an allocation has pages of its own.
const LARGE: usize = 256 * 1024;
/// What is in front of each allocation: its owner.
const HEADER: usize = 16;

static LARGE_WINDOW: Window = Window::new(LARGE_START, LARGE_END);

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
static HEAP: Heap = Heap { small: TalcLock::new(Grow { end: HEAP_START }) };

struct Heap {
    small: TalcLock<spin::Mutex<()>, Grow>,
}

/// The layout with its header in front, and how far behind its start the allocation begins.
fn with_header(layout: Layout) -> Option<(Layout, usize)> {
    let align = layout.align().max(HEADER);
    let size = layout.size().checked_add(align)?;
    Some((Layout::from_size_align(size, align).ok()?, align))
}

/// Whether it has pages of its own; those are aligned to pages and no further.
fn is_large(whole: &Layout) -> bool {
    whole.size() >= LARGE && whole.align() <= PAGE as usize
}

impl Heap {
    fn take(&self, whole: Layout) -> *mut u8 {
        if is_large(&whole) {
            return LARGE_WINDOW.map(whole.size() as u64, Access::Write).map_or(ptr::null_mut(), |start| start as *mut u8);
        }
        // SAFETY: the size is not 0: there is a header.
        unsafe { self.small.alloc(whole) }
    }
}

// SAFETY: what is handed out lies behind the header in an allocation of the heap's or in pages of its own, aligned as asked
// for, and goes back with the layout that it was taken with.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((whole, offset)) = with_header(layout) else { return ptr::null_mut() };
        let base = self.take(whole);
        if base.is_null() {
            return base;
        }
        let owner = accounts::current();
        accounts::with(owner, |account| account.heap_grew(whole.size() as u64));
        // SAFETY: at least `HEADER` bytes lie in front of the offset, aligned to 16.
        unsafe {
            base.add(offset - HEADER).cast::<usize>().write(owner);
            base.add(offset)
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let Some((whole, offset)) = with_header(layout) else { return };
        // SAFETY: `alloc` wrote the header of what it answered, for the same layout, as the caller promises.
        let (base, owner) = unsafe { (pointer.sub(offset), pointer.sub(HEADER).cast::<usize>().read()) };
        accounts::with(owner, |account| account.heap_shrank(whole.size() as u64));
        // SAFETY: it came from `take` with this layout, and the caller uses it no more.
        unsafe {
            if is_large(&whole) {
                LARGE_WINDOW.release(base as u64, whole.size() as u64);
            } else {
                self.small.dealloc(base, whole);
            }
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let wanted = Layout::from_size_align(size, layout.align()).ok();
        let (Some(wanted), Some((old, offset))) = (wanted, with_header(layout)) else { return ptr::null_mut() };
        let Some((new, _)) = with_header(wanted) else { return ptr::null_mut() };
        if is_large(&old) || is_large(&new) {
            // SAFETY: the new one is as long as asked for, and apart from the old one, which the caller uses no more.
            return unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(pointer, moved, layout.size().min(size));
                    self.dealloc(pointer, layout);
                }
                moved
            };
        }
        // SAFETY: as in `dealloc`; the header moves with what is behind it.
        unsafe {
            let owner = pointer.sub(HEADER).cast::<usize>().read();
            let base = self.small.realloc(pointer.sub(offset), old, new.size());
            if base.is_null() {
                return base;
            }
            accounts::with(owner, |account| {
                account.heap_shrank(old.size() as u64);
                account.heap_grew(new.size() as u64);
            });
            base.add(offset)
        }
    }
}
