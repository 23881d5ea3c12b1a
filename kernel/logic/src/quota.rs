//! Who may use how much memory: an account for each instance, counted to the page, and the machine's frames, of which no
//! more are promised than there are, so that what was granted can be touched without asking again.

/// Bytes of a page, and of a page table.
pub const PAGE: u64 = 4096;
/// Bytes that one page table of the lowest level maps, and one of the level above (Intel SDM volume 3, section 4.5).
const TABLE_SPAN: u64 = 2 << 20;
const DIRECTORY_SPAN: u64 = 1 << 30;

/// Bytes of page tables that `bytes` of memory want, where they begin at a multiple of 1 GiB.
pub fn tables(bytes: u64) -> u64 {
    (bytes.div_ceil(TABLE_SPAN) + bytes.div_ceil(DIRECTORY_SPAN)) * PAGE
}

/// What one instance uses, in bytes. `held` was asked for and can be refused: memory, page tables, stack. The kernel's heap
/// cannot be asked for before each use: the first `runtime` bytes of it count as used always, what goes beyond as it comes.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    limit: u64,
    runtime: u64,
    held: u64,
    heap: u64,
    peak: u64,
}

impl Account {
    /// An account that may hold anything, for what no instance causes.
    pub const UNLIMITED: Account = Account { limit: u64::MAX, runtime: 0, held: 0, heap: 0, peak: 0 };

    /// Sets what may be used, `runtime` bytes of the heap included; what is used already stays.
    pub fn limit(&mut self, limit: u64, runtime: u64) {
        (self.limit, self.runtime) = (limit, runtime);
        self.note_peak();
    }

    pub fn used(&self) -> u64 {
        self.held + self.heap.max(self.runtime)
    }

    /// Bytes of the kernel's heap among what is used.
    pub fn heap(&self) -> u64 {
        self.heap
    }

    pub fn peak(&self) -> u64 {
        self.peak
    }

    /// Whether `bytes` more would stay within the limit.
    pub fn fits(&self, bytes: u64) -> bool {
        self.used().checked_add(bytes).is_some_and(|used| used <= self.limit)
    }

    /// Takes `bytes`; false, and nothing taken, where they pass the limit.
    pub fn charge(&mut self, bytes: u64) -> bool {
        let fits = self.fits(bytes);
        if fits {
            self.held += bytes;
            self.note_peak();
        }
        fits
    }

    /// Gives back what `charge` took, or a part of it. Panics where that is more.
    pub fn release(&mut self, bytes: u64) {
        self.held = self.held.checked_sub(bytes).expect("no more is given back than was taken");
    }

    /// The heap grew for this instance, within the limit or not.
    pub fn heap_grew(&mut self, bytes: u64) {
        self.heap += bytes;
        self.note_peak();
    }

    /// Panics where it never was that large.
    pub fn heap_shrank(&mut self, bytes: u64) {
        self.heap = self.heap.checked_sub(bytes).expect("no more is freed than was allocated");
    }

    fn note_peak(&mut self) {
        self.peak = self.peak.max(self.used());
    }
}

/// The machine's frames by number. What is promised is free still, but nobody else's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pool {
    free: u64,
    promised: u64,
    reserve: u64,
}

impl Pool {
    pub const fn new() -> Self {
        Self { free: 0, promised: 0, reserve: 0 }
    }

    /// Frames came that were never here, or came back.
    pub fn add(&mut self, frames: u64) {
        self.free += frames;
    }

    /// Keeps `frames` from being promised: the kernel's heap has to grow when all that may be promised is.
    pub fn reserve(&mut self, frames: u64) {
        self.reserve = frames;
    }

    pub fn free(&self) -> u64 {
        self.free
    }

    /// How many frames can be promised.
    pub fn spare(&self) -> u64 {
        self.free.saturating_sub(self.promised).saturating_sub(self.reserve)
    }

    /// Puts `frames` aside for one who asked; false where there are not so many.
    pub fn promise(&mut self, frames: u64) -> bool {
        let there = frames <= self.spare();
        if there {
            self.promised += frames;
        }
        there
    }

    /// Frames that were promised are not wanted any more. Panics where there are not so many: books that do not add up would
    /// promise what is not there.
    pub fn renounce(&mut self, frames: u64) {
        self.promised = self.promised.checked_sub(frames).expect("no more frames are renounced than were promised");
    }

    /// One of the frames promised is used now. Panics where none is promised.
    pub fn take_promised(&mut self) {
        self.renounce(1);
        self.free -= 1;
    }

    /// Whether a frame that was promised to nobody could be taken; if so, it is.
    pub fn take(&mut self) -> bool {
        let there = self.free > self.promised;
        if there {
            self.free -= 1;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn page_tables_are_counted_at_every_edge() {
        assert_eq!(tables(0), 0);
        assert_eq!(tables(1), 2 * PAGE);
        assert_eq!(tables(2 * MIB), 2 * PAGE);
        assert_eq!(tables(2 * MIB + 1), 3 * PAGE);
        assert_eq!(tables(1 << 30), 513 * PAGE);
        assert_eq!(tables((1 << 30) + 1), 515 * PAGE);
        assert_eq!(tables(4 << 30), (2048 + 4) * PAGE);
    }

    #[test]
    fn an_account_takes_what_fits_to_the_byte_and_nothing_else() {
        let mut account = Account::UNLIMITED;
        account.limit(1000, 100);
        assert!(!account.charge(901));
        assert_eq!(account.used(), 100);
        assert!(account.charge(900) && !account.charge(1) && account.charge(0));
        account.release(400);
        assert_eq!((account.used(), account.peak()), (600, 1000));
        assert!(!account.fits(u64::MAX));
    }

    #[test]
    fn heap_counts_once_it_passes_what_every_life_has() {
        let mut account = Account::UNLIMITED;
        account.limit(1000, 100);
        account.heap_grew(60);
        assert_eq!(account.used(), 100);
        account.heap_grew(60);
        assert_eq!((account.used(), account.heap()), (120, 120));
        assert!(!account.charge(881) && account.charge(880));
        account.heap_grew(500);
        assert!(!account.fits(0), "what cannot be refused shows in what is asked for next");
        account.heap_shrank(620);
        assert_eq!((account.used(), account.peak()), (980, 1500));
    }

    #[test]
    fn no_more_is_promised_than_there_is_and_the_reserve_is_never() {
        let mut pool = Pool::new();
        pool.add(10);
        pool.reserve(2);
        assert!(!pool.promise(9) && pool.promise(8) && !pool.promise(1));
        assert!(pool.take() && pool.take() && !pool.take(), "the kernel may use its reserve, and not what was promised");
        pool.take_promised();
        assert_eq!((pool.free(), pool.spare()), (7, 0));
        pool.renounce(7);
        pool.add(1);
        assert_eq!(pool.spare(), 6);
    }

    #[test]
    #[should_panic(expected = "no more frames are renounced than were promised")]
    fn books_that_do_not_add_up_are_the_end() {
        let mut pool = Pool::new();
        pool.add(10);
        assert!(pool.promise(3));
        pool.take_promised();
        pool.renounce(3);
    }

    /// Whatever order things happen in, every promise can be kept.
    #[test]
    fn promises_are_kept_in_any_order() {
        let mut pool = Pool::new();
        pool.add(100);
        pool.reserve(5);
        let (mut promised, mut used, mut seed) = (0u64, 0u64, 7u64);
        for _ in 0..100_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let count = seed >> 58;
            match seed >> 33 & 3 {
                0 => promised += if pool.promise(count) { count } else { 0 },
                1 if promised > 0 => {
                    pool.take_promised();
                    (promised, used) = (promised - 1, used + 1);
                }
                2 => used += u64::from(pool.take()),
                _ if used > 0 => {
                    pool.add(1);
                    used -= 1;
                }
                _ => {
                    pool.renounce(promised);
                    promised = 0;
                }
            }
            assert!(pool.free() >= promised && pool.free() + used == 100);
        }
    }
}
