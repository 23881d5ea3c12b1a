//! The port instructions (Intel SDM volume 2, IN and OUT). Who may use them is decided by the callers.
use core::arch::asm;

/// # Safety
/// The port must not reach a device in a way that breaks memory safety; callers say why it does not.
pub unsafe fn in8(port: u16) -> u8 {
    let value: u8;
    // SAFETY: the instruction reads no memory; the caller answers for the device.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags)) }
    value
}

/// # Safety
/// As `in8`.
pub unsafe fn in16(port: u16) -> u16 {
    let value: u16;
    // SAFETY: as in `in8`.
    unsafe { asm!("in ax, dx", in("dx") port, out("ax") value, options(nomem, nostack, preserves_flags)) }
    value
}

/// # Safety
/// As `in8`.
pub unsafe fn in32(port: u16) -> u32 {
    let value: u32;
    // SAFETY: as in `in8`.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags)) }
    value
}

/// # Safety
/// As `in8`.
pub unsafe fn out8(port: u16, value: u8) {
    // SAFETY: the instruction writes no memory itself; the caller answers for the device.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags)) }
}

/// # Safety
/// As `in8`.
pub unsafe fn out16(port: u16, value: u16) {
    // SAFETY: as in `out8`.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags)) }
}

/// # Safety
/// As `in8`.
pub unsafe fn out32(port: u16, value: u32) {
    // SAFETY: as in `out8`.
    unsafe { asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags)) }
}
