//! The end of an app that panics: its last words go to its log, then it traps, and the kernel adds the backtrace.

use crate::text::Line;
use core::panic::PanicInfo;

/// Writes the panic's place and message through `log`, and traps.
pub fn end(info: &PanicInfo<'_>, log: Option<fn(&[u8])>) -> ! {
    if let Some(log) = log {
        log(Line::<512>::of(format_args!("{info}")).as_bytes());
    }
    core::arch::wasm32::unreachable()
}
