//! Time zones and calendar dates, as far as a sandbox needs them: a table, with the two summer-time
//! rules most people live under.

enum Summer {
    None,
    /// Last Sunday of March to last Sunday of October, at 01:00 UTC.
    Europe,
    /// Second Sunday of March to first Sunday of November, at 02:00 local time.
    America,
}

/// Seconds east of UTC at a moment, given in seconds since the epoch. Unknown zones are UTC.
pub(super) fn offset(tz: &str, at: i64) -> i64 {
    let (hours, minutes, rule) = match tz {
        "Europe/London" | "Europe/Lisbon" | "Europe/Dublin" => (0, 0, Summer::Europe),
        "Europe/Berlin" | "Europe/Paris" | "Europe/Madrid" | "Europe/Rome" | "Europe/Vienna"
        | "Europe/Zurich" | "Europe/Amsterdam" | "Europe/Brussels" | "Europe/Stockholm" | "Europe/Oslo"
        | "Europe/Copenhagen" | "Europe/Prague" | "Europe/Warsaw" => (1, 0, Summer::Europe),
        "Europe/Helsinki" | "Europe/Kyiv" | "Europe/Athens" => (2, 0, Summer::Europe),
        "Europe/Istanbul" => (3, 0, Summer::None),
        "America/New_York" | "America/Toronto" => (-5, 0, Summer::America),
        "America/Chicago" => (-6, 0, Summer::America),
        "America/Denver" => (-7, 0, Summer::America),
        "America/Los_Angeles" | "America/Vancouver" => (-8, 0, Summer::America),
        "America/Sao_Paulo" => (-3, 0, Summer::None),
        "Asia/Kolkata" => (5, 30, Summer::None),
        "Asia/Singapore" | "Asia/Shanghai" => (8, 0, Summer::None),
        "Asia/Tokyo" => (9, 0, Summer::None),
        "Australia/Brisbane" => (10, 0, Summer::None),
        _ => (0, 0, Summer::None),
    };
    let standard = hours * 3600 + minutes * 60;
    let year = civil(at + standard).0;
    let summer = match rule {
        Summer::None => false,
        Summer::Europe => {
            let start = last_sunday(year, 3, 31) * 86_400 + 3600;
            let end = last_sunday(year, 10, 31) * 86_400 + 3600;
            (start..end).contains(&at)
        }
        Summer::America => {
            let start = last_sunday(year, 3, 14) * 86_400 + 7200 - standard;
            let end = last_sunday(year, 11, 7) * 86_400 + 3600 - standard;
            (start..end).contains(&at)
        }
    };
    standard + if summer { 3600 } else { 0 }
}

/// The last Sunday up to and including a day, in days since the epoch.
fn last_sunday(year: i64, month: i64, day: i64) -> i64 {
    let days = days(year, month, day);
    days - weekday(days)
}

/// 0 is Sunday.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// Days since the epoch of a date of the Gregorian calendar.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a moment, given in seconds since the epoch.
pub(super) fn civil(at: i64) -> (i64, i64, i64) {
    let z = at.div_euclid(86_400) + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}
