//! Physical frames of 4 KiB: free ones are chained through their own first bytes, so that giving and taking cost the same
//! whatever the memory's size. Frames are promised before they are used, where a use must not fail.
use super::PAGE;
use crate::cell::Global;
use core::arch::asm;
use munal_logic::quota::Pool;

struct Frames {
    /// The first free frame that was given back; 0 for none (page 0 is never free).
    chain: u64,
    /// Ranges never handed out yet: start and end.
    fresh: [(u64, u64); RANGES],
    ranges: usize,
    pool: Pool,
    total: u64,
}

/// More ranges than any firmware's map has free ones; what comes beyond is left unused.
const RANGES: usize = 512;

static FRAMES: Global<Frames> = Global::new(Frames { chain: 0, fresh: [(0, 0); RANGES], ranges: 0, pool: Pool::new(), total: 0 });

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
            frames.pool.add((end - start) / PAGE);
            frames.total += (end - start) / PAGE;
        }
    });
}

/// Takes a frame filled with zeros for the kernel; none where all that is free is promised.
pub fn take() -> Option<u64> {
    let frame = FRAMES.with(|frames| frames.pool.take().then(|| frames.next()))?;
    clear(frame);
    Some(frame)
}

/// Takes frames that lie together, filled with zeros, for good; none where no free stretch is that long. For boot, when most of
/// memory was never handed out.
pub fn take_together(count: u64) -> Option<u64> {
    let start = FRAMES.with(|frames| {
        let bytes = count * PAGE;
        let (start, _) = frames.fresh[..frames.ranges].iter_mut().find(|(start, end)| end - start >= bytes)?;
        let taken = *start;
        *start += bytes;
        (0..count).all(|_| frames.pool.take()).then_some(taken)
    })?;
    (0..count).for_each(|number| clear(start + number * PAGE));
    Some(start)
}

/// Takes one of the frames that were promised, filled with zeros.
pub fn take_promised() -> u64 {
    let frame = FRAMES.with(|frames| {
        frames.pool.take_promised();
        frames.next()
    });
    clear(frame);
    frame
}

/// Puts `frames` aside, for `take_promised`; false where the machine has not so many left.
pub fn promise(frames: u64) -> bool {
    FRAMES.with(|all| all.pool.promise(frames))
}

/// Takes back the promise of `frames` that were not taken.
pub fn renounce(frames: u64) {
    FRAMES.with(|all| all.pool.renounce(frames));
}

/// Keeps `bytes` for the kernel alone.
pub fn reserve(bytes: u64) {
    FRAMES.with(|frames| frames.pool.reserve(bytes.div_ceil(PAGE)));
}

/// Gives a frame back.
///
/// # Safety
/// It came from `take` or `take_promised`, and no mapping and no reference reaches it any more.
pub unsafe fn give(frame: u64) {
    FRAMES.with(|frames| {
        // SAFETY: the frame is free, so its first bytes may hold the chain.
        unsafe { (frame as *mut u64).write(frames.chain) };
        frames.chain = frame;
        frames.pool.add(1);
    });
}

/// Bytes free, promised ones among them, and bytes in all.
pub fn count() -> (u64, u64) {
    FRAMES.with(|frames| (frames.pool.free() * PAGE, frames.total * PAGE))
}

/// Bytes that can be promised.
pub fn spare() -> u64 {
    FRAMES.with(|frames| frames.pool.spare() * PAGE)
}

/// Fills a frame with zeros, 16 bytes at a time: `rep stos` is many times slower where the processor is emulated.
fn clear(frame: u64) {
    // SAFETY: the frame is nobody else's, it is mapped one to one, and it is a multiple of 64 bytes long.
    unsafe {
        asm!(
            "xorps {zero}, {zero}",
            "2:",
            "movaps [{at}], {zero}",
            "movaps [{at} + 16], {zero}",
            "movaps [{at} + 32], {zero}",
            "movaps [{at} + 48], {zero}",
            "add {at}, 64",
            "cmp {at}, {end}",
            "jb 2b",
            zero = out(xmm_reg) _,
            at = inout(reg) frame => _,
            end = in(reg) frame + PAGE,
            options(nostack),
        );
    }
}

impl Frames {
    /// A free frame; the pool has counted that there is one.
    fn next(&mut self) -> u64 {
        if self.chain != 0 { self.next_chained() } else { self.next_fresh() }
    }

    fn next_chained(&mut self) -> u64 {
        let frame = self.chain;
        // SAFETY: a frame in the chain is free, and its first bytes were written by `give`.
        self.chain = unsafe { (frame as *const u64).read() };
        frame
    }

    fn next_fresh(&mut self) -> u64 {
        loop {
            let (start, end) = &mut self.fresh[self.ranges - 1];
            if start < end {
                *start += PAGE;
                return *start - PAGE;
            }
            self.ranges -= 1;
        }
    }
}
