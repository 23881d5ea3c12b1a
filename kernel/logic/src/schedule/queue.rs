//! Which queue a task waits in, and who comes first there.
use super::{Account, Id, LAG, LEVELS, SLICE, SPARE_TIME, Scheduler, State, Task};

impl Scheduler {
    /// The most urgent ready task that has some of its share left, and of those the one with the least virtual time; after
    /// `charge` of the one that runs. Who has nothing left waits from here on for the next period.
    pub fn pick(&mut self, now: u64) -> Option<Id> {
        loop {
            let level = self.top()?;
            let id = self.least(level)?;
            match self.used_up(id, now) {
                Some(renewed) => self.throttle(id, now, renewed),
                None => return Some(id),
            }
        }
    }

    /// As `pick`, but the one that gives way comes last among its equals.
    pub fn pick_other(&mut self, giving_way: Id, now: u64) -> Option<Id> {
        if !self.is_queued(giving_way) {
            return self.pick(now);
        }
        let level = self.level(giving_way);
        self.ready[level].remove(giving_way);
        let found = self.pick(now);
        self.ready[level].insert(giving_way);
        found.filter(|&other| self.level(other) >= level).or_else(|| self.pick(now))
    }

    /// Whether the task may be switched to without `pick`: it is ready with some of its share left, and nobody ready is more
    /// urgent.
    pub fn take_foremost(&mut self, id: Id, now: u64) -> bool {
        let foremost = self.is_queued(id) && self.top() == Some(self.level(id)) && self.used_up(id, now).is_none();
        if foremost {
            self.catch_up(id);
        }
        foremost
    }

    /// The task with the least virtual time in a queue.
    fn least(&mut self, level: usize) -> Option<Id> {
        let mut best: Option<(u64, Id)> = None;
        let mut at = 0;
        while let Some(id) = self.ready[level].next_from(at) {
            self.catch_up(id);
            let time = self.tasks[id].virtual_time;
            if best.is_none_or(|(least, _)| time < least) {
                best = Some((time, id));
            }
            at = id + 1;
        }
        best.map(|(_, id)| id)
    }

    /// Who became ready starts level with those who ran, minus a little; whose share was renewed, behind those who slept.
    fn catch_up(&mut self, id: Id) {
        let floor = self.floor[self.level(id)];
        let task = &mut self.tasks[id];
        if core::mem::take(&mut task.fresh) {
            let level = if core::mem::take(&mut task.renewed) { floor + SLICE } else { floor.saturating_sub(LAG) };
            task.virtual_time = task.virtual_time.max(level);
        }
    }

    /// When the task's own share is renewed, where it is used up.
    pub(super) fn used_up(&self, id: Id, now: u64) -> Option<u64> {
        let task = &self.tasks[id];
        task.share.filter(|_| task.account == Account::Own)?.renewed(now)
    }

    pub(super) fn top(&self) -> Option<usize> {
        (0..LEVELS).rev().find(|&level| !self.ready[level].is_empty())
    }

    pub(super) fn level(&self, id: Id) -> usize {
        self.level_if(id, self.spare_until.is_some())
    }

    pub(super) fn level_if(&self, id: Id, spare: bool) -> usize {
        let task = &self.tasks[id];
        if spare && task.account == Account::Housekeeping { SPARE_TIME } else { 1 + task.priority as usize }
    }

    pub(super) fn is_queued(&self, id: Id) -> bool {
        self.tasks[id].state == State::Ready && self.tasks[id].throttled.is_none()
    }

    pub(super) fn enqueue(&mut self, id: Id) {
        let level = self.level(id);
        self.tasks[id].fresh = true;
        self.ready[level].insert(id);
    }

    pub(super) fn dequeue(&mut self, id: Id) {
        if self.is_queued(id) {
            let level = self.level(id);
            self.ready[level].remove(id);
        }
        self.timed.remove(id);
        self.tasks[id].throttled = None;
    }

    /// Changes what a task's queue depends on, and moves it where that is another.
    pub(super) fn change(&mut self, id: Id, change: impl FnOnce(&mut Task)) {
        let (queued, from) = (self.is_queued(id), self.level(id));
        change(&mut self.tasks[id]);
        let to = self.level(id);
        if from != to {
            self.shift(id, from);
            if queued {
                self.ready[from].remove(id);
                self.tasks[id].fresh = true;
                self.ready[to].insert(id);
            }
        }
    }

    /// Carries over to the queue that the task is in now what it was ahead or behind in the queue `from`.
    pub(super) fn shift(&mut self, id: Id, from: usize) {
        let (old, new) = (self.floor[from], self.floor[self.level(id)]);
        let task = &mut self.tasks[id];
        task.virtual_time = if task.virtual_time >= old {
            new + (task.virtual_time - old).min(LAG)
        } else {
            new.saturating_sub((old - task.virtual_time).min(LAG))
        };
    }

    /// `id` ran: the least virtual time in its queue may be a later one now.
    pub(super) fn raise_floor(&mut self, id: Id) {
        let level = self.level(id);
        let settled = self.ready[level].iter().filter(|&other| !self.tasks[other].fresh).map(|other| self.tasks[other].virtual_time);
        if let Some(least) = settled.min() {
            self.floor[level] = self.floor[level].max(least);
        }
    }
}
