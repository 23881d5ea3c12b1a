//! The registers of the MC146818A and the date that they show: BCD or binary, 12 or 24 hours, with or without a century.

use munal::time::DateTime;

/// Offset of the index port; bit 7 masks the NMI, and is always written 0 here: the NMI stays enabled.
pub const INDEX: u16 = 0;
/// Offset of the data port.
pub const DATA: u16 = 1;
/// The index port takes seven bits of register number.
pub const INDEX_MASK: u8 = 0x7f;

/// Seconds.
pub const SECONDS: u8 = 0x00;
/// Minutes.
pub const MINUTES: u8 = 0x02;
/// Hours; in 12-hour mode bit 7 is set after noon.
pub const HOURS: u8 = 0x04;
/// Day of the month.
pub const DAY: u8 = 0x07;
/// Month.
pub const MONTH: u8 = 0x08;
/// Year of the century.
pub const YEAR: u8 = 0x09;
/// Register A.
pub const A: u8 = 0x0a;
/// Register B.
pub const B: u8 = 0x0b;
/// Register D.
pub const D: u8 = 0x0d;
/// The century, where the firmware's tables cannot be asked: where IBM's PC AT kept it, and most machines since.
pub const USUAL_CENTURY: u8 = 0x32;

/// Register A: update in progress, or about to be.
pub const A_UIP: u8 = 1 << 7;
/// Register B: 24 hours, not 12.
pub const B_24H: u8 = 1 << 1;
/// Register B: binary, not BCD.
pub const B_BINARY: u8 = 1 << 2;
/// Register D: RAM and time are valid, the battery has not failed.
pub const D_VALID: u8 = 1 << 7;

const PM: u8 = 1 << 7;

/// One reading of the time registers, as they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `SECONDS`.
    pub seconds: u8,
    /// `MINUTES`.
    pub minutes: u8,
    /// `HOURS`.
    pub hours: u8,
    /// `DAY`.
    pub day: u8,
    /// `MONTH`.
    pub month: u8,
    /// `YEAR`.
    pub year: u8,
    /// The century's register, where there is one.
    pub century: Option<u8>,
}

impl Reading {
    /// Takes a reading through `read`, which gives a register's value.
    pub fn take(mut read: impl FnMut(u8) -> u8, century: Option<u8>) -> Self {
        Self {
            seconds: read(SECONDS),
            minutes: read(MINUTES),
            hours: read(HOURS),
            day: read(DAY),
            month: read(MONTH),
            year: read(YEAR),
            century: century.map(read),
        }
    }

    /// The date under the format that register B tells; none where the registers hold no date.
    pub fn date(&self, format: u8) -> Option<DateTime> {
        let number = |value: u8| if format & B_BINARY != 0 { Some(value) } else { from_bcd(value) };
        let year = number(self.year).filter(|year| *year < 100)?;
        let date = DateTime {
            year: century(self.century.and_then(number), year) * 100 + u16::from(year),
            month: number(self.month)?,
            day: number(self.day)?,
            hour: hour(self.hours, format, number)?,
            minute: number(self.minutes)?,
            second: number(self.seconds)?,
        };
        date.to_unix().map(|_| date)
    }
}

/// The hour from 0 to 23.
fn hour(value: u8, format: u8, number: impl Fn(u8) -> Option<u8>) -> Option<u8> {
    if format & B_24H != 0 {
        return number(value);
    }
    let afternoon = value & PM != 0;
    let hour = number(value & !PM).filter(|hour| (1..=12).contains(hour))?;
    Some(hour % 12 + if afternoon { 12 } else { 0 })
}

/// The century that the register holds, if that is plausible; else the one that puts the year into 1970 to 2069.
fn century(register: Option<u8>, year: u8) -> u16 {
    match register {
        Some(century @ 19..=29) => u16::from(century),
        _ if year < 70 => 20,
        _ => 19,
    }
}

/// A number of two decimal digits, one in each half of the byte.
fn from_bcd(value: u8) -> Option<u8> {
    let (tens, ones) = (value >> 4, value & 0x0f);
    (tens < 10 && ones < 10).then_some(tens * 10 + ones)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCD: Reading =
        Reading { seconds: 0x59, minutes: 0x30, hours: 0x23, day: 0x29, month: 0x02, year: 0x24, century: Some(0x20) };
    const BINARY: Reading = Reading { seconds: 59, minutes: 30, hours: 23, day: 29, month: 2, year: 24, century: Some(20) };
    const DATE: DateTime = DateTime { year: 2024, month: 2, day: 29, hour: 23, minute: 30, second: 59 };

    #[test]
    fn bcd_and_binary_show_the_same_date() {
        assert_eq!(BCD.date(B_24H), Some(DATE));
        assert_eq!(BINARY.date(B_24H | B_BINARY), Some(DATE));
    }

    #[test]
    fn twelve_hours() {
        for (bcd, hour) in [(0x12, 0), (0x01, 1), (0x11, 11), (0x92, 12), (0x81, 13), (0x91, 23)] {
            assert_eq!(Reading { hours: bcd, ..BCD }.date(0).map(|date| date.hour), Some(hour), "{bcd:#x}");
        }
        for (binary, hour) in [(12, 0), (PM | 12, 12), (PM | 11, 23)] {
            assert_eq!(Reading { hours: binary, ..BINARY }.date(B_BINARY).map(|date| date.hour), Some(hour));
        }
        for bad in [0x00, 0x13, 0x80, 0x93] {
            assert_eq!(Reading { hours: bad, ..BCD }.date(0), None, "{bad:#x}");
        }
    }

    #[test]
    fn a_missing_or_senseless_century_is_inferred() {
        for (register, year, full) in [
            (None, 0x24, 2024),
            (None, 0x69, 2069),
            (None, 0x70, 1970),
            (Some(0x19), 0x99, 1999),
            (Some(0x21), 0x00, 2100),
            (Some(0x00), 0x24, 2024),
            (Some(0xff), 0x24, 2024),
        ] {
            let reading = Reading { century: register, year, day: 0x28, ..BCD };
            assert_eq!(reading.date(B_24H).map(|date| date.year), Some(full), "{register:x?} {year:#x}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for bad in [
            Reading { seconds: 0x60, ..BCD },
            Reading { seconds: 0x5a, ..BCD },
            Reading { month: 0x13, ..BCD },
            Reading { month: 0x00, ..BCD },
            Reading { day: 0x30, ..BCD },
            Reading { year: 0x23, ..BCD }, // no leap year
            Reading { hours: 0x24, ..BCD },
            Reading { seconds: 0xff, minutes: 0xff, hours: 0xff, day: 0xff, month: 0xff, year: 0xff, century: Some(0xff) },
        ] {
            assert_eq!(bad.date(B_24H), None, "{bad:x?}");
        }
    }

    #[test]
    fn a_reading_asks_for_the_century_only_where_there_is_one() {
        let reading = Reading::take(|register| register, None);
        assert_eq!((reading.seconds, reading.hours, reading.year, reading.century), (SECONDS, HOURS, YEAR, None));
        assert_eq!(Reading::take(|register| register, Some(USUAL_CENTURY)).century, Some(USUAL_CENTURY));
    }
}
