//! Says who may ask for what, for how long, and who may decide; explains why. Pure.
//!
//! Meaning, in four sentences. **Every rule that matches the request binds** (targets, accounts and
//! requesters all match); order plays no part. One matching `deny` refuses. Otherwise each matching
//! rule must be satisfied by its own approvers, the shortest `max_duration` and `answer_within` hold,
//! and `auto` counts as satisfied. No matching rule means no.
//!
//! A `break_glass` rule is asked only when the requester says that it is an emergency: then nobody is
//! asked first, whoever was passed over is told, and one of them must acknowledge it afterwards.
//! What cannot be found out (is this account in that OU? is she in that group?) is never taken for
//! the laxer answer.

mod deciders;
mod denial;
mod matching;
mod verdict;
mod weigh;

pub use deciders::{Bench, Standing};
pub use denial::{Denial, Subject, denial};
pub use matching::{Aspect, Match};
pub use verdict::{Allowed, Question, Refused, Verdict};
pub use weigh::{evaluate, longest};

use crate::access::{Fallback, People, Span, TargetName};
use std::collections::BTreeMap;
use std::fmt;

/// How long a request waits for people when no rule says otherwise.
pub const DEFAULT_ANSWER_WITHIN: Span = Span::hours(8);

/// One `rule` block of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The block's label.
    pub name: String,
    /// Where it stands: `manifests/prod.hcl:12`.
    pub place: String,
    /// The targets it is about; empty means every target of the strategy.
    pub targets: Vec<TargetName>,
    /// The accounts it is about; empty means any.
    pub accounts: Vec<AccountSelector>,
    /// Who may ask under it; empty means every full member.
    pub requesters: Vec<People>,
    /// The longest access it allows.
    pub max_duration: Option<Span>,
    /// Who may decide.
    pub approvers: Vec<People>,
    /// How many different people must approve.
    pub min_approvals: u32,
    /// Whether the requester may be one of them.
    pub allow_self: bool,
    /// Where the card goes; empty means the flow's channel.
    pub notify: Vec<String>,
    /// How long the request may wait for people.
    pub answer_within: Option<Span>,
    /// What it decides by itself.
    pub decision: Decision,
    /// Who is asked when nobody answers.
    pub fallback: Option<Fallback>,
    /// How often one person may use an `auto` rule.
    pub cap: Option<Cap>,
}

/// Accounts as a rule names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountSelector {
    /// One account, by its twelve digits.
    Id(String),
    /// Every account of an organizational unit, and of the units below it.
    Ou(String),
    /// Every account with this tag.
    Tag {
        /// The tag's key.
        key: String,
        /// Its value, exactly.
        value: String,
    },
}

/// As the manifest writes it.
impl fmt::Display for AccountSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Ou(unit) => write!(f, "ou:{unit}"),
            Self::Tag { key, value } => write!(f, "tag:{key}={value}"),
        }
    }
}

/// What is known about an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountFacts {
    /// Twelve digits.
    pub id: String,
    /// The organizational units it is in, its own and every one above, and the root.
    pub units: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// At most so many uses by one person within so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// How often.
    pub max_uses: u32,
    /// Within this time.
    pub per: Span,
}

/// What a rule decides by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// People decide.
    Ask,
    /// Nobody needs to be asked.
    Auto,
    /// Nobody is asked first, in an emergency; somebody must acknowledge it afterwards.
    BreakGlass,
    /// Nobody gets it.
    Deny,
}

impl Rule {
    /// The safe rule of a flow without any: every full member may ask, the members of the flow's
    /// channel decide, one approval, never one's own.
    pub fn standard(place: impl Into<String>) -> Self {
        Self {
            name: "standard".to_owned(),
            place: place.into(),
            targets: Vec::new(),
            accounts: Vec::new(),
            requesters: Vec::new(),
            max_duration: None,
            approvers: vec![People::ChannelMembers],
            min_approvals: 1,
            allow_self: false,
            notify: Vec::new(),
            answer_within: None,
            decision: Decision::Ask,
            fallback: None,
            cap: None,
        }
    }
}

#[cfg(test)]
mod tests;
