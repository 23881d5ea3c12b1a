//! The command line: reads lines from its stream `console`, and does what they say with what it was granted.
//!
//! Bytes that come while a command runs stay in the stream until the next line is read.
#![no_std]
#![no_main]

extern crate alloc;

mod commands;
mod console;
mod folders;
mod instances;
mod services;

use alloc::string::String;
use commands::Shell;
use shell::editor::{Editor, Input};

munal::bindings!();
munal::main!(run);

const PROMPT: &str = "munal> ";

fn run() -> Result<(), Error> {
    let (mut shell, mut editor) = (Shell::default(), Editor::new(PROMPT));
    let (mut buffer, mut screen) = ([0; 64], String::new());
    shell.greet()?;
    console::say(PROMPT)?;
    loop {
        let count = console::read(&mut buffer)?;
        for &byte in &buffer[..count] {
            if let Some(input) = editor.feed(byte, &mut screen) {
                console::flush(&mut screen)?;
                answer(&mut shell, input)?;
                console::say(PROMPT)?;
            }
        }
        console::flush(&mut screen)?;
    }
}

fn answer(shell: &mut Shell, input: Input) -> Result<(), Error> {
    match input {
        Input::Line(line) => shell.run(&line),
        Input::Cancelled => Ok(()),
        Input::End => console::say("\nThis shell does not end; `poweroff` turns the machine off.\n"),
    }
}
