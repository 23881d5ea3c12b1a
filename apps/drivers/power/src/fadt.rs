//! The Fixed ACPI Description Table: where PM1a_CNT and RESET_REG are (ACPI 6.5, section 5.2.9).

/// Bytes of the table that matter here: up to and with X_PM1a_CNT_BLK.
pub const LENGTH: usize = 184;

const PM1A_CNT_BLK: usize = 64;
const PM1B_CNT_BLK: usize = 68;
const FLAGS: usize = 112;
const RESET_REG: usize = 116;
const RESET_VALUE: usize = 128;
const X_PM1A_CNT_BLK: usize = 172;

const FLAG_RESET_REG_SUP: u32 = 1 << 10;
const FLAG_HW_REDUCED: u32 = 1 << 20;

/// Generic Address Structure: the address space of I/O ports (section 5.2.3.2).
const SYSTEM_IO: u8 = 1;
const GAS_ADDRESS: usize = 4;

/// PM1a_CNT: bit 0, the machine is in ACPI mode (section 4.8.3.2).
pub const SCI_EN: u16 = 1 << 0;
/// PM1a_CNT: where SLP_TYP starts.
pub const SLP_TYP_SHIFT: u16 = 10;
/// PM1a_CNT: the bits of SLP_TYP.
pub const SLP_TYP: u16 = 7 << SLP_TYP_SHIFT;
/// PM1a_CNT: enter the sleep state now.
pub const SLP_EN: u16 = 1 << 13;

/// How the machine is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The I/O port of RESET_REG.
    pub port: u16,
    /// What to write there.
    pub value: u8,
}

/// What the table says; none where it names no I/O port for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fadt {
    /// PM1a_CNT.
    pub pm1a: Option<u16>,
    /// PM1b_CNT: a second register that must be written too, where there is one.
    pub pm1b: Option<u16>,
    /// RESET_REG and its value.
    pub reset: Option<Reset>,
}

impl Fadt {
    /// Reads the table's first bytes. A table that ends early, as those of ACPI 1.0 do, lacks what would follow.
    pub fn parse(table: &[u8]) -> Self {
        let flags = dword(table, FLAGS).unwrap_or(0);
        if flags & FLAG_HW_REDUCED != 0 {
            return Self { reset: reset(table, flags), ..Self::default() };
        }
        Self {
            pm1a: gas_port(table, X_PM1A_CNT_BLK).or_else(|| block_port(table, PM1A_CNT_BLK)),
            pm1b: block_port(table, PM1B_CNT_BLK),
            reset: reset(table, flags),
        }
    }

    /// PM1a_CNT's new value that enters the state whose type is `sleep_type`; all that is not about sleep stays.
    pub const fn sleep_control(before: u16, sleep_type: u8) -> u16 {
        (before & !SLP_TYP) | ((sleep_type as u16) << SLP_TYP_SHIFT & SLP_TYP) | SLP_EN
    }
}

fn reset(table: &[u8], flags: u32) -> Option<Reset> {
    if flags & FLAG_RESET_REG_SUP == 0 {
        return None;
    }
    Some(Reset { port: gas_port(table, RESET_REG)?, value: *table.get(RESET_VALUE)? })
}

fn block_port(table: &[u8], offset: usize) -> Option<u16> {
    u16::try_from(dword(table, offset)?).ok().filter(|port| *port != 0)
}

fn gas_port(table: &[u8], offset: usize) -> Option<u16> {
    let address = table.get(offset + GAS_ADDRESS..offset + GAS_ADDRESS + 8)?.try_into().ok()?;
    let port = u16::try_from(u64::from_le_bytes(address)).ok().filter(|port| *port != 0)?;
    (table[offset] == SYSTEM_IO).then_some(port)
}

fn dword(table: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(table.get(offset..offset + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> [u8; LENGTH] {
        let mut table = [0; LENGTH];
        table[PM1A_CNT_BLK..PM1A_CNT_BLK + 4].copy_from_slice(&0x604u32.to_le_bytes());
        table[FLAGS..FLAGS + 4].copy_from_slice(&FLAG_RESET_REG_SUP.to_le_bytes());
        table[RESET_REG] = SYSTEM_IO;
        table[RESET_REG + GAS_ADDRESS..RESET_REG + GAS_ADDRESS + 8].copy_from_slice(&0xcf9u64.to_le_bytes());
        table[RESET_VALUE] = 0x0f;
        table
    }

    #[test]
    fn a_q35_machine() {
        let fadt = Fadt::parse(&table());
        assert_eq!(fadt, Fadt { pm1a: Some(0x604), pm1b: None, reset: Some(Reset { port: 0xcf9, value: 0x0f }) });
    }

    #[test]
    fn the_extended_address_counts_first_if_it_is_a_port() {
        let mut table = table();
        table[X_PM1A_CNT_BLK] = SYSTEM_IO;
        table[X_PM1A_CNT_BLK + GAS_ADDRESS] = 0x44;
        assert_eq!(Fadt::parse(&table).pm1a, Some(0x44));
        table[X_PM1A_CNT_BLK] = 0; // memory
        assert_eq!(Fadt::parse(&table).pm1a, Some(0x604));
    }

    #[test]
    fn a_table_of_acpi_1_has_no_reset() {
        assert_eq!(Fadt::parse(&table()[..116]), Fadt { pm1a: Some(0x604), pm1b: None, reset: None });
        assert_eq!(Fadt::parse(&[]), Fadt::default());
    }

    #[test]
    fn no_reset_without_its_flag_and_no_pm1_on_reduced_hardware() {
        let mut table = table();
        table[FLAGS..FLAGS + 4].fill(0);
        assert_eq!(Fadt::parse(&table).reset, None);
        table[FLAGS..FLAGS + 4].copy_from_slice(&FLAG_HW_REDUCED.to_le_bytes());
        assert_eq!(Fadt::parse(&table).pm1a, None);
    }

    #[test]
    fn entering_a_state_keeps_what_is_not_about_sleep() {
        assert_eq!(Fadt::sleep_control(SCI_EN | SLP_TYP, 5), SCI_EN | 5 << 10 | SLP_EN);
        assert_eq!(Fadt::sleep_control(0, 0), SLP_EN);
        assert_eq!(Fadt::sleep_control(0, 0xff), SLP_TYP | SLP_EN);
    }
}
