//! The wasm runtime's platform: virtual memory, traps, and where a SIP is ended. Gets serialized modules, gives engines.
use crate::{backtrace, functions, memory::{WASM_END, WASM_START, linear, paging::{self, Access}, window::Window}, thread};
use alloc::{format, string::String, sync::Arc};
use core::{num::NonZeroUsize, sync::atomic::{AtomicU64, AtomicUsize, Ordering}};
use wasmtime::{Config, Engine, Module};
use x86_64::instructions::interrupts;

/// Bytes of stack that wasm may use in one SIP.
pub const STACK: usize = crate::dispatch::WASM_STACK;
/// Bytes behind 4 GiB that no access can leave: offsets up to here need no check of their own.
pub const GUARD: u64 = 32 << 20;

static WINDOW: Window = Window::new(WASM_START, WASM_END);
/// The runtime's trap handler: `extern "C" fn(pc, fp, has_address, address)`.
static HANDLER: AtomicUsize = AtomicUsize::new(0);
/// The address of a trap instruction in some glue, where a SIP that is ended seems to have trapped.
static ENDED: AtomicU64 = AtomicU64::new(0);
/// The function of each glue module that holds that instruction.
pub const ENDED_NAME: &str = "ended";

/// The engine, set as the composer compiles (composer/compile.py): guard pages instead of bounds checks, and no check for
/// epochs or fuel, since the kernel preempts.
pub fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .signals_based_traps(true)
        .memory_reservation(4 << 30)
        .memory_guard_size(GUARD)
        .memory_reservation_for_growth(0)
        .memory_init_cow(false)
        .max_wasm_stack(STACK)
        .wasm_backtrace_max_frames(NonZeroUsize::new(backtrace::FIRST))
        .with_host_memory(Arc::new(linear::Creator));
    Engine::new(&config)
}

/// Loads one module that the composer compiled; `name` is what backtraces call it.
///
/// # Safety
/// `bytes` are what wasmtime serialized: their SHA-256 was compared with the proved system table's.
pub unsafe fn load(engine: &Engine, name: &str, bytes: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: the caller's promise.
    let module = unsafe { Module::deserialize(engine, bytes)? };
    functions::add(name, &module);
    Ok(module)
}

/// Finds the trap instruction of a glue module's function `ended`. Errors: in words.
pub fn note_ended(glue: &Module) -> Result<(), String> {
    const TRAP: [u8; 2] = [0x0f, 0x0b]; // UD2
    let function = glue.functions().find(|f| f.name.as_deref() == Some(ENDED_NAME)).ok_or("a glue module has no function `ended`")?;
    let code = &glue.text()[function.offset..][..function.len];
    let at = code.windows(2).position(|pair| pair == TRAP).ok_or_else(|| format!("`ended` holds no trap in {} bytes", code.len()))?;
    ENDED.store(code.as_ptr() as u64 + at as u64, Ordering::Relaxed);
    Ok(())
}

/// Whether the address lies where the runtime maps: only machine code of wasm is executable there.
pub fn is_code(ip: u64) -> bool {
    WINDOW.contains(ip)
}

/// Whether the address lies in a wasm function, and not in a trampoline.
pub fn is_function(ip: u64) -> bool {
    functions::find(ip).is_some()
}

/// A fault at `pc` in the function whose frame is at `fp`: unwinds to where the kernel called the SIP, and does not return,
/// where the runtime knows the instruction as one that traps.
pub fn trap(pc: u64, fp: u64, address: Option<u64>) {
    note(pc, fp, false);
    unwind(pc, fp, address);
}

/// Notes where the SIP was, with interrupts on: a deep stack takes a while. They came off where wasm was interrupted.
fn note(pc: u64, fp: u64, interrupted: bool) {
    thread::enter_kernel();
    interrupts::enable();
    backtrace::note(pc, fp, interrupted);
    interrupts::disable();
}

fn unwind(pc: u64, fp: u64, address: Option<u64>) {
    let handler = HANDLER.load(Ordering::Relaxed);
    if handler != 0 {
        // SAFETY: the runtime gave this address as a function of this type (`wasmtime_init_traps`).
        let handler = unsafe { core::mem::transmute::<usize, extern "C" fn(usize, usize, bool, usize)>(handler) };
        handler(pc as usize, fp as usize, address.is_some(), address.unwrap_or(0) as usize);
    }
}

/// Ends the SIP that runs, interrupted at `pc` in the function whose frame is at `fp`, as if it had trapped; does not return.
pub fn end(pc: u64, fp: u64) {
    note(pc, fp, true);
    unwind(ENDED.load(Ordering::Relaxed), fp, None);
}

const PROT_WRITE: u32 = 2;
const PROT_EXEC: u32 = 4;
const OUT_OF_MEMORY: i32 = 12;
const INVALID: i32 = 22;

/// What the runtime's protection bits mean. Writable and executable at once is refused.
fn access(prot: u32) -> Option<Access> {
    match prot {
        0 => Some(Access::None),
        _ if prot & PROT_WRITE != 0 && prot & PROT_EXEC != 0 => None,
        _ if prot & PROT_WRITE != 0 => Some(Access::Write),
        _ if prot & PROT_EXEC != 0 => Some(Access::Execute),
        _ => Some(Access::Read),
    }
}

fn range(address: *mut u8, size: usize) -> Option<(u64, u64)> {
    let start = address as u64;
    let end = start.checked_add(size as u64)?;
    (WINDOW.contains(start) && end <= WASM_END && start % 4096 == 0).then_some((start, end))
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_page_size() -> usize {
    4096
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_mmap_new(size: usize, prot: u32, result: &mut *mut u8) -> i32 {
    let Some(access) = access(prot) else { return INVALID };
    let made = if access == Access::None { WINDOW.reserve(size as u64) } else { WINDOW.map(size as u64, access) };
    match made {
        Ok(start) => {
            *result = start as *mut u8;
            0
        }
        Err(_) => OUT_OF_MEMORY,
    }
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_munmap(address: *mut u8, size: usize) -> i32 {
    if range(address, size).is_none() {
        return INVALID;
    }
    // SAFETY: the runtime unmaps what it mapped, whole, once nothing uses it.
    unsafe { WINDOW.release(address as u64, size as u64) };
    0
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_mmap_remap(address: *mut u8, size: usize, prot: u32) -> i32 {
    let Some((start, end)) = range(address, size) else { return INVALID };
    // SAFETY: the runtime asks for blank pages in a mapping of its own.
    unsafe { paging::unmap(start, end) };
    wasmtime_mprotect(address, size, prot)
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_mprotect(address: *mut u8, size: usize, prot: u32) -> i32 {
    let (Some((start, end)), Some(access)) = (range(address, size), access(prot)) else { return INVALID };
    if paging::protect(start, end, access).is_err() { OUT_OF_MEMORY } else { 0 }
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_init_traps(handler: usize) -> i32 {
    HANDLER.store(handler, Ordering::Relaxed);
    0
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_memory_image_new(_: *const u8, _: usize, result: &mut *mut u8) -> i32 {
    *result = core::ptr::null_mut(); // no copy-on-write images: data segments are copied
    0
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_memory_image_map_at(_: *mut u8, _: *mut u8, _: usize) -> i32 {
    INVALID
}

#[unsafe(no_mangle)]
extern "C" fn wasmtime_memory_image_free(_: *mut u8) {}
