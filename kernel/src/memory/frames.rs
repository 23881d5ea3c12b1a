//! Physical frames of 4 KiB: free ones are chained through their own first bytes, so that giving and taking cost the same
//! whatever the memory's size.
use super::PAGE;
use crate::cell::Global;

struct Frames {
    /// The first free frame that was given back; 0 for none (page 0 is never free).
    chain: u64,
    /// Ranges never handed out yet: start and end.
    fresh: [(u64, u64); RANGES],
    ranges: usize,
    free: u64,
    total: u64,
}

/// More ranges than any firmware's map has free ones; what comes beyond is left unused.
const RANGES: usize = 512;

static FRAMES: Global<Frames> = Global::new(Frames { chain: 0, fresh: [(0, 0); RANGES], ranges: 0, free: 0, total: 0 });

/// Hands the physical range [start, end) to the allocator, but for page 0.
///
/// # Safety
/// Nobody uses the range, now or later, and it is mapped one to one, writable, before the first frame of it is given back.
pub unsafe fn add(start: u64, end: u64) {
    let (start, end) = (start.max(PAGE).next_multiple_of(PAGE), end & !(PAGE - 1));
    FRAMES.with(|frames| {
        if start < end && frames.ranges < RANGES {
            frames.fresh[frames.ranges] = (start, end);
            frames.ranges += 1;
            frames.free += (end - start) / PAGE;
            frames.total += (end - start) / PAGE;
        }
    });
}

/// Takes a frame filled with zeros; none where memory is used up.
pub fn take() -> Option<u64> {
    let frame = FRAMES.with(Frames::take)?;
    // SAFETY: the frame is nobody else's, and free memory is mapped one to one.
    unsafe { (frame as *mut u8).write_bytes(0, PAGE as usize) };
    Some(frame)
}

/// Gives a frame back.
///
/// # Safety
/// It came from `take`, and no mapping and no reference reaches it any more.
pub unsafe fn give(frame: u64) {
    FRAMES.with(|frames| {
        // SAFETY: the frame is free, so its first bytes may hold the chain.
        unsafe { (frame as *mut u64).write(frames.chain) };
        frames.chain = frame;
        frames.free += 1;
    });
}

/// Bytes free, and bytes in all.
pub fn count() -> (u64, u64) {
    FRAMES.with(|frames| (frames.free * PAGE, frames.total * PAGE))
}

impl Frames {
    fn take(&mut self) -> Option<u64> {
        let frame = if self.chain != 0 { self.take_chained() } else { self.take_fresh()? };
        self.free -= 1;
        Some(frame)
    }

    fn take_chained(&mut self) -> u64 {
        let frame = self.chain;
        // SAFETY: a frame in the chain is free, and its first bytes were written by `give`.
        self.chain = unsafe { (frame as *const u64).read() };
        frame
    }

    fn take_fresh(&mut self) -> Option<u64> {
        while self.ranges > 0 {
            let (start, end) = &mut self.fresh[self.ranges - 1];
            if start < end {
                *start += PAGE;
                return Some(*start - PAGE);
            }
            self.ranges -= 1;
        }
        None
    }
}
