//! `<!date^…>`: a moment in the reader's own zone.
use super::Reader;
use crate::sandbox::slack::zone;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `TIMESTAMP^FORMAT[^LINK]` as the reader sees it; nothing if it is not well formed.
pub(super) fn shown(date: &str, reader: &Reader) -> Option<String> {
    let mut parts = date.split('^');
    let at: i64 = parts.next()?.parse().ok()?;
    let mut rest = parts.next()?;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (token, tail) = after.split_once('}')?;
        out.push_str(&filled(token, at, reader)?);
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

fn filled(token: &str, at: i64, reader: &Reader) -> Option<String> {
    let local = at + zone::offset(reader.tz, at);
    let (year, month, day) = zone::civil(local);
    let month_name = MONTHS[usize::try_from(month - 1).ok()?];
    let weekday = DAYS[usize::try_from(zone::weekday(local.div_euclid(86_400))).ok()?];
    let date = format!("{month_name} {}, {year}", ordinal(day));
    let short = format!("{} {day}, {year}", &month_name[..3]);
    let long = format!("{weekday}, {date}");
    let near = near(at, reader);
    let or_near = |text: String| near.map_or(text, str::to_owned);
    Some(match token {
        "date_num" => format!("{year:04}-{month:02}-{day:02}"),
        "date" => date,
        "date_short" => short,
        "date_long" => long,
        "date_pretty" => or_near(date),
        "date_short_pretty" => or_near(short),
        "date_long_pretty" => or_near(long),
        "time" => time(local, false),
        "time_secs" => time(local, true),
        "ago" => ago(at, reader.now / 1000),
        _ => return None,
    })
}

fn ordinal(day: i64) -> String {
    let end = match (day % 100, day % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{day}{end}")
}

fn near(at: i64, reader: &Reader) -> Option<&'static str> {
    let day = |at: i64| (at + zone::offset(reader.tz, at)).div_euclid(86_400);
    match day(at) - day(reader.now / 1000) {
        -1 => Some("yesterday"),
        0 => Some("today"),
        1 => Some("tomorrow"),
        _ => None,
    }
}

fn time(local: i64, seconds: bool) -> String {
    let of_day = local.rem_euclid(86_400);
    let (hour, minute) = (of_day / 3600, of_day / 60 % 60);
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    if seconds {
        return format!("{hour}:{minute:02}:{:02} {half}", of_day % 60);
    }
    format!("{hour}:{minute:02} {half}")
}

fn ago(at: i64, now: i64) -> String {
    let apart = (now - at).abs();
    let (number, unit) = match apart {
        0..60 => (apart, "second"),
        60..3600 => (apart / 60, "minute"),
        3600..86_400 => (apart / 3600, "hour"),
        _ => (apart / 86_400, "day"),
    };
    let s = if number == 1 { "" } else { "s" };
    if at <= now { format!("{number} {unit}{s} ago") } else { format!("in {number} {unit}{s}") }
}
