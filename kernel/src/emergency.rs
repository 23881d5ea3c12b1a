//! A way to the serial line past every driver: for a kernel that panics, and for one that has no drivers.
use crate::cpu::port;
use core::{fmt::{self, Write}, sync::atomic::{AtomicU16, Ordering}};

/// A 16550's first port, or 0: none.
static PORT: AtomicU16 = AtomicU16::new(0);

/// Writes to a 16550 at this port from now on.
pub fn set_port(port: Option<u16>) {
    PORT.store(port.unwrap_or(0), Ordering::Relaxed);
}

/// Waits until the last byte has left the line.
pub fn drain() {
    let port = PORT.load(Ordering::Relaxed);
    if port != 0 {
        Emergency::wait_for(port, TEMT);
    }
}

/// Writes to the emergency port without interrupts and without waiting forever.
pub struct Emergency;

/// How often the writer asks whether the transmitter is free: long enough for any line speed, short enough to end.
const PATIENCE: u32 = 1_000_000;
/// Line status register, and its bits "transmitter holding register empty" and "transmitter empty" (PC16550D data sheet, table II).
const LSR: u16 = 5;
const THRE: u8 = 1 << 5;
const TEMT: u8 = 1 << 6;

impl Emergency {
    fn wait_for(port: u16, bit: u8) {
        // SAFETY: the manifest names this port for panics, when no driver runs any more.
        let _ = (0..PATIENCE).find(|_| unsafe { port::in8(port + LSR) } & bit != 0);
    }
}

impl Write for Emergency {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let port = PORT.load(Ordering::Relaxed);
        if port == 0 {
            return Ok(());
        }
        for byte in text.bytes().flat_map(|b| [b'\r', b].into_iter().skip(usize::from(b != b'\n'))) {
            Self::wait_for(port, THRE);
            // SAFETY: as above.
            unsafe { port::out8(port, byte) };
        }
        Ok(())
    }
}
