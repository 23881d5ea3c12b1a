//! Bytes of one SIP's memory that another's host call reads or writes while the lender waits: so a large message is copied
//! once, from where its sender has it to where its receiver wants it.
use crate::sip::{Call, Lent, Outcome};
use core::ptr;

/// A stretch of one SIP's memory. It is kept in that instance's `Party` alone, and there only while its thread is inside
/// `party::lend`.
#[derive(Debug, Clone, Copy)]
pub struct Loan {
    at: *mut u8,
    length: usize,
}

impl Loan {
    /// Nothing.
    pub const NONE: Self = Self { at: ptr::NonNull::dangling().as_ptr(), length: 0 };

    /// The bytes that a SIP passed. Errors: they leave its memory.
    pub fn of(call: &mut Call<'_, '_>, lent: Lent) -> Outcome<Self> {
        let bytes = call.bytes(lent)?;
        Ok(Self { at: bytes.as_mut_ptr(), length: bytes.len() })
    }

    pub fn length(&self) -> usize {
        self.length
    }

    /// The bytes themselves.
    ///
    /// # Safety
    /// The lender's thread is inside `party::lend`, or is the one that calls: then its memory neither moves nor goes, and no
    /// wasm runs in it. No other reference to these bytes may be alive: there is none, since a Store's memory is borrowed
    /// by its own host calls alone, and a lender that waits inside `lend` has ended its borrows.
    unsafe fn bytes<'a>(self) -> &'a mut [u8] {
        // SAFETY: `of` made it from a slice of the lender's memory, which is still there by the caller's promise.
        unsafe { core::slice::from_raw_parts_mut(self.at, self.length) }
    }

    /// Stores what fits of `bytes`; answers how many.
    ///
    /// # Safety
    /// As for `bytes`; and `bytes` are another SIP's, or the kernel's.
    pub unsafe fn store(self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.length);
        // SAFETY: the caller's promise; two SIPs share no memory, so the stretches do not overlap.
        unsafe { self.bytes()[..count].copy_from_slice(&bytes[..count]) };
        count
    }

    /// Copies what fits of `other`, which another SIP lends; answers how many.
    ///
    /// # Safety
    /// As for `bytes`, of both; and they are two SIPs' memories.
    pub unsafe fn copy_from(self, other: Loan) -> usize {
        // SAFETY: the caller's promise.
        unsafe { self.store(other.bytes()) }
    }
}
