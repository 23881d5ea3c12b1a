//! Starts what waits for its start: the supervisor's thread when the time has come, or whoever has control at once. The same
//! thread has the clock compared with the machine's others, as seldom as that is due.
use crate::{cpu::{ioapic, time}, end, log::say, state::{self, Status}, thread};
use alloc::{format, string::ToString, vec::Vec};

/// The supervisor's thread: sleeps until the next start is due, or until someone wakes it since there is a new one.
pub fn supervise(_: usize) {
    loop {
        due(time::now()).into_iter().for_each(start);
        let next = state::with(|state| (0..state.lives.len()).filter_map(|index| state.starts_at(index)).min());
        let _ = thread::block(next.into_iter().chain(time::check()).min()); // nobody ends the supervisor
    }
}

fn due(now: u64) -> Vec<usize> {
    state::with(|state| (0..state.lives.len()).filter(|&index| state.starts_at(index).is_some_and(|at| at <= now)).collect())
}

/// Begins a life of an instance that has none: its interrupt lines are let through, counted from nought, and its thread runs.
pub fn start(index: usize) {
    let (lines, name, watchers) = state::with(|state| {
        let life = &mut state.lives[index];
        life.status = Status::Running;
        life.began = time::now();
        life.begun = life.begun.wrapping_add(1);
        let watchers: Vec<usize> = life.watchers.drain(..).collect();
        (state::interrupts(state, index), state.name(index).to_string(), watchers)
    });
    for (isa, gsi) in lines {
        if ioapic::enable(isa, gsi).is_err() {
            say!("{name}: no interrupt controller has line {gsi}; it will not interrupt");
        } else {
            thread::own_interrupt(gsi, Some(index));
        }
    }
    if let Err(reason) = thread::start(index) {
        end::of(index, Err(wasmtime::Error::msg(format!("could not start: {reason}"))));
    }
    watchers.into_iter().for_each(thread::wake);
}
