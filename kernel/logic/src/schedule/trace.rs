//! Rules of the scheduler: each by itself, then all together on random traces against a slow model.
use super::*;
use crate::dice::Dice;
use std::{vec, vec::Vec};

const NORMAL: Terms = Terms::normal(1000);
const PERIOD: u64 = NORMAL.period;
const ALL: [Priority; 4] = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent];

fn with_share(permille: u32) -> Terms {
    Terms { permille, ..NORMAL }
}

fn with_priority(priority: Priority) -> Terms {
    Terms { priority, ..NORMAL }
}

/// A machine: a scheduler, its clock, and what each task did.
struct Machine {
    scheduler: Scheduler,
    now: u64,
    log: Vec<(Id, u64, u64)>,
}

impl Machine {
    fn new(terms: &[Terms]) -> Self {
        let mut scheduler = Scheduler::new();
        for &terms in terms {
            scheduler.add(terms);
        }
        Self { scheduler, now: 0, log: Vec::new() }
    }

    /// All tasks loop from here on.
    fn loops(mut self) -> Self {
        (0..self.scheduler.tasks.len()).for_each(|id| self.scheduler.wake(id));
        self
    }

    /// Runs whoever is to run until `end`; each task uses all that it gets.
    fn run(&mut self, end: u64) {
        while self.now < end {
            self.scheduler.expire(self.now);
            let event = self.scheduler.next_event();
            match self.scheduler.pick(self.now) {
                Some(id) => {
                    let allowed = self.scheduler.allowance(id, self.now).map_or(end, |left| self.now + left.max(1));
                    let event = self.scheduler.next_event().or(event);
                    let until = allowed.min(event.map_or(end, |at| at.max(self.now + 1))).min(end);
                    let begin = core::mem::replace(&mut self.now, until);
                    self.scheduler.charge(id, until - begin, until);
                    self.log.push((id, begin, until));
                }
                None => self.now = self.scheduler.next_event().map_or(end, |at| at.max(self.now + 1)).min(end),
            }
        }
    }

    fn cpu(&self, id: Id) -> u64 {
        self.scheduler.usage(id).cpu
    }
}

#[test]
fn equal_tasks_get_equal_shares() {
    let mut machine = Machine::new(&[NORMAL; 3]).loops();
    machine.run(3_000_000_000);
    for id in 0..3 {
        assert!(machine.cpu(id).abs_diff(1_000_000_000) <= SLICE, "{}", machine.cpu(id));
    }
}

#[test]
fn a_more_urgent_task_runs_whenever_it_can() {
    let mut machine = Machine::new(&ALL.map(with_priority)).loops();
    machine.run(1_000_000_000);
    assert_eq!([0, 1, 2, 3].map(|id| machine.cpu(id)), [0, 0, 0, 1_000_000_000]);
    machine.scheduler.block(3, Some(1_500_000_000));
    machine.run(2_000_000_000);
    assert_eq!([0, 1, 2, 3].map(|id| machine.cpu(id)), [0, 0, 500_000_000, 1_500_000_000]);
    assert!(machine.log.contains(&(3, 1_500_000_000, 2_000_000_000)), "its deadline interrupts who is less urgent");
}

#[test]
fn a_task_alone_is_never_interrupted() {
    let mut machine = Machine::new(&[NORMAL]).loops();
    machine.run(10_000_000_000);
    assert_eq!((machine.log.len(), machine.scheduler.allowance(0, machine.now)), (1, None));
}

#[test]
fn a_less_urgent_one_that_is_ready_interrupts_nobody() {
    let mut machine = Machine::new(&[with_priority(Priority::High), NORMAL]).loops();
    machine.run(10_000_000_000);
    assert_eq!(machine.log.len(), 1);
    assert!(!machine.scheduler.rivals(1, 0) && machine.scheduler.rivals(0, 1));
}

#[test]
fn a_share_is_kept_even_on_an_idle_machine() {
    let mut machine = Machine::new(&[with_share(200)]).loops();
    machine.run(1_000_000_000);
    assert_eq!(machine.cpu(0), 200_000_000);
    assert_eq!(machine.scheduler.usage(0).throttled, 1_000_000_000 - 200_000_000 - 40_000_000, "the last period is under way");
}

#[test]
fn a_share_that_is_used_up_leaves_the_rest_to_the_less_urgent() {
    let urgent = Terms { priority: Priority::Urgent, ..with_share(300) };
    let mut machine = Machine::new(&[urgent, with_priority(Priority::Low)]).loops();
    machine.run(1_000_000_000);
    assert_eq!([machine.cpu(0), machine.cpu(1)], [300_000_000, 700_000_000]);
}

#[test]
fn who_sleeps_with_its_share_used_up_finds_it_used_up() {
    let mut machine = Machine::new(&[with_share(100)]).loops();
    machine.scheduler.charge(0, PERIOD / 10, PERIOD / 10);
    machine.scheduler.block(0, None);
    machine.scheduler.wake(0);
    assert_eq!(machine.scheduler.pick(PERIOD / 10), None);
    assert!(machine.scheduler.throttled(0) && !machine.scheduler.take_foremost(0, PERIOD / 10));
    assert_eq!(machine.scheduler.next_event(), Some(PERIOD));
}

#[test]
fn a_life_ends_to_the_nanosecond_and_the_next_begins_anew() {
    let mut machine = Machine::new(&[Terms { life: Some(5 * SLICE), ..NORMAL }, NORMAL]).loops();
    while !machine.scheduler.outlived(0) {
        machine.run(machine.now + 1000);
    }
    assert_eq!(machine.cpu(0), 5 * SLICE);
    machine.scheduler.retire(0);
    machine.scheduler.start(0, machine.now);
    machine.scheduler.leave_house(0);
    assert!(!machine.scheduler.outlived(0));
    assert_eq!(machine.scheduler.tasks[0].ran_this_life, 0);
}

#[test]
fn who_wakes_up_runs_before_one_that_loops() {
    let mut machine = Machine::new(&[NORMAL; 2]);
    machine.scheduler.wake(0);
    machine.run(100_000_000);
    machine.scheduler.wake(1);
    assert_eq!(machine.scheduler.pick(machine.now), Some(1));
}

#[test]
fn who_wakes_up_runs_before_those_whose_share_was_renewed() {
    let mut machine = Machine::new(&[with_share(10), with_share(10), NORMAL]).loops();
    machine.run(PERIOD - 1000); // the third ran most of the time
    machine.scheduler.block(2, Some(PERIOD + 1000));
    machine.run(PERIOD + 500);
    assert!(matches!(machine.log.last(), Some((0 | 1, ..))));
    machine.now = PERIOD + 1000;
    machine.scheduler.expire(machine.now);
    assert_eq!(machine.scheduler.pick(machine.now), Some(2));
}

#[test]
fn sleeping_does_not_save_up_time() {
    let mut machine = Machine::new(&[NORMAL; 2]);
    machine.scheduler.wake(0);
    machine.run(1_000_000_000);
    machine.scheduler.wake(1);
    machine.run(2_000_000_000);
    assert!(machine.cpu(1) <= 502_000_000, "{}", machine.cpu(1));
}

#[test]
fn who_blocks_and_is_woken_all_the_time_does_not_starve_its_equals() {
    let mut machine = Machine::new(&[NORMAL; 2]).loops();
    for _ in 0..1000 {
        let begin = machine.now;
        if machine.scheduler.pick(begin) == Some(0) {
            machine.now += SLICE / 4;
            machine.scheduler.charge(0, SLICE / 4, machine.now);
            machine.scheduler.block(0, None);
            machine.scheduler.wake(0);
        } else {
            machine.now += SLICE;
            machine.scheduler.charge(1, SLICE, machine.now);
        }
    }
    let (a, b) = (machine.cpu(0), machine.cpu(1));
    assert!(a.abs_diff(b) <= LAG + SLICE, "{a} and {b}");
}

#[test]
fn a_deadline_wakes_and_is_the_next_event() {
    let mut machine = Machine::new(&[NORMAL]);
    machine.scheduler.block(0, Some(500));
    assert_eq!(machine.scheduler.next_event(), Some(500));
    machine.scheduler.expire(499);
    assert_eq!(machine.scheduler.state(0), State::Blocked(Some(500)));
    machine.scheduler.expire(500);
    assert_eq!(machine.scheduler.state(0), State::Ready);
    assert_eq!(machine.scheduler.next_event(), None);
}

#[test]
fn who_gives_way_comes_last_among_its_equals_but_before_the_less_urgent() {
    let mut machine = Machine::new(&[NORMAL, NORMAL, with_priority(Priority::Low)]).loops();
    assert_eq!(machine.scheduler.pick_other(0, 0), Some(1));
    machine.scheduler.block(1, None);
    assert_eq!(machine.scheduler.pick_other(0, 0), Some(0));
}

#[test]
fn a_start_does_not_use_up_a_small_share() {
    let mut machine = Machine::new(&[with_share(10)]);
    machine.scheduler.start(0, 0);
    machine.run(30_000_000);
    assert_eq!(machine.cpu(0), 30_000_000);
    machine.scheduler.leave_house(0);
    assert_eq!(machine.scheduler.allowance(0, machine.now), Some(PERIOD / 100));
}

#[test]
fn starting_over_and_over_takes_a_quarter_at_most_from_who_wants_to_run() {
    let urgent = with_priority(Priority::Urgent);
    let mut machine = Machine::new(&[urgent, urgent, with_priority(Priority::Low)]);
    machine.scheduler.start(0, 0);
    machine.scheduler.start(1, 0);
    machine.scheduler.wake(2);
    machine.run(1_000_000_000);
    assert_eq!([machine.cpu(0) + machine.cpu(1), machine.cpu(2)], [250_000_000, 750_000_000]);
}

#[test]
fn an_end_is_not_held_up_by_a_share_that_is_used_up() {
    let mut machine = Machine::new(&[with_share(10)]).loops();
    machine.run(10_000_000);
    assert!(machine.scheduler.throttled(0));
    machine.scheduler.keep_house(0, machine.now);
    assert_eq!(machine.scheduler.pick(machine.now), Some(0));
}

/// The case that gave priority inversion its name: an urgent client, a low server, and a normal loop between them.
#[test]
fn a_server_is_as_urgent_as_its_most_urgent_client() {
    let terms = [Priority::Urgent, Priority::Low, Priority::Normal, Priority::Low].map(with_priority);
    let mut machine = Machine::new(&terms).loops();
    let scheduler = &mut machine.scheduler;
    scheduler.lend(0, 1);
    scheduler.block(0, None);
    assert_eq!(scheduler.pick(0), Some(1));
    scheduler.lend(1, 3); // the server asks another in turn
    scheduler.block(1, None);
    assert_eq!(scheduler.pick(0), Some(3));
    scheduler.take_back(0); // the client has gone
    assert_eq!(scheduler.pick(0), Some(2));
    assert_eq!([1, 3].map(|id| scheduler.priority(id).1), [Priority::Low; 2]);
}

#[test]
fn a_server_that_was_raised_is_not_behind_those_it_came_to() {
    let terms = [Priority::Urgent, Priority::Low, Priority::Urgent].map(with_priority);
    let mut machine = Machine::new(&terms);
    machine.scheduler.wake(1);
    machine.run(10_000_000_000);
    machine.scheduler.wake(2);
    machine.scheduler.lend(0, 1);
    let before = machine.cpu(1);
    machine.run(10_100_000_000);
    assert!(machine.cpu(1) - before >= 45_000_000, "{}", machine.cpu(1) - before);
    machine.scheduler.take_back(0);
    machine.run(10_200_000_000);
    assert!(machine.cpu(1) - before <= 55_000_000);
}

/// What priorities ought to be: of each task, the most urgent of all that wait for it, directly or not.
fn closure(own: &[Priority], lent_to: &[Option<Id>]) -> Vec<Priority> {
    let mut found = own.to_vec();
    for _ in own {
        for (id, server) in lent_to.iter().enumerate() {
            if let Some(server) = *server {
                found[server] = found[server].max(found[id]);
            }
        }
    }
    found
}

#[test]
fn lent_priorities_are_those_of_the_model() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let own: Vec<Priority> = (0..12).map(|_| ALL[dice.below(4) as usize]).collect();
        let terms: Vec<Terms> = own.iter().map(|&priority| with_priority(priority)).collect();
        let mut scheduler = Machine::new(&terms).scheduler;
        let mut lent_to = vec![None; own.len()];
        for _ in 0..200 {
            let client = dice.below(12) as usize;
            match dice.below(4) {
                0 => {
                    scheduler.take_back(client);
                    lent_to[client] = None;
                }
                1 => {
                    scheduler.retire(client);
                    lent_to[client] = None;
                }
                2 => scheduler.wake(client),
                // Services call only those after them, so that nobody waits for itself: that would never be answered.
                _ if client < 11 => {
                    let server = client + 1 + dice.below(11 - client as u64) as usize;
                    scheduler.lend(client, server);
                    lent_to[client] = Some(server);
                }
                _ => {}
            }
            let found: Vec<Priority> = (0..12).map(|id| scheduler.priority(id).1).collect();
            assert_eq!(found, closure(&own, &lent_to), "seed {seed}: {lent_to:?}");
            let ready = |id: &Id| scheduler.state(*id) == State::Ready;
            let most = (0..12).filter(ready).map(|id| found[id]).max();
            let picked = scheduler.pick(0).map(|id| scheduler.priority(id).1);
            assert_eq!(picked, most, "seed {seed}");
        }
    }
}

/// A circle of calls never ends by itself, but must not hang the scheduler; once it is broken, all is as it was.
#[test]
fn a_circle_of_clients_ends() {
    let mut machine = Machine::new(&[Priority::Low, Priority::Low, Priority::Low, Priority::Urgent].map(with_priority));
    let scheduler = &mut machine.scheduler;
    [(0, 1), (1, 2), (2, 0), (3, 0), (1, 1)].into_iter().for_each(|(client, server)| scheduler.lend(client, server));
    scheduler.lend(1, 2);
    assert_eq!(scheduler.priority(2).1, Priority::Urgent);
    scheduler.take_back(3);
    scheduler.take_back(1);
    assert_eq!([0, 1, 2].map(|id| scheduler.priority(id).1), [Priority::Low; 3]);
}

/// Random tasks that run, wait, wake, start, end and lend: after each step the answers are those of slow definitions.
#[test]
fn random_traces_hold_every_rule() {
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let count = 2 + dice.below(80) as usize;
        let terms: Vec<Terms> = (0..count).map(|_| Terms {
            priority: ALL[dice.below(4) as usize],
            permille: if dice.below(2) == 0 { 1000 } else { 1 + dice.below(999) as u32 },
            period: 1_000_000 + dice.below(999_000_000),
            life: None,
        }).collect();
        let mut machine = Machine::new(&terms);
        let mut running: Option<Id> = None;
        for _ in 0..400 {
            let ran = dice.below(3_000_000);
            machine.now += ran;
            let (now, scheduler) = (machine.now, &mut machine.scheduler);
            if let Some(id) = running {
                scheduler.charge(id, ran, now);
                match dice.below(4) {
                    0 => scheduler.block(id, (dice.below(2) == 0).then(|| now + dice.below(20_000_000))),
                    1 if dice.below(4) == 0 => scheduler.retire(id),
                    2 if scheduler.keeps_house(id) => scheduler.leave_house(id),
                    _ => {}
                }
            }
            let other = dice.below(count as u64) as usize;
            match (scheduler.state(other), dice.below(6)) {
                (State::Idle, 0) => scheduler.start(other, now),
                (State::Blocked(_), 1) => scheduler.wake(other),
                (State::Blocked(_), 2) => scheduler.lend(other, dice.below(count as u64) as usize),
                (_, 3) => {
                    scheduler.take_back(other);
                }
                (State::Ready, 4) if dice.below(8) == 0 => scheduler.keep_house(other, now),
                _ => {}
            }
            scheduler.expire(now);
            running = scheduler.pick(now);
            check(scheduler, running, now, seed);
        }
    }
}

fn check(scheduler: &Scheduler, picked: Option<Id>, now: u64, seed: u64) {
    let all = 0..scheduler.tasks.len();
    let runnable = |id: &Id| scheduler.state(*id) == State::Ready && !scheduler.throttled(*id);
    let most = all.clone().filter(runnable).map(|id| scheduler.level(id)).max();
    assert_eq!(picked.map(|id| scheduler.level(id)), most, "seed {seed}: the most urgent runs");
    for id in all.clone() {
        let queues = (0..LEVELS).filter(|&level| scheduler.ready[level].contains(id)).collect::<Vec<_>>();
        assert_eq!(queues, if runnable(&id) { vec![scheduler.level(id)] } else { vec![] }, "seed {seed}: {id} in its one queue");
        let due = scheduler.time_of(id);
        assert_eq!(scheduler.timed.contains(id), due != u64::MAX, "seed {seed}");
        assert!(due > now && scheduler.next_event().unwrap_or(u64::MAX) <= due, "seed {seed}: nobody's time is missed");
        if scheduler.throttled(id) {
            let share = scheduler.tasks[id].share.expect("only a share throttles");
            assert!(share.left(now) == 0 && !scheduler.keeps_house(id), "seed {seed}");
        }
    }
    if let Some(id) = picked {
        let level = scheduler.level(id);
        let least = scheduler.ready[level].iter().map(|other| scheduler.tasks[other].virtual_time).min();
        assert_eq!(least, Some(scheduler.tasks[id].virtual_time), "seed {seed}: fair among equals");
        assert!(scheduler.used_up(id, now).is_none(), "seed {seed}: within its share");
    }
}
