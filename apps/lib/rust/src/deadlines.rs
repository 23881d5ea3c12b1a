//! The protocol `munal-deadlines/1` of a stream: how someone who keeps deadlines tells how it stands.
//!
//! The client writes reports of `LENGTH` bytes, each about all of the time since it started; a byte from the server asks it to
//! end.

/// Bytes of a report.
pub const LENGTH: usize = 40;

/// How it stands; times in nanoseconds since the kernel started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Deadlines so far.
    pub deadlines: u32,
    /// How many of them passed before the work was done.
    pub missed: u32,
    /// The most that it was woken too late.
    pub late: u64,
    /// The deadline that was missed last, 0 for none.
    pub missed_at: u64,
    /// How much too late it was woken then.
    pub missed_wake: u64,
    /// How long its work took then.
    pub missed_work: u64,
}

impl Report {
    /// The report as bytes, little endian.
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&self.deadlines.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.missed.to_le_bytes());
        for (place, time) in bytes[8..].chunks_exact_mut(8).zip([self.late, self.missed_at, self.missed_wake, self.missed_work]) {
            place.copy_from_slice(&time.to_le_bytes());
        }
        bytes
    }

    /// The report in `bytes`.
    pub fn decode(bytes: &[u8; LENGTH]) -> Self {
        let long = |at: usize| u64::from_le_bytes(core::array::from_fn(|i| bytes[at + i]));
        let counts = long(0);
        Self {
            deadlines: counts as u32, missed: (counts >> 32) as u32, late: long(8), missed_at: long(16), missed_wake: long(24), missed_work: long(32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let report = Report { deadlines: 0x0102_0304, missed: 0x8000_0001, late: u64::MAX - 1, missed_at: 1 << 40, missed_wake: 5, missed_work: 1 << 63 };
        assert_eq!(Report::decode(&report.encode()), report);
    }
}
