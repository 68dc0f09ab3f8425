//! Moments and lengths of time. The only file that knows chrono.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// A moment: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A length of time in milliseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Span(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 UTC, as Slack's `<!date^…>` wants them.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0))
    }

    /// RFC 3339 in UTC with milliseconds, for audit records: `2026-11-20T06:00:00.000Z`.
    pub fn rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// Reads RFC 3339 with any offset: `2026-11-20T06:00:00Z`, `2026-11-20T08:00:00+02:00`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text.trim()).ok().map(|at| Self(at.timestamp_millis()))
    }

    /// For people who read plain text: `2026-11-20 06:00 UTC`.
    pub fn plain(self) -> String {
        self.utc().format("%Y-%m-%d %H:%M UTC").to_string()
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// Why a length of time could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write a whole number and one of s, m, h, d, mo, such as `30m` or `4h`")]
pub struct ParseSpanError(String);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest length a duration may name: ten years of 365 days.
    pub const MAX: Self = Self::days(3650);

    /// From milliseconds.
    pub const fn millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// From minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self::seconds(minutes * 60)
    }

    /// From hours.
    pub const fn hours(hours: i64) -> Self {
        Self::minutes(hours * 60)
    }

    /// From days of 24 hours.
    pub const fn days(days: i64) -> Self {
        Self::hours(days * 24)
    }

    /// In milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// In whole seconds.
    pub const fn as_seconds(self) -> i64 {
        self.0 / 1000
    }

    /// Half of it.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0 / 2)
    }

    /// Reads Sym's notation: `<int><unit>`, unit one of `s m h d mo` (a month is 30 days). A bare
    /// number counts seconds, as in Sym's older manifests.
    ///
    /// # Errors
    /// The text is not of that form, is zero, or is longer than ten years.
    pub fn parse(text: &str) -> Result<Self, ParseSpanError> {
        let complaint = || ParseSpanError(text.chars().take(40).collect());
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: i64 = text[..split].parse().map_err(|_| complaint())?;
        let unit = match &text[split..] {
            "" | "s" => Self::seconds(1),
            "m" => Self::minutes(1),
            "h" => Self::hours(1),
            "d" => Self::days(1),
            "mo" => Self::days(30),
            _ => return Err(complaint()),
        };
        let millis = number.checked_mul(unit.0).ok_or_else(complaint)?;
        if millis == 0 || millis > Self::MAX.0 {
            return Err(complaint());
        }
        Ok(Self(millis))
    }

    /// As short as Sym writes it: `90m`, `4h`, `2d`. [`Span::parse`] reads it back.
    pub fn short(self) -> String {
        let seconds = self.as_seconds();
        match seconds {
            s if s % 86_400 == 0 && s > 0 => format!("{}d", s / 86_400),
            s if s % 3600 == 0 && s > 0 => format!("{}h", s / 3600),
            s if s % 60 == 0 && s > 0 => format!("{}m", s / 60),
            s => format!("{s}s"),
        }
    }
}

/// In words, to two units: `1 hour 30 minutes`, `4 hours`, `45 seconds`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.as_seconds();
        let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
        let mut rest = seconds;
        let mut parts = Vec::new();
        for (size, name) in units {
            let count = rest / size;
            rest %= size;
            if count > 0 {
                let plural = if count == 1 { "" } else { "s" };
                parts.push(format!("{count} {name}{plural}"));
            }
        }
        if parts.is_empty() {
            return f.write_str("less than a second");
        }
        parts.truncate(2);
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_sym_wrote_them() {
        let table = [
            ("30s", Some(Span::seconds(30))),
            ("30m", Some(Span::minutes(30))),
            ("1h", Some(Span::hours(1))),
            ("2d", Some(Span::days(2))),
            ("1mo", Some(Span::days(30))),
            ("3600", Some(Span::hours(1))),
            (" 4h ", Some(Span::hours(4))),
            ("0m", None),
            ("-1h", None),
            ("1.5h", None),
            ("1 h", None),
            ("h", None),
            ("", None),
            ("1w", None),
            ("99999999999999999999h", None),
            ("9999999d", None),
        ];
        for (text, expected) in table {
            assert_eq!(Span::parse(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_longest_duration_is_ten_years() {
        assert_eq!(Span::parse("3650d"), Ok(Span::MAX));
        assert_eq!(Span::parse("315360000"), Ok(Span::MAX));
        assert!(Span::parse("315360001").is_err() && Span::parse("3651d").is_err());
    }

    #[test]
    fn short_form_takes_the_largest_unit_that_fits_and_reads_back() {
        let table = [
            (1, "1s"),
            (59, "59s"),
            (60, "1m"),
            (61, "61s"),
            (90 * 60, "90m"),
            (3600, "1h"),
            (25 * 3600, "25h"),
            (86_400, "1d"),
            (86_460, "1441m"),
            (2 * 86_400, "2d"),
        ];
        for (seconds, text) in table {
            let span = Span::seconds(seconds);
            assert_eq!((span.short().as_str(), Span::parse(text)), (text, Ok(span)));
        }
        assert_eq!(Span::ZERO.short(), "0s");
    }

    #[test]
    fn every_unit_is_so_many_milliseconds() {
        let spans = [Span::millis(2), Span::seconds(2), Span::minutes(2), Span::hours(2), Span::days(2)];
        assert_eq!(spans.map(Span::as_millis), [2, 2_000, 120_000, 7_200_000, 172_800_000]);
        assert_eq!(spans.map(Span::as_seconds), [0, 2, 120, 7_200, 172_800]);
        assert_eq!(spans.map(Span::half), [1, 1_000, 60_000, 3_600_000, 86_400_000].map(Span::millis));
        assert_eq!((Span::seconds(3) + Span::seconds(4)).as_millis(), 7_000);
    }

    #[test]
    fn moments_move_by_spans_and_nothing_lasts_less_than_no_time() {
        let at = Timestamp::from_millis(5_500);
        assert_eq!((at.millis(), at.seconds(), Timestamp::from_millis(-500).seconds()), (5_500, 5, -1));
        assert_eq!(((at + Span::seconds(1)).millis(), (at - Span::seconds(1)).millis()), (6_500, 4_500));
        let later = at + Span::minutes(1);
        assert_eq!((later.since(at), at.since(later)), (Span::minutes(1), Span::ZERO));
    }

    #[test]
    fn spans_in_words() {
        assert_eq!(Span::minutes(90).to_string(), "1 hour 30 minutes");
        assert_eq!(Span::hours(1).to_string(), "1 hour");
        assert_eq!(Span::days(2).to_string(), "2 days");
        assert_eq!(Span::ZERO.to_string(), "less than a second");
    }

    #[test]
    fn moments_in_words() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(at.rfc3339(), "2023-11-14T22:13:20.123Z");
        assert_eq!(Timestamp::parse_rfc3339("2023-11-14T23:13:20.123+01:00"), Some(at));
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
        assert_eq!(at.plain(), "2023-11-14 22:13 UTC");
    }
}
