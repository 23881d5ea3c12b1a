//! Thread stacks, each between two pages that are not there.
use super::{PAGE, STACKS_END, STACKS_START, accounts::{self, Owner}, fixed_stack, frames, paging::Access, window::Window};
use alloc::{format, string::String};

/// Bytes of a thread's stack: what wasm may use, and what the kernel needs on top.
pub const SIZE: u64 = crate::wasm::STACK as u64 + crate::dispatch::KERNEL_STACK;
/// Bytes that a stack costs: its pages, and the table that finds them.
const COST: u64 = SIZE + PAGE;

static WINDOW: Window = Window::new(STACKS_START, STACKS_END);

/// Memory for one thread's frames.
pub struct Stack {
    start: u64,
    owner: Owner,
}

impl Stack {
    /// A stack that `owner` pays for. Errors: why there is none, in words.
    pub fn new(owner: Owner) -> Result<Self, String> {
        if !accounts::with(owner, |account| account.charge(COST)) {
            return Err(format!("its stack of {SIZE} bytes passes its quota"));
        }
        let spare = frames::spare();
        let made = if spare >= COST { WINDOW.map(SIZE, Access::Write).ok() } else { None };
        made.map(|start| Self { start, owner }).ok_or_else(|| {
            accounts::with(owner, |account| account.release(COST));
            format!("the machine has {spare} bytes left, too few for its stack of {SIZE}")
        })
    }

    /// The address above the stack's first byte.
    pub fn top(&self) -> u64 {
        self.start + SIZE
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: its thread has ended, or never ran, when its owner drops it.
        unsafe { WINDOW.release(self.start, SIZE) };
        accounts::with(self.owner, |account| account.release(COST));
    }
}

/// Whether `length` bytes at the address lie on one thread's stack, and on none of its guards.
pub fn holds(address: u64, length: u64) -> bool {
    let within = |address: u64| WINDOW.contains(address) && (address - STACKS_START) % (SIZE + PAGE) >= PAGE;
    within(address) && within(address + length - 1)
}

/// Which stack's guard the address lies in, in words; none where it is no guard.
pub fn guarded(address: u64) -> Option<&'static str> {
    if WINDOW.contains(address) && (address - STACKS_START) % (SIZE + PAGE) < PAGE {
        return Some("end of a thread's stack");
    }
    fixed_stack::is_guard(address).then_some("end of a stack of the kernel's own")
}
