//! The processor: instructions, descriptor tables, interrupts and time. Everything that names a register is in here.
pub mod apic;
pub mod drng;
pub mod gdt;
pub mod idt;
pub mod ioapic;
pub mod mmio;
pub mod port;
pub mod reference;
pub mod reset;
pub mod time;

use x86_64::instructions::interrupts;

/// Stops this processor for good.
pub fn halt_for_good() -> ! {
    loop {
        interrupts::disable();
        x86_64::instructions::hlt();
    }
}

/// Runs `job` with interrupts off, and leaves them as they were.
pub fn without_interrupts<R>(job: impl FnOnce() -> R) -> R {
    interrupts::without_interrupts(job)
}

/// Turns on what the kernel's page tables rely on: no-execute, and write protection that binds ring 0 too.
pub fn protect_pages() {
    use x86_64::registers::{control::{Cr0, Cr0Flags}, model_specific::{Efer, EferFlags}};
    // SAFETY: both bits only add refusals; the tables loaded next are written with them in mind.
    unsafe {
        Efer::update(|flags| flags.insert(EferFlags::NO_EXECUTE_ENABLE));
        Cr0::update(|flags| flags.insert(Cr0Flags::WRITE_PROTECT));
    }
}
