//! Greets on its stream `console`, and ends.
#![no_std]
#![no_main]

use munal::text::Writer;

munal::bindings!();
munal::main!(run);

fn run() -> Result<(), Error> {
    Writer::new(|bytes: &[u8]| stream::console.write(bytes)).write_all(b"Hello from a program that can do nothing but say so.\n")
}
