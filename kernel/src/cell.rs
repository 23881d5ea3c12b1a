//! Global state of a kernel that runs on one core and is not preempted.
//!
//! The rule that makes it sound: kernel state is touched by the thread that runs in the kernel, or by an interrupt handler
//! that interrupted wasm and so found nobody in the kernel. A handler that interrupted the kernel touches atomics alone.
//!
//! A page of a SIP's memory that is not there yet comes when the kernel touches it, by a fault that is as a call of what touched
//! it. `memory::linear::fault` uses frames, page tables and the sizes of memories: who holds one of those touches no SIP's memory.
use core::{cell::{Cell, UnsafeCell}, panic::Location};

/// A value that one closure at a time may use. Using it twice at once is a bug that panics with both places.
pub struct Global<T> {
    value: UnsafeCell<T>,
    holder: Cell<Option<&'static Location<'static>>>,
}

// SAFETY: one core, and `with` refuses a second user; see above for why handlers are none.
unsafe impl<T> Sync for Global<T> {}

impl<T> Global<T> {
    pub const fn new(value: T) -> Self {
        Self { value: UnsafeCell::new(value), holder: Cell::new(None) }
    }

    /// Lends the value to `job`, which must not wait, switch threads or call wasm.
    #[track_caller]
    pub fn with<R>(&self, job: impl FnOnce(&mut T) -> R) -> R {
        let here = Location::caller();
        if let Some(other) = self.holder.replace(Some(here)) {
            panic!("kernel state is used at {here} while {other} uses it");
        }
        // SAFETY: `holder` was empty, so no other reference is alive until it is emptied again.
        let result = job(unsafe { &mut *self.value.get() });
        self.holder.set(None);
        result
    }

    /// A shared reference for as long as the kernel runs.
    ///
    /// # Safety
    /// The value must never be changed again through `with`.
    pub unsafe fn forever(&'static self) -> &'static T {
        // SAFETY: the caller promises that nobody writes.
        unsafe { &*self.value.get() }
    }

    /// Where the value lies, for code that cannot hold a reference (a stack that is being switched).
    pub const fn as_ptr(&self) -> *mut T {
        self.value.get()
    }
}
