//! Where a SIP was when it failed: the functions of its app and its glue, innermost first, bounded in number.
use crate::{cell::Global, functions, memory::stack, wasm};
use alloc::{format, string::String, vec::Vec};
use wasmtime::WasmBacktrace;

/// Frames that are shown from the innermost on, and, where there are more, from the outermost back.
pub const FIRST: usize = 16;
const LAST: usize = 4;

/// What is known of a stack beyond what the runtime tells, noted when a trap came and the stack was still there.
#[derive(Clone, Copy)]
struct Noted {
    /// The instruction that was interrupted to end the SIP, where it did not trap by itself.
    interrupted: Option<u64>,
    frames: usize,
    /// Return addresses of the outermost frames, the outermost last.
    last: [u64; LAST],
}

static NOTED: Global<Option<Noted>> = Global::new(None);

/// Notes the stack of the wasm function at `ip`, whose frame is at `frame`. `interrupted`: the instruction did not trap.
/// The thread that runs is the one that `lines` is asked about next: it does not wait in between.
pub fn note(ip: u64, frame: u64, interrupted: bool) {
    let mut noted = Noted { interrupted: interrupted.then_some(ip), frames: 0, last: [0; LAST] };
    let mut add = |ip: u64| {
        if functions::find(ip).is_some() {
            noted.frames += 1;
            noted.last.rotate_left(1);
            noted.last[LAST - 1] = ip;
        }
    };
    add(ip);
    for ip in returns(frame).take_while(|&ip| wasm::is_code(ip)) {
        add(ip - 1);
    }
    NOTED.with(|slot| *slot = Some(noted));
}

/// The addresses that the frames from `frame` on return to (System V ABI for AMD64, section 3.2.2: the caller's frame pointer
/// lies at the frame pointer, the return address above it). Ends where a frame lies on no thread's stack, or below the last.
pub fn returns(frame: u64) -> impl Iterator<Item = u64> {
    let mut frame = frame;
    core::iter::from_fn(move || {
        if frame % 8 != 0 || !stack::holds(frame, 16) {
            return None;
        }
        // SAFETY: these 16 bytes lie on a stack that is mapped, and nobody writes to it meanwhile: it is the running thread's, or
        // the machine is about to halt.
        let [caller, ip] = unsafe { (frame as *const [u64; 2]).read() };
        if ip == 0 {
            return None;
        }
        frame = if caller > frame { caller } else { 0 };
        Some(ip)
    })
}

/// The backtrace of a failure, a frame a line: the offset in the app's wasm file, and the function.
pub fn lines(error: &wasmtime::Error) -> Vec<String> {
    let noted = NOTED.with(Option::take);
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
