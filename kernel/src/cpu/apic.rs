//! The local APIC: its timer, and the end of interrupts (Intel SDM volume 3, chapter 11). xAPIC by memory, x2APIC by
//! model-specific registers where the firmware has turned that on.
use crate::{cpu::{idt, time}, memory::paging};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use munal_logic::clock::Rate;
use x86_64::registers::model_specific::Msr;

const IA32_APIC_BASE: u32 = 0x1b;
const X2APIC_ENABLED: u64 = 1 << 10;
const X2APIC_FIRST: u32 = 0x800;

const ID: u32 = 0x20;
const TASK_PRIORITY: u32 = 0x80;
const EOI: u32 = 0xb0;
const SPURIOUS_VECTOR: u32 = 0xf0;
const LVT_TIMER: u32 = 0x320;
const INITIAL_COUNT: u32 = 0x380;
const CURRENT_COUNT: u32 = 0x390;
const DIVIDE: u32 = 0x3e0;

const SOFTWARE_ENABLE: u32 = 1 << 8;
const DIVIDE_BY_16: u32 = 0b0011;
const MASKED: u32 = 1 << 16;

/// How long the timer is measured, in nanoseconds.
const CALIBRATION: u64 = 5_000_000;
/// The longest that the timer is asked to wait, in nanoseconds: its count has 32 bits.
pub const LONGEST: u64 = 1_000_000_000;

static BASE: AtomicU64 = AtomicU64::new(0);
static X2APIC: AtomicBool = AtomicBool::new(false);
static TIMER_RATE: crate::cell::Global<Option<Rate>> = crate::cell::Global::new(None);

fn write(register: u32, value: u32) {
    if X2APIC.load(Ordering::Relaxed) {
        // SAFETY: x2APIC is on, and the register is one of the constants above.
        unsafe { Msr::new(X2APIC_FIRST + (register >> 4)).write(u64::from(value)) }
    } else {
        // SAFETY: `start` mapped the page at BASE as uncached device memory.
        unsafe { ((BASE.load(Ordering::Relaxed) + u64::from(register)) as *mut u32).write_volatile(value) }
    }
}

fn read(register: u32) -> u32 {
    if X2APIC.load(Ordering::Relaxed) {
        // SAFETY: as in `write`.
        unsafe { Msr::new(X2APIC_FIRST + (register >> 4)).read() as u32 }
    } else {
        // SAFETY: as in `write`.
        unsafe { ((BASE.load(Ordering::Relaxed) + u64::from(register)) as *const u32).read_volatile() }
    }
}

/// Turns the local APIC on and measures its timer. Called once, at boot, with interrupts off.
pub fn start() {
    // SAFETY: every x86-64 processor has this register.
    let base = unsafe { Msr::new(IA32_APIC_BASE).read() };
    X2APIC.store(base & X2APIC_ENABLED != 0, Ordering::Relaxed);
    BASE.store(base & 0x000f_ffff_ffff_f000, Ordering::Relaxed);
    if base & X2APIC_ENABLED == 0 {
        paging::map_device(base & 0x000f_ffff_ffff_f000, 4096);
    }
    write(TASK_PRIORITY, 0);
    write(SPURIOUS_VECTOR, SOFTWARE_ENABLE | u32::from(idt::SPURIOUS));
    write(DIVIDE, DIVIDE_BY_16);
    write(LVT_TIMER, MASKED | u32::from(idt::TIMER));
    write(INITIAL_COUNT, u32::MAX);
    let begin = time::now();
    time::spin(CALIBRATION);
    let counted = u32::MAX - read(CURRENT_COUNT);
    let rate = Rate::measured(u64::from(counted), time::now() - begin);
    TIMER_RATE.with(|slot| *slot = Some(rate.expect("the local APIC's timer counts")));
    write(INITIAL_COUNT, 0);
    write(LVT_TIMER, u32::from(idt::TIMER));
}

/// The physical address of the page that the local APIC's registers are in, or would be.
pub fn page() -> u64 {
    BASE.load(Ordering::Relaxed)
}

/// The number of this processor's local APIC, as an I/O APIC's destination names it.
pub fn id() -> u32 {
    if X2APIC.load(Ordering::Relaxed) { read(ID) & 0xff } else { read(ID) >> 24 }
}

/// Interrupts once, in `nanoseconds` (at most a second; the kernel then asks again).
pub fn arm(nanoseconds: u64) {
    // SAFETY: `start` wrote it once, before the first timer.
    let rate = unsafe { TIMER_RATE.forever() }.expect("the timer was measured");
    write(INITIAL_COUNT, rate.counts(nanoseconds.min(LONGEST)).clamp(1, u64::from(u32::MAX)) as u32);
}

/// Tells the local APIC that the interrupt in service was taken.
pub fn end_of_interrupt() {
    write(EOI, 0);
}
