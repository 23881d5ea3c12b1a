//! Stacks in the kernel's image, for what runs before there are others, or when no other can be trusted: each between two pages
//! that are not there.
use super::{PAGE, paging};
use core::sync::atomic::{AtomicU64, Ordering};

/// `SIZE` bytes of stack, a multiple of the page, with the pages that guard it.
#[repr(C, align(4096))]
pub struct FixedStack<const SIZE: usize> {
    below: [u8; PAGE as usize],
    stack: [u8; SIZE],
    above: [u8; PAGE as usize],
}

/// The guards of all of them, for who asks what an address is; 0 where there is none.
static GUARDS: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];

impl<const SIZE: usize> FixedStack<SIZE> {
    const LENGTH: u64 = SIZE as u64 + 2 * PAGE;

    pub const fn new() -> Self {
        assert!(SIZE % PAGE as usize == 0);
        Self { below: [0; PAGE as usize], stack: [0; SIZE], above: [0; PAGE as usize] }
    }

    /// The address above the first byte of the stack at `stack`.
    pub fn top(stack: *const Self) -> u64 {
        stack as u64 + Self::LENGTH - PAGE
    }

    /// Takes the guards away; called at boot, under our own page tables.
    ///
    /// # Safety
    /// `stack` is a static of the kernel's image, and only its stack pointer reaches it.
    pub unsafe fn guard(stack: *const Self) {
        let start = stack as u64;
        for guard in [start, start + Self::LENGTH - PAGE] {
            // SAFETY: the page is one that nobody has a reference to, as the caller promises.
            unsafe { paging::forbid(guard) };
            let free = GUARDS.iter().find(|slot| slot.compare_exchange(0, guard, Ordering::Relaxed, Ordering::Relaxed).is_ok());
            assert!(free.is_some(), "more stacks in the image than are told of");
        }
    }
}

/// Whether the address lies in the guard of a stack in the image.
pub fn is_guard(address: u64) -> bool {
    let page = address & !(PAGE - 1);
    page != 0 && GUARDS.iter().any(|guard| guard.load(Ordering::Relaxed) == page)
}
