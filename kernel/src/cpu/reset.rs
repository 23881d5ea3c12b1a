//! Resets the machine: by the register that the firmware names, else by the keyboard controller, else by a triple fault.
use crate::{cpu::port, firmware};
use core::sync::atomic::{AtomicU32, Ordering};
use x86_64::{VirtAddr, instructions::{interrupts, tables}, structures::DescriptorTablePointer};

/// The port of RESET_REG in the low half, the value for it above; 0 where the firmware names none.
static REGISTER: AtomicU32 = AtomicU32::new(0);

/// The keyboard controller's command port, and its command to pulse the processor's reset line (8042).
const KEYBOARD: u16 = 0x64;
const PULSE_RESET: u8 = 0xfe;

/// Learns the register from the FADT. Called once, at boot, after the firmware's tables were found.
pub fn prepare() {
    if let Some((port, value)) = firmware::bytes(*b"FACP").and_then(munal_logic::acpi::reset_register) {
        REGISTER.store(u32::from(port) | u32::from(value) << 16, Ordering::Relaxed);
    }
}

/// Resets the machine, whatever state it is in.
pub fn now() -> ! {
    let register = REGISTER.load(Ordering::Relaxed);
    // SAFETY: nothing of the machine is wanted any more.
    unsafe {
        if register != 0 {
            port::out8(register as u16, (register >> 16) as u8);
        }
        port::out8(KEYBOARD, PULSE_RESET);
        tables::lidt(&DescriptorTablePointer { limit: 0, base: VirtAddr::zero() });
    }
    interrupts::int3();
    super::halt_for_good()
}
