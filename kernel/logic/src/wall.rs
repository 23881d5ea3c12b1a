//! The time of day, from what the firmware reads off the real-time clock (UEFI 2.10, section 8.3).

/// A date and time as the firmware tells it. `zone` is in minutes, with UTC = local time + zone; none where the clock's zone
/// was never set, and the time is taken for UTC then. `daylight` is whether an hour was added for daylight saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirmwareTime {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub nanosecond: u32,
    pub zone: Option<i16>,
    pub daylight: bool,
}

const SECONDS_A_DAY: i64 = 86_400;
const SECONDS_AN_HOUR: i64 = 3600;
/// From 0000-03-01, from where years are counted below, to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// Nanoseconds since 1970-01-01 00:00:00 UTC, in the Gregorian calendar, without leap seconds. None where there is no such
/// date or time, or it is before 1970 or after the year 2554, where the number ends.
pub fn nanoseconds(time: &FirmwareTime) -> Option<u64> {
    let leap = time.year % 4 == 0 && (time.year % 100 != 0 || time.year % 400 == 0);
    let days = match time.month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let clock = time.hour < 24 && time.minute < 60 && time.second < 60 && time.nanosecond < 1_000_000_000;
    if !clock || !(1..=days).contains(&time.day) || time.zone.is_some_and(|zone| !(-1440..=1440).contains(&zone)) {
        return None;
    }
    // Years are counted from March, so that a leap day is the last day of its year.
    let (year, month) = (i64::from(time.year) - i64::from(time.month <= 2), i64::from(time.month));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(time.day) - 1;
    let day = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - DAYS_TO_1970;
    let local = day * SECONDS_A_DAY + i64::from(time.hour) * SECONDS_AN_HOUR + i64::from(time.minute) * 60 + i64::from(time.second);
    let utc = local + i64::from(time.zone.unwrap_or(0)) * 60 - if time.daylight { SECONDS_AN_HOUR } else { 0 };
    u64::try_from(utc).ok()?.checked_mul(1_000_000_000)?.checked_add(u64::from(time.nanosecond))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: u16, month: u8, day: u8) -> FirmwareTime {
        FirmwareTime { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0, zone: None, daylight: false }
    }

    fn seconds(time: FirmwareTime) -> Option<u64> {
        nanoseconds(&time).map(|it| it / 1_000_000_000)
    }

    #[test]
    fn known_dates() {
        for (time, expected) in [
            (date(1970, 1, 1), 0), (date(1972, 2, 29), 68_169_600), (date(1999, 12, 31), 946_598_400), (date(2000, 2, 29), 951_782_400),
            (date(2000, 3, 1), 951_868_800), (date(2038, 1, 19), 2_147_472_000), (date(2100, 3, 1), 4_107_542_400),
        ] {
            assert_eq!(seconds(time), Some(expected), "{time:?}");
        }
        assert_eq!(nanoseconds(&FirmwareTime { hour: 23, minute: 59, second: 59, nanosecond: 7, ..date(1999, 12, 31) }), Some(946_684_799_000_000_007));
    }

    #[test]
    fn days_follow_each_other_for_five_centuries() {
        let mut expected = 0;
        for year in 1970..2470 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(found) = seconds(date(year, month, day)) {
                        assert_eq!(found, expected * 86_400);
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, 500 * 365 + 122); // 1972 to 2468: 125 years that 4 divides, of which 2100, 2200 and 2300 are no leap years
    }

    #[test]
    fn zones_and_daylight_saving_lead_to_utc() {
        let noon = FirmwareTime { hour: 12, ..date(2026, 7, 1) };
        let utc = seconds(noon).unwrap();
        assert_eq!(seconds(FirmwareTime { zone: Some(-60), ..noon }), Some(utc - 3600), "Berlin in winter is ahead of UTC");
        assert_eq!(seconds(FirmwareTime { zone: Some(-60), daylight: true, ..noon }), Some(utc - 7200), "and in summer, by one hour more");
        assert_eq!(seconds(FirmwareTime { zone: Some(300), ..noon }), Some(utc + 18_000), "New York is behind");
        assert_eq!(seconds(FirmwareTime { zone: Some(1440), ..noon }), Some(utc + 86_400));
    }

    #[test]
    fn what_is_no_time_is_none() {
        let noon = FirmwareTime { hour: 12, ..date(2026, 7, 1) };
        for time in [
            date(2023, 2, 29), date(2100, 2, 29), date(2024, 4, 31), date(2024, 13, 1), date(2024, 0, 1), date(2024, 1, 0), date(1969, 12, 31),
            date(9999, 12, 31), FirmwareTime { hour: 24, ..noon }, FirmwareTime { minute: 60, ..noon }, FirmwareTime { second: 60, ..noon },
            FirmwareTime { nanosecond: 1_000_000_000, ..noon }, FirmwareTime { zone: Some(2046), ..noon },
        ] {
            assert_eq!(nanoseconds(&time), None, "{time:?}");
        }
    }
}
