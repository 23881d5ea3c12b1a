//! A software-isolated process: one instance's Store, from its instantiation to its end.
use crate::{backtrace, dispatch, end, start, state, thread};
use alloc::{format, string::String};
use core::fmt;
use munal_logic::{grants::{Ports, Registers}, table::Held};
use wasmtime::{Caller, Memory, ResourceLimiter};

/// Why a host call does not return to the SIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It left by itself, with a code.
    Exit(i32),
    /// Someone ended it.
    Ended,
    /// It did what its grants do not allow, or passed what cannot be: a sentence.
    Refused(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Exit(code) => write!(f, "left with code {code}"),
            Stop::Ended => f.write_str("ended from outside"),
            Stop::Refused(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for Stop {}

impl From<thread::Ended> for Stop {
    fn from(_: thread::Ended) -> Self {
        Stop::Ended
    }
}

pub type Outcome<T> = Result<T, Stop>;

/// What a Store holds: which instance it is, what it may touch, and the memory that pointers are looked up in.
pub struct Sip {
    pub index: usize,
    pub ports: Ports,
    pub registers: Registers,
    /// Its handles by their numbers, as the table has them.
    pub handles: &'static [Held],
    pub memory: Option<Memory>,
}

impl Sip {
    /// A SIP whose memory is not there yet.
    pub fn new(index: usize, ports: Ports, registers: Registers, handles: &'static [Held]) -> Self {
        Self { index, ports, registers, handles, memory: None }
    }

    fn count_refusal(&self) {
        state::with(|state| state.lives[self.index].memory_refused += 1);
    }
}

/// The most elements of a wasm table: moving so many takes a fraction of a millisecond.
const MOST_ELEMENTS: usize = 1 << 17;

/// Memories are charged where they grow (`memory::linear`); tables lie in the kernel's heap, which is charged as it is used.
impl ResourceLimiter for Sip {
    fn memory_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        thread::pause_in_runtime().map_err(Stop::from)?;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.count_refusal();
        Ok(())
    }

    /// A table may take twice its room to grow later, while its old elements are still there. The runtime moves them in one
    /// go, which bounds how many there may be.
    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        thread::pause_in_runtime().map_err(Stop::from)?;
        let room = if current == 0 { desired } else { desired.max(2 * current) + current };
        let fits = desired <= MOST_ELEMENTS && (room as u64).checked_mul(dispatch::TABLE_ELEMENT).is_some_and(|bytes| start::fits(self.index, bytes));
        if !fits {
            self.count_refusal();
        }
        Ok(fits)
    }
}

/// Bytes that a SIP lends to the kernel for one call: `pointer` and `length` as it passed them.
#[derive(Debug, Clone, Copy)]
pub struct Lent {
    pub pointer: u32,
    pub length: u32,
}

/// A host call under way.
pub struct Call<'a, 'b> {
    caller: &'a mut Caller<'b, Sip>,
}

impl Call<'_, '_> {
    pub fn index(&self) -> usize {
        self.caller.data().index
    }

    pub fn ports(&self) -> &Ports {
        &self.caller.data().ports
    }

    pub fn registers(&self) -> &Registers {
        &self.caller.data().registers
    }

    /// What the table grants under this number.
    #[inline]
    pub fn granted(&self, handle: u32) -> Option<Held> {
        self.all_granted().get(handle as usize).copied()
    }

    /// What the table grants, by number.
    #[inline]
    pub fn all_granted(&self) -> &'static [Held] {
        self.caller.data().handles
    }

    /// The bytes lent, in this SIP's own memory. Errors: they leave it.
    pub fn bytes(&mut self, lent: Lent) -> Outcome<&mut [u8]> {
        let memory = self.caller.data().memory.ok_or_else(|| Stop::Refused("passed a pointer before its memory was there".into()))?;
        let start = lent.pointer as usize;
        let all = memory.data_mut(&mut *self.caller);
        let length = all.len();
        all.get_mut(start..start + lent.length as usize)
            .ok_or_else(|| Stop::Refused(format!("passed {} bytes at {start:#x}, which leave its memory of {length:#x}", lent.length)))
    }
}

/// Runs one raw primitive for a SIP, then lets others run where that is due.
pub fn enter<T>(caller: &mut Caller<'_, Sip>, primitive: impl FnOnce(&mut Call<'_, '_>) -> Outcome<T>) -> wasmtime::Result<T> {
    thread::enter_kernel();
    let result = primitive(&mut Call { caller }).map_err(failed)?;
    thread::leave().map_err(|ended| failed(ended.into()))?;
    thread::leave_kernel();
    Ok(result)
}

/// The call does not return to the SIP.
#[cold]
#[inline(never)]
fn failed(stop: Stop) -> wasmtime::Error {
    backtrace::note_call();
    stop.into()
}

/// A SIP's thread: one life, from start to end.
pub fn main(index: usize) {
    end::of(index, start::run(index));
}
