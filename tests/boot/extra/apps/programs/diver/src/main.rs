//! Calls itself until its stack ends.
#![no_std]
#![no_main]

use core::hint::black_box;

munal::bindings!();
munal::main!(run);

fn run() -> Result<(), Error> {
    munal::log!(log::log, "{} fathoms", depths::dive(black_box(0)));
    Ok(())
}

mod depths {
    use core::hint::black_box;

    #[inline(never)]
    pub fn dive(depth: u64) -> u64 {
        black_box(dive(black_box(depth + 1))) + depth
    }
}
