//! The clocks that ACPI's tables tell of: where they are, and how fast they count.
use crate::{acpi::number, clock::Rate};

/// ACPI's power-management timer counts at 3.579545 MHz (ACPI 6.5, section 4.8.3.3).
const PM_TIMER_HERTZ: u64 = 3_579_545;
/// The longest period that an HPET may have, in femtoseconds (IA-PC HPET specification 1.0a, section 2.3.4).
const LONGEST_PERIOD: u64 = 100_000_000;

/// Address space of a register, in ACPI's generic address structure (ACPI 6.5, table 5.1).
const IN_MEMORY: u64 = 0;
const IN_PORTS: u64 = 1;

/// Bits of the FADT's flags (ACPI 6.5, table 5.10).
const TIMER_HAS_32_BITS: u64 = 1 << 8;
const HARDWARE_REDUCED: u64 = 1 << 20;

/// ACPI's power-management timer: a port that is read as 32 bits, of which `bits` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PmTimer {
    pub port: u16,
    pub bits: u32,
}

impl PmTimer {
    pub fn rate() -> Rate {
        Rate::measured(PM_TIMER_HERTZ, 1_000_000_000).expect("a constant")
    }
}

/// The timer that a FADT tells of (ACPI 6.5, table 5.9); none on machines without ACPI's fixed hardware.
pub fn pm_timer(fadt: &[u8]) -> Option<PmTimer> {
    let flags = number(fadt, 112, 4);
    let extended = Some(number(fadt, 212, 8)).filter(|&address| address != 0 && number(fadt, 208, 1) == IN_PORTS);
    let port = extended.unwrap_or_else(|| number(fadt, 76, 4));
    if flags & HARDWARE_REDUCED != 0 || number(fadt, 91, 1) != 4 || port == 0 {
        return None;
    }
    Some(PmTimer { port: u16::try_from(port).ok()?, bits: if flags & TIMER_HAS_32_BITS != 0 { 32 } else { 24 } })
}

/// The physical address of the HPET's registers, from its table (IA-PC HPET specification 1.0a, section 3.2.4).
pub fn hpet(table: &[u8]) -> Option<u64> {
    Some(number(table, 44, 8)).filter(|&address| address != 0 && address % 8 == 0 && number(table, 40, 1) == IN_MEMORY)
}

/// How fast an HPET counts, from its capabilities; none where no counter is there.
pub fn hpet_rate(capabilities: u64) -> Option<Rate> {
    let femtoseconds = capabilities >> 32;
    (1..=LONGEST_PERIOD).contains(&femtoseconds).then(|| Rate::measured(1_000_000, femtoseconds)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fadt(change: impl FnOnce(&mut [u8])) -> Option<PmTimer> {
        let mut table = [0u8; 276];
        table[76..78].copy_from_slice(&0x608u16.to_le_bytes());
        table[91] = 4;
        change(&mut table);
        pm_timer(&table)
    }

    #[test]
    fn the_timer_is_where_the_fadt_says() {
        assert_eq!(fadt(|_| {}), Some(PmTimer { port: 0x608, bits: 24 }));
        assert_eq!(fadt(|t| t[113] = 1), Some(PmTimer { port: 0x608, bits: 32 }));
        assert_eq!(fadt(|t| (t[208], t[212], t[213]) = (1, 0x08, 0xb0)), Some(PmTimer { port: 0xb008, bits: 24 }));
        assert_eq!(fadt(|t| (t[208], t[213]) = (0, 0xb0)), Some(PmTimer { port: 0x608, bits: 24 }), "a register in memory is no port");
    }

    #[test]
    fn a_machine_may_have_none() {
        assert_eq!(fadt(|t| t[91] = 0), None);
        assert_eq!(fadt(|t| t[76..80].fill(0)), None);
        assert_eq!(fadt(|t| t[114] = 0x10), None, "hardware-reduced ACPI");
        assert_eq!(fadt(|t| t[78] = 1), None, "no port has this number");
        assert_eq!(pm_timer(&[0; 36]), None);
    }

    #[test]
    fn an_hpet_is_in_memory() {
        let mut table = [0u8; 56];
        table[44..48].copy_from_slice(&0xfed0_0000u32.to_le_bytes());
        assert_eq!(hpet(&table), Some(0xfed0_0000));
        table[40] = 1;
        assert_eq!(hpet(&table), None);
        assert_eq!(hpet(&table[..44]), None);
    }

    #[test]
    fn an_hpet_counts_as_its_period_says() {
        let rate = hpet_rate(10_000_000 << 32 | 0x8086).unwrap();
        assert_eq!(rate.nanoseconds(100_000_000), 1_000_000_000);
        assert!(hpet_rate(69_841_279 << 32).unwrap().nanoseconds(14_318_180).abs_diff(1_000_000_000) < 1000);
        assert_eq!(hpet_rate(u64::MAX), None, "nothing answers there");
        assert_eq!(hpet_rate(0), None);
    }
}
