//! Who runs next. Fair by virtual run time, with a CPU share enforced over a period, deadlines and wake-ups.
//!
//! Times are nanoseconds since boot. The scheduler holds no stacks and switches nothing: it answers questions.
use alloc::vec::Vec;

/// How long a task runs before another that wants to run gets its turn.
pub const SLICE: u64 = 1_000_000;
/// The period over which a CPU share is enforced.
pub const PERIOD: u64 = 50_000_000;
/// How much virtual time a task that slept may lag behind the others: it runs soon, but cannot save up for later.
const LAG: u64 = 2 * SLICE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Has no work: not started, or ended.
    Idle,
    Ready,
    /// Waits for a wake-up, or for the deadline where there is one.
    Blocked(Option<u64>),
}

#[derive(Debug, Clone)]
struct Task {
    state: State,
    virtual_time: u64,
    cpu: u64,
    permille: u64,
    period_start: u64,
    used: u64,
    wakeups: u64,
}

/// The index of a task, as `add` answered it.
pub type Id = usize;

#[derive(Debug, Default)]
pub struct Scheduler {
    tasks: Vec<Task>,
}

impl Scheduler {
    pub const fn new() -> Self {
        Self { tasks: Vec::new() }
    }

    /// Adds a task without work that may use `permille` of the processor; answers its index.
    pub fn add(&mut self, permille: u32) -> Id {
        self.tasks.push(Task { state: State::Idle, virtual_time: 0, cpu: 0, permille: u64::from(permille), period_start: 0, used: 0, wakeups: 0 });
        self.tasks.len() - 1
    }

    pub fn state(&self, id: Id) -> State {
        self.tasks[id].state
    }

    /// Nanoseconds that the task ran, all its lives together.
    pub fn cpu(&self, id: Id) -> u64 {
        self.tasks[id].cpu
    }

    pub fn wakeups(&self, id: Id) -> u64 {
        self.tasks[id].wakeups
    }

    /// Whether the task wants to run but has used its share of this period.
    pub fn throttled(&self, id: Id, now: u64) -> bool {
        let task = &self.tasks[id];
        task.state == State::Ready && task.throttled(now)
    }

    /// Makes a task ready. It starts level with those who run, minus a little.
    pub fn wake(&mut self, id: Id) {
        if self.tasks[id].state == State::Ready {
            return;
        }
        let level = self.level();
        let task = &mut self.tasks[id];
        task.virtual_time = task.virtual_time.max(level.saturating_sub(LAG));
        task.state = State::Ready;
        task.wakeups += 1;
    }

    pub fn block(&mut self, id: Id, deadline: Option<u64>) {
        self.tasks[id].state = State::Blocked(deadline);
    }

    pub fn retire(&mut self, id: Id) {
        self.tasks[id].state = State::Idle;
    }

    /// Notes that the task ran for `ran` nanoseconds until `now`.
    pub fn charge(&mut self, id: Id, ran: u64, now: u64) {
        let task = &mut self.tasks[id];
        task.enter_period(now);
        task.cpu += ran;
        task.used += ran;
        task.virtual_time += ran;
    }

    /// Wakes every task whose deadline has come.
    pub fn expire(&mut self, now: u64) {
        for id in 0..self.tasks.len() {
            if matches!(self.tasks[id].state, State::Blocked(Some(deadline)) if deadline <= now) {
                self.wake(id);
            }
        }
    }

    /// The ready task with the least virtual time that has some of its share left.
    pub fn pick(&self, now: u64) -> Option<Id> {
        let ready = self.tasks.iter().enumerate().filter(|(_, t)| t.state == State::Ready && !t.throttled(now));
        ready.min_by_key(|(_, t)| t.virtual_time).map(|(id, _)| id)
    }

    /// Whether the task that runs should make room: another has had less.
    pub fn should_switch(&self, current: Id, now: u64) -> bool {
        self.pick(now) != Some(current)
    }

    /// When something happens next without anyone's doing: a deadline, or a throttled task's new period.
    pub fn next_event(&self, now: u64) -> Option<u64> {
        self.tasks.iter().filter_map(|task| match task.state {
            State::Blocked(deadline) => deadline,
            State::Ready if task.throttled(now) => Some(task.next_period(now)),
            _ => None,
        }).min()
    }

    fn level(&self) -> u64 {
        let ready = self.tasks.iter().filter(|t| t.state == State::Ready).map(|t| t.virtual_time).min();
        ready.unwrap_or_else(|| self.tasks.iter().map(|t| t.virtual_time).max().unwrap_or(0))
    }
}

impl Task {
    /// Nanoseconds that the task may run in one period.
    fn budget(&self) -> u64 {
        PERIOD / 1000 * self.permille
    }

    /// What it has used of the current period's budget. What it used beyond an earlier one's counts too, but at most one
    /// period's: time that an emulator or a hypervisor gave to others looks as if the task had used it.
    fn used_at(&self, now: u64) -> u64 {
        match now.saturating_sub(self.period_start) / PERIOD {
            0 => self.used,
            periods => self.used.min(2 * self.budget()).saturating_sub(periods.saturating_mul(self.budget())),
        }
    }

    fn enter_period(&mut self, now: u64) {
        self.used = self.used_at(now);
        self.period_start += now.saturating_sub(self.period_start) / PERIOD * PERIOD;
    }

    fn throttled(&self, now: u64) -> bool {
        self.permille < 1000 && self.used_at(now) >= self.budget()
    }

    /// When the next period begins.
    fn next_period(&self, now: u64) -> u64 {
        self.period_start + (now.saturating_sub(self.period_start) / PERIOD + 1) * PERIOD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the scheduler for `total` nanoseconds in slices; `busy` tells whether a task uses what it gets.
    fn run(scheduler: &mut Scheduler, total: u64) {
        let mut now = 0;
        while now < total {
            scheduler.expire(now);
            match scheduler.pick(now) {
                Some(id) => {
                    now += SLICE;
                    scheduler.charge(id, SLICE, now);
                }
                None => now = scheduler.next_event(now).unwrap_or(total).max(now + 1),
            }
        }
    }

    #[test]
    fn equal_tasks_get_equal_shares() {
        let mut scheduler = Scheduler::new();
        let ids: Vec<Id> = (0..3).map(|_| scheduler.add(1000)).collect();
        ids.iter().for_each(|&id| scheduler.wake(id));
        run(&mut scheduler, 3_000_000_000);
        for id in ids {
            assert!(scheduler.cpu(id).abs_diff(1_000_000_000) <= SLICE, "{}", scheduler.cpu(id));
        }
    }

    #[test]
    fn a_share_is_kept_even_on_an_idle_machine() {
        let mut scheduler = Scheduler::new();
        let id = scheduler.add(200);
        scheduler.wake(id);
        run(&mut scheduler, 1_000_000_000);
        assert_eq!(scheduler.cpu(id), 200_000_000);
    }

    #[test]
    fn what_was_used_beyond_a_share_is_paid_back() {
        let mut scheduler = Scheduler::new();
        let id = scheduler.add(100);
        scheduler.wake(id);
        scheduler.charge(id, 2 * PERIOD / 10, PERIOD / 5);
        assert_eq!(scheduler.next_event(PERIOD / 5), Some(PERIOD));
        assert_eq!(scheduler.pick(PERIOD), None);
        assert_eq!(scheduler.next_event(PERIOD), Some(2 * PERIOD));
        assert_eq!(scheduler.pick(2 * PERIOD), Some(id));
    }

    #[test]
    fn a_machine_that_stood_still_costs_a_task_one_period_at_most() {
        let mut scheduler = Scheduler::new();
        let id = scheduler.add(100);
        scheduler.wake(id);
        scheduler.charge(id, 20 * PERIOD, 20 * PERIOD);
        let next = scheduler.next_event(20 * PERIOD).unwrap();
        assert_eq!(scheduler.pick(next - 1), None);
        assert_eq!(scheduler.pick(next + PERIOD), Some(id));
    }

    #[test]
    fn who_wakes_up_runs_before_one_that_loops() {
        let mut scheduler = Scheduler::new();
        let (looping, waking) = (scheduler.add(1000), scheduler.add(1000));
        scheduler.wake(looping);
        run(&mut scheduler, 100_000_000);
        scheduler.wake(waking);
        assert_eq!(scheduler.pick(100_000_000), Some(waking));
    }

    #[test]
    fn sleeping_does_not_save_up_time() {
        let mut scheduler = Scheduler::new();
        let (looping, late) = (scheduler.add(1000), scheduler.add(1000));
        scheduler.wake(looping);
        run(&mut scheduler, 1_000_000_000);
        scheduler.wake(late);
        run(&mut scheduler, 1_000_000_000);
        assert!(scheduler.cpu(late) <= 502_000_000, "{}", scheduler.cpu(late));
    }

    #[test]
    fn a_deadline_wakes_and_is_the_next_event() {
        let mut scheduler = Scheduler::new();
        let id = scheduler.add(1000);
        scheduler.block(id, Some(500));
        assert_eq!(scheduler.next_event(0), Some(500));
        scheduler.expire(499);
        assert_eq!(scheduler.state(id), State::Blocked(Some(500)));
        scheduler.expire(500);
        assert_eq!(scheduler.state(id), State::Ready);
        assert_eq!(scheduler.next_event(500), None);
    }
}
