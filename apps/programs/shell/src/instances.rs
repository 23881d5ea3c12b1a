//! What audit says about the system and its instances.

use crate::{Error, audit};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use munal::audit::{Instance, System};

const AUDIT: audit::all = audit::all;

/// More than any answer about one instance takes.
const ANSWER: usize = 4096;

/// The system as a whole.
pub fn system() -> Result<System, String> {
    let answer = answer(|buffer| AUDIT.system(buffer)).map_err(|why| format!("cannot ask about the system: {why}"))?;
    System::decode(&answer).map_err(|_| "the kernel's answer about the system is not understood".into())
}

/// All instances, in the kernel's order.
pub fn all() -> Result<Vec<Instance>, String> {
    let mut found = Vec::new();
    loop {
        let answer = match answer(|buffer| AUDIT.instance(found.len() as u32, buffer)) {
            Ok(answer) => answer,
            Err(Error::NotFound) => return Ok(found),
            Err(why) => return Err(format!("cannot ask about instances: {why}")),
        };
        found.push(
            Instance::decode(&answer)
                .map_err(|_| format!("the kernel's answer about instance {} is not understood", found.len()))?,
        );
    }
}

/// The index by which audit knows an instance; what went wrong tells the name that was probably meant.
pub fn index_of(name: &str) -> Result<u32, String> {
    let all = all()?;
    let names = || all.iter().map(|instance| instance.name.as_str());
    names().position(|known| known == name).map(|index| index as u32).ok_or_else(|| unknown(name, names()))
}

/// Hands the text of an instance's log to `take`, part by part.
pub fn each_part_of_log(index: u32, take: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    each_part(|offset, buffer| AUDIT.log(index, offset, buffer), take)
}

/// Hands the text of an instance's grants to `take`, part by part.
pub fn each_part_of_grants(index: u32, take: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    each_part(|offset, buffer| AUDIT.grants(index, offset, buffer), take)
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match shell::suggest::nearest(name, known) {
        Some(meant) => format!("there is no instance `{name}`; did you mean `{meant}`?"),
        None => format!("there is no instance `{name}`; `ps` lists them"),
    }
}

/// One answer of at most `ANSWER` bytes.
fn answer(ask: impl FnOnce(&mut [u8]) -> Result<u32, Error>) -> Result<Vec<u8>, Error> {
    let mut buffer = alloc::vec![0; ANSWER];
    let length = ask(&mut buffer)?;
    buffer.truncate(length as usize);
    Ok(buffer)
}

fn each_part(
    read: impl Fn(u32, &mut [u8]) -> Result<u32, Error>,
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut buffer, mut offset) = ([0; 512], 0);
    loop {
        let count = read(offset, &mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        take(&buffer[..count as usize])?;
        offset += count;
    }
}
