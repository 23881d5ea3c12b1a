//! Who runs next: the most urgent, and among equals the one that had least, each within its share of the processor.
//!
//! Times are nanoseconds since boot. The scheduler holds no stacks and switches nothing: it answers questions, allocates only in
//! `add`, and every answer takes time by the tasks that are ready or whose time has come, not by those that wait.
mod lend;
mod queue;
mod set;
mod share;
#[cfg(test)]
mod trace;

pub use crate::table::Priority;
use crate::table::Instance;
use alloc::vec::Vec;
use set::Set;
use share::Share;

/// How long a task runs before another as urgent as it gets its turn.
pub const SLICE: u64 = 1_000_000;
/// How much virtual time a task that slept may lag behind the others: it runs soon, but cannot save up for later.
const LAG: u64 = 2 * SLICE;
/// What starts and ends of tasks may take of the processor while others want it, in thousandths of each period: a task with a
/// small share starts as fast as any, and one that starts over and over cannot take the machine.
const HOUSEKEEPING: u32 = 250;
const HOUSEKEEPING_PERIOD: u64 = 20_000_000;

/// Queues of ready tasks: the first for housekeeping that used up its share, then one for each priority.
const LEVELS: usize = 5;
const SPARE_TIME: usize = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Has no work: not started, or ended.
    Idle,
    Ready,
    /// Waits for a wake-up, or for the deadline where there is one.
    Blocked(Option<u64>),
}

/// What a task is given.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub priority: Priority,
    /// Thousandths of the processor in each period; 1000: all.
    pub permille: u32,
    /// Nanoseconds, for which the share is counted.
    pub period: u64,
    /// Nanoseconds that one life may run at most.
    pub life: Option<u64>,
}

impl Terms {
    /// A share of the processor in each 50 ms, and nothing else that is special.
    pub const fn normal(permille: u32) -> Self {
        Self { priority: Priority::Normal, permille, period: 50_000_000, life: None }
    }
}

impl From<&Instance> for Terms {
    fn from(instance: &Instance) -> Self {
        Self {
            priority: instance.priority,
            permille: instance.cpu_permille,
            period: u64::from(instance.period_us) * 1000,
            life: (instance.cpu_time_ms > 0).then(|| instance.cpu_time_ms.saturating_mul(1_000_000)),
        }
    }
}

/// Whose time it is that a task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Account {
    /// Its own: its share and its life.
    Own,
    /// All starts and ends together.
    Housekeeping,
}

#[derive(Debug)]
struct Task {
    state: State,
    life: Option<u64>,
    share: Option<Share>,
    account: Account,
    own_priority: Priority,
    /// The most urgent of its own and those lent to it.
    priority: Priority,
    lent_to: Option<Id>,
    borrows: Borrows,
    /// Ready, but used up its share: runs again from this time on.
    throttled: Option<u64>,
    throttled_since: u64,
    virtual_time: u64,
    /// Became ready since its queue was looked at: its virtual time is still to be brought up to the others'.
    fresh: bool,
    /// Became ready since its share was renewed.
    renewed: bool,
    ran_this_life: u64,
    usage: Usage,
}

/// Those that lend their priority to a task: the first, and each one's neighbours.
#[derive(Debug, Default)]
struct Borrows {
    first: Option<Id>,
    next: Option<Id>,
    previous: Option<Id>,
}

/// What a task used, all its lives together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Nanoseconds that it ran.
    pub cpu: u64,
    /// Nanoseconds for which it wanted to run and had used up its share.
    pub throttled: u64,
    /// How often it was made ready.
    pub wakeups: u64,
}

/// The index of a task, as `add` answered it.
pub type Id = usize;

#[derive(Debug)]
pub struct Scheduler {
    tasks: Vec<Task>,
    ready: [Set; LEVELS],
    /// The least virtual time of those ready, as of the last charge; it never goes back.
    floor: [u64; LEVELS],
    /// Those whose time comes: blocked with a deadline, or throttled.
    timed: Set,
    /// No time of theirs comes before this.
    earliest: u64,
    housekeeping: Share,
    housekeepers: Set,
    /// Housekeeping used up its share, and gets spare time alone until then.
    spare_until: Option<u64>,
}

impl Default for Scheduler {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheduler {
    pub const fn new() -> Self {
        let Some(housekeeping) = Share::new(HOUSEKEEPING, HOUSEKEEPING_PERIOD) else { panic!("housekeeping has a limit") };
        Self {
            tasks: Vec::new(), ready: [const { Set::new() }; LEVELS], floor: [0; LEVELS], timed: Set::new(), earliest: u64::MAX, housekeeping,
            housekeepers: Set::new(), spare_until: None,
        }
    }

    /// Adds a task without work; answers its index.
    pub fn add(&mut self, terms: Terms) -> Id {
        self.tasks.push(Task {
            state: State::Idle, life: terms.life, share: Share::new(terms.permille, terms.period), account: Account::Own,
            own_priority: terms.priority, priority: terms.priority, lent_to: None, borrows: Borrows::default(), throttled: None, throttled_since: 0,
            virtual_time: 0, fresh: false, renewed: false, ran_this_life: 0, usage: Usage::default(),
        });
        let count = self.tasks.len();
        self.ready.iter_mut().chain([&mut self.timed, &mut self.housekeepers]).for_each(|set| set.reach(count));
        count - 1
    }

    pub fn state(&self, id: Id) -> State {
        self.tasks[id].state
    }

    pub fn usage(&self, id: Id) -> Usage {
        self.tasks[id].usage
    }

    /// Its own priority, and the one that it has now.
    pub fn priority(&self, id: Id) -> (Priority, Priority) {
        (self.tasks[id].own_priority, self.tasks[id].priority)
    }

    /// Whether the task wants to run but has used up its share.
    pub fn throttled(&self, id: Id) -> bool {
        self.tasks[id].throttled.is_some()
    }

    /// Begins a life of the task, with housekeeping.
    pub fn start(&mut self, id: Id, now: u64) {
        self.tasks[id].ran_this_life = 0;
        self.keep_house(id, now);
        self.wake(id);
    }

    /// From here on the task runs on the account of all starts and ends, whatever is left of its own share.
    pub fn keep_house(&mut self, id: Id, now: u64) {
        self.change(id, |task| task.account = Account::Housekeeping);
        self.housekeepers.insert(id);
        if self.tasks[id].throttled.is_some() {
            self.renew(id, now);
        }
    }

    /// From here on the task runs on its own account.
    pub fn leave_house(&mut self, id: Id) {
        self.housekeepers.remove(id);
        self.change(id, |task| task.account = Account::Own);
    }

    /// Whether the task runs on the account of all starts and ends.
    pub fn keeps_house(&self, id: Id) -> bool {
        self.housekeepers.contains(id)
    }

    /// Makes a task ready that waits or has no work.
    pub fn wake(&mut self, id: Id) {
        if self.tasks[id].state == State::Ready {
            return;
        }
        self.timed.remove(id);
        let task = &mut self.tasks[id];
        task.state = State::Ready;
        task.usage.wakeups += 1;
        self.enqueue(id);
    }

    /// The task waits, for `deadline` at most.
    pub fn block(&mut self, id: Id, deadline: Option<u64>) {
        self.dequeue(id);
        self.tasks[id].state = State::Blocked(deadline);
        if let Some(at) = deadline {
            self.time(id, at);
        }
    }

    /// The task's life is over.
    pub fn retire(&mut self, id: Id) {
        self.dequeue(id);
        self.tasks[id].state = State::Idle;
        self.leave_house(id);
        self.take_back(id);
    }

    /// Notes that the task, which is ready, ran for `ran` nanoseconds until `now`.
    pub fn charge(&mut self, id: Id, ran: u64, now: u64) {
        let task = &mut self.tasks[id];
        task.usage.cpu += ran;
        task.virtual_time += ran;
        match task.account {
            Account::Own => {
                task.ran_this_life += ran;
                task.share.iter_mut().for_each(|share| share.charge(ran, now));
            }
            Account::Housekeeping => self.charge_housekeeping(ran, now),
        }
        self.raise_floor(id);
    }

    /// Whether the task has run for as long as one life of it may.
    pub fn outlived(&self, id: Id) -> bool {
        let task = &self.tasks[id];
        task.life.is_some_and(|life| task.ran_this_life >= life)
    }

    fn charge_housekeeping(&mut self, ran: u64, now: u64) {
        if self.spare_until.is_some() {
            return; // what nobody else wanted costs nobody
        }
        self.housekeeping.charge(ran, now);
        if let Some(until) = self.housekeeping.renewed(now) {
            self.set_spare(Some(until));
            self.earliest = self.earliest.min(until);
        }
    }

    /// Moves all housekeeping to spare time, or back.
    fn set_spare(&mut self, until: Option<u64>) {
        let was_spare = self.spare_until.is_some();
        self.each_housekeeper(|scheduler, id| {
            let level = scheduler.level(id);
            scheduler.ready[level].remove(id);
        });
        self.spare_until = until;
        self.each_housekeeper(|scheduler, id| {
            scheduler.shift(id, scheduler.level_if(id, was_spare));
            if scheduler.is_queued(id) {
                scheduler.enqueue(id);
            }
        });
    }

    fn each_housekeeper(&mut self, job: impl Fn(&mut Self, Id)) {
        let mut at = 0;
        while let Some(id) = self.housekeepers.next_from(at) {
            job(self, id);
            at = id + 1;
        }
    }

    fn throttle(&mut self, id: Id, now: u64, until: u64) {
        self.dequeue(id);
        (self.tasks[id].throttled, self.tasks[id].throttled_since) = (Some(until), now);
        self.time(id, until);
    }

    /// Makes ready whose deadline has come, and whose share is renewed.
    pub fn expire(&mut self, now: u64) {
        if now < self.earliest {
            return;
        }
        if self.spare_until.is_some_and(|until| until <= now) {
            self.set_spare(None);
        }
        let mut earliest = self.spare_until.unwrap_or(u64::MAX);
        let mut at = 0;
        while let Some(id) = self.timed.next_from(at) {
            match self.time_of(id) {
                due if due > now => earliest = earliest.min(due),
                _ if self.tasks[id].throttled.is_some() => self.renew(id, now),
                _ => self.wake(id),
            }
            at = id + 1;
        }
        self.earliest = earliest;
    }

    fn renew(&mut self, id: Id, now: u64) {
        let task = &mut self.tasks[id];
        task.throttled = None;
        task.renewed = true;
        task.usage.throttled += now.saturating_sub(task.throttled_since);
        self.timed.remove(id);
        self.enqueue(id);
    }

    /// Whether `id`, just made ready, may have to run before `current`.
    pub fn rivals(&self, id: Id, current: Id) -> bool {
        self.level(id) >= self.level(current)
    }

    /// When something happens next without anyone's doing: a deadline, or a share renewed. May be early, is never late.
    pub fn next_event(&self) -> Option<u64> {
        (self.earliest != u64::MAX).then_some(self.earliest)
    }

    /// For how long `id` may run from `now` on, with nobody else's time coming: to the end of its slice where another wants its
    /// turn, of its share, or of its life.
    pub fn allowance(&self, id: Id, now: u64) -> Option<u64> {
        let task = &self.tasks[id];
        let slice = (self.ready[self.level(id)].len() > 1).then_some(SLICE);
        let own = match task.account {
            Account::Own => {
                let share = task.share.map(|share| share.left(now));
                let life = task.life.map(|life| life.saturating_sub(task.ran_this_life));
                share.into_iter().chain(life).min()
            }
            Account::Housekeeping => self.spare_until.is_none().then(|| self.housekeeping.left(now)),
        };
        slice.into_iter().chain(own).min()
    }

    fn time(&mut self, id: Id, at: u64) {
        self.timed.insert(id);
        self.earliest = self.earliest.min(at);
    }

    fn time_of(&self, id: Id) -> u64 {
        let task = &self.tasks[id];
        match (task.throttled, task.state) {
            (Some(until), _) => until,
            (None, State::Blocked(Some(deadline))) => deadline,
            _ => u64::MAX,
        }
    }
}
