//! Kernel threads: one a SIP, one for the supervisor, and the boot thread that halts when nobody wants to run.
//!
//! Wasm is preempted at any instruction, the kernel nowhere but where its code says so: at the end of a host call (`leave`), where
//! it waits (`block`, `hand_over`), and between the pieces of long work (`relax`, bulk.rs), when no kernel state is lent.
mod ask;
mod preempt;

use crate::{cell::Global, cpu::{self, apic, ioapic, time}, memory::{accounts, stack::Stack}};
use alloc::{string::String, vec::Vec};
use core::{arch::global_asm, ptr, sync::atomic::{AtomicU32, AtomicU64, Ordering}};
use munal_logic::schedule::{Id, Scheduler, State, Terms};
use x86_64::instructions::interrupts;

pub use ask::*;
pub use preempt::*;

/// The thread that booted, which is no task of the scheduler's: it runs when nobody else wants to.
const BOOT: Id = usize::MAX;

/// The SIP is to end: its host call must unwind.
#[derive(Debug, Clone, Copy)]
pub struct Ended;

/// Who ends a thread, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Someone who controls it.
    Outside,
    /// It used up the CPU time that one life of it has.
    CpuTime,
}

struct Thread {
    /// Where the thread's registers are saved, while it does not run.
    stack_pointer: u64,
    /// What the wasm runtime keeps for each thread.
    local: [*mut u8; 2],
    /// There from its first start on, and kept for the next.
    stack: Option<Stack>,
    entry: fn(Id),
    ending: Option<Cause>,
    /// How often it was switched to.
    switches: u64,
}

struct Threads {
    list: Vec<Thread>,
    scheduler: Scheduler,
    current: Id,
    boot: u64,
    boot_local: [*mut u8; 2],
    /// Until when run time was charged.
    charged: u64,
    /// Nanoseconds that the boot thread ran since there were others, most of them halted.
    idle: u64,
    /// When there were others, in nanoseconds since boot.
    booted: u64,
    /// The current thread lets others run.
    yields: bool,
}

static THREADS: Global<Threads> = Global::new(Threads {
    list: Vec::new(), scheduler: Scheduler::new(), current: BOOT, boot: 0, boot_local: [ptr::null_mut(); 2], charged: 0, idle: 0, booted: 0, yields: false,
});

/// Who waits for each global system interrupt: the thread's index plus 1, 0 for nobody.
static OWNERS: [AtomicU32; cpu::idt::GSIS as usize] = [const { AtomicU32::new(0) }; cpu::idt::GSIS as usize];

/// When the timer interrupts next, in nanoseconds since boot; `NEVER` where it is not set. An interrupt that comes earlier than
/// is needed costs less than setting the timer at each switch.
static ARMED: AtomicU64 = AtomicU64::new(NEVER);
const NEVER: u64 = u64::MAX;

// switch(save: *mut u64, to: u64): leaves the callee-saved registers on this stack, its pointer in *save, and goes on where
// another thread did the same.
global_asm!(
    ".globl munal_switch",
    "munal_switch:",
    "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
    "mov [rdi], rsp",
    "mov rsp, rsi",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
    "ret",
);

unsafe extern "C" {
    fn munal_switch(save: *mut u64, to: u64);
}

/// Adds a thread that starts in `entry` each time it is started.
pub fn add(terms: Terms, entry: fn(Id)) -> Id {
    THREADS.with(|threads| {
        threads.list.push(Thread { stack_pointer: 0, local: [ptr::null_mut(); 2], stack: None, entry, ending: None, switches: 0 });
        threads.scheduler.add(terms)
    })
}

/// Makes a thread that does not run begin anew at its entry, on the account of all starts and ends. Errors: why it has no stack,
/// in words.
pub fn start(id: Id) -> Result<(), String> {
    if THREADS.with(|threads| threads.list[id].stack.is_none()) {
        let stack = Stack::new(accounts::of_thread(id))?;
        THREADS.with(|threads| threads.list[id].stack = Some(stack));
    }
    THREADS.with(|threads| {
        assert!(threads.scheduler.state(id) == State::Idle, "a thread is started once at a time");
        let thread = &mut threads.list[id];
        let frame = thread.stack.as_ref().expect("made above").top() - 64;
        // SAFETY: the stack is mapped and nobody runs on it; `munal_switch` takes six registers and an address to return to,
        // which leaves the stack as a call would.
        unsafe {
            (frame as *mut [u64; 8]).write([0; 8]);
            (frame as *mut u64).add(6).write(begin as *const () as u64);
        }
        thread.stack_pointer = frame;
        thread.local = [ptr::null_mut(); 2];
        threads.scheduler.start(id, time::now());
    });
    switch_soon();
    Ok(())
}

extern "C" fn begin() -> ! {
    enter_kernel();
    interrupts::enable();
    let (id, entry) = THREADS.with(|threads| (threads.current, threads.list[threads.current].entry));
    entry(id);
    interrupts::disable();
    let plan = THREADS.with(|threads| {
        threads.list[id].ending = None;
        let now = time::now();
        threads.charge(now);
        threads.scheduler.retire(id);
        threads.plan(now, None)
    });
    go(plan);
    unreachable!("a thread that ended was switched to")
}

/// From here on the current thread runs on its own account: its share and its life.
pub fn leave_house() {
    account(Scheduler::leave_house);
}

/// From here on the current thread runs on the account of all starts and ends.
pub fn keep_house() {
    account(|scheduler, id| scheduler.keep_house(id, time::now()));
}

fn account(change: impl FnOnce(&mut Scheduler, Id)) {
    THREADS.with(|threads| {
        threads.charge(time::now());
        change(&mut threads.scheduler, threads.current);
    });
    switch_soon(); // the timer is to be set by the new account, and another may be more urgent now
}

/// Where to switch: where the current thread's stack pointer is to be saved, and the one to go on with.
type Plan = Option<(*mut u64, u64)>;

/// Lets whoever is next run; comes back when this thread is next again. Interrupts are off, and off again afterwards.
fn reschedule() {
    let plan = THREADS.with(|threads| {
        let now = time::now();
        threads.charge(now);
        threads.plan(now, None)
    });
    go(plan);
}

fn go(plan: Plan) {
    if let Some((save, to)) = plan {
        let place = place();
        // SAFETY: both stacks are their threads' own; `to` was saved by `munal_switch` or laid out by `start`.
        unsafe { munal_switch(save, to) };
        interrupts::disable();
        return_to(place);
    }
}

impl Threads {
    fn charge(&mut self, now: u64) {
        let ran = now.saturating_sub(self.charged);
        self.charged = now;
        match self.current {
            BOOT => self.idle += ran,
            id => {
                self.scheduler.charge(id, ran, now);
                if self.scheduler.outlived(id) && self.list[id].ending.is_none() {
                    self.list[id].ending = Some(Cause::CpuTime);
                    self.scheduler.keep_house(id, now);
                    switch_soon();
                }
            }
        }
    }

    /// Decides who runs next, `to` where nobody is more urgent, and sets the timer. The current thread was charged.
    fn plan(&mut self, now: u64, to: Option<Id>) -> Plan {
        no_switch_due();
        self.wake_for_interrupts();
        self.scheduler.expire(now);
        let next = match to {
            Some(to) if self.scheduler.take_foremost(to, now) => Some(to),
            _ if core::mem::take(&mut self.yields) && self.current != BOOT => self.scheduler.pick_other(self.current, now),
            _ => self.scheduler.pick(now),
        };
        let next = next.unwrap_or(BOOT);
        self.set_timer(next, now);
        if next == self.current {
            return None;
        }
        let previous = core::mem::replace(&mut self.current, next);
        accounts::set_current(accounts::of_thread(next));
        let save = if previous == BOOT { &raw mut self.boot } else { &raw mut self.list[previous].stack_pointer };
        if next == BOOT {
            return Some((save, self.boot));
        }
        let thread = &mut self.list[next];
        thread.switches += 1;
        Some((save, thread.stack_pointer))
    }

    fn wake_for_interrupts(&mut self) {
        for gsi in ioapic::fired() {
            if let Some(owner) = (OWNERS[gsi as usize].load(Ordering::Relaxed) as usize).checked_sub(1) {
                self.scheduler.wake(owner);
            }
        }
    }

    /// Has the timer interrupt when the next thing happens without anyone's doing: nothing may, and then it does not.
    fn set_timer(&self, next: Id, now: u64) {
        let own = if next == BOOT { None } else { self.scheduler.allowance(next, now) };
        let look = time::longest_sleep().map(|wait| now + wait);
        let at = own.map(|allowed| now + allowed).into_iter().chain(self.scheduler.next_event()).chain(look).min();
        if let Some(at) = at.filter(|&at| at < ARMED.load(Ordering::Relaxed)) {
            arm(at.saturating_sub(now).max(1), now);
        }
    }

    fn local(&mut self) -> &mut [*mut u8; 2] {
        match self.current {
            BOOT => &mut self.boot_local,
            id => &mut self.list[id].local,
        }
    }

    fn is_ending(&self) -> bool {
        self.current != BOOT && self.list[self.current].ending.is_some()
    }
}

fn arm(nanoseconds: u64, now: u64) {
    let wait = nanoseconds.min(apic::LONGEST);
    ARMED.store(now + wait, Ordering::Relaxed);
    apic::arm(wait);
}

/// Lets others run that want to.
pub fn yield_now() {
    THREADS.with(|threads| threads.yields = true);
    switch_soon();
}

/// Waits until `wake`, or until the deadline in nanoseconds since boot. May come back early: callers look again.
pub fn block(deadline: Option<u64>) -> Result<(), Ended> {
    wait(deadline, None)
}

/// As `block`, but wakes `to` and runs it at once where nobody is more urgent, without asking who else is ready: for a call to
/// one that waits for it. Each is charged for what it runs; the slice that was begun goes on.
pub fn hand_over(to: Id, deadline: Option<u64>) -> Result<(), Ended> {
    wait(deadline, Some(to))
}

fn wait(deadline: Option<u64>, to: Option<Id>) -> Result<(), Ended> {
    let ending = cpu::without_interrupts(|| {
        let plan = THREADS.with(|threads| {
            if let Some(to) = to {
                threads.wake(to);
            }
            let now = time::now();
            threads.charge(now);
            if threads.is_ending() {
                return None;
            }
            threads.scheduler.block(threads.current, deadline);
            threads.plan(now, to)
        });
        go(plan);
        is_ending()
    });
    if ending { Err(Ended) } else { Ok(()) }
}

impl Threads {
    /// Makes a thread that waits go on; answers whether it did wait.
    fn wake(&mut self, id: Id) -> bool {
        let waits = matches!(self.scheduler.state(id), State::Blocked(_));
        if waits {
            self.scheduler.wake(id);
        }
        waits
    }
}

/// Makes a thread that waits go on.
pub fn wake(id: Id) {
    let switches = THREADS.with(|threads| threads.wake(id) && (threads.current == BOOT || threads.scheduler.rivals(id, threads.current)));
    if switches {
        switch_soon();
    }
}

/// Until `take_back`, `server` is as urgent as `client`, which waits for it, and so is whom the server waits for.
pub fn lend(client: Id, server: Id) {
    THREADS.with(|threads| threads.scheduler.lend(client, server));
}

/// `client` waits for nobody any more, or has its answer.
pub fn take_back(client: Id) {
    if THREADS.with(|threads| threads.scheduler.take_back(client)) {
        switch_soon(); // the server is less urgent than it was
    }
}

/// Ends a SIP's thread from outside, wherever it is: at its next instruction in wasm, or when its host call returns; before its
/// first instruction where it has not begun. A share that is used up does not hold its end up.
pub fn end(id: Id) {
    THREADS.with(|threads| {
        threads.list[id].ending = Some(Cause::Outside);
        threads.scheduler.keep_house(id, time::now());
        threads.wake(id);
    });
    switch_soon(); // it may be the one that runs
}

fn is_ending() -> bool {
    THREADS.with(|threads| threads.is_ending())
}

/// Why the thread was ended since it was started, where it did not end by itself.
pub fn ended_by(id: Id) -> Option<Cause> {
    THREADS.with(|threads| threads.list[id].ending)
}

/// Whether someone who controls the thread ended it since it was started.
pub fn was_ended(id: Id) -> bool {
    ended_by(id) == Some(Cause::Outside)
}

/// Makes `id` (or nobody) the one that a global system interrupt wakes.
pub fn own_interrupt(gsi: u32, id: Option<Id>) {
    OWNERS[gsi as usize].store(id.map_or(0, |id| id as u32 + 1), Ordering::Relaxed);
}

/// The boot thread's end: runs the others, and halts the processor while there is nothing to do.
pub fn run() -> ! {
    THREADS.with(|threads| {
        threads.booted = time::now();
        threads.charged = threads.booted;
    });
    loop {
        interrupts::disable();
        reschedule();
        interrupts::enable_and_hlt();
    }
}
