//! What is asked of the rules, and what they say.

use super::{AccountFacts, Cap};
use crate::access::{Emergency, Facts, Requirement, Span, TargetName};
use std::collections::BTreeMap;

/// What is asked of the rules.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The target; `None` in an approval-only flow.
    pub target: Option<&'a TargetName>,
    /// The account, where the resource is about one.
    pub account_id: Option<&'a str>,
    /// What is known about that account; `None` when it is in no inventory.
    pub account: Option<&'a AccountFacts>,
    /// How long; `None` in a flow without timed removal.
    pub duration: Option<Span>,
    /// Who asks.
    pub facts: &'a Facts,
    /// Whether they say that it is an emergency.
    pub is_emergency: bool,
    /// How often they have used each capped rule, within its cap's time.
    pub uses: &'a BTreeMap<String, u32>,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum Verdict {
    /// People (or nobody, when `requirements` is empty) must be asked.
    Allowed(Allowed),
    /// No.
    Refused(Refused),
}

/// A request that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// What must be satisfied, all of it.
    pub requirements: Vec<Requirement>,
    /// How long it may wait for people.
    pub answer_within: Span,
    /// Where the card goes; empty means the flow's channel.
    pub notify: Vec<String>,
    /// The rules that matched, by name.
    pub rules: Vec<String>,
    /// Those of them that approved by themselves.
    pub auto_rules: Vec<String>,
    /// Set when nobody is asked first because it is an emergency.
    pub emergency: Option<Emergency>,
}

/// Why a request may not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A matching rule denies it.
    Denied {
        /// The rule.
        rule: String,
    },
    /// No rule lets this person ask for this.
    NoRule,
    /// Longer than a matching rule allows.
    TooLong {
        /// The rule with the shortest limit.
        rule: String,
        /// The longest it allows.
        limit: Span,
    },
    /// An `auto` rule has been used as often as its cap allows.
    UsedUp {
        /// The rule.
        rule: String,
        /// Its cap.
        cap: Cap,
    },
    /// No rule lets this person take this in an emergency.
    NoEmergency,
    /// A rule needs more people than there are.
    NobodyElse {
        /// The rule.
        rule: String,
        /// How many approvals it needs.
        needed: u32,
        /// How many people could give one.
        others: usize,
        /// The requester is named too, and may not decide on their own request.
        has_requester: bool,
    },
    /// It cannot be found out whether a rule applies: no, until it can.
    Unknown {
        /// The rule.
        rule: String,
    },
}

impl Refused {
    /// What the person who asks is told.
    pub fn sentence(&self) -> String {
        match self {
            Self::Denied { rule } => format!("The rule “{rule}” of this flow lets nobody have this."),
            Self::NoRule => "No rule of this flow lets you ask for this. If you should be able to, ask the \
                             people who look after the flow to add a rule for you."
                .to_owned(),
            Self::TooLong { rule, limit } => {
                format!("That is longer than the rule “{rule}” allows, which is {limit} at most.")
            }
            Self::UsedUp { rule, cap } => format!(
                "You have used the rule “{rule}” {} within {}, which is as often as it allows.",
                if cap.max_uses == 1 { "once".to_owned() } else { format!("{} times", cap.max_uses) },
                cap.per
            ),
            Self::NoEmergency => {
                "No rule of this flow lets you take this in an emergency. Ask for it without \
                                  the emergency, so that people can decide."
                    .to_owned()
            }
            Self::NobodyElse { rule, needed, others, has_requester } => {
                let why = match (*others, has_requester) {
                    (0, true) => format!(
                        "Only you could decide on this under the rule “{rule}”, and nobody decides on their own request."
                    ),
                    (0, false) => format!(
                        "Nobody could decide on this: everybody whom the rule “{rule}” asks has left or cannot be found."
                    ),
                    (others, _) => format!(
                        "The rule “{rule}” needs {needed} approvals, and only {} could give any.",
                        match (others, has_requester) {
                            (1, true) => "one person beside you".to_owned(),
                            (1, false) => "one person".to_owned(),
                            (others, true) => format!("{others} people beside you"),
                            (others, false) => format!("{others} people"),
                        }
                    ),
                };
                format!("{why} Ask the people who look after the flow to name somebody else who can approve.")
            }
            Self::Unknown { rule } => format!(
                "I could not find out whether the rule “{rule}” is about this request: who is in the channel or \
                 group, or where the account belongs, could not be read. Please try again in a minute; if it \
                 stays so, tell the people who look after this bot."
            ),
        }
    }
}
