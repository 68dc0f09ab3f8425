//! Logs: readable on a terminal, JSON lines elsewhere. Nothing above `debug` carries a token, a payload
//! or an address.

use std::io::IsTerminal;
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
        .with_writer(std::io::stderr)
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
