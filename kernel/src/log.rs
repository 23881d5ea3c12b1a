//! The kernel's messages: a bounded ring that whoever was granted `kernel.log` drains, and the emergency writer, for panics.
use crate::{cell::Global, cpu::{port, time}, thread};
use alloc::vec::Vec;
use core::{fmt::{self, Write}, sync::atomic::{AtomicU16, Ordering}};
use munal_logic::ring::Log;

/// Bytes of messages that wait for their reader.
const CAPACITY: usize = 16 * 1024;

static LOG: Global<Option<Log>> = Global::new(None);
static READERS: Global<Vec<usize>> = Global::new(Vec::new());
/// A 16550's first port, or 0: none.
static EMERGENCY: AtomicU16 = AtomicU16::new(0);

/// Makes the ring; called once the heap is there.
pub fn start() {
    LOG.with(|log| *log = Some(Log::new(CAPACITY)));
}

/// Names the threads to wake when there is something to read.
pub fn set_readers(threads: Vec<usize>) {
    READERS.with(|readers| *readers = threads);
}

/// Adds a line as it is.
pub fn raw_line(text: &str) {
    LOG.with(|log| log.iter_mut().for_each(|log| log.line(text.as_bytes())));
    READERS.with(|readers| readers.iter().for_each(|&reader| thread::wake(reader)));
}

/// Adds a line with the time in front, in seconds since the kernel started.
pub fn line(text: fmt::Arguments<'_>) {
    let millis = time::now() / 1_000_000;
    raw_line(&alloc::format!("[{:3}.{:03}] {text}", millis / 1000, millis % 1000));
}

/// Copies what was said from `position` on; answers the position after it and how many bytes.
pub fn read(position: u64, buffer: &mut [u8]) -> (u64, usize) {
    LOG.with(|log| log.as_ref().map_or((position, 0), |log| log.read(position, buffer)))
}

/// Whether there is anything after `position`.
pub fn has_more(position: u64) -> bool {
    LOG.with(|log| log.as_ref().is_some_and(|log| log.end() > position))
}

macro_rules! say {
    ($($text:tt)*) => { $crate::log::line(format_args!($($text)*)) };
}
pub(crate) use say;

/// Lets panics write to a 16550 at this port.
pub fn set_emergency(port: Option<u16>) {
    EMERGENCY.store(port.unwrap_or(0), Ordering::Relaxed);
}

/// Writes to the emergency port without interrupts and without waiting forever.
pub struct Emergency;

/// How often the writer asks whether the transmitter is free: long enough for any line speed, short enough to end.
const PATIENCE: u32 = 1_000_000;
/// Line status register, and its bit "transmitter holding register empty" (PC16550D data sheet, table II).
const LSR: u16 = 5;
const THRE: u8 = 1 << 5;

impl Write for Emergency {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let port = EMERGENCY.load(Ordering::Relaxed);
        if port == 0 {
            return Ok(());
        }
        for byte in text.bytes().flat_map(|b| [b'\r', b].into_iter().skip(usize::from(b != b'\n'))) {
            // SAFETY: the manifest names this port for panics, when no driver runs any more.
            unsafe {
                let _ = (0..PATIENCE).find(|_| port::in8(port + LSR) & THRE != 0);
                port::out8(port, byte);
            }
        }
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    x86_64::instructions::interrupts::disable();
    let _ = writeln!(Emergency, "\nkernel panic: {} ({})", info.message(), info.location().map_or("nowhere", |l| l.file()));
    let _ = writeln!(Emergency, "in {}; the machine is halted", thread::current_name());
    crate::cpu::halt_for_good()
}
