//! The processor's own random numbers (Intel, "Digital Random Number Generator (DRNG) Software Implementation Guide", 2.1).
use core::{arch::{asm, x86_64::{__cpuid, __cpuid_count}}, hint};

/// How often to ask again (section 5.2.1: ten times; section 5.3.1.1: often, with a pause).
const RDRAND_TRIES: u32 = 10;
const RDSEED_TRIES: u32 = 100;

/// Whether there is RDRAND (CPUID leaf 1, ECX bit 30).
pub fn has_rdrand() -> bool {
    __cpuid(1).ecx & 1 << 30 != 0
}

/// Whether there is RDSEED (CPUID leaf 7, EBX bit 18).
pub fn has_rdseed() -> bool {
    __cpuid(0).eax >= 7 && __cpuid_count(7, 0).ebx & 1 << 18 != 0
}

/// 64 bits of the generator; none where there is none, or it gives nothing however often it is asked.
pub fn rdrand() -> Option<u64> {
    has_rdrand().then(|| (0..RDRAND_TRIES).find_map(|_| rdrand_once()))?
}

/// 64 bits of the conditioned noise, likewise.
pub fn rdseed() -> Option<u64> {
    has_rdseed().then(|| (0..RDSEED_TRIES).find_map(|_| rdseed_once()))?
}

fn rdrand_once() -> Option<u64> {
    let (value, valid): (u64, u8);
    // SAFETY: the processor has the instruction, which touches no memory.
    unsafe { asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) valid, options(nomem, nostack)) }
    (valid != 0).then_some(value)
}

fn rdseed_once() -> Option<u64> {
    let (value, valid): (u64, u8);
    // SAFETY: the processor has the instruction, which touches no memory.
    unsafe { asm!("rdseed {}", "setc {}", out(reg) value, out(reg_byte) valid, options(nomem, nostack)) }
    if valid == 0 {
        hint::spin_loop();
    }
    (valid != 0).then_some(value)
}
