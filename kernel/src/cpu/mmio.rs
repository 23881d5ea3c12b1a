//! Accesses to device memory: one instruction each, of exactly the width asked for, whatever the address is aligned to.
//! Who may use them is decided by the callers.
use core::arch::asm;

macro_rules! accesses {
    ($read:ident, $write:ident, $type:ty, $class:ident, $modifier:literal, $size:literal) => {
        /// # Safety
        /// The bytes at `address` are mapped, and are a device's whose reads do not break memory safety; callers say why.
        pub unsafe fn $read(address: u64) -> $type {
            let value: $type;
            // SAFETY: the caller's promise.
            unsafe { asm!(concat!("mov {value", $modifier, "}, ", $size, " ptr [{address}]"), address = in(reg) address, value = out($class) value, options(nostack, preserves_flags)) }
            value
        }

        /// # Safety
        /// As for reading, and for a write of this value.
        pub unsafe fn $write(address: u64, value: $type) {
            // SAFETY: the caller's promise.
            unsafe { asm!(concat!("mov ", $size, " ptr [{address}], {value", $modifier, "}"), address = in(reg) address, value = in($class) value, options(nostack, preserves_flags)) }
        }
    };
}

accesses!(read8, write8, u8, reg_byte, "", "byte");
accesses!(read16, write16, u16, reg, ":x", "word");
accesses!(read32, write32, u32, reg, ":e", "dword");
accesses!(read64, write64, u64, reg, ":r", "qword");
