//! The protocol `munal-deadlines/1` of a stream: how someone who keeps deadlines tells how it stands.
//!
//! The client writes reports of `LENGTH` bytes, each about all of the time since it started; a byte from the server asks it to
//! end.

/// Bytes of a report.
pub const LENGTH: usize = 24;

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
}

impl Report {
    /// The report as bytes, little endian.
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&self.deadlines.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.missed.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.late.to_le_bytes());
        bytes[16..].copy_from_slice(&self.missed_at.to_le_bytes());
        bytes
    }

    /// The report in `bytes`.
    pub fn decode(bytes: &[u8; LENGTH]) -> Self {
        let long = |at: usize| u64::from_le_bytes(core::array::from_fn(|i| bytes[at + i]));
        let counts = long(0);
        Self { deadlines: counts as u32, missed: (counts >> 32) as u32, late: long(8), missed_at: long(16) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let report = Report { deadlines: 0x0102_0304, missed: 0x8000_0001, late: u64::MAX - 1, missed_at: 1 << 40 };
        assert_eq!(Report::decode(&report.encode()), report);
    }
}
