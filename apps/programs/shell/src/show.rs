//! Sizes and shares as a person reads them.

use alloc::format;
use alloc::string::String;

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// A number of bytes, to three digits or exactly: `64 KiB`, `1.5 MiB`.
pub fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes, 0);
    let mut tenths = 0;
    while value >= 1024 && unit + 1 < UNITS.len() {
        tenths = value % 1024 * 10 / 1024;
        value /= 1024;
        unit += 1;
    }
    let name = UNITS[unit];
    if tenths > 0 && value < 100 { format!("{value}.{tenths} {name}") } else { format!("{value} {name}") }
}

/// `part` of `whole` in percent, with one decimal: `12.3 %`. Nothing of nothing is 0.
pub fn share(part: u64, whole: u64) -> String {
    let permille = (u128::from(part) * 1000 + u128::from(whole) / 2).checked_div(u128::from(whole)).unwrap_or(0);
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (65_536, "64 KiB"),
            (1_572_864, "1.5 MiB"),
            (130_000_000, "123 MiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn shares() {
        for (part, whole, text) in
            [(0, 0, "0.0 %"), (1, 3, "33.3 %"), (2, 3, "66.7 %"), (5, 5, "100.0 %"), (u64::MAX, u64::MAX, "100.0 %")]
        {
            assert_eq!(share(part, whole), text);
        }
    }
}
