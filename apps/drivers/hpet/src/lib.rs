//! What is known about the event timer without touching it: its registers and what their values mean.
//! Source: IA-PC HPET Specification 1.0a, section 2.3.
#![no_std]

/// Offset of the general capabilities: the low half says what there is.
pub const CAPABILITIES: u32 = 0x000;
/// Their high half: femtoseconds between two ticks of the main counter.
pub const PERIOD: u32 = 0x004;
/// Offset of the general configuration, low half.
pub const CONFIGURATION: u32 = 0x010;
/// Offset of the main counter, low half.
pub const COUNTER: u32 = 0x0f0;
/// Its high half.
pub const COUNTER_HIGH: u32 = 0x0f4;

/// General configuration: the main counter runs.
pub const ENABLE: u32 = 1;

/// The longest period that the specification allows: 100 nanoseconds.
pub const LONGEST_PERIOD: u32 = 0x05f5_e100;
const FEMTOSECONDS_A_SECOND: u64 = 1_000_000_000_000_000;
const NANOSECONDS_A_SECOND: u64 = 1_000_000_000;

/// What the capabilities say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How many timers there are beside the main counter.
    pub timers: u32,
    /// Whether the main counter has 64 bits, and not 32.
    pub wide: bool,
    /// Femtoseconds between two ticks.
    pub period: u32,
}

impl Capabilities {
    /// Reads both halves of the register; none where no such timer answers: its revision is never 0, its period is bounded.
    pub fn read(low: u32, period: u32) -> Option<Self> {
        let revision = low & 0xff;
        let sound = revision != 0 && low != u32::MAX && (1..=LONGEST_PERIOD).contains(&period);
        sound.then_some(Self { timers: (low >> 8 & 0x1f) + 1, wide: low >> 13 & 1 != 0, period })
    }

    /// Ticks a second, rounded down.
    pub const fn frequency(&self) -> u64 {
        FEMTOSECONDS_A_SECOND / self.period as u64
    }

    /// Ticks between two readings of the counter; one of 32 bits turns over in between at most once.
    pub const fn ticks(&self, before: u64, after: u64) -> u64 {
        if self.wide { after.wrapping_sub(before) } else { (after as u32).wrapping_sub(before as u32) as u64 }
    }
}

/// The counter from two halves that are read one after the other: high, low and high again, until nothing was carried between.
pub fn whole(mut high: impl FnMut() -> u32, mut low: impl FnMut() -> u32) -> u64 {
    let mut before = high();
    loop {
        let half = low();
        let after = high();
        if after == before {
            return u64::from(after) << 32 | u64::from(half);
        }
        before = after;
    }
}

/// Ticks a second that were seen, from how many came in how many nanoseconds; 0 for no time.
pub const fn measured(ticks: u64, nanoseconds: u64) -> u64 {
    if nanoseconds == 0 { 0 } else { (ticks as u128 * NANOSECONDS_A_SECOND as u128 / nanoseconds as u128) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_as_the_specification_has_them() {
        // QEMU's: vendor 8086, three timers, 64 bits, 10 ns.
        let found = Capabilities::read(0x8086_a201, 0x0098_9680).unwrap();
        assert_eq!(found, Capabilities { timers: 3, wide: true, period: 10_000_000 });
        assert_eq!(found.frequency(), 100_000_000);
        assert_eq!(Capabilities::read(0x8086_8201, 69_841_279).map(|c| (c.wide, c.frequency())), Some((false, 14_318_179)));
    }

    #[test]
    fn what_no_timer_answers_is_none() {
        assert_eq!(Capabilities::read(u32::MAX, u32::MAX), None);
        assert_eq!(Capabilities::read(u32::MAX, 10_000_000), None);
        assert_eq!(Capabilities::read(0, 0), None);
        assert_eq!(Capabilities::read(0x8086_a200, 10_000_000), None);
        assert_eq!(Capabilities::read(0x8086_a201, 0), None);
        assert_eq!(Capabilities::read(0x8086_a201, LONGEST_PERIOD + 1), None);
        assert!(Capabilities::read(0x8086_a201, LONGEST_PERIOD).is_some());
    }

    #[test]
    fn a_carry_between_the_halves_is_noticed() {
        let mut highs = [1, 2, 2].into_iter();
        let mut lows = [0xffff_ffff, 3].into_iter();
        assert_eq!(whole(|| highs.next().unwrap(), || lows.next().unwrap()), 2 << 32 | 3);
    }

    #[test]
    fn ticks_count_across_the_end_of_a_counter() {
        let (narrow, wide) = (Capabilities { timers: 1, wide: false, period: 1 }, Capabilities { timers: 1, wide: true, period: 1 });
        assert_eq!(narrow.ticks(0xffff_fff0, 0x10), 0x20);
        assert_eq!(wide.ticks(0xffff_fff0, 0x1_0000_0010), 0x20);
        assert_eq!(wide.ticks(u64::MAX, 1), 2);
    }

    #[test]
    fn a_frequency_is_ticks_by_time() {
        assert_eq!(measured(1_000_000, 10_000_000), 100_000_000);
        assert_eq!(measured(u64::MAX, 1_000_000_000), u64::MAX);
        assert_eq!(measured(5, 0), 0);
    }
}
