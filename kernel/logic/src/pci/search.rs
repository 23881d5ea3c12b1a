//! Which functions there are: on each bus each device's, and behind each bridge the next bus (PCI-to-PCI Bridge Architecture
//! Specification 1.2, chapter 3).
use super::{HEADER, IDENTITY, NOBODY};
use alloc::vec::Vec;

const BUSES: u8 = 0x18;
const SEVERAL: u8 = 0x80;
const BRIDGE: u8 = 1;
/// The most functions: nobody's machine has more, and one that answers at random has them all.
const MOST: usize = 1024;

/// All functions in the order of their buses as they are met, by bus x 256 + device x 8 + function. `read` gives 32 bits of one's
/// configuration space at an offset that is a multiple of 4, all ones where there is none.
///
/// A bus is looked at once, so bridges that lead back lead nowhere.
pub fn search(read: impl Fn(u16, u8) -> u32) -> Vec<u16> {
    let (mut found, mut seen) = (Vec::new(), [false; 256]);
    let is_there = |function: u16| read(function, IDENTITY) as u16 != NOBODY;
    let header = |function: u16| (read(function, HEADER) >> 16) as u8;
    // each function of the host bridge that is one of several has a bus of its number
    let hosts = if is_there(0) && header(0) & SEVERAL != 0 { 8 } else { 1 };
    let mut next: Vec<u16> = (0..hosts).rev().filter(|&host| host == 0 || is_there(host)).collect();
    while let Some(bus) = next.pop() {
        if core::mem::replace(&mut seen[usize::from(bus & 0xff)], true) {
            continue;
        }
        for device in 0..32 {
            let first = bus << 8 | device << 3;
            if !is_there(first) {
                continue;
            }
            let functions = if header(first) & SEVERAL != 0 { 8 } else { 1 };
            for function in (first..first + functions).filter(|&function| function == first || is_there(function)) {
                if found.len() == MOST {
                    return found;
                }
                found.push(function);
                if header(function) & !SEVERAL == BRIDGE {
                    next.push((read(function, BUSES) >> 8 & 0xff) as u16);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;
    use std::collections::BTreeMap;

    fn found(functions: &[(u16, u8, u8)]) -> Vec<u16> {
        let known: BTreeMap<u16, (u8, u8)> = functions.iter().map(|&(function, header, behind)| (function, (header, behind))).collect();
        search(|function, offset| match (known.get(&function), offset) {
            (None, _) => u32::MAX,
            (Some(_), IDENTITY) => 0x1234_8086,
            (Some((header, _)), HEADER) => u32::from(*header) << 16,
            (Some((_, behind)), BUSES) => u32::from(*behind) << 8,
            _ => 0,
        })
    }

    #[test]
    fn functions_beside_the_first_where_it_says_so() {
        assert_eq!(found(&[(0x00, 0, 0), (0x08, 0x80, 0), (0x0a, 0, 0), (0x0f, 0, 0), (0x10, 0, 0), (0x11, 0, 0)]), [0x00, 0x08, 0x0a, 0x0f, 0x10]);
    }

    #[test]
    fn what_is_behind_bridges_is_found_once() {
        assert_eq!(found(&[(0x00, 0, 0), (0x08, 1, 5), (0x500, 1, 0), (0x508, 1, 7), (0x7f8, 0, 0)]), [0x00, 0x08, 0x500, 0x508, 0x7f8]);
    }

    #[test]
    fn each_function_of_a_host_bridge_has_a_bus() {
        assert_eq!(found(&[(0x00, 0x80, 0), (0x02, 0, 0), (0x200, 0, 0), (0x300, 0, 0)]), [0x00, 0x02, 0x200]);
    }

    #[test]
    fn a_machine_that_answers_at_random_ends() {
        let state = Cell::new(1u32);
        let random = |_: u16, _: u8| {
            state.set(state.get().wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
            state.get()
        };
        assert!(search(random).len() <= MOST);
        assert_eq!(search(|_, _| u32::MAX), []);
        assert_eq!(search(|_, _| 0).len(), 32);
    }
}
