//! The kernel's messages: a bounded ring that whoever was granted `kernel.log` drains.
use crate::{cell::Global, cpu::time, thread};
use alloc::vec::Vec;
use core::fmt;
use munal_logic::ring::Log;

/// Bytes of messages that wait for their reader.
const CAPACITY: usize = 16 * 1024;

static LOG: Global<Option<Log>> = Global::new(None);
static READERS: Global<Vec<usize>> = Global::new(Vec::new());

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

/// The position, or where the log begins or ends now if it is not in between.
pub fn clamp(position: u64) -> u64 {
    LOG.with(|log| log.as_ref().map_or(position, |log| position.clamp(log.start(), log.end())))
}

/// Whether there is anything after `position`.
pub fn has_more(position: u64) -> bool {
    LOG.with(|log| log.as_ref().is_some_and(|log| log.end() > position))
}

macro_rules! say {
    ($($text:tt)*) => { $crate::log::line(format_args!($($text)*)) };
}
pub(crate) use say;
