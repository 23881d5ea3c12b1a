//! Kernel threads: one a SIP, one for the supervisor, and the boot thread that halts when nobody wants to run.
//!
//! Wasm is preempted at any instruction, the kernel nowhere: an interrupt that finds the kernel at work only notes that a
//! switch is due, which `leave` makes when the host call ends.
use crate::{cell::Global, cpu::{self, apic, ioapic, time}, memory::{accounts, stack::Stack}, state, wasm};
use alloc::{string::String, vec::Vec};
use core::{arch::global_asm, ptr, sync::atomic::{AtomicBool, AtomicU32, Ordering}};
use munal_logic::schedule::{Id, SLICE, Scheduler, State};
use x86_64::instructions::interrupts;

/// The thread that booted, which is no task of the scheduler's: it runs when nobody else wants to.
const BOOT: Id = usize::MAX;

/// The SIP was ended from outside: its host call must unwind.
#[derive(Debug, Clone, Copy)]
pub struct Ended;

struct Thread {
    /// Where the thread's registers are saved, while it does not run.
    stack_pointer: u64,
    /// What the wasm runtime keeps for each thread.
    local: [*mut u8; 2],
    /// There from its first start on, and kept for the next.
    stack: Option<Stack>,
    entry: fn(Id),
    ending: bool,
}

struct Threads {
    list: Vec<Thread>,
    scheduler: Scheduler,
    current: Id,
    boot: u64,
    boot_local: [*mut u8; 2],
    /// Until when run time was charged.
    charged: u64,
    /// Nanoseconds that the boot thread ran, most of them halted.
    idle: u64,
}

static THREADS: Global<Threads> = Global::new(Threads {
    list: Vec::new(), scheduler: Scheduler::new(), current: BOOT, boot: 0, boot_local: [ptr::null_mut(); 2], charged: 0, idle: 0,
});

/// A host call must not simply return: a switch is due that could not be made because the kernel was at work, or the SIP that
/// makes the call is to end.
static DUE: AtomicBool = AtomicBool::new(false);

/// Who waits for each global system interrupt: the thread's index plus 1, 0 for nobody.
static OWNERS: [AtomicU32; cpu::idt::GSIS as usize] = [const { AtomicU32::new(0) }; cpu::idt::GSIS as usize];

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

/// Adds a thread that starts in `entry` each time it is started; `permille` is its share of the processor.
pub fn add(permille: u32, entry: fn(Id)) -> Id {
    THREADS.with(|threads| {
        threads.list.push(Thread { stack_pointer: 0, local: [ptr::null_mut(); 2], stack: None, entry, ending: false });
        threads.scheduler.add(permille)
    })
}

/// Makes a thread that does not run begin anew at its entry. Errors: why it has no stack, in words.
pub fn start(id: Id) -> Result<(), String> {
    let bare = THREADS.with(|threads| {
        threads.list[id].ending = false;
        threads.list[id].stack.is_none()
    });
    if bare {
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
        threads.scheduler.wake(id);
    });
    Ok(())
}

extern "C" fn begin() -> ! {
    interrupts::enable();
    let (id, entry) = THREADS.with(|threads| (threads.current, threads.list[threads.current].entry));
    entry(id);
    interrupts::disable();
    THREADS.with(|threads| threads.scheduler.retire(id));
    reschedule();
    unreachable!("a thread that ended was switched to")
}

/// Lets whoever is next run; comes back when this thread is next again. Interrupts are off, and off again afterwards.
fn reschedule() {
    DUE.store(false, Ordering::Relaxed);
    let fired = ioapic::fired();
    let plan = THREADS.with(|threads| threads.plan(fired));
    if let Some((save, to)) = plan {
        // SAFETY: both stacks are their threads' own; `to` was saved by `munal_switch` or laid out by `start`.
        unsafe { munal_switch(save, to) };
        interrupts::disable();
    }
}

impl Threads {
    fn charge(&mut self, now: u64) {
        let ran = now.saturating_sub(self.charged);
        self.charged = now;
        match self.current {
            BOOT => self.idle += ran,
            id => self.scheduler.charge(id, ran, now),
        }
    }

    /// Decides who runs next and sets the timer; answers what to switch where it is another.
    fn plan(&mut self, fired: impl Iterator<Item = u32>) -> Option<(*mut u64, u64)> {
        let now = time::now();
        self.charge(now);
        for gsi in fired {
            if let Some(owner) = (OWNERS[gsi as usize].load(Ordering::Relaxed) as usize).checked_sub(1) {
                self.scheduler.wake(owner);
            }
        }
        self.scheduler.expire(now);
        let next = self.scheduler.pick(now).unwrap_or(BOOT);
        self.set_timer(next, now);
        if next == self.current {
            return None;
        }
        let previous = core::mem::replace(&mut self.current, next);
        accounts::set_current(accounts::of_thread(next));
        let save = if previous == BOOT { &raw mut self.boot } else { &raw mut self.list[previous].stack_pointer };
        Some((save, if next == BOOT { self.boot } else { self.list[next].stack_pointer }))
    }

    fn set_timer(&self, next: Id, now: u64) {
        let event = self.scheduler.next_event(now).map(|at| at.saturating_sub(now).max(1));
        match (next, event) {
            (BOOT, None) => apic::disarm(),
            (BOOT, Some(wait)) => apic::arm(wait),
            (_, wait) => apic::arm(SLICE.min(wait.unwrap_or(SLICE))),
        }
    }

    fn local(&mut self) -> &mut [*mut u8; 2] {
        match self.current {
            BOOT => &mut self.boot_local,
            id => &mut self.list[id].local,
        }
    }
}

/// The timer or a device interrupted the instruction at `ip`, in a function whose frame is at `frame`. Interrupts are off.
pub fn tick(ip: u64, frame: u64) {
    if !wasm::is_code(ip) {
        DUE.store(true, Ordering::Relaxed);
        apic::arm(SLICE);
        return;
    }
    reschedule();
    if is_ending() {
        DUE.store(true, Ordering::Relaxed); // in a trampoline there is no trap to take: its host call is to end it
        if wasm::is_function(ip) {
            wasm::end(ip, frame);
        }
    }
}

/// What every host call ends with: a switch where one is due, and the news that this SIP is to end. One flag stands for both,
/// so that a call that has nothing to wait for costs a load and a branch.
#[inline]
pub fn leave() -> Result<(), Ended> {
    if DUE.load(Ordering::Relaxed) { leave_late() } else { Ok(()) }
}

#[cold]
#[inline(never)]
fn leave_late() -> Result<(), Ended> {
    cpu::without_interrupts(reschedule);
    if is_ending() { Err(Ended) } else { Ok(()) }
}

/// Lets others run that want to.
pub fn yield_now() {
    DUE.store(true, Ordering::Relaxed);
}

/// Waits until `wake`, or until the deadline in nanoseconds since boot. May come back early: callers look again.
pub fn block(deadline: Option<u64>) -> Result<(), Ended> {
    cpu::without_interrupts(|| {
        let waits = THREADS.with(|threads| {
            let id = threads.current;
            let waits = !threads.list[id].ending;
            if waits {
                threads.scheduler.block(id, deadline);
            }
            waits
        });
        if waits {
            reschedule();
        }
    });
    if is_ending() { Err(Ended) } else { Ok(()) }
}

/// Makes a thread that waits go on.
pub fn wake(id: Id) {
    THREADS.with(|threads| {
        if matches!(threads.scheduler.state(id), State::Blocked(_)) {
            threads.scheduler.wake(id);
            DUE.store(true, Ordering::Relaxed);
        }
    });
}

/// Ends a SIP's thread from outside: at its next instruction in wasm, or when its host call returns.
pub fn end(id: Id) {
    THREADS.with(|threads| threads.list[id].ending = true);
    DUE.store(true, Ordering::Relaxed); // it may be the one that runs
    wake(id);
}

fn is_ending() -> bool {
    THREADS.with(|threads| threads.current != BOOT && threads.list[threads.current].ending)
}

/// Whether `end` was called for the thread since it was started.
pub fn was_ended(id: Id) -> bool {
    THREADS.with(|threads| threads.list[id].ending)
}

/// Makes `id` (or nobody) the one that a global system interrupt wakes.
pub fn own_interrupt(gsi: u32, id: Option<Id>) {
    OWNERS[gsi as usize].store(id.map_or(0, |id| id as u32 + 1), Ordering::Relaxed);
}

/// Nanoseconds that the thread ran, and what it does now, in a word.
pub fn activity(id: Id) -> (u64, &'static str) {
    THREADS.with(|threads| {
        let now = time::now();
        threads.charge(now);
        let word = match threads.scheduler.state(id) {
            _ if threads.current == id => "running",
            State::Ready if threads.scheduler.throttled(id, now) => "throttled",
            State::Ready => "ready",
            State::Blocked(_) => "waiting",
            State::Idle => "ended",
        };
        (threads.scheduler.cpu(id), word)
    })
}

/// Nanoseconds that nobody ran.
pub fn idle() -> u64 {
    THREADS.with(|threads| {
        threads.charge(time::now());
        threads.idle
    })
}

/// Who runs, in words, for panics: takes nothing for granted.
pub fn current_name() -> &'static str {
    // SAFETY: for a panic, on the one core that there is; the index alone is read.
    let id = unsafe { (*THREADS.as_ptr()).current };
    if id == BOOT { "the boot thread" } else { state::name_for_panic(id) }
}

/// The boot thread's end: runs the others, and halts the processor while there is nothing to do.
pub fn run() -> ! {
    loop {
        interrupts::disable();
        reschedule();
        interrupts::enable_and_hlt();
    }
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_tls_get(slot: usize) -> *mut u8 {
    THREADS.with(|threads| threads.local()[slot])
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_tls_set(slot: usize, value: *mut u8) {
    THREADS.with(|threads| threads.local()[slot] = value)
}
