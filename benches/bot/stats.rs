//! Medians, percentiles, and how they are written.

use std::io::Write;
use std::time::Duration;

/// One line on standard output.
pub(crate) fn say(text: &str) -> crate::Outcome<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// The value that so many percent of all values do not exceed.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Duration {
    per_mille(times, percent * 10)
}

/// The value that so many in a thousand values do not exceed.
pub(crate) fn per_mille(times: &[Duration], mille: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * mille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// The middle value.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A number with two or three digits that mean something.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Bytes in MB (of a million bytes).
pub(crate) fn megabytes(bytes: u64) -> String {
    short(bytes as f64 / 1e6)
}
