//! Logs: readable on a terminal, JSON lines elsewhere. Nothing above `debug` carries a token, a payload
//! or an address.

use std::io::{self, IsTerminal, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// These libraries print socket addresses with their tickets and whole frames: they are never heard,
/// whatever is asked for.
const NEVER: [&str; 3] = ["slack_morphism=off", "tokio_tungstenite=off", "tungstenite=off"];

/// Starts logging to standard error. `filter` is `SYM_LOG`: `info`, `debug`, `sym=debug,warn`, ….
///
/// # Errors
/// The filter does not parse, or logging was started before.
pub fn start(filter: &str) -> Result<(), String> {
    let mut filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("SYM_LOG is `{filter}`, which is not a log filter: {error}. Use `info`, `debug` or `sym=debug,warn`"))?;
    for directive in NEVER {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let is_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Nameless(io::stderr()))
        // A log that nobody reads any more must not end the bot: it would say so on standard error, and
        // that panics when standard error is what was closed.
        .log_internal_errors(false)
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let started = if is_terminal {
        builder.with_ansi(true).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    started.map_err(|error| error.to_string())
}

/// Leaves addresses out of what is written, wherever they come from: AWS repeats names in what it
/// refuses, and a row is named after its user. An event is one write.
struct Nameless<W>(W);

impl<W: Write> Write for Nameless<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(without_addresses(&String::from_utf8_lossy(event)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with addresses left out, for the log.
pub fn without_addresses(text: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || "@.+-_%".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_address =
            word.split_once('@').is_some_and(|(user, domain)| !user.is_empty() && domain.contains('.'));
        out.push_str(if is_address { "…" } else { word });
        let next = after.chars().next();
        out.extend(next);
        rest = &after[next.map_or(0, char::len_utf8)..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_name_nobody() {
        let table = [
            ("`user:bo@example.com` is deactivated", "`user:…` is deactivated"),
            ("the user group `@sre` is disabled", "the user group `@sre` is disabled"),
            ("ana+x@example.co.uk, cy@b.c", "…, …"),
            ("nothing", "nothing"),
            ("größe@exämple.com é", "… é"),
        ];
        for (text, expected) in table {
            assert_eq!(without_addresses(text), expected);
        }
    }

    #[test]
    fn what_is_logged_by_whomever_names_nobody() {
        let written = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let place = std::sync::Arc::clone(&written);
        let subscriber = tracing_subscriber::fmt()
            .json()
            .without_time()
            .with_writer(move || Nameless(Place(std::sync::Arc::clone(&place))))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let error = "row `e/iam-group|1|admins|ana@example.com` of the store cannot be read: \"torn\"";
            tracing::error!(error = %error, "a row is passed over");
        });
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        insta::assert_snapshot!(text.trim_end(), @r#"{"level":"ERROR","fields":{"message":"a row is passed over","error":"row `e/iam-group|1|admins|…` of the store cannot be read: \"torn\""},"target":"sym::telemetry::tests"}"#);
    }

    struct Place(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl Write for Place {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
