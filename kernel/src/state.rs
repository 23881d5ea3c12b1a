//! What the kernel knows of its instances: status, logs, streams, services. Decisions are in munal-logic; how lives begin and
//! end is in `supervisor` and `end`.
use crate::{cell::Global, cpu::ioapic, memory::accounts, party::Party, stages::{self, Stage}};
use alloc::{string::String, vec::Vec};
use munal_logic::{
    exchange::Exchange,
    restart::{End, Policy},
    ring::{Log, Ring},
    service::Service,
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
    /// When the life that runs or ran last began, in nanoseconds since boot.
    pub began: u64,
    /// Lives that have begun, and those of them that are over; both wrap.
    pub begun: u32,
    pub over: u32,
    /// How the last life ended.
    pub end: Option<End>,
    /// All restarts, and those in a row since a life was healthy.
    pub restarts: u32,
    pub tries: u32,
    /// Threads that wait for something to happen to this instance.
    pub watchers: Vec<usize>,
    pub error: String,
    /// The errors that its host calls answered, since the kernel started.
    pub errors: Tally,
    /// Messages, requests, replies and pieces of streams that it sent and received, since the kernel started.
    pub sent: u64,
    pub received: u64,
    /// How often its memory and tables were not let grow.
    pub memory_refused: u64,
    pub log: Log,
    /// How far this instance has read the kernel's log.
    pub heard: u64,
}

impl Life {
    /// Whether it runs or will run again without anyone's doing.
    pub fn goes_on(&self) -> bool {
        matches!(self.status, Status::Running | Status::Waiting(_))
    }

    /// Counts what a call moved over a connection.
    pub fn note_messages(&mut self, sent: u64, received: u64) {
        self.sent += sent;
        self.received += received;
        if sent > 0 {
            stages::reach(Stage::FirstLine);
        }
    }
}

pub struct Stream {
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
    /// Who is at which end of streams and channels, and the messages between them.
    pub exchange: Exchange,
    /// What each instance's thread waits for.
    pub parties: Vec<Party>,
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
        status: Status::Waiting(0), after: After::Stay, began: 0, begun: 0, over: 0, end: None, restarts: 0, tries: 0,
        watchers: Vec::new(), error: String::new(), errors: Tally::default(), sent: 0, received: 0, memory_refused: 0, log: Log::new(LOG), heard: 0,
    };
    let streams = table.streams.iter().map(|s| {
        accounts::on_behalf(accounts::of_thread(s.server), || Stream { up: Ring::new(s.capacity), down: Ring::new(s.capacity) })
    }).collect();
    let exchange = Exchange::charged(&table, |whose| accounts::set_current(whose.map_or(accounts::KERNEL, accounts::of_thread)));
    let services = table.services.iter().map(|_| Service::new(table.instances.len())).collect();
    let (lives, parties) = (table.instances.iter().map(life).collect(), table.instances.iter().map(|_| Party::new()).collect());
    let state = State { lives, parties, streams, services, exchange, table, digest };
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
        self.lives[index].goes_on()
    }

    /// What the manifest says of the instance's restarts.
    pub fn policy(&self, index: usize) -> Policy {
        let instance = &self.table.instances[index];
        Policy { when: instance.restart, backoff_ms: instance.backoff_ms, limit: instance.restart_limit }
    }

    /// When the instance starts again without anyone's doing, in nanoseconds since boot; none where it runs or will not.
    pub fn starts_at(&self, index: usize) -> Option<u64> {
        match self.lives[index].status {
            Status::Waiting(at) => Some(at),
            _ => None,
        }
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
