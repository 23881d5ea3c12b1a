//! What is asked of threads: their time, what they do, their names; and what the wasm runtime keeps for each.
use super::{BOOT, THREADS};
use crate::{cpu::time, state};
use munal_logic::schedule::{Id, Priority, State, Usage};

/// What a thread used and does now.
#[derive(Debug, Clone, Copy)]
pub struct Activity {
    /// Its time and wake-ups, all lives together.
    pub usage: Usage,
    /// How often it was switched to.
    pub switches: u64,
    /// Its own priority, and the one that it has now, perhaps lent to it.
    pub priorities: (Priority, Priority),
    /// What it does, in a word.
    pub word: &'static str,
}

/// What the thread used until now, and what it does.
pub fn activity(id: Id) -> Activity {
    THREADS.with(|threads| {
        threads.charge(time::now());
        let scheduler = &threads.scheduler;
        let word = match scheduler.state(id) {
            _ if threads.current == id => "running",
            State::Ready if scheduler.throttled(id) => "throttled",
            State::Ready => "ready",
            State::Blocked(_) => "waiting",
            State::Idle => "ended",
        };
        Activity { usage: scheduler.usage(id), switches: threads.list[id].switches, priorities: scheduler.priority(id), word }
    })
}

/// Where the processor's time went, in nanoseconds; together it is all that there was since boot.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub now: u64,
    pub idle: u64,
    /// All instances.
    pub instances: u64,
    /// The boot, and the supervisor's thread.
    pub kernel: u64,
}

/// Where the processor's time went until now.
pub fn times() -> Times {
    let supervisor = state::supervisor();
    THREADS.with(|threads| {
        let now = time::now();
        threads.charge(now);
        let cpu = |id| threads.scheduler.usage(id).cpu;
        let instances = (0..threads.list.len()).filter(|&id| id != supervisor).map(cpu).sum();
        Times { now, idle: threads.idle, instances, kernel: threads.booted + cpu(supervisor) }
    })
}

/// Who runs, in words, for panics: takes nothing for granted.
pub fn current_name() -> &'static str {
    // SAFETY: for a panic, on the one core that there is; the index alone is read.
    let id = unsafe { (*THREADS.as_ptr()).current };
    if id == BOOT { "the boot thread" } else { state::name_for_panic(id) }
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_tls_get(slot: usize) -> *mut u8 {
    THREADS.with(|threads| threads.local()[slot])
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_tls_set(slot: usize, value: *mut u8) {
    THREADS.with(|threads| threads.local()[slot] = value)
}
