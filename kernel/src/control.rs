//! What someone with control does to an instance: starts it, stops it, restarts it, and waits until that is done.
use crate::{end, state::{self, After, Status}, supervisor, thread};
use munal_logic::restart::{ENDS, is_past};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Start,
    Stop,
    Restart,
}

/// What was asked for, as it stood when it was: enough to tell when it is done.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    index: usize,
    wanted: Control,
    begun: u32,
    over: u32,
    ran: bool,
}

/// Begins to start, stop or restart an instance. What does not run starts at once; what runs ends at its next instruction.
pub fn order(index: usize, wanted: Control) -> Order {
    let order = state::with(|state| {
        let life = &mut state.lives[index];
        let ran = life.status == Status::Running;
        match wanted {
            Control::Stop => life.after = After::Stay,
            Control::Restart => life.after = After::Restart,
            Control::Start if ran && thread::was_ended(index) => life.after = After::Restart, // someone stops it right now
            Control::Start => {}
        }
        if wanted != Control::Stop {
            life.tries = 0; // who starts it anew gives it all of its restarts again
        }
        Order { index, wanted, begun: life.begun, over: life.over, ran }
    });
    match wanted {
        Control::Start | Control::Restart if !order.ran => supervisor::start(index),
        Control::Stop if !order.ran => end::stay_down(index),
        Control::Stop | Control::Restart => thread::end(index),
        Control::Start => {}
    }
    order
}

/// Whether it is done: what was to end is gone with all that it held, what was to start has been.
pub fn is_done(order: &Order) -> bool {
    state::with(|state| {
        let life = &state.lives[order.index];
        let ended = !order.ran || life.over != order.over;
        let begins = matches!(life.status, Status::Waiting(_)) && life.begun == order.begun;
        match order.wanted {
            Control::Start => true,
            Control::Stop => ended,
            Control::Restart => ended && !begins,
        }
    })
}

/// A count of ends as an answer has it.
pub fn ends(over: u32) -> u32 {
    over & ENDS
}

/// How many lives of the instance are over.
pub fn lives_over(index: usize) -> u32 {
    state::with(|state| ends(state.lives[index].over))
}

/// Whether a life of the instance ended after the first `seen`.
pub fn has_ended_since(index: usize, seen: u32) -> bool {
    is_past(lives_over(index), seen)
}

/// Lets the thread `who` be woken when a life of the instance begins or ends next.
pub fn watch(index: usize, who: usize) {
    state::with(|state| {
        let watchers = &mut state.lives[index].watchers;
        if !watchers.contains(&who) {
            watchers.push(who); // each instance at most once: bounded by the table
        }
    });
}
