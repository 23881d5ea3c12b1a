//! Physical addresses that no device memory may be granted at on this machine: its RAM, and devices of the kernel's own.
use crate::table::{MmioGrant, PAGE, Table};
use alloc::{format, string::String, vec::Vec};

/// A stretch of physical addresses, [start, end), and what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occupied {
    pub start: u64,
    pub end: u64,
    pub what: &'static str,
}

/// Checks every grant of device memory against what the machine has there; whole pages count on both sides.
///
/// Errors: the first grant that meets something, in words.
pub fn check(table: &Table, occupied: &[Occupied]) -> Result<(), String> {
    for instance in &table.instances {
        for grant in &instance.mmio {
            if let Some(met) = occupied.iter().find(|stretch| stretch.meets(grant)) {
                let last = grant.base + grant.length - 1;
                return Err(format!("device memory `{}` of `{}`, {:#x}..{last:#x}, cannot be granted on this machine: {} is at {:#x}..{:#x}",
                    grant.need, instance.name, grant.base, met.what, met.start, met.end - 1));
            }
        }
    }
    Ok(())
}

impl Occupied {
    fn meets(&self, grant: &MmioGrant) -> bool {
        let (start, end) = grant.pages();
        self.start < self.end && start < self.end.div_ceil(PAGE).saturating_mul(PAGE) && self.start / PAGE * PAGE < end
    }
}

/// Neighbouring stretches of one kind as one, for a message that names all of it.
pub fn joined(mut stretches: Vec<Occupied>) -> Vec<Occupied> {
    stretches.sort_unstable_by_key(|stretch| (stretch.start, stretch.end));
    let mut joined: Vec<Occupied> = Vec::new();
    for stretch in stretches {
        match joined.last_mut() {
            Some(last) if last.what == stretch.what && stretch.start <= last.end => last.end = last.end.max(stretch.end),
            _ => joined.push(stretch),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(start: u64, end: u64, base: u64, length: u64) -> bool {
        let grant = MmioGrant { need: "regs".into(), base, length, access: 3, widths: 4 };
        Occupied { start, end, what: "RAM" }.meets(&grant)
    }

    #[test]
    fn pages_meet_and_neighbours_do_not() {
        assert!(meets(0x1000, 0x2000, 0x1ff8, 8));
        assert!(meets(0x1800, 0x1900, 0x1000, 8), "two in one page meet");
        assert!(meets(0x1000, 0x2000, 0xff8, 9));
        assert!(meets(0, u64::MAX, 0xfed0_0000, 8));
        assert!(!meets(0x1000, 0x2000, 0x2000, 8));
        assert!(!meets(0x1000, 0x2000, 0xff8, 8));
        assert!(!meets(0x1000, 0x1000, 0x1000, 8), "nothing is nowhere");
    }

    #[test]
    fn neighbours_of_one_kind_are_joined() {
        let at = |start, end, what| Occupied { start, end, what };
        let found = joined(alloc::vec![at(8, 9, "RAM"), at(0, 4, "RAM"), at(4, 8, "RAM"), at(9, 10, "firmware"), at(20, 21, "RAM")]);
        assert_eq!(found, [at(0, 9, "RAM"), at(9, 10, "firmware"), at(20, 21, "RAM")]);
    }
}
