//! What the kernel knows of its instances: status, logs, streams, services. Decisions are in munal-logic; here is their
//! state, and what happens to the peers when a SIP ends.
use crate::{cell::Global, cpu::{ioapic, time}, log::say, thread};
use alloc::{string::{String, ToString}, vec::Vec};
use munal_logic::{
    restart::{End, restart_after},
    ring::{Log, Ring},
    service::{Answer, Service},
    table::{HandleKind, Instance, Table},
    tally::Tally,
};

/// Bytes that a SIP's log keeps.
const LOG: usize = 16 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Running,
    /// Starts at this time, in nanoseconds since boot.
    Waiting(u64),
    Ended,
    Failed,
    Stopped,
}

/// What to do once a SIP that was ended from outside is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Stay,
    Restart,
}

pub struct Life {
    pub status: Status,
    pub after: After,
    pub restarts: u32,
    pub memory: u64,
    pub peak: u64,
    pub error: String,
    /// The errors that its host calls answered, since the kernel started.
    pub errors: Tally,
    /// How often its memory and tables were not let grow.
    pub memory_refused: u64,
    pub log: Log,
    /// How far this instance has read the kernel's log.
    pub heard: u64,
    pub answer: Option<Answer>,
}

pub struct Stream {
    pub server: usize,
    pub client: usize,
    /// From the client to the server.
    pub up: Ring,
    /// From the server to the client.
    pub down: Ring,
}

pub struct State {
    pub table: Table,
    pub digest: [u8; 32],
    pub lives: Vec<Life>,
    pub streams: Vec<Stream>,
    pub services: Vec<Service>,
}

static STATE: Global<Option<State>> = Global::new(None);

/// Lends the state to `job`, which must not wait.
#[track_caller]
pub fn with<R>(job: impl FnOnce(&mut State) -> R) -> R {
    STATE.with(|state| job(state.as_mut().expect("the state is made before threads run")))
}

/// Makes the state of a table; each instance waits for its first start.
pub fn start(table: Table, digest: [u8; 32]) {
    let life = |_| Life {
        status: Status::Waiting(0), after: After::Stay, restarts: 0, memory: 0, peak: 0, error: String::new(), errors: Tally::default(), memory_refused: 0, log: Log::new(LOG), heard: 0, answer: None,
    };
    let streams = table.streams.iter().map(|s| Stream { server: s.server, client: s.client, up: Ring::new(s.capacity), down: Ring::new(s.capacity) }).collect();
    let services = table.services.iter().map(|_| Service::default()).collect();
    let state = State { lives: table.instances.iter().map(life).collect(), streams, services, table, digest };
    STATE.with(|slot| *slot = Some(state));
}

/// The supervisor's thread comes after those of the instances.
pub fn supervisor() -> usize {
    with(|state| state.lives.len())
}

/// A name for panics: takes nothing for granted.
pub fn name_for_panic(id: usize) -> &'static str {
    // SAFETY: for a panic, on the one core that there is; names never change once the table was read.
    let state = unsafe { &*STATE.as_ptr() };
    let names = state.as_ref().map(|state| &state.table.instances);
    names.map_or("a thread", |instances| instances.get(id).map_or("the supervisor", |instance| instance.name.as_str()))
}

impl State {
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        self.table.instances.iter().position(|instance| instance.name.as_bytes() == name)
    }

    pub fn name(&self, index: usize) -> &str {
        &self.table.instances[index].name
    }

    /// Whether the instance runs or will run again without anyone's doing.
    pub fn lives_on(&self, index: usize) -> bool {
        matches!(self.lives[index].status, Status::Running | Status::Waiting(_))
    }

    /// The status in a word.
    pub fn word(&self, index: usize, activity: &'static str) -> &'static str {
        match self.lives[index].status {
            Status::Running => activity,
            Status::Waiting(_) => "restarting",
            Status::Ended => "ended",
            Status::Failed => "failed",
            Status::Stopped => "stopped",
        }
    }
}

/// The global system interrupts that the instance was granted, each with its ISA number where it has one.
pub fn interrupts(state: &State, index: usize) -> Vec<(Option<u32>, u32)> {
    interrupts_of(&state.table.instances[index])
}

/// As `interrupts`, before there is a state.
pub fn interrupts_of(instance: &Instance) -> Vec<(Option<u32>, u32)> {
    instance.handles.iter().filter_map(|handle| match handle.kind {
        HandleKind::IrqIsa => Some((Some(handle.object as u32), ioapic::gsi_of_isa(handle.object as u32))),
        HandleKind::IrqGsi => Some((None, handle.object as u32)),
        _ => None,
    }).collect()
}

/// A SIP's thread has left it: takes its interrupts, tells its peers, and decides with the manifest's policy what comes next.
/// `error` is empty for a success.
pub fn ended(index: usize, error: String) {
    let stopped = thread::was_ended(index);
    let (lines, told, name) = with(|state| {
        let now = time::now();
        state.decide(index, stopped, error, now);
        (interrupts(state, index), state.tell_peers(index), state.name(index).to_string())
    });
    for (_, gsi) in lines {
        ioapic::disable(gsi);
        thread::own_interrupt(gsi, None);
    }
    told.into_iter().for_each(thread::wake);
    with(|state| match (&state.lives[index].status, &state.lives[index].error) {
        (Status::Waiting(at), error) if !error.is_empty() => Some(alloc::format!("{error}; starts again in {} ms", at.saturating_sub(time::now()).div_ceil(1_000_000))),
        (Status::Waiting(_), _) => Some("ended; starts again".to_string()),
        (Status::Failed, error) => Some(alloc::format!("{error}; stays ended")),
        (Status::Stopped, _) => Some("stopped".to_string()),
        _ => None,
    })
    .into_iter()
    .for_each(|text| say!("{name}: {text}"));
    thread::wake(supervisor());
}

impl State {
    fn decide(&mut self, index: usize, stopped: bool, error: String, now: u64) {
        let instance = &self.table.instances[index];
        let life = &mut self.lives[index];
        life.memory = 0;
        life.answer = None;
        if stopped {
            let after = core::mem::replace(&mut life.after, After::Stay);
            life.error.clear();
            life.restarts += u32::from(after == After::Restart);
            life.status = if after == After::Restart { Status::Waiting(now) } else { Status::Stopped };
            return;
        }
        let end = if error.is_empty() { End::Success } else { End::Failure };
        life.error = error;
        life.status = match restart_after(instance.restart, instance.backoff_ms, instance.restart_limit, life.restarts, end) {
            Some(wait) => {
                life.restarts += 1;
                Status::Waiting(now + wait * 1_000_000)
            }
            None if end == End::Success => Status::Ended,
            None => Status::Failed,
        };
    }

    /// Answers and drops what services held for or of the instance; gives the threads that have news.
    fn tell_peers(&mut self, index: usize) -> Vec<usize> {
        let for_good = !self.lives_on(index);
        let mut told = Vec::new();
        for (number, service) in self.services.iter_mut().enumerate() {
            service.forget(index);
            if self.table.services[number].server == index {
                for (client, answer) in service.server_ended(for_good) {
                    self.lives[client].answer = Some(answer);
                    told.push(client);
                }
            }
        }
        let peers = self.streams.iter().filter_map(|s| (s.server == index).then_some(s.client).or((s.client == index).then_some(s.server)));
        told.extend(peers.filter(|_| for_good));
        told
    }
}

/// Asks for a start, a stop or a restart of an instance. Returns at once; the supervisor and the thread do the rest.
pub fn control(index: usize, wanted: Control) {
    let (ends, told) = with(|state| {
        let life = &mut state.lives[index];
        let ends = match (wanted, &life.status) {
            (Control::Start, Status::Running | Status::Waiting(_)) => false,
            (Control::Stop, Status::Running) => {
                life.after = After::Stay;
                true
            }
            (Control::Restart, Status::Running) => {
                life.after = After::Restart;
                true
            }
            (Control::Stop, _) => {
                life.status = Status::Stopped;
                false
            }
            (Control::Start | Control::Restart, _) => {
                life.status = Status::Waiting(time::now());
                false
            }
        };
        (ends, if state.lives[index].status == Status::Stopped { state.tell_peers(index) } else { Vec::new() })
    });
    told.into_iter().for_each(thread::wake);
    if ends {
        thread::end(index);
    }
    thread::wake(supervisor());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Start,
    Stop,
    Restart,
}
