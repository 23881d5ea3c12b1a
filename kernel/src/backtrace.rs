//! Where a SIP was when it failed: the functions of its app and its glue, innermost first, bounded in number.
use crate::{cell::Global, functions, memory::stack, thread, wasm};
use alloc::{format, string::String, vec::Vec};
use core::fmt;
use wasmtime::WasmBacktrace;

/// Frames that are shown from the innermost on, and, where there are more, from the outermost back.
pub const FIRST: usize = 16;
const LAST: usize = 4;

/// What is known of a stack beyond what the runtime tells, noted when a trap came and the stack was still there.
#[derive(Debug)]
struct Noted {
    /// The instruction that was interrupted to end the SIP, where it did not trap by itself.
    interrupted: Option<u64>,
    frames: usize,
    /// Return addresses of the outermost frames, the outermost last.
    last: [u64; LAST],
}

/// The note that was taken last, until `with_note`: the thread that took it does not wait in between.
static NOTED: Global<Option<Noted>> = Global::new(None);

/// How many frames are walked between two looks at who else is to run.
const STRIDE: usize = 256;

/// Notes the stack of the wasm function at `ip`, whose frame is at `frame`, and shortens it for the runtime, which would walk all
/// of it in one go: only for a stack that is unwound next. `interrupted`: the instruction did not trap. Others may run meanwhile.
pub fn note(ip: u64, frame: u64, interrupted: bool) {
    let mut noted = Noted { interrupted: interrupted.then_some(ip), frames: 0, last: [0; LAST] };
    noted.add(ip);
    noted.walk(frame, links(frame).take_while(|link| wasm::is_code(link.returns_to)));
    NOTED.with(|slot| *slot = Some(noted));
}

/// As `note`, where a host call is about to fail: the kernel's own frames lie before those of wasm.
#[inline(never)]
pub fn note_call() {
    let mut noted = Noted { interrupted: None, frames: 0, last: [0; LAST] };
    let mut links = links(frame_pointer()).skip_while(|link| !wasm::is_code(link.returns_to)).take_while(|link| wasm::is_code(link.returns_to));
    if let Some(first) = links.next() {
        noted.add(first.returns_to - 1);
        noted.walk(first.frame, links);
        NOTED.with(|slot| *slot = Some(noted));
    }
}

impl Noted {
    fn add(&mut self, ip: u64) {
        if functions::find(ip).is_some() {
            self.frames += 1;
            self.last.rotate_left(1);
            self.last[LAST - 1] = ip;
        }
    }

    /// Counts the frames that `links` leave, the first of which is at `innermost`.
    fn walk(&mut self, innermost: u64, links: impl Iterator<Item = Link>) {
        let (mut cut, mut outermost) = (None, innermost);
        for (number, link) in links.enumerate() {
            self.add(link.returns_to - 1);
            outermost = link.caller;
            if number == FIRST {
                cut = Some(link.frame);
            }
            if number % STRIDE == STRIDE - 1 {
                thread::relax(); // where it is to end, it does so soon
            }
        }
        if let Some(frame) = cut.filter(|&frame| frame < outermost) {
            // SAFETY: `links` found the frame on this thread's stack, and nobody returns through it any more: the thread goes on
            // where the kernel called wasm. The runtime, which only reads, comes to its entry's frame from here.
            unsafe { (frame as *mut u64).write(outermost) };
        }
    }
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames", self.frames)
    }
}

/// The error with what was noted when it came. Whoever called wasm asks at once: the note is the last one's.
pub fn with_note(error: wasmtime::Error) -> wasmtime::Error {
    match NOTED.with(Option::take) {
        Some(noted) => error.context(noted),
        None => error,
    }
}

/// The frame pointer of the function that asks.
#[inline(always)]
pub fn frame_pointer() -> u64 {
    let pointer: u64;
    // SAFETY: reads a register; the kernel is compiled to keep its frames in it (kernel/x86_64-munal-linux-gnu.json).
    unsafe { core::arch::asm!("mov {}, rbp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// A frame, that of its caller, and where it returns to.
struct Link {
    frame: u64,
    caller: u64,
    returns_to: u64,
}

/// The frames from `frame` on (System V ABI for AMD64, section 3.2.2: the caller's frame pointer lies at the frame pointer, the
/// return address above it). Ends where a frame lies on no thread's stack, or below the last.
fn links(frame: u64) -> impl Iterator<Item = Link> {
    let mut frame = frame;
    core::iter::from_fn(move || {
        if frame % 8 != 0 || !stack::holds(frame, 16) {
            return None;
        }
        // SAFETY: these 16 bytes lie on a stack that is mapped, and nobody writes to it meanwhile: it is the running thread's.
        let [caller, returns_to] = unsafe { (frame as *const [u64; 2]).read() };
        if returns_to == 0 {
            return None;
        }
        let link = Link { frame, caller, returns_to };
        frame = if caller > frame { caller } else { 0 };
        Some(link)
    })
}

/// The backtrace of a failure, a frame a line: the offset in the app's wasm file, and the function.
pub fn lines(error: &wasmtime::Error) -> Vec<String> {
    let noted = error.downcast_ref::<Noted>();
    let interrupted = noted.and_then(|noted| noted.interrupted);
    let mut lines: Vec<String> = interrupted.and_then(functions::find).map(|f| format!("    0:          {}", named(f))).into_iter().collect();
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    for frame in frames.iter().filter(|frame| !(interrupted.is_some() && frame.func_name() == Some(wasm::ENDED_NAME))) {
        let offset = frame.module_offset().map_or_else(String::new, |offset| format!("{offset:#x}"));
        let name = frame.func_name().map_or_else(|| format!("func[{}]", frame.func_index()), String::from);
        lines.push(format!("{:5}: {offset:>8} {}{name}", lines.len(), origin(functions::module_at(frame.module().text().as_ptr() as u64))));
    }
    let hidden = noted.map_or(0, |noted| noted.frames.saturating_sub(lines.len()));
    let last = hidden.min(LAST);
    if hidden > last {
        lines.push(format!("       ... {} more", grouped(hidden - last)));
    }
    let outermost = noted.map(|noted| noted.last).unwrap_or_default();
    let count = noted.map_or(0, |noted| noted.frames);
    for (number, function) in outermost[LAST - last..].iter().filter_map(|&ip| functions::find(ip)).enumerate() {
        lines.push(format!("{:5}:          {}", count - last + number, named(function)));
    }
    if noted.is_none() && frames.len() >= FIRST {
        lines.push("       ... and perhaps more".into());
    }
    lines
}

fn named(function: &functions::Function) -> String {
    format!("{}{}", origin(Some(function.module())), function.name())
}

/// What to write before a function's name: nothing for the app's own.
fn origin(module: Option<&str>) -> &'static str {
    if module.is_some_and(|name| name.starts_with("glue/")) { "glue: " } else { "" }
}

/// A number with a comma before each three digits.
fn grouped(number: usize) -> String {
    if number < 1000 { format!("{number}") } else { format!("{},{:03}", grouped(number / 1000), number % 1000) }
}
