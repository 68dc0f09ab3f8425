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

mod denial;

pub use denial::{Denial, Subject, denial};

use crate::access::{Emergency, Facts, Fallback, People, Requirement, Span, TargetName};
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

    /// Whether the rule binds this request; `None` when that cannot be found out.
    pub fn matches(&self, question: &Question<'_>) -> Option<bool> {
        let target = self.is_about_target(question.target);
        let requester = if self.requesters.is_empty() {
            Some(question.facts.is_full_member())
        } else {
            People::any_names(&self.requesters, question.facts)
        };
        all([Some(target), self.is_about_account(question.account_id, question.account), requester])
    }

    fn is_about_target(&self, target: Option<&TargetName>) -> bool {
        self.targets.is_empty() || target.is_some_and(|target| self.targets.contains(target))
    }

    fn is_about_account(&self, id: Option<&str>, account: Option<&AccountFacts>) -> Option<bool> {
        if self.accounts.is_empty() {
            return Some(true);
        }
        let Some(id) = id else { return Some(false) };
        let mut is_unknown = false;
        for selector in &self.accounts {
            let hit = match (selector, account) {
                (AccountSelector::Id(wanted), _) => wanted == id,
                (AccountSelector::Ou(unit), Some(account)) => account.units.contains(unit),
                (AccountSelector::Tag { key, value }, Some(account)) => account.tags.get(key) == Some(value),
                (AccountSelector::Ou(_) | AccountSelector::Tag { .. }, None) => {
                    is_unknown = true;
                    false
                }
            };
            if hit {
                return Some(true);
            }
        }
        if is_unknown { None } else { Some(false) }
    }

    fn requirement(&self) -> Requirement {
        Requirement {
            rule: self.name.clone(),
            approvers: self.approvers.clone(),
            min_approvals: self.min_approvals,
            allow_self: self.allow_self,
            notify: self.notify.clone(),
            fallback: self.fallback.clone(),
        }
    }

    /// Whether an `auto` rule has been used up by this person.
    fn is_used_up(&self, question: &Question<'_>) -> bool {
        let used = question.uses.get(&self.name).copied().unwrap_or_default();
        self.cap.is_some_and(|cap| used >= cap.max_uses)
    }
}

/// All of several answers, some of which are not known.
fn all(answers: [Option<bool>; 3]) -> Option<bool> {
    if answers.contains(&Some(false)) {
        Some(false)
    } else if answers.contains(&None) {
        None
    } else {
        Some(true)
    }
}

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
                "You have used the rule “{rule}” {} in the last {}, which is as often as it allows.",
                if cap.max_uses == 1 { "once".to_owned() } else { format!("{} times", cap.max_uses) },
                cap.per
            ),
            Self::NoEmergency => "No rule of this flow lets you take this in an emergency. Ask for it without \
                                  the emergency, so that people can decide."
                .to_owned(),
            Self::Unknown { rule } => format!(
                "I could not find out whether the rule “{rule}” is about this request: who is in the channel or \
                 group, or where the account belongs, could not be read. Please try again in a minute; if it \
                 stays so, tell the people who look after this bot."
            ),
        }
    }
}

/// Decides what the rules say to a question.
pub fn evaluate(rules: &[Rule], question: &Question<'_>) -> Verdict {
    match weigh(rules, question) {
        Ok(allowed) => Verdict::Allowed(allowed),
        Err(refused) => Verdict::Refused(refused),
    }
}

fn weigh(rules: &[Rule], question: &Question<'_>) -> Result<Allowed, Refused> {
    let asked = |rule: &&Rule| question.is_emergency || rule.decision != Decision::BreakGlass;
    if let Some(rule) = rules.iter().filter(asked).find(|rule| rule.matches(question).is_none()) {
        return Err(Refused::Unknown { rule: rule.name.clone() });
    }
    let matching: Vec<&Rule> =
        rules.iter().filter(asked).filter(|rule| rule.matches(question) == Some(true)).collect();
    if let Some(rule) = matching.iter().find(|rule| rule.decision == Decision::Deny) {
        return Err(Refused::Denied { rule: rule.name.clone() });
    }
    let glass = matching.iter().find(|rule| rule.decision == Decision::BreakGlass);
    if question.is_emergency && glass.is_none() {
        return Err(Refused::NoEmergency);
    }
    if matching.is_empty() {
        return Err(Refused::NoRule);
    }
    if let Some((limit, rule)) = shortest(&matching)
        && question.duration.is_none_or(|duration| duration > limit)
    {
        return Err(Refused::TooLong { rule: rule.name.clone(), limit });
    }
    match glass {
        Some(glass) => in_an_emergency(&matching, glass),
        None => by_asking(&matching, question),
    }
}

/// The longest access that the rules would let this question have, whatever duration it names; `None`
/// means no limit.
pub fn longest(rules: &[Rule], question: &Question<'_>) -> Option<Span> {
    let matching: Vec<&Rule> =
        rules.iter().filter(|rule| rule.matches(question) == Some(true)).collect();
    shortest(&matching).map(|(limit, _)| limit)
}

fn shortest<'a>(rules: &[&'a Rule]) -> Option<(Span, &'a Rule)> {
    rules.iter().filter_map(|rule| Some((rule.max_duration?, *rule))).min_by_key(|(limit, _)| *limit)
}

fn by_asking(matching: &[&Rule], question: &Question<'_>) -> Result<Allowed, Refused> {
    let mut requirements = Vec::new();
    let mut auto_rules = Vec::new();
    for rule in matching {
        match (rule.decision, rule.cap) {
            (Decision::Ask, _) => requirements.push(rule.requirement()),
            (Decision::Auto, Some(cap)) if rule.is_used_up(question) => {
                // Beyond its cap an automatic rule asks its approvers, if it names any.
                if rule.approvers.is_empty() {
                    return Err(Refused::UsedUp { rule: rule.name.clone(), cap });
                }
                requirements.push(rule.requirement());
            }
            (Decision::Auto, _) => auto_rules.push(rule.name.clone()),
            (Decision::Deny | Decision::BreakGlass, _) => {}
        }
    }
    Ok(Allowed { requirements, auto_rules, ..common(matching) })
}

fn in_an_emergency(matching: &[&Rule], glass: &Rule) -> Result<Allowed, Refused> {
    let skipped: Vec<Requirement> = matching
        .iter()
        .filter(|rule| !rule.approvers.is_empty())
        .map(|rule| Requirement { allow_self: false, ..rule.requirement() })
        .collect();
    if skipped.is_empty() {
        // Nobody could acknowledge it afterwards.
        return Err(Refused::NoEmergency);
    }
    let emergency = Emergency { rule: glass.name.clone(), skipped, acknowledged: None };
    Ok(Allowed { emergency: Some(emergency), ..common(matching) })
}

/// What holds however the decision is made.
fn common(matching: &[&Rule]) -> Allowed {
    let mut notify: Vec<String> = Vec::new();
    for destination in matching.iter().flat_map(|rule| &rule.notify) {
        if !notify.contains(destination) {
            notify.push(destination.clone());
        }
    }
    Allowed {
        requirements: Vec::new(),
        answer_within: matching
            .iter()
            .filter_map(|rule| rule.answer_within)
            .min()
            .unwrap_or(DEFAULT_ANSWER_WITHIN),
        notify,
        rules: matching.iter().map(|rule| rule.name.clone()).collect(),
        auto_rules: Vec::new(),
        emergency: None,
    }
}
