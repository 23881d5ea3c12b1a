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

/// Turns on what the kernel's page tables rely on: no-execute, and write protection that binds ring 0 too; and where the
/// processor has them, its refusals to execute or touch a page that is not the kernel's (there is none) from ring 0.
pub fn protect_pages() {
    use x86_64::registers::{control::{Cr0, Cr0Flags, Cr4, Cr4Flags}, model_specific::{Efer, EferFlags}};
    // SAFETY: all these bits only add refusals; the tables loaded next are written with them in mind, and the bits of CR4 are
    // set where the processor says that it has them.
    unsafe {
        Efer::update(|flags| flags.insert(EferFlags::NO_EXECUTE_ENABLE));
        Cr0::update(|flags| flags.insert(Cr0Flags::WRITE_PROTECT));
        Cr4::update(|flags| flags.insert(refusals()));
    }
    fn refusals() -> Cr4Flags {
        let found = features();
        let has = |bit: u32, flag: Cr4Flags| if found & 1 << bit != 0 { flag } else { Cr4Flags::empty() };
        has(7, Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION) | has(20, Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION)
    }
}

/// Structured extended features, register EBX (Intel SDM volume 2, CPUID, leaf 7); 0 where the processor has no such leaf.
fn features() -> u32 {
    use core::arch::x86_64::{__cpuid, __cpuid_count};
    const LEAF: u32 = 7;
    if __cpuid(0).eax < LEAF { 0 } else { __cpuid_count(LEAF, 0).ebx }
}
