//! The end of a life: why it ended goes to the SIP's log, its interrupts are taken, its peers are told, and the manifest's
//! policy decides what comes next.
use crate::{backtrace, cpu::{ioapic, time}, log::say, sip::Stop, state::{self, After, State, Status}, thread::{self, Cause}};
use alloc::{format, string::{String, ToString}};
use munal_logic::{restart::End, words};

/// The SIP's thread has left it, and its Store is gone. `result` is what its entry answered.
pub fn of(index: usize, result: wasmtime::Result<()>) {
    x86_64::instructions::interrupts::enable(); // a trap leaves through an interrupt gate, which turned them off
    let (end, error) = judge(index, &result);
    drop(result);
    let (lines, told, news) = state::with(|state| {
        let now = time::now();
        state.decide(index, end, error, now);
        state.tell_peers(index);
        let told = core::mem::take(&mut state.lives[index].watchers);
        (state::interrupts(state, index), told, state.news(index, now))
    });
    for (_, gsi) in lines {
        ioapic::disable(gsi);
        thread::own_interrupt(gsi, None);
    }
    told.into_iter().for_each(thread::wake);
    if let Some(text) = news {
        say!("{text}");
    }
    thread::wake(state::supervisor());
}

/// An instance that does not run, but may be about to, is not to start: its peers are told.
pub fn stay_down(index: usize) {
    let told = state::with(|state| {
        state.lives[index].status = Status::Stopped;
        state.tell_peers(index);
        core::mem::take(&mut state.lives[index].watchers)
    });
    told.into_iter().for_each(thread::wake);
}

/// How a life ended, and why in one sentence, which is empty for a success and for one that was ended from outside.
/// A failure goes to the SIP's log, with its backtrace.
fn judge(index: usize, result: &wasmtime::Result<()>) -> (End, String) {
    let sentence = state::with(|state| state.used_up(index));
    let error = match result {
        _ if thread::was_ended(index) && sentence.is_none() => return (End::Stopped, String::new()),
        Ok(()) if sentence.is_none() => return (End::Success, String::new()),
        Ok(()) => None,
        Err(error) => Some(error),
    };
    let stop = error.and_then(|error| error.downcast_ref::<Stop>());
    let why = match (sentence, stop, error) {
        (Some(why), ..) => why,
        (None, Some(Stop::Exit(0)), _) => return (End::Success, String::new()),
        (None, Some(stop), _) => stop.to_string(),
        (None, None, error) => error.map_or_else(|| "failed".to_string(), |error| error.root_cause().to_string()),
    };
    let frames = error.filter(|_| !matches!(stop, Some(Stop::Exit(_)))).map(backtrace::lines).unwrap_or_default();
    state::with(|state| {
        let log = &mut state.lives[index].log;
        log.line(why.as_bytes());
        frames.iter().for_each(|line| log.line(line.as_bytes()));
    });
    (End::Failure, why)
}

impl State {
    /// Notes the end of the life that ran, and what comes next.
    fn decide(&mut self, index: usize, end: End, error: String, now: u64) {
        let policy = self.policy(index);
        let life = &mut self.lives[index];
        life.error = error;
        life.end = Some(end);
        life.over = life.over.wrapping_add(1);
        let after = core::mem::replace(&mut life.after, After::Stay);
        if end == End::Stopped {
            life.restarts += u32::from(after == After::Restart);
            life.status = if after == After::Restart { Status::Waiting(now) } else { Status::Stopped };
            return;
        }
        life.tries = policy.tries_after(life.tries, now.saturating_sub(life.began) / 1_000_000);
        life.status = match policy.restart_after(life.tries, end) {
            Some(wait) => {
                life.restarts += 1;
                life.tries += 1;
                Status::Waiting(now + wait * 1_000_000)
            }
            None if end == End::Success => Status::Ended,
            None => Status::Failed,
        };
    }

    /// Why an instance that used up its CPU time ended.
    fn used_up(&self, index: usize) -> Option<String> {
        let used_up = thread::ended_by(index) == Some(Cause::CpuTime);
        used_up.then(|| format!("used up its CPU time of {}", words::milliseconds(self.table.instances[index].cpu_time_ms)))
    }

    /// What the kernel's log says of the end, where it is worth a line.
    fn news(&self, index: usize, now: u64) -> Option<String> {
        let (name, error) = (self.name(index), &self.lives[index].error);
        match self.lives[index].status {
            Status::Waiting(at) if !error.is_empty() => Some(format!("{name}: {error}; starts again in {} ms", at.saturating_sub(now).div_ceil(1_000_000))),
            Status::Waiting(_) => Some(format!("{name}: ended; starts again")),
            Status::Failed => Some(format!("{name}: {error}; stays ended")),
            Status::Stopped => Some(format!("{name}: stopped")),
            Status::Running | Status::Ended => None,
        }
    }

    /// Closes the instance's handles, answers and drops what services held for or of it, and wakes who has news by that.
    fn tell_peers(&mut self, index: usize) {
        let for_good = !self.lives_on(index);
        for number in 0..self.services.len() {
            self.services[number].forget(index);
            if self.table.services[number].server == index {
                self.desert(number, for_good);
            }
        }
        let Self { exchange, lives, .. } = self;
        let closed = exchange.ended(index, &|index| lives[index].goes_on());
        self.stir_peers(closed);
    }
}
