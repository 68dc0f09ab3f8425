//! Slack's markup as plain text. `*bold*` and its kin stay as they are: they read well.
use super::{Reader, dates};

/// What a person types, as Slack hands it on.
pub(in crate::sandbox::slack) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Replaces `<…>` by what a reader sees, and unescapes the rest.
pub(super) fn plain(text: &str, reader: &Reader) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&unescape(before));
        let Some((inner, tail)) = after.split_once('>') else {
            out.push('<');
            rest = after;
            continue;
        };
        out.push_str(&token(inner, reader));
        rest = tail;
    }
    out.push_str(&unescape(rest));
    out
}

fn token(inner: &str, reader: &Reader) -> String {
    let (target, label) = match inner.split_once('|') {
        Some((target, label)) => (target, Some(unescape(label))),
        None => (inner, None),
    };
    let called = |id: &str, mark: char| {
        let name = (reader.name)(id).or(label.clone()).unwrap_or_else(|| id.to_owned());
        format!("{mark}{}", name.trim_start_matches(mark))
    };
    if let Some(id) = target.strip_prefix('@') {
        return called(id, '@');
    }
    if let Some(id) = target.strip_prefix('#') {
        return called(id, '#');
    }
    if let Some(id) = target.strip_prefix("!subteam^") {
        return called(id, '@');
    }
    if let Some(date) = target.strip_prefix("!date^") {
        return dates::shown(date, reader).unwrap_or_else(|| label.unwrap_or_default());
    }
    if let Some(word) = target.strip_prefix('!') {
        return label.unwrap_or_else(|| format!("@{word}"));
    }
    let target = unescape(target);
    match label {
        Some(label) => format!("{label} ({target})"),
        None => target,
    }
}
