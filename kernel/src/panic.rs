//! The kernel's last words: what went wrong and where, who ran, the registers, the stack with names of the kernel's functions and
//! of wasm's; then the machine halts or is reset, as its manifest says. Nothing in here takes memory or waits for a lock.
use crate::{backtrace, cpu::{idt::Frame, reset}, emergency::{self, Emergency}, functions, memory::paging, thread};
use core::{fmt::{self, Write}, panic::PanicInfo, ptr, sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, Ordering}};
use munal_logic::{pe, symbols::Symbols};
use x86_64::registers::control::{Cr2, Cr3};

static RESETS: AtomicU8 = AtomicU8::new(0);
/// Where the image lies, and how long it is; 0 until that is known.
static IMAGE: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
/// A panic is under way: another would only repeat itself.
static BEGUN: AtomicBool = AtomicBool::new(false);
/// The registers of the exception that the kernel could not go on after.
static EXCEPTION: AtomicPtr<Frame> = AtomicPtr::new(ptr::null_mut());

/// Lines of a stack that are written.
const DEEPEST: usize = 48;

/// Says where the image lies, for names.
pub fn set_image(image: &'static [u8]) {
    IMAGE[0].store(image.as_ptr() as u64, Ordering::Relaxed);
    IMAGE[1].store(image.len() as u64, Ordering::Relaxed);
}

/// Whether a panic resets the machine instead of halting it.
pub fn set_resets(resets: bool) {
    RESETS.store(u8::from(resets), Ordering::Relaxed);
}

/// Keeps the registers of an exception for the panic that follows.
pub fn keep(frame: &Frame) {
    EXCEPTION.store(ptr::from_ref(frame).cast_mut(), Ordering::Relaxed);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    x86_64::instructions::interrupts::disable();
    if BEGUN.swap(true, Ordering::Relaxed) {
        let _ = writeln!(Emergency, "\n... and while that was told: {}", info.message());
        finish();
    }
    let _ = writeln!(Emergency, "\nkernel panic: {}", info.message());
    if let Some(place) = info.location() {
        let _ = writeln!(Emergency, "  at {}:{}, while {} ran", place.file(), place.line(), thread::current_name());
    }
    let exception = EXCEPTION.load(Ordering::Relaxed);
    // SAFETY: `keep` was called with a frame that lies on this very stack, below a handler that never returns.
    let exception = unsafe { exception.as_ref() };
    if let Some(frame) = exception {
        let _ = write!(Emergency, "{}", Registers(frame));
    }
    let _ = write!(Emergency, "{}", Stack(exception));
    finish()
}

fn finish() -> ! {
    let resets = RESETS.load(Ordering::Relaxed) != 0;
    let _ = writeln!(Emergency, "the machine is {}", if resets { "reset" } else { "halted" });
    emergency::drain();
    if resets {
        reset::now();
    }
    crate::cpu::halt_for_good()
}

struct Registers<'a>(&'a Frame);

impl fmt::Display for Registers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.registers().into_iter().chain([("cr2", Cr2::read_raw()), ("cr3", Cr3::read_raw().0.start_address().as_u64())]).enumerate() {
            write!(f, "{}{name:>7} {value:016x}", if index % 4 == 0 && index > 0 { "\n" } else { "" })?;
        }
        f.write_str("\n")
    }
}

/// The stack from the exception on, or else from here.
struct Stack<'a>(Option<&'a Frame>);

impl fmt::Display for Stack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ip, frame) = match self.0 {
            Some(exception) => (Some(exception.rip), exception.rbp),
            None => (None, backtrace::frame_pointer()),
        };
        let calls = Calls { frame, interrupted: None };
        for (number, ip) in ip.into_iter().chain(calls.map(|ip| ip - 1)).take(DEEPEST).enumerate() {
            writeln!(f, "{number:5}: {}", Place(ip))?;
        }
        Ok(())
    }
}

/// Addresses that the frames of the kernel and of wasm return to (System V ABI for AMD64, section 3.2.2), across interrupts.
struct Calls {
    frame: u64,
    /// The instruction that an interrupt came at, which is next.
    interrupted: Option<u64>,
}

impl Iterator for Calls {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if let Some(ip) = self.interrupted.take() {
            return Some(ip + 1); // as if it were returned to
        }
        let frame = self.frame;
        if frame == 0 || frame % 8 != 0 || !paging::is_mapped(frame) || !paging::is_mapped(frame + 15) {
            return None;
        }
        // SAFETY: mapped, and nobody else runs any more.
        let [caller, ip] = unsafe { (frame as *const [u64; 2]).read() };
        let caller = if crate::cpu::idt::is_return(ip) && paging::is_mapped(caller) {
            // SAFETY: the common part of the stubs called the handler with its frame pointer at the registers that it saved.
            let saved = unsafe { &*(caller as *const Frame) };
            self.interrupted = Some(saved.rip);
            saved.rbp
        } else {
            caller
        };
        self.frame = if caller > frame { caller } else { 0 };
        (ip != 0).then_some(ip)
    }
}

/// An address of code in words.
struct Place(u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place(ip) = *self;
        if let Some(function) = functions::find(ip) {
            return write!(f, "{ip:#x} {} of {}, +{:#x}", function.name(), function.module(), ip - function.start);
        }
        if let Some(module) = functions::module_at(ip) {
            return write!(f, "{ip:#x} a trampoline of {module}");
        }
        let [start, length] = [IMAGE[0].load(Ordering::Relaxed), IMAGE[1].load(Ordering::Relaxed)];
        if !(start..start + length).contains(&ip) {
            return write!(f, "{ip:#x}");
        }
        // SAFETY: `set_image` was given this very slice.
        let image = unsafe { core::slice::from_raw_parts(start as *const u8, length as usize) };
        let symbols = Symbols::new(pe::find(image, b".symbols").map_or(&[], |range| &image[range]));
        match symbols.find((ip - start) as u32) {
            Some((name, offset)) => write!(f, "kernel+{:#x} {name} +{offset:#x}", ip - start),
            None => write!(f, "kernel+{:#x}", ip - start),
        }
    }
}
