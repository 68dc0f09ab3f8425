//! What goes wrong with a call, and what an operator can do about it.

use serde::Deserialize;
use slack_morphism::errors::SlackClientError;
use std::time::Duration;

/// Slack sends this when it does not say how long to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Longer waits are not believed: an hour is more than any of Slack's windows.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// Slack's codes that pass by themselves.
const PASSING: &[&str] =
    &["internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"];

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlackError {
    /// Too many calls; Slack did nothing.
    #[error("Slack asks to wait {} s before `{method}`", retry_after.as_secs())]
    RateLimited {
        /// The method.
        method: &'static str,
        /// How long to wait.
        retry_after: Duration,
    },
    /// It may work later. What was asked may have been done.
    #[error("`{method}` did not work this time: {why}")]
    Transient {
        /// The method.
        method: &'static str,
        /// In words, without content.
        why: String,
    },
    /// Slack said no.
    #[error("Slack refused `{method}`: {code}{}{}", detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default(), hint(code).map(|hint| format!(": {hint}")).unwrap_or_default())]
    Refused {
        /// The method.
        method: &'static str,
        /// Slack's error code.
        code: String,
        /// What Slack added: the missing scope, the faults in a block.
        detail: Option<String>,
    },
    /// It was not even tried.
    #[error("{0}")]
    Unusable(String),
}

impl SlackError {
    /// Trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Transient { .. })
    }

    /// Slack's error code, or ours for what never reached Slack's logic.
    pub fn code(&self) -> &str {
        match self {
            Self::RateLimited { .. } => "ratelimited",
            Self::Transient { .. } => "transient",
            Self::Refused { code, .. } => code,
            Self::Unusable(_) => "unusable",
        }
    }

    /// How long to wait before the next try, when Slack said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Whether Slack refused with this code.
    pub fn is_refused_with(&self, code: &str) -> bool {
        matches!(self, Self::Refused { code: refused, .. } if refused == code)
    }

    pub(super) fn unreadable(method: &'static str) -> Self {
        Self::Transient { method, why: "the answer could not be read".to_owned() }
    }

    /// Drops what slack-morphism's error carries besides the cause: whole bodies, URLs.
    pub(in crate::slack) fn from_client(method: &'static str, error: SlackClientError) -> Self {
        match error {
            SlackClientError::ApiError(error) => {
                let body = error.http_response_body.as_deref();
                refused(method, &error.code, detail(body, error.errors))
            }
            SlackClientError::RateLimitError(error) => Self::RateLimited {
                method,
                retry_after: error.retry_after.unwrap_or(RETRY_AFTER).clamp(RETRY_AFTER, LONGEST_WAIT),
            },
            SlackClientError::HttpError(error) if error.status_code.is_client_error() => {
                Self::Refused { method, code: format!("http_{}", error.status_code.as_u16()), detail: None }
            }
            SlackClientError::HttpError(error) => Self::Transient {
                method,
                why: format!("Slack answered with HTTP {}", error.status_code.as_u16()),
            },
            SlackClientError::HttpProtocolError(error) => {
                let cause = error.cause.map(|cause| chain(cause.as_ref()));
                Self::Transient { method, why: cause.unwrap_or_else(|| "the connection failed".to_owned()) }
            }
            SlackClientError::ProtocolError(_) => Self::unreadable(method),
            _ => Self::Transient { method, why: "the connection broke".to_owned() },
        }
    }
}

fn refused(method: &'static str, code: &str, detail: Option<String>) -> SlackError {
    let code = safe(code, 80);
    if code == "ratelimited" || code == "rate_limited" {
        return SlackError::RateLimited { method, retry_after: RETRY_AFTER };
    }
    if PASSING.contains(&code.as_str()) {
        return SlackError::Transient { method, why: format!("Slack says `{code}`") };
    }
    SlackError::Refused { method, code, detail }
}

/// What Slack adds to an error code.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Addition {
    needed: Option<String>,
    response_metadata: Option<Messages>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Messages {
    messages: Vec<String>,
}

fn detail(body: Option<&str>, errors: Option<Vec<String>>) -> Option<String> {
    let addition: Addition = body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    if let Some(needed) = addition.needed {
        return Some(format!("needed: {}", safe(&needed, 200)));
    }
    let mut messages = addition.response_metadata.unwrap_or_default().messages;
    messages.extend(errors.unwrap_or_default());
    messages.dedup();
    (!messages.is_empty()).then(|| safe(&messages.join("; "), 500))
}

/// The causes of a transport error; they name addresses and reasons, never what was sent.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    safe(&text, 300)
}

fn safe(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// What an operator can do about a code.
pub fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_in_channel" => "the bot is not in the channel; invite it there with /invite @sym",
        "channel_not_found" => {
            "there is no such channel, or it is private and the bot is not in it; check the name and invite the bot with /invite @sym"
        }
        "is_archived" => "the channel is archived; unarchive it or name another one",
        "missing_scope" => {
            "the app lacks a permission; paste slack-app.yaml into the app's manifest, reinstall the app and use the new token"
        }
        "invalid_auth" | "not_authed" => "the token is wrong; copy it again from the app's settings",
        "token_revoked" | "token_expired" | "account_inactive" => {
            "the token is no longer valid; reinstall the app and use the new token"
        }
        "not_allowed_token_type" => {
            "this is the wrong kind of token: xoxb-… is the bot's, xapp-… is for the socket"
        }
        "restricted_action" | "restricted_action_read_only_channel" => {
            "the workspace does not let the bot write there; ask an administrator"
        }
        "team_access_not_granted" => "the app is not installed in that workspace",
        "user_not_found" | "users_not_found" => "Slack knows nobody by that name",
        "cannot_dm_bot" => "a bot cannot be sent a direct message",
        "user_disabled" => "the account is deactivated",
        "expired_trigger_id" => "more than three seconds passed; the person can try again",
        "exchanged_trigger_id" | "invalid_trigger_id" => "the person can try again",
        "hash_conflict" => "the modal has changed meanwhile",
        "not_found" => "the modal was closed meanwhile",
        "message_not_found" => "the message was deleted",
        "invalid_blocks" | "invalid_arguments" => "this is a fault of the bot; please report it",
        "msg_too_long" | "view_too_large" => "the text is too long for Slack",
        "no_such_subteam" => "there is no such user group, or it is disabled",
        _ => return None,
    })
}
