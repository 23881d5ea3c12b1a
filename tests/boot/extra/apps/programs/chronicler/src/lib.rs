//! Files whose bytes say by which step they were written, and whether they are whole.
#![no_std]

extern crate alloc;

#[cfg(test)]
mod replay;

use alloc::vec::Vec;
use munal::files::client::{Client, Fault};
use munal::files::{MOST, Path, Status};

/// How many files there are; those from `IN_PLACE` on are written over, the others replaced by a new one.
pub const FILES: usize = 6;
const IN_PLACE: usize = 4;
/// Bytes of a file that is written over.
const FIXED: usize = 100_000;
/// After how many steps there is a sync.
pub const PACE: u64 = 4;

/// Files by number.
const NAMES: [&str; FILES] = ["0", "1", "2", "3", "4", "5"];
const NEW: &str = "new";

fn path(name: &str) -> Path<'_> {
    Path::new(name).unwrap_or(Path::ROOT)
}

fn mixed(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (z ^ z >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 8
}

/// The file that a step writes.
fn number_of(step: u64) -> usize {
    (step % FILES as u64) as usize
}

/// What a step writes: its number, and bytes that follow from it.
pub fn contents(step: u64) -> Vec<u8> {
    let length = if number_of(step) >= IN_PLACE { FIXED } else { 8 + (mixed(step) % 150_000) as usize };
    let mut bytes = Vec::with_capacity(length + 8);
    bytes.extend(step.to_le_bytes());
    let mut word = mixed(step);
    while bytes.len() < length {
        word = word.rotate_left(9).wrapping_add(0x5851_f42d_4c95_7f2d ^ bytes.len() as u64);
        bytes.extend(word.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The step that wrote all of these bytes; none where they are not what one wrote.
pub fn step_of(bytes: &[u8]) -> Option<u64> {
    let step = u64::from_le_bytes(*bytes.first_chunk()?);
    (contents(step) == bytes).then_some(step)
}

/// Does one step.
pub fn write<C: FnMut(&[u8], &mut [u8]) -> Option<usize>>(client: &mut Client<C>, step: u64) -> Result<(), Fault> {
    let (number, data) = (number_of(step), contents(step));
    if number >= IN_PLACE {
        return client.write(path(NAMES[number]), 0, &data);
    }
    match client.remove(path(NEW)) {
        Ok(()) | Err(Fault::Told(Status::NotFound)) => {}
        Err(why) => return Err(why),
    }
    client.write(path(NEW), 0, &data)?;
    client.rename(path(NEW), path(NAMES[number]))
}

/// The last step of each file that is there, 0 where none is. The error is the name of a file that is not whole.
pub fn examine<C: FnMut(&[u8], &mut [u8]) -> Option<usize>>(client: &mut Client<C>) -> Result<[u64; FILES], &'static str> {
    let mut room = alloc::vec![0; MOST / 4];
    let mut found = [0; FILES];
    for (number, name) in NAMES.iter().enumerate() {
        let count = match client.read(path(name), 0, &mut room) {
            Ok(count) => count,
            Err(Fault::Told(Status::NotFound)) => continue,
            Err(_) => return Err(name),
        };
        let step = step_of(&room[..count]).filter(|step| number_of(*step) == number).ok_or(*name)?;
        found[number] = step;
    }
    Ok(found)
}

/// Whether what is found has all that was there after a step.
pub fn has_all(found: &[u64; FILES], step: u64) -> bool {
    (step.saturating_sub(FILES as u64 - 1).max(1)..=step).all(|each| found[number_of(each)] >= each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_not() {
        for step in 1..20 {
            let mut bytes = contents(step);
            assert_eq!(step_of(&bytes), Some(step));
            bytes[20] ^= 1;
            assert_eq!(step_of(&bytes), None);
        }
        assert_eq!(step_of(&contents(7)[..100]), None);
    }

    #[test]
    fn what_came_after_stands_for_what_was_before() {
        assert!(has_all(&[6, 7, 2, 3, 4, 5], 5) && has_all(&[6, 7, 2, 3, 4, 5], 7));
        assert!(!has_all(&[6, 7, 2, 3, 4, 5], 8) && !has_all(&[0, 1, 0, 3, 0, 0], 3));
        assert!(has_all(&[0; FILES], 0));
    }
}
