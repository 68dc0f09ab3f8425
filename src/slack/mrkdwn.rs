//! Text from people, made safe for Slack.
//!
//! Slack's `mrkdwn` has no escape for its own marks: `&`, `<` and `>` are escaped, and the marks that
//! could forge structure (`*`, `~`, a backtick) are replaced by look-alikes where text from people
//! stands inside our sentences. Lengths are counted in UTF-16 units, the strictest reading of Slack's
//! limits.

use crate::access::{Timestamp, UserId};

/// Lines of one quote that are shown before the rest is folded.
const QUOTED_LINES: usize = 30;

/// How Slack could count the length of a text, at worst.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Without control characters and marks that turn the direction of reading; newlines stay.
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter_map(|c| match c {
            '\n' | '\u{2028}' | '\u{2029}' | '\r' => Some('\n'),
            '\t' => Some(' '),
            '\u{200E}'
            | '\u{200F}'
            | '\u{061C}'
            | '\u{FEFF}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}' => None,
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect()
}

/// Cleaned, with `&`, `<` and `>` escaped: no mention, no link, no date can come out of it.
pub fn escape(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text from people within one of our own lines: escaped, on one line, without marks that could end
/// our bold or open code.
pub fn inline(text: &str) -> String {
    let line = escape(text).split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().map(unmarked).collect()
}

/// A sentence of the bot's own, in which a machine may be quoted: as [`inline`], but what stands between
/// backticks stays code. At most `max` long.
pub fn prose(text: &str, max: usize) -> String {
    let line = escape(text).split_whitespace().collect::<Vec<_>>().join(" ").replace("```", "ˋˋˋ");
    let line: String = line.chars().map(|c| if c == '`' { c } else { unmarked(c) }).collect();
    let mut line = cut(&line, max);
    if line.matches('`').count() % 2 == 1
        && let Some(at) = line.rfind('`')
    {
        line.replace_range(at..=at, "ˋ");
    }
    line
}

const fn unmarked(c: char) -> char {
    match c {
        '*' => '∗',
        '`' => 'ˋ',
        '~' => '∼',
        c => c,
    }
}

/// At most `max` long, with `…` in place of what is missing. Never ends inside an escaped character or
/// inside one of Slack's `<…>`.
pub fn cut(text: &str, max: usize) -> String {
    if length(text) <= max {
        return text.to_owned();
    }
    let mut room = max.saturating_sub(1);
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if c.len_utf16() > room {
            break;
        }
        room -= c.len_utf16();
        end = at + c.len_utf8();
    }
    let mut kept = &text[..end];
    if let Some(open) = kept.rfind('<')
        && !kept[open..].contains('>')
    {
        kept = &kept[..open];
    }
    if let Some(open) = kept.rfind('&')
        && ["&amp;", "&lt;", "&gt;"].iter().any(|entity| {
            let part = &kept[open..];
            entity.starts_with(part) && part.len() < entity.len() && text[open..].starts_with(entity)
        })
    {
        kept = &kept[..open];
    }
    if max == 0 { String::new() } else { format!("{}…", kept.trim_end()) }
}

/// Text from people as a quote, at most `max` long: every line is marked as theirs, so that nothing in
/// it can pass for ours. Addresses can be opened, and show where they lead.
pub fn quote(text: &str, max: usize) -> String {
    let safe = escape(text.trim());
    // Three backticks open a block that would swallow the marks of the lines below.
    let safe = safe.replace("```", "ˋˋˋ");
    let all: Vec<&str> = safe.lines().collect();
    let mut quoted: Vec<String> =
        all.iter().take(QUOTED_LINES).map(|line| format!("> {}", linked(line))).collect();
    if all.len() > QUOTED_LINES {
        quoted.push(format!("> … ({} more lines)", all.len() - QUOTED_LINES));
    }
    if quoted.is_empty() {
        quoted.push("> –".to_owned());
    }
    cut(&quoted.join("\n"), max)
}

/// An escaped line with its `https://` addresses made into links without a label.
fn linked(line: &str) -> String {
    let words =
        line.split(' ').map(|word| if is_address(word) { format!("<{word}>") } else { word.to_owned() });
    words.collect::<Vec<_>>().join(" ")
}

/// A link that shows where it leads; `None` when this is no `https://` address.
pub(super) fn link(address: &str) -> Option<String> {
    let word = escape(address.trim());
    is_address(&word).then(|| format!("<{word}>"))
}

fn is_address(escaped: &str) -> bool {
    escaped.strip_prefix("https://").is_some_and(|rest| {
        !rest.is_empty()
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'+,;=%".contains(c))
            && !rest.contains("&lt;")
            && !rest.contains("&gt;")
    })
}

/// A literal on one line.
pub fn code(text: &str) -> String {
    let line = escape(text).split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "ˋ");
    if line.is_empty() { "`–`".to_owned() } else { format!("`{line}`") }
}

/// A literal on lines of its own, to be copied.
pub fn code_block(text: &str) -> String {
    format!("```{}```", escape(text.trim()).replace('`', "ˋ"))
}

/// A mention, which shows the name and leads to the profile. Anything that is no user id is shown as
/// it is.
pub fn user(id: &UserId) -> String {
    if is_user(id.as_str()) { format!("<@{id}>") } else { inline(id.as_str()) }
}

/// Whether this can be the id of a Slack user.
pub(super) fn is_user(text: &str) -> bool {
    text.starts_with(['U', 'W']) && is_id(text)
}

fn is_id(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Where a message goes, as manifests name it: a channel id, `#name`, or a person's address with or
/// without `user:`.
pub fn destination(name: &str) -> String {
    let name = name.strip_prefix("user:").unwrap_or(name);
    if name.starts_with(['C', 'G']) && is_id(name) {
        format!("<#{name}>")
    } else if is_user(name) {
        format!("<@{name}>")
    } else {
        inline(name)
    }
}

/// A moment in the reader's own time zone; UTC where Slack cannot say.
pub fn date(at: Timestamp) -> String {
    format!("<!date^{}^{{date_short_pretty}} at {{time}}|{}>", at.seconds(), at.plain())
}

/// Our own `mrkdwn` as one line for notifications and screen readers: marks and the emoji in front
/// gone, dates in UTC, mentions left for Slack to resolve.
pub(super) fn spoken(text: &str) -> String {
    let mut spoken = String::new();
    let mut rest = without_emoji(text);
    while let Some(open) = rest.find('<') {
        spoken.push_str(&unformatted(&rest[..open]));
        let Some(close) = rest[open..].find('>').map(|at| open + at) else { break };
        let inner = &rest[open + 1..close];
        match inner.split_once('|') {
            Some((_, label)) => spoken.push_str(label),
            None if inner.starts_with("http") => spoken.push_str(inner),
            None => spoken.push_str(&rest[open..=close]),
        }
        rest = &rest[close + 1..];
    }
    spoken.push_str(&unformatted(rest));
    spoken.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_emoji(text: &str) -> &str {
    let emoji = text.strip_prefix(':').and_then(|rest| rest.split_once(": "));
    match emoji {
        Some((name, rest)) if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => rest,
        _ => text,
    }
}

fn unformatted(text: &str) -> String {
    let lines = text.split('\n').map(|line| line.strip_prefix("> ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n").replace(['*', '`'], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nobody_can_ping_or_forge_a_link() {
        assert_eq!(escape("<!channel> & <https://evil|x>"), "&lt;!channel&gt; &amp; &lt;https://evil|x&gt;");
        assert_eq!(inline("a*b\n`c` ~d~"), "a∗b ˋcˋ ∼d∼");
        assert_eq!(user(&UserId::new("UANA")), "<@UANA>");
        assert_eq!(user(&UserId::new("!channel")), "!channel");
        assert_eq!(user(&UserId::new("U1> <!here")), "U1&gt; &lt;!here");
        assert_eq!(destination("C0123"), "<#C0123>");
        assert_eq!(destination("#prod & co"), "#prod &amp; co");
        assert_eq!(destination("user:bo@example.com"), "bo@example.com");
    }

    #[test]
    fn our_own_sentences_keep_their_code() {
        assert_eq!(
            prose("`iam:GetUser` as *x*\nfailed: <!here>", 100),
            "`iam:GetUser` as ∗x∗ failed: &lt;!here&gt;"
        );
        assert_eq!(prose("needs `sso:ListInstances`", 12), "needs ˋsso:…");
        assert_eq!(prose("a ``` b", 12), "a ˋˋˋ b");
    }

    #[test]
    fn controls_and_turned_directions_are_gone() {
        assert_eq!(clean("a\u{202E}b\u{2066}c\u{0}d\u{7}\r\ne\tf"), "abcd\ne f");
    }

    #[test]
    fn cutting_is_visible_and_never_within_an_escape() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("ab&amp;cd", 6), "ab…");
        assert_eq!(cut("ab&amp;cd", 8), "ab&amp;…");
        assert_eq!(cut("x <https://a.example|here> y", 12), "x…");
        assert_eq!(cut("🙂🙂🙂", 4), "🙂…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn quotes_mark_every_line() {
        assert_eq!(
            quote("INC-42\n> *Approved*\n```\nhttps://a.example/?a=1&b=2 <!here>", 3000),
            "> INC-42\n> &gt; *Approved*\n> ˋˋˋ\n> <https://a.example/?a=1&amp;b=2> &lt;!here&gt;"
        );
        assert_eq!(quote("", 100), "> –");
        assert!(quote(&"x\n".repeat(100), 3000).ends_with("> … (70 more lines)"));
    }

    #[test]
    fn literals_cannot_be_left() {
        assert_eq!(code("a`b\nc"), "`aˋb c`");
        assert_eq!(code_block("a ``` b"), "```a ˋˋˋ b```");
    }

    #[test]
    fn moments_are_in_the_readers_zone() {
        let at = Timestamp::from_millis(1_795_154_400_000);
        assert_eq!(date(at), "<!date^1795154400^{date_short_pretty} at {time}|2026-11-20 06:00 UTC>");
        assert_eq!(
            spoken(&format!("*<@UANA>* has `x` until {}\n> so", date(at))),
            "<@UANA> has x until 2026-11-20 06:00 UTC so"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_typed_no_angle_bracket_of_theirs_survives(text in any::<String>(), max in 0usize..50) {
            for safe in [escape(&text), inline(&text), code(&text), code_block(&text)] {
                prop_assert!(!safe.contains(['<', '>']));
                let short = cut(&safe, max);
                prop_assert!(length(&short) <= max);
            }
            for line in quote(&text, 3000).lines() {
                prop_assert!(line.starts_with('>'), "{line}");
            }
        }
    }
}
