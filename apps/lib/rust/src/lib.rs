//! The guest library: what apps written in Rust share.
//!
//! An app starts with `munal::bindings!()`, which brings in what its app.toml allows, and `munal::main!(run)`. All else
//! here is plain code that calls nothing: it takes closures where it has to write, and is tested on the host.
#![no_std]

#[cfg(feature = "audit")]
pub mod audit;
pub mod block;
pub mod cases;
pub mod deadlines;
pub mod display;
pub mod ethernet;
pub mod files;
pub mod input;
pub mod operator;
#[cfg(feature = "alloc")]
pub mod memory;
pub mod patience;
#[cfg(feature = "alloc")]
pub mod pci;
pub mod power;
pub mod text;
pub mod time;
pub mod wall_clock;

#[cfg(target_arch = "wasm32")]
pub mod panic;

#[cfg(all(feature = "alloc", target_arch = "wasm32"))]
#[global_allocator]
// SAFETY: a SIP has one thread, so that nothing enters the allocator while it is at work.
static HEAP: talc::TalckWasm = unsafe { talc::TalckWasm::new_global() };

/// As a timeout: wait without a limit.
pub const FOREVER: i64 = -1;
/// How often `again` asks.
const TRIES: u32 = 3;

/// Asks a service that may be started anew in between, which answers `restarted` then: again, a few times. None for every other error.
pub fn again<T, E: PartialEq>(restarted: E, mut ask: impl FnMut() -> Result<T, E>) -> Option<T> {
    for _ in 0..TRIES {
        match ask() {
            Ok(answer) => return Some(answer),
            Err(error) if error == restarted => {}
            Err(_) => return None,
        }
    }
    None
}

/// Brings in this app's bindings, as the module `bindings` and by their own names, and ends a panic with its message in
/// the app's log (where app.toml asks for one) and a trap.
///
/// The package must have the app's name; the composer sets `MUNAL_BINDINGS` to the folder of the generated files.
#[macro_export]
macro_rules! bindings {
    () => {
        #[allow(dead_code, non_camel_case_types, unused_imports, missing_docs, clippy::all)]
        mod bindings {
            include!(concat!(env!("MUNAL_BINDINGS"), "/", env!("CARGO_PKG_NAME"), ".rs"));
        }
        #[allow(unused_imports)]
        use bindings::*;

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::panic::end(info, bindings::LAST_WORDS)
        }
    };
}

/// Makes `run` the app's entry: `fn() -> ()`, or `fn() -> Result<(), E>` where an error is logged and ends the SIP as a
/// failure, which its restart policy answers.
#[macro_export]
macro_rules! main {
    ($run:path) => {
        // SAFETY: `_start` is the one entry that the composer looks for, and no other symbol of an app has this name.
        #[unsafe(no_mangle)]
        extern "C" fn _start() {
            if $crate::Outcome::failed($run(), bindings::LAST_WORDS) {
                bindings::sip::exit(1);
            }
        }
    };
}

/// Formats one line, of at most 256 bytes, and writes it to a log: `munal::log!(LOG, "read {n} bytes")`.
#[macro_export]
macro_rules! log {
    ($log:expr, $($text:tt)*) => {{
        let mut line = $crate::text::Line::<256>::new();
        // A line that does not fit is cut: a log shows its start rather than nothing.
        let _ = core::fmt::Write::write_fmt(&mut line, format_args!($($text)*));
        $log.write(line.as_bytes())
    }};
}

/// What an app's `run` may return.
pub trait Outcome {
    /// Whether the app failed; says why through `log`.
    fn failed(self, log: Option<fn(&[u8])>) -> bool;
}

impl Outcome for () {
    fn failed(self, _: Option<fn(&[u8])>) -> bool {
        false
    }
}

impl<E: core::fmt::Display> Outcome for Result<(), E> {
    fn failed(self, log: Option<fn(&[u8])>) -> bool {
        if let (Err(why), Some(log)) = (&self, log) {
            log(text::Line::<256>::of(format_args!("{why}")).as_bytes());
        }
        self.is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::again;

    #[test]
    fn who_is_started_anew_is_asked_a_few_times() {
        let asked = |answers: &[Result<u8, u8>]| {
            let mut left = answers.iter();
            let answer = again(9, || *left.next().unwrap_or(&Err(9)));
            (answer, answers.len().saturating_sub(left.len()))
        };
        assert_eq!(asked(&[Ok(1), Ok(2)]), (Some(1), 1));
        assert_eq!(asked(&[Err(9), Err(9), Ok(3), Ok(4)]), (Some(3), 3));
        assert_eq!(asked(&[Err(9), Err(9), Err(9), Ok(4)]), (None, 3));
        assert_eq!(asked(&[Err(8), Ok(4)]), (None, 1));
    }
}
