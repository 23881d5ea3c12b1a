//! Dates and durations: the proleptic Gregorian calendar in UTC, without leap seconds, as Unix time counts.

use core::fmt;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: u64 = 1_000_000;

const SECONDS_A_DAY: u64 = 86_400;
/// From 0000-03-01, where years are counted below, to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;
const DAYS_IN_400_YEARS: u64 = 146_097;

/// A date and time of day in UTC. `year` from 1970 on, `month` and `day` from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// Year, Gregorian.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
}

impl DateTime {
    /// The date of a number of seconds since 1970-01-01 00:00:00 UTC; none past the year 65535.
    ///
    /// Years are counted from March, so that a leap day is the last day of its year.
    pub fn from_unix(seconds: u64) -> Option<Self> {
        let days = seconds / SECONDS_A_DAY + DAYS_TO_1970;
        let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let time = seconds % SECONDS_A_DAY;
        Some(Self {
            year: u16::try_from(era * 400 + year_of_era + u64::from(month <= 2)).ok()?,
            month: month as u8,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8,
            hour: (time / 3600) as u8,
            minute: (time / 60 % 60) as u8,
            second: (time % 60) as u8,
        })
    }

    /// Seconds since 1970-01-01 00:00:00 UTC; none where no such date and time exists, or it is before 1970.
    pub fn to_unix(self) -> Option<u64> {
        if !self.exists() {
            return None;
        }
        let (month, day) = (u64::from(self.month), u64::from(self.day));
        let year = u64::from(self.year) - u64::from(month <= 2);
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let (era, year_of_era) = (year / 400, year % 400);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * DAYS_IN_400_YEARS + day_of_era - DAYS_TO_1970;
        let time = u64::from(self.hour) * 3600 + u64::from(self.minute) * 60 + u64::from(self.second);
        Some(days * SECONDS_A_DAY + time)
    }

    fn exists(self) -> bool {
        self.year >= 1970
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
    }
}

/// Whether `year` has a 29 February.
pub const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The days of `month`, 1 to 12, in `year`.
pub const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for DateTime {
    /// As `2026-11-21 09:30:00 UTC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// A length of time in nanoseconds, shown as `3 d 4 h 5 min`, its largest unit first and no more than three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub u64);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / SECOND;
        let parts = [(seconds / SECONDS_A_DAY, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
        let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
        for (index, (count, unit)) in parts.iter().enumerate().skip(first).take(3) {
            write!(f, "{}{count} {unit}", if index > first { " " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::ToString;

    fn date(year: u16, month: u8, day: u8) -> DateTime {
        DateTime { year, month, day, hour: 0, minute: 0, second: 0 }
    }

    #[test]
    fn known_dates() {
        for (at, seconds) in [
            (date(1970, 1, 1), 0),
            (date(1972, 2, 29), 68_169_600),
            (date(2000, 2, 29), 951_782_400),
            (date(2000, 3, 1), 951_868_800),
            (date(2038, 1, 19), 2_147_472_000),
            (date(2100, 3, 1), 4_107_542_400),
        ] {
            assert_eq!(at.to_unix(), Some(seconds), "{at}");
            assert_eq!(DateTime::from_unix(seconds), Some(at), "{seconds}");
        }
    }

    #[test]
    fn every_day_of_six_centuries_follows_the_one_before() {
        let mut expected = date(1970, 1, 1);
        for day in 0..600 * 365 {
            let seconds = day * SECONDS_A_DAY;
            assert_eq!(DateTime::from_unix(seconds), Some(expected));
            assert_eq!(expected.to_unix(), Some(seconds));
            expected.day += 1;
            if expected.day > days_in_month(expected.year, expected.month) {
                expected = date(expected.year + u16::from(expected.month == 12), expected.month % 12 + 1, 1);
            }
        }
    }

    #[test]
    fn the_last_second_of_a_day() {
        let last = DateTime { hour: 23, minute: 59, second: 59, ..date(1999, 12, 31) };
        let seconds = last.to_unix().unwrap();
        assert_eq!(DateTime::from_unix(seconds), Some(last));
        assert_eq!(DateTime::from_unix(seconds + 1), Some(date(2000, 1, 1)));
    }

    #[test]
    fn dates_that_do_not_exist() {
        for at in [date(1969, 12, 31), date(2023, 2, 29), date(2100, 2, 29), date(2024, 4, 31), date(2024, 13, 1), date(2024, 0, 1)]
        {
            assert_eq!(at.to_unix(), None, "{at}");
        }
        assert_eq!(DateTime { hour: 24, ..date(2024, 1, 1) }.to_unix(), None);
        assert_eq!(DateTime { second: 60, ..date(2024, 1, 1) }.to_unix(), None);
        assert_eq!(DateTime::from_unix(u64::MAX), None);
    }

    #[test]
    fn durations_show_three_units_from_the_largest() {
        for (seconds, text) in [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3_600, "1 h 0 min 0 s"), (90_061, "1 d 1 h 1 min")] {
            assert_eq!(Duration(seconds * SECOND).to_string(), text);
        }
        assert_eq!(date(2026, 1, 2).to_string(), "2026-01-02 00:00:00 UTC");
    }
}
