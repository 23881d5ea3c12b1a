//! What each instance's thread waits for in streams, channels and services, what it lends meanwhile, and what it was told.
//!
//! Nobody is preempted in the kernel: between the look that found nothing to do and the wait, nobody else runs, so no
//! wake-up is lost. Whoever changes what another waits for finds it here and wakes that one, not all.
use crate::{cpu::time, dispatch::Error, loan::Loan, state::{self, State}, thread::{self, Ended}};
use alloc::vec::Vec;
use munal_logic::exchange::End;

/// What a thread that waits would go on for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// It runs, or waits for an interrupt or a time.
    Elsewhere,
    /// For one of several things.
    Several,
    /// That this end gets something to read, or is closed.
    Reads(End),
    /// That this end gets room to write, or is closed.
    Writes(End),
    /// For the reply of this service.
    Asks(usize),
    /// For a request to this service.
    Serves(usize),
}

/// What the other side did: a count, or why there is none.
pub type Told = Result<usize, Error>;

/// How it stands with one instance.
#[derive(Debug)]
pub struct Party {
    pub waiting: Waiting,
    /// What others may read of its memory.
    pub out: Loan,
    /// What others may write of its memory.
    pub into: Loan,
    told: Option<Told>,
}

impl Party {
    pub const fn new() -> Self {
        Self { waiting: Waiting::Elsewhere, out: Loan::NONE, into: Loan::NONE, told: None }
    }

    /// Ends the wait with an answer; its thread is still to be woken.
    pub fn tell(&mut self, told: Told) {
        self.told = Some(told);
        self.waiting = Waiting::Elsewhere;
    }
}

/// How a wait ended that nobody broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Told(Told),
    /// The deadline, in nanoseconds since boot, has come, or something happened.
    Late,
}

/// Waits until someone tells `index`, whose thread runs, or until the deadline; others may use the loans meanwhile.
/// `towards` is who will do so soon, and should run at once.
pub fn lend(index: usize, waiting: Waiting, out: Loan, into: Loan, deadline: Option<u64>, towards: Option<usize>) -> Result<Over, Ended> {
    state::with(|state| state.parties[index] = Party { waiting, out, into, told: None });
    let over = told(index, deadline, towards);
    // The loans are taken back on every way out: what they stand for may move or go as soon as the host call returns.
    state::with(|state| state.parties[index] = Party::new());
    over
}

/// Waits as `lend` does without a deadline, for a tell or for any news of what `waiting` names: that may come early.
pub fn lend_until_stirred(index: usize, waiting: Waiting, into: Loan) -> Result<Over, Ended> {
    state::with(|state| state.parties[index] = Party { waiting, out: Loan::NONE, into, told: None });
    let over = thread::block(None);
    let party = state::with(|state| core::mem::replace(&mut state.parties[index], Party::new()));
    over.map(|()| party.told.map_or(Over::Late, Over::Told))
}

fn told(index: usize, deadline: Option<u64>, towards: Option<usize>) -> Result<Over, Ended> {
    let mut towards = towards;
    loop {
        match towards.take() {
            Some(other) => thread::hand_over(other, deadline)?,
            None => thread::block(deadline)?,
        }
        if let Some(told) = state::with(|state| state.parties[index].told) {
            return Ok(Over::Told(told));
        }
        if deadline.is_some_and(|at| at <= time::now()) {
            return Ok(Over::Late);
        }
    }
}

/// Waits until something happens to what `waiting` names, or until the deadline. May come back early: callers look again.
pub fn wait(index: usize, waiting: Waiting, deadline: Option<u64>) -> Result<(), Ended> {
    state::with(|state| state.parties[index].waiting = waiting);
    let over = thread::block(deadline);
    state::with(|state| state.parties[index].waiting = Waiting::Elsewhere);
    over
}

impl State {
    /// Something changed at `end`: wakes those of its holders who wait for that.
    pub fn stir(&self, end: End) {
        for holder in self.exchange.holders(end) {
            match self.parties[holder].waiting {
                Waiting::Several => thread::wake(holder),
                Waiting::Reads(at) | Waiting::Writes(at) if at == end => thread::wake(holder),
                _ => {}
            }
        }
    }

    /// A request came for this service: wakes its server where it waits for that among several things.
    pub fn stir_server(&self, server: usize) {
        if self.parties[server].waiting == Waiting::Several {
            thread::wake(server);
        }
    }

    /// Nobody is at these ends any more: wakes those who wait at the others.
    pub fn stir_peers(&self, closed: Vec<End>) {
        closed.into_iter().for_each(|end| self.stir(end.peer()));
    }

    /// Whether anyone is, or may yet be, at this end.
    pub fn is_open(&self, end: End) -> bool {
        self.exchange.is_open(end, &|index| self.lives_on(index))
    }
}
