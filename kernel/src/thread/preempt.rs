//! Where a thread may be made to give way, and where one that is to end does.
//!
//! An interrupt finds the processor in one of three places. In wasm: others run, or the SIP ends, there and then. In a host call,
//! or the kernel's own work for a thread: that ends at a switch point, and the flag DUE has it switch there. In a function of the
//! wasm runtime that wasm called (`memory.fill`, `table.init`, ...): where that asks the kernel for something, it switches there
//! (`pause_in_runtime`, `relax_in_bulk`); elsewhere it returns to wasm without asking anyone, so the interrupt comes again soon,
//! and after some misses the processor is single-stepped until it is back in wasm.
use super::{ARMED, Ended, NEVER, THREADS, arm, is_ending, keep_house, leave_house, reschedule};
use crate::{bulk, cpu::{self, idt::Frame, time}, memory::linear, wasm};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering, compiler_fence};
use x86_64::{instructions::interrupts, registers::rflags::RFlags};

/// A switch is due that could not be made because the kernel was at work, or the thread that runs is to end.
pub static DUE: AtomicBool = AtomicBool::new(false);

/// Where the current thread is, as far as no instruction pointer tells.
static PLACE: AtomicU8 = AtomicU8::new(Place::Kernel as u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a host call, or in the kernel's own work for the thread: it ends at a switch point.
    Kernel,
    /// In the runtime, which makes the SIP's instance, and may call its start function.
    Start,
    /// In wasm, or in a function of the runtime that wasm called: those hold no kernel state.
    Wasm,
}

/// How often since the last switch an interrupt found the thread in a function of the runtime.
static MISSED: AtomicU32 = AtomicU32::new(0);
/// After that many misses the processor is stepped to where it is in wasm.
const PATIENCE: u32 = 4;
/// After how many nanoseconds an interrupt that found the thread in a function of the runtime comes again.
const AGAIN: u64 = 20_000;

pub fn switch_soon() {
    DUE.store(true, Ordering::Relaxed);
}

pub(super) fn no_switch_due() {
    DUE.store(false, Ordering::Relaxed);
    MISSED.store(0, Ordering::Relaxed);
}

/// A host call begins, or the kernel's own work for a thread.
#[inline]
pub fn enter_kernel() {
    PLACE.store(Place::Kernel as u8, Ordering::Relaxed);
}

/// The host call returns to wasm. A switch that became due after it was asked for last, while this still was the kernel, set no
/// timer: the flag is looked at once more, after the place has changed, or a loop that follows would never be interrupted.
#[inline]
pub fn leave_kernel() {
    PLACE.store(Place::Wasm as u8, Ordering::Relaxed);
    compiler_fence(Ordering::SeqCst); // an interrupt sees this thread's stores in the order of its instructions
    if DUE.load(Ordering::Relaxed) {
        cpu::without_interrupts(insist);
    }
}

/// The thread's place, to be given back to `return_to` when it runs again.
pub(super) fn place() -> u8 {
    PLACE.load(Ordering::Relaxed)
}

pub(super) fn return_to(place: u8) {
    PLACE.store(place, Ordering::Relaxed);
}

fn is_in_kernel() -> bool {
    place() == Place::Kernel as u8
}

/// Runs what makes an instance. However that ends, the kernel is at work again afterwards.
pub fn in_start<R>(job: impl FnOnce() -> R) -> R {
    return_to(Place::Start as u8);
    let result = job();
    enter_kernel();
    result
}

/// Runs wasm, on its own account. However that ends, the kernel is at work again afterwards, on the account of all ends.
pub fn in_wasm<R>(job: impl FnOnce() -> R) -> R {
    leave_house();
    leave_kernel();
    let result = job();
    enter_kernel();
    keep_house();
    result
}

/// The timer or a device interrupted. Interrupts are off.
pub fn tick(frame: &mut Frame, timer: bool) {
    if timer {
        ARMED.store(NEVER, Ordering::Relaxed);
    }
    if wasm::is_code(frame.rip) {
        preempt(frame);
    } else {
        switch_soon();
        if !is_in_kernel() {
            try_again(frame);
        }
    }
}

/// The interrupted instruction is wasm's: lets others run, and ends the SIP where that was asked for meanwhile.
fn preempt(frame: &mut Frame) {
    reschedule();
    let ending = THREADS.with(|threads| {
        // A start function is wasm of the SIP's own: it runs on its own account, although the start is not over.
        if !threads.is_ending() && threads.scheduler.keeps_house(threads.current) {
            threads.scheduler.leave_house(threads.current);
            if place() == Place::Start as u8 {
                leave_kernel();
            }
        }
        threads.is_ending()
    });
    if ending {
        if wasm::is_function(frame.rip) {
            wasm::end(frame.rip, frame.rbp);
        }
        frame.rflags |= RFlags::TRAP_FLAG.bits(); // in a trampoline there is no trap to take: to the next instruction
    }
}

/// The interrupted instruction is the runtime's, on the way back to wasm.
fn try_again(frame: &mut Frame) {
    let patient = MISSED.fetch_add(1, Ordering::Relaxed) < PATIENCE || place() == Place::Start as u8;
    if patient || bulk::asks_at_its_end(frame.rip) {
        arm(AGAIN, time::now());
    } else {
        frame.rflags |= RFlags::TRAP_FLAG.bits();
    }
}

/// The processor was stepped one instruction. Interrupts are off.
pub fn step(frame: &mut Frame) {
    let in_wasm = wasm::is_code(frame.rip);
    if in_wasm || is_in_kernel() || bulk::asks_at_its_end(frame.rip) {
        frame.rflags &= !RFlags::TRAP_FLAG.bits();
    }
    if in_wasm {
        preempt(frame);
    }
}

/// A switch is due that could not be made here: the next host call or an interrupt soon does it.
fn insist() {
    switch_soon();
    arm(AGAIN, time::now());
}

/// The thread that runs is to end, and could not be ended here: the processor is stepped to where it can. An interrupt after a
/// while could find it in one operation of the runtime after the other, as long as it likes to ask for them.
fn step_soon() {
    switch_soon();
    MISSED.store(PATIENCE, Ordering::Relaxed);
    arm(1, time::now());
}

/// What every host call ends with: a switch where one is due, and the news that this SIP is to end. One flag stands for both,
/// so that a call that has nothing to wait for costs a load and a branch.
#[inline]
pub fn leave() -> Result<(), Ended> {
    if DUE.load(Ordering::Relaxed) { leave_late() } else { Ok(()) }
}

#[cold]
#[inline(never)]
fn leave_late() -> Result<(), Ended> {
    cpu::without_interrupts(reschedule);
    if is_ending() { Err(Ended) } else { Ok(()) }
}

/// Between two pieces of long work of a thread's, when no kernel state is lent: lets others run where that is due. Answers
/// whether the thread is to end, so that the rest need not be done.
#[inline]
pub fn relax() -> bool {
    DUE.load(Ordering::Relaxed) && relax_late()
}

#[cold]
#[inline(never)]
fn relax_late() -> bool {
    cpu::without_interrupts(reschedule);
    let ending = is_ending();
    if ending && !is_in_kernel() {
        cpu::without_interrupts(step_soon);
    }
    ending
}

/// Between two pieces of a bulk operation on the memory at `address`: as `relax` where wasm asked for the operation. Where the
/// kernel did, state may be lent or interrupts be off, and nobody else runs.
pub fn relax_in_bulk(address: u64) -> bool {
    if is_in_kernel() || !interrupts::are_enabled() {
        return false;
    }
    // Only the runtime's own functions write into the memory of a SIP here, and they hold no lock of the runtime's then.
    if linear::is_inside(address) {
        return relax();
    }
    // The runtime moves its own: stepping it stopped for that, and goes on at the next instruction that can be interrupted.
    if DUE.load(Ordering::Relaxed) {
        cpu::without_interrupts(|| arm(1, time::now()));
    }
    false
}

/// Where a function of the runtime that wasm called asks the kernel whether it may: lets others run where that is due.
pub fn pause_in_runtime() -> Result<(), Ended> {
    if place() == Place::Wasm as u8 { leave() } else { Ok(()) }
}
