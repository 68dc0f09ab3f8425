//! One request, played up to the point where people would be asked.

use crate::access::{
    AccessRequest, Answer, AnswerValue, Ask, AskedTarget, Click, ClickAction, Email, Event, Facts, FlowName,
    People, Person, Principal, Refusal, Resource, Span, Target, TargetName, Terms, Timestamp, Unfit, decide,
};
use crate::manifest::{Catalog, FactSheet, FlowEntry};
use crate::policy::{self, AccountFacts, Allowed, Decision, Match, Question, Refused, Rule, Verdict};
use std::collections::BTreeMap;

/// What somebody would like to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Who asks.
    pub asks: Email,
    /// With which flow.
    pub flow: FlowName,
    /// For what.
    pub target: Option<TargetName>,
    /// In which account, where the request names it.
    pub account: Option<String>,
    /// For how long.
    pub duration: Option<Span>,
    /// In an emergency.
    pub is_emergency: bool,
    /// How often they have used each capped rule.
    pub uses: BTreeMap<String, u32>,
    /// Answers to other fields.
    pub fields: BTreeMap<String, String>,
}

/// A request as far as the rules take it.
#[derive(Debug, Clone)]
pub struct Played<'a> {
    /// The flow.
    pub entry: &'a FlowEntry,
    /// What is asked for.
    pub target: Option<&'a Target>,
    /// The resource it stands for.
    pub resource: Option<Resource>,
    /// What is known about the requester.
    pub facts: Facts,
    /// What is known about the account.
    pub account: Option<AccountFacts>,
    /// For how long.
    pub duration: Option<Span>,
    /// Whether it is an emergency.
    pub is_emergency: bool,
    /// How often capped rules were used.
    pub uses: BTreeMap<String, u32>,
    /// Each rule that was asked, and how it compares.
    pub compared: Vec<(&'a Rule, Match)>,
    /// What the rules say.
    pub verdict: Verdict,
    /// The longest access they allow.
    pub longest: Option<Span>,
}

/// Plays a wish against the rules.
///
/// # Errors
/// There is no such flow, target or account: a sentence.
pub fn play<'a>(catalog: &'a Catalog, sheet: Option<&FactSheet>, wish: &Wish) -> Result<Played<'a>, String> {
    let asked = asked_for(catalog, wish)?;
    let account_id = asked.resource.as_ref().and_then(Resource::account_id);
    let account = account_id.and_then(|id| sheet?.account(id)).cloned();
    let facts = facts_of(asked.entry, sheet, &wish.asks);
    Ok(asked.with(wish, facts, account))
}

/// What a wish is about, before anything is known about people and accounts.
#[derive(Debug, Clone)]
pub struct AskedFor<'a> {
    /// The flow.
    pub entry: &'a FlowEntry,
    /// What is asked for.
    pub target: Option<&'a Target>,
    /// The resource it stands for.
    pub resource: Option<Resource>,
    duration: Option<Span>,
}

/// Finds what a wish is about.
///
/// # Errors
/// There is no such flow, target or account: a sentence.
pub fn asked_for<'a>(catalog: &'a Catalog, wish: &Wish) -> Result<AskedFor<'a>, String> {
    let entry = catalog.flow(&wish.flow).ok_or_else(|| {
        let names: Vec<&str> = catalog.flows.iter().map(|entry| entry.flow.name.as_str()).collect();
        format!("there is no flow `{}`: there is {}", wish.flow, listed(&names))
    })?;
    let target = target(entry, wish)?;
    let resource = target.map(|target| resource(target, wish)).transpose()?;
    let duration = match (entry.flow.asks_duration(), wish.duration) {
        (true, None) => {
            return Err(format!("the flow `{}` asks for how long: give a duration", entry.flow.name));
        }
        (false, Some(_)) => {
            return Err(format!(
                "the flow `{}` does not ask for how long: leave the duration out",
                entry.flow.name
            ));
        }
        (_, duration) => duration,
    };
    Ok(AskedFor { entry, target, resource, duration })
}

impl<'a> AskedFor<'a> {
    /// Plays the wish with what is known about the requester and the account.
    #[must_use]
    pub fn with(self, wish: &Wish, facts: Facts, account: Option<AccountFacts>) -> Played<'a> {
        let Self { entry, target, resource, duration } = self;
        let question = Question {
            target: target.map(|target| &target.name),
            account_id: resource.as_ref().and_then(Resource::account_id),
            account: account.as_ref(),
            duration,
            facts: &facts,
            is_emergency: wish.is_emergency,
            uses: &wish.uses,
        };
        let compared = entry
            .rules
            .iter()
            .filter(|rule| wish.is_emergency || rule.decision != Decision::BreakGlass)
            .map(|rule| (rule, rule.compare(&question)))
            .collect();
        // The bot turns guests away before any rule is asked.
        let verdict = if facts.is_full_member() {
            policy::evaluate(&entry.rules, &question)
        } else {
            Verdict::Refused(Refused::NoRule)
        };
        let longest = policy::longest(&entry.rules, &question);
        Played {
            entry,
            target,
            compared,
            verdict,
            longest,
            duration,
            is_emergency: wish.is_emergency,
            uses: wish.uses.clone(),
            resource,
            account,
            facts,
        }
    }
}

/// `a`, `b`, `c`
pub(super) fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn target<'a>(entry: &'a FlowEntry, wish: &Wish) -> Result<Option<&'a Target>, String> {
    let names: Vec<&str> = entry.flow.targets.iter().map(|target| target.name.as_str()).collect();
    match (&wish.target, names.as_slice()) {
        (None, []) => Ok(None),
        (Some(_), []) => Err(format!("the flow `{}` grants nothing: leave the target out", entry.flow.name)),
        // The form does not ask either.
        (None, [_]) => Ok(entry.flow.targets.first()),
        (None, names) => Err(format!("the flow `{}` needs a target: {}", entry.flow.name, listed(names))),
        (Some(name), names) => entry.flow.target(name).map(Some).ok_or_else(|| {
            format!(
                "there is no target `{name}` in the flow `{}`: there is {}",
                entry.flow.name,
                listed(names)
            )
        }),
    }
}

fn resource(target: &Target, wish: &Wish) -> Result<Resource, String> {
    let mut given = wish.fields.clone();
    if let Some(account) = &wish.account
        && target.bindings.iter().any(|binding| binding == "account_id")
    {
        given.insert("account_id".to_owned(), account.clone());
    }
    let answer =
        |(name, text): (String, String)| Answer { label: name.clone(), name, value: AnswerValue::Text(text) };
    let answers: Vec<Answer> = given.into_iter().map(answer).collect();
    let resource = target.resource(&answers).map_err(|error| error.to_string())?;
    match (&wish.account, resource.account_id()) {
        (Some(wanted), Some(there)) if wanted != there => {
            Err(format!("the target `{}` is in the account {there}, not in {wanted}", target.name))
        }
        (Some(_), None) => {
            Err(format!("the target `{}` is in no account: leave the account out", target.name))
        }
        _ => Ok(resource),
    }
}

/// What a facts file says about somebody; whoever it does not name is a full member about whom nothing
/// else is known.
pub(super) fn facts_of(entry: &FlowEntry, sheet: Option<&FactSheet>, email: &Email) -> Facts {
    let person = sheet.and_then(|sheet| sheet.person(email));
    let mut facts = member(email);
    let Some(person) = person else { return facts };
    facts.is_guest = person.is_guest;
    for people in asked_about(entry) {
        if let Some(is_among) = person.is_among(&people, entry.flow.channel.as_deref()) {
            facts.member_of.insert(people, is_among);
        }
    }
    facts
}

/// A full member in no group that is known of.
pub(super) fn member(email: &Email) -> Facts {
    Facts {
        user: email.as_str().into(),
        team: None,
        email: Some(email.clone()),
        is_home: true,
        is_guest: false,
        is_bot: false,
        is_deactivated: false,
        member_of: BTreeMap::new(),
    }
}

/// All people that the rules of a flow speak of.
pub(super) fn asked_about(entry: &FlowEntry) -> Vec<People> {
    let mut all: Vec<People> = Vec::new();
    for rule in &entry.rules {
        let later = rule.fallback.iter().flat_map(|fallback| &fallback.approvers);
        for people in rule.requesters.iter().chain(&rule.approvers).chain(later) {
            if !all.contains(people) {
                all.push(people.clone());
            }
        }
    }
    all
}

impl Played<'_> {
    /// The account the request is about.
    pub fn account_id(&self) -> Option<&str> {
        self.resource.as_ref().and_then(Resource::account_id)
    }

    /// What the requester would be told, when the answer is no.
    pub fn refusal(&self) -> Option<String> {
        if let Some(unfit) = self.facts.unfit() {
            let why = match unfit {
                Unfit::Stranger => {
                    "Only members of this Slack workspace can request access, and no active one has this address."
                }
                Unfit::Bot => "Bots and apps cannot request access.",
                Unfit::Deactivated => "This account was deactivated.",
                Unfit::Guest => "Guests cannot request access.",
            };
            return Some(why.to_owned());
        }
        match &self.verdict {
            Verdict::Allowed(_) => None,
            Verdict::Refused(refused) => Some(refused.sentence()),
        }
    }

    /// Whether somebody's click would count: an approval, or the acknowledgement of an emergency. This
    /// asks the same function as the bot does when a button is pressed.
    pub(super) fn click(&self, allowed: &Allowed, by: &Facts) -> Result<(), Refusal> {
        let at = Timestamp::from_millis(0);
        let request = AccessRequest::open(self.ask(), at);
        let event = Event::Identified {
            request: "rehearsal".into(),
            facts: Box::new(self.facts.clone()),
            principal: Some(Principal::IamUser { user_name: "rehearsal".to_owned() }),
            terms: Box::new(self.terms(allowed)),
            destinations: Vec::new(),
        };
        let step = decide(&request.case, &event, at)?;
        let action =
            if allowed.emergency.is_some() { ClickAction::Acknowledge } else { ClickAction::Approve };
        let click = Click {
            envelope: crate::access::EnvelopeId::new("rehearsal"),
            request: "rehearsal".into(),
            action,
            user: by.user.clone(),
            team: None,
            place: None,
            at,
            comment: None,
            shorten_to: None,
        };
        decide(&step.case, &Event::Clicked { click: Box::new(click), facts: Box::new(by.clone()) }, at)
            .map(drop)
    }

    fn ask(&self) -> Ask {
        let asked = |(target, resource): (&Target, &Resource)| AskedTarget {
            name: target.name.clone(),
            label: target.label.clone(),
            resource: resource.clone(),
            connection: target.connection.clone(),
        };
        Ask {
            id: "rehearsal".into(),
            flow: self.entry.flow.name.clone(),
            flow_label: self.entry.flow.label.clone(),
            requester: Person { user: self.facts.user.clone(), email: self.facts.email.clone() },
            team: None,
            target: self.target.zip(self.resource.as_ref()).map(asked),
            answers: Vec::new(),
            duration: self.duration,
            is_emergency: self.is_emergency,
        }
    }

    fn terms(&self, allowed: &Allowed) -> Terms {
        let flow = &self.entry.flow;
        Terms {
            requirements: allowed.requirements.clone(),
            answer_within: allowed.answer_within,
            channel: flow.channel.clone(),
            error_channel: None,
            allow_revoke: flow.allow_revoke,
            allow_guest_interaction: flow.allow_guest_interaction,
            include_decision_message: flow.include_decision_message,
            shorter: Vec::new(),
            auto_rules: allowed.auto_rules.clone(),
            restores: flow.restores,
            emergency: allowed.emergency.clone(),
        }
    }
}
