//! Priorities that are lent: who waits for another lends it its own, along the whole chain, until it has what it waits for.
use super::{Id, Priority, Scheduler};

impl Scheduler {
    /// `client` waits for `server` to answer: until it takes that back, `server` and whom that waits for are as urgent as it is.
    pub fn lend(&mut self, client: Id, server: Id) {
        if self.tasks[client].lent_to == Some(server) {
            return;
        }
        self.take_back(client);
        if client == server {
            return;
        }
        let first = self.tasks[server].borrows.first.replace(client);
        if let Some(first) = first {
            self.tasks[first].borrows.previous = Some(client);
        }
        let task = &mut self.tasks[client];
        (task.lent_to, task.borrows.next, task.borrows.previous) = (Some(server), first, None);
        let priority = task.priority;
        self.raise(server, priority);
    }

    /// `client` waits no more; answers whether that made someone less urgent.
    pub fn take_back(&mut self, client: Id) -> bool {
        let Some(server) = self.tasks[client].lent_to.take() else { return false };
        let (next, previous) = {
            let links = &mut self.tasks[client].borrows;
            (links.next.take(), links.previous.take())
        };
        match previous {
            Some(previous) => self.tasks[previous].borrows.next = next,
            None => self.tasks[server].borrows.first = next,
        }
        if let Some(next) = next {
            self.tasks[next].borrows.previous = previous;
        }
        self.settle(server)
    }

    /// Whom the task lends its priority to.
    pub fn lends_to(&self, id: Id) -> Option<Id> {
        self.tasks[id].lent_to
    }

    /// Up the chain while someone on it is less urgent: each step raises one, so a circle ends too.
    fn raise(&mut self, from: Id, priority: Priority) {
        let mut at = Some(from);
        while let Some(id) = at.filter(|&id| self.tasks[id].priority < priority) {
            self.change(id, |task| task.priority = priority);
            at = self.tasks[id].lent_to;
        }
    }

    /// Up the chain while someone on it is more urgent than itself and its lenders: each step lowers one.
    fn settle(&mut self, from: Id) -> bool {
        let mut at = Some(from);
        let mut lowered = false;
        while let Some(id) = at {
            let due = self.due(id);
            if due == self.tasks[id].priority {
                break;
            }
            self.change(id, |task| task.priority = due);
            lowered = true;
            at = self.tasks[id].lent_to;
        }
        lowered
    }

    fn due(&self, id: Id) -> Priority {
        let first = self.tasks[id].borrows.first;
        let lenders = core::iter::successors(first, |&lender| self.tasks[lender].borrows.next);
        lenders.map(|lender| self.tasks[lender].priority).fold(self.tasks[id].own_priority, Priority::max)
    }
}
