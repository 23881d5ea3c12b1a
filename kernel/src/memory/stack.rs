//! Thread stacks, each between two pages that are not there.
use super::{PAGE, STACKS_END, STACKS_START, paging::{Access, OutOfMemory}, window::Window};

/// Bytes of a thread's stack: what wasm may use, and what the kernel needs on top.
pub const SIZE: u64 = crate::wasm::STACK as u64 + 256 * 1024;

static WINDOW: Window = Window::new(STACKS_START, STACKS_END);

/// Memory for one thread's frames.
pub struct Stack {
    start: u64,
}

impl Stack {
    pub fn new() -> Result<Self, OutOfMemory> {
        Ok(Self { start: WINDOW.map(SIZE, Access::Write)? })
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
    }
}

/// Whether `length` bytes at the address lie on one thread's stack, and on none of its guards.
pub fn holds(address: u64, length: u64) -> bool {
    let within = |address: u64| WINDOW.contains(address) && (address - STACKS_START) % (SIZE + PAGE) >= PAGE;
    within(address) && within(address + length - 1)
}

/// Whether the address lies in a page that guards a stack, or a little beyond.
pub fn is_guard(address: u64) -> bool {
    WINDOW.contains(address) && (address - STACKS_START) % (SIZE + PAGE) < PAGE
}
