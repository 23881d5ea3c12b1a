//! Writes modules for the lab: those of the specification's testsuite with their commands, and random ones by wasm-smith.
//!
//! `munal-lab spec FOLDER` writes a folder for each script of the testsuite: `commands.json` and the modules that it names.
//! `munal-lab smith FIRST COUNT FOLDER` writes COUNT modules, `SEED.wasm`, each made of its seed alone.
mod smith;
mod spec;

use std::{env, path::Path, process::ExitCode};

const USAGE: &str = "usage: munal-lab spec FOLDER | munal-lab smith FIRST COUNT FOLDER";

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("munal-lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["spec", folder] => spec::write(Path::new(folder)),
        ["smith", first, count, folder] => smith::write(first.parse()?, count.parse()?, Path::new(folder)),
        _ => Err(USAGE.into()),
    }
}
