//! Identifiers as types, so that a channel can never be passed where a person is meant.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is; validity is checked where the text comes from.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text as it travels on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    )*};
}

ids! {
    /// A Slack conversation: `C…`, `D…` or `G…`.
    ChannelId;
    /// One entitlement, readable: kind, place, resource and principal joined by `|`.
    EntitlementId;
    /// One delivery of Slack's socket mode; repeated when Slack delivers again.
    EnvelopeId;
    /// The `name` of a `sym_flow`: what people type after `/sym request`.
    FlowName;
    /// The `name` of a `sym_integration`.
    IntegrationName;
    /// A Slack message's `ts`, which with its channel names the message.
    MessageTs;
    /// AWS's id of an asynchronous assignment operation.
    OperationId;
    /// One access request: thirteen lower-case letters and digits, also the name of its AWS sessions.
    RequestId;
    /// The `name` of a `sym_target`.
    TargetName;
    /// A Slack workspace: `T…`.
    TeamId;
    /// A Slack user: `U…` or `W…`.
    UserId;
}

/// An e-mail address, compared and shown in lower case: AWS, Slack and manifests disagree on
/// capitals, and a right must not depend on them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Trims and lower-cases the address. Only ASCII letters: folding others would make different
    /// addresses equal (the Kelvin sign becomes a `k`).
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_ascii_lowercase())
    }

    /// The address in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Addresses stay out of logs, also when a whole structure is logged.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_the_same_whatever_their_capitals_and_stay_out_of_logs() {
        let email = Email::new(" Ana@Example.com ");
        assert_eq!(email, Email::new("ana@example.COM"));
        assert_eq!(email.as_str(), "ana@example.com");
        assert_eq!(format!("{email} {email:?}"), "ana@example.com Email(…)");
        assert_ne!(Email::new("\u{212a}im@example.com"), Email::new("kim@example.com"), "a Kelvin sign");
    }
}
