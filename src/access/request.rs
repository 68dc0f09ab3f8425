//! The access request: what people decide.

use super::entitlement::LONGEST_PAUSE;
use super::{
    Answer, ChannelId, Connection, Email, EntitlementId, Facts, FlowName, MessageTs, Person, Principal,
    RequestId, Resource, Span, TargetName, TeamId, Timestamp, UserId, WARN_BEFORE,
};
use serde::{Deserialize, Serialize};

/// One request from the form to its end. Everything needed later is copied into it when it is made,
/// so that neither a changed manifest nor a renamed person can change what was agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequest {
    /// Its id.
    pub id: RequestId,
    /// The flow it was made with.
    pub flow: FlowName,
    /// The flow's label at that time.
    pub flow_label: String,
    /// Who asks, and who gets the access.
    pub requester: Person,
    /// What is asked for; `None` in an approval-only flow.
    pub target: Option<AskedTarget>,
    /// The answers to the form's fields, in the form's order.
    pub answers: Vec<Answer>,
    /// For how long; `None` when the flow has no timed removal.
    pub duration: Option<Span>,
    /// The duration that was asked for, once an approver has shortened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_duration: Option<Span>,
    /// The requester says that it is an emergency.
    #[serde(default)]
    pub is_emergency: bool,
    /// When it was made.
    pub made_at: Timestamp,
    /// The rules in force when it was made.
    pub terms: Terms,
    /// Decisions in favour so far.
    pub approvals: Vec<Approval>,
    /// Who AWS knows the requester as, once found.
    pub principal: Option<Principal>,
    /// The messages that show it.
    pub cards: Vec<Card>,
    /// Where it stands.
    pub status: Status,
}

/// The target of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedTarget {
    /// Its name in the manifest.
    pub name: TargetName,
    /// Its label when it was asked for.
    pub label: String,
    /// What it grants.
    pub resource: Resource,
    /// How AWS is reached.
    pub connection: Connection,
}

/// The rules a request lives under, copied from the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of the manifest")]
pub struct Terms {
    /// What must be satisfied before access is given; all of them. Empty means nobody needs to be asked.
    pub requirements: Vec<Requirement>,
    /// How long the request may wait for people.
    pub answer_within: Span,
    /// The flow's channel: `channel_members` means its members.
    pub channel: Option<String>,
    /// Where errors go.
    pub error_channel: Option<String>,
    /// Requester and approvers may end access early.
    pub allow_revoke: bool,
    /// Guests may press buttons.
    pub allow_guest_interaction: bool,
    /// Deciders may leave a comment.
    pub include_decision_message: bool,
    /// Shorter durations that an approver may choose instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shorter: Vec<Span>,
    /// Rules that approved by themselves: what their caps count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auto_rules: Vec<String>,
    /// Access that somebody removes in AWS itself is given again, within its end; otherwise the request
    /// is closed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restores: bool,
    /// Set when nobody was asked because it was an emergency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Emergency>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What one rule asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// The rule's name.
    pub rule: String,
    /// Who may decide.
    pub approvers: Vec<People>,
    /// How many different people must approve.
    pub min_approvals: u32,
    /// Whether the requester may be one of them.
    pub allow_self: bool,
    /// Where its card goes; empty means the flow's channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// Who is asked when nobody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

/// Who is asked when nobody answers, or when nobody could be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// How long the first ones have; `None` means that only unreachable ones are passed over.
    pub after: Option<Span>,
    /// Where the further card goes.
    pub notify: Vec<String>,
    /// Who may decide then, beside the first ones.
    pub approvers: Vec<People>,
    /// Whether it has come to that.
    pub is_used: bool,
}

/// Access that was taken in an emergency, without asking anybody first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// The rule that allows it.
    pub rule: String,
    /// The requirements that were passed over; those they name are told, and one of them must
    /// acknowledge it afterwards.
    pub skipped: Vec<Requirement>,
    /// Who has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Approval>,
}

/// People as a manifest names them: those who may decide, or those who may ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum People {
    /// One person by address.
    User(Email),
    /// A Slack user group by handle.
    Usergroup(String),
    /// The members of the flow's channel.
    ChannelMembers,
    /// An Identity Center group by name.
    IdcGroup(String),
    /// Every full member of the workspace.
    Everyone,
}

/// One decision in favour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
    /// The rules it counts for.
    pub rules: Vec<String>,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A message that shows the request, edited in place as it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Where the manifest says it goes: `#name`, a channel id, or a person's address for a direct message.
    pub destination: String,
    /// Where it is, once posted.
    pub place: Option<Place>,
    /// Why it could not be posted; with a place, why it can no longer be edited there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// That it could not be posted has been told; further cards later on tell it no second time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_failure_told: bool,
    /// It stands where it stands because somebody deleted the first one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_anew: bool,
}

impl Card {
    /// One that is to be posted there.
    pub fn to(destination: impl Into<String>) -> Self {
        Self {
            destination: destination.into(),
            place: None,
            failed: None,
            is_failure_told: false,
            is_anew: false,
        }
    }
}

/// A message in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The conversation.
    pub channel: ChannelId,
    /// The message.
    pub ts: MessageTs,
}

/// Where a request stands. Data exists exactly where it makes sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has been asked yet: the bot is finding out who AWS knows the requester as.
    Identifying {
        /// When to try next.
        retry: Retry,
    },
    /// Waiting for people.
    Pending {
        /// Since when.
        since: Timestamp,
        /// After this moment it can no longer be approved.
        answer_by: Timestamp,
        /// Whether those who can still act have been reminded.
        #[serde(default)]
        reminded: bool,
    },
    /// Approved; AWS has not confirmed yet.
    Granting {
        /// When the approval came.
        since: Timestamp,
        /// The end that was on disk before AWS was first called.
        provisional_end: Option<Timestamp>,
    },
    /// AWS has confirmed.
    Active {
        /// When it was confirmed.
        since: Timestamp,
        /// When it ends; `None` when only a person ends it.
        ends_at: Option<Timestamp>,
        /// Whether the requester has been warned of the end.
        warned: bool,
    },
    /// The claim has ended; AWS may still hold the access.
    Ending {
        /// Why.
        cause: Cause,
        /// Since when.
        since: Timestamp,
        /// When access had begun; `None` when it never did.
        began: Option<Timestamp>,
    },
    /// The bot could not take the request.
    Refused {
        /// A sentence for the requester.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody said no.
    Denied {
        /// Who.
        by: Person,
        /// When.
        at: Timestamp,
        /// What they said.
        comment: Option<String>,
    },
    /// The requester took it back before it was decided.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
    /// Nobody decided in time.
    Lapsed {
        /// When.
        at: Timestamp,
    },
    /// Approved, in a flow that grants nothing.
    Approved {
        /// When.
        at: Timestamp,
    },
    /// The person had the access already: nothing was given, nothing will be taken.
    AlreadyHeld {
        /// When that was seen.
        at: Timestamp,
    },
    /// Over, and proven.
    Ended {
        /// Why.
        cause: Cause,
        /// When.
        at: Timestamp,
        /// What became of the access.
        removal: Removal,
        /// When access had begun; `None` when it never did.
        began: Option<Timestamp>,
    },
}

/// Why a claim ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its time was up.
    TimeUp,
    /// Somebody ended it early; it may have been the requester.
    Revoked {
        /// Who.
        by: Person,
    },
    /// Somebody ended it early at the machine the bot runs on.
    Admin {
        /// Their name on that machine.
        operator: String,
        /// Why.
        because: String,
    },
    /// AWS refused or failed for good.
    GrantFailed {
        /// What AWS said and what can be done, in words.
        why: String,
    },
    /// Somebody removed the access in AWS itself.
    RemovedByHand {
        /// Why AWS did not give it again, where the flow wants that.
        restoring: Option<String>,
    },
    /// AWS did not confirm within the grant window.
    GrantTimedOut {
        /// The last thing AWS said.
        last: Option<String>,
    },
}

/// What became of the access when a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// A read has shown it absent.
    SeenAbsent,
    /// Another request still claims it.
    StillClaimed,
    /// It was never given.
    NeverGiven,
}

/// When to try again, and what happened so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Not before.
    pub at: Timestamp,
    /// Failed attempts so far.
    pub attempts: u32,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

impl Retry {
    /// At once, nothing has failed yet.
    pub const fn now(at: Timestamp) -> Self {
        Self { at, attempts: 0, last: None }
    }
}

/// A valid form, ready to become a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The id, the same however often the form is delivered.
    pub id: RequestId,
    /// The flow.
    pub flow: FlowName,
    /// Its label.
    pub flow_label: String,
    /// Who asks.
    pub requester: Person,
    /// Their workspace.
    pub team: Option<TeamId>,
    /// What is asked for.
    pub target: Option<AskedTarget>,
    /// The answers.
    pub answers: Vec<Answer>,
    /// For how long.
    pub duration: Option<Span>,
    /// Whether it is an emergency.
    pub is_emergency: bool,
}

/// What is owed on a request's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestDuty {
    /// Find out who AWS knows the requester as.
    Identify,
    /// Close it: nobody answered.
    Lapse,
    /// Remind those who can still act.
    Remind,
    /// Ask further people: the first ones have not answered.
    FallBack,
    /// Warn the requester that access ends soon.
    Warn,
}

impl AccessRequest {
    /// The entitlement it claims or would claim, once the requester is known to AWS.
    pub fn entitlement(&self) -> Option<EntitlementId> {
        let target = self.target.as_ref()?;
        Some(EntitlementId::of(self.principal.as_ref()?, &target.resource))
    }

    /// What is owed at this moment.
    pub fn owed(&self, now: Timestamp) -> Option<RequestDuty> {
        let (duty, due) = self.duty()?;
        // No pause between two tries is longer than that: the clock was put back since it was written.
        let is_put_off = duty == RequestDuty::Identify && due > now + LONGEST_PAUSE;
        (due <= now || is_put_off).then_some(duty)
    }

    /// What is owed and from when. Exhaustive on purpose: a new status must say what it owes.
    pub fn duty(&self) -> Option<(RequestDuty, Timestamp)> {
        match &self.status {
            Status::Identifying { retry } => Some((RequestDuty::Identify, retry.at)),
            Status::Pending { since, answer_by, reminded } => {
                let lapse = (RequestDuty::Lapse, *answer_by);
                let half = *since + answer_by.since(*since).half();
                let remind = (!reminded).then_some((RequestDuty::Remind, half));
                let fall_back = self.next_fallback(*since).map(|at| (RequestDuty::FallBack, at));
                remind.into_iter().chain(fall_back).chain([lapse]).min_by_key(|(_, at)| *at)
            }
            Status::Active { since, ends_at: Some(ends_at), warned: false }
                if ends_at.since(*since) > WARN_BEFORE + WARN_BEFORE.half() =>
            {
                Some((RequestDuty::Warn, *ends_at - WARN_BEFORE))
            }
            Status::Active { .. }
            | Status::Granting { .. }
            | Status::Ending { .. }
            | Status::Refused { .. }
            | Status::Denied { .. }
            | Status::Withdrawn { .. }
            | Status::Lapsed { .. }
            | Status::Approved { .. }
            | Status::AlreadyHeld { .. }
            | Status::Ended { .. } => None,
        }
    }

    /// When further people must be asked, if nobody answers until then.
    fn next_fallback(&self, since: Timestamp) -> Option<Timestamp> {
        self.open_requirements()
            .filter_map(|requirement| requirement.fallback.as_ref())
            .filter(|fallback| !fallback.is_used)
            .filter_map(|fallback| Some(since + fallback.after?))
            .min()
    }

    /// Whether somebody else must still acknowledge that it was taken in an emergency. What AWS never
    /// gave has not been taken, and does not stand in the way of another try.
    pub fn owes_acknowledgement(&self) -> bool {
        let emergency = self.terms.emergency.as_ref();
        let was_given = !matches!(
            self.status,
            Status::Identifying { .. }
                | Status::Refused { .. }
                | Status::AlreadyHeld { .. }
                | Status::Ending { began: None, .. }
                | Status::Ended { began: None, .. }
        );
        was_given && emergency.is_some_and(|emergency| emergency.acknowledged.is_none())
    }

    /// Since when AWS has confirmed it, while it is active.
    pub fn active_since(&self) -> Option<Timestamp> {
        if let Status::Active { since, .. } = self.status { Some(since) } else { None }
    }

    /// Whether it is active, and its time is up.
    pub fn has_outlived(&self, at: Timestamp) -> bool {
        matches!(self.status, Status::Active { ends_at: Some(end), .. } if end <= at)
    }

    /// Whether its claim on the entitlement is live.
    pub fn is_claiming(&self) -> bool {
        matches!(self.status, Status::Granting { .. } | Status::Active { .. })
    }

    /// Whether nothing can happen to it any more.
    pub fn is_over(&self) -> bool {
        match self.status {
            Status::Identifying { .. }
            | Status::Pending { .. }
            | Status::Granting { .. }
            | Status::Active { .. }
            | Status::Ending { .. } => false,
            Status::Refused { .. }
            | Status::Denied { .. }
            | Status::Withdrawn { .. }
            | Status::Lapsed { .. }
            | Status::Approved { .. }
            | Status::AlreadyHeld { .. }
            | Status::Ended { .. } => true,
        }
    }

    /// Whether this person is the requester, by Slack user or by address.
    pub fn is_requester(&self, user: &UserId, email: Option<&Email>) -> bool {
        self.requester.user == *user || (email.is_some() && self.requester.email.as_ref() == email)
    }

    /// The requirements that still need people.
    pub fn open_requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.terms.requirements.iter().filter(|requirement| {
            let given =
                self.approvals.iter().filter(|approval| approval.rules.contains(&requirement.rule)).count();
            given < requirement.min_approvals as usize
        })
    }

    /// Whether this person has approved it, for any rule.
    pub fn has_approved(&self, user: &UserId, email: Option<&Email>) -> bool {
        self.approvals.iter().any(|approval| approval.is_by(user, email))
    }

    /// Whether this person's approval counts for this rule already.
    pub fn has_approved_for(&self, rule: &str, user: &UserId, email: Option<&Email>) -> bool {
        let mut given = self.approvals.iter().filter(|approval| approval.rules.iter().any(|it| it == rule));
        given.any(|approval| approval.is_by(user, email))
    }
}

impl Approval {
    /// Whether this person gave it, by Slack user or by address.
    fn is_by(&self, user: &UserId, email: Option<&Email>) -> bool {
        self.by.user == *user || (email.is_some() && self.by.email.as_ref() == email)
    }
}

impl Requirement {
    /// Whether one of its approver rules names this person; whether they may decide on *this*
    /// request (their own, perhaps) is another question. `None` means that Slack or AWS could not
    /// say, which counts as no.
    pub fn names(&self, facts: &Facts) -> Option<bool> {
        People::any_names(&self.approvers, facts)
    }

    /// From now on the further people of its fallback may decide too; returns where they are told.
    /// Nothing happens without a fallback, or a second time.
    pub fn fall_back(&mut self) -> Vec<String> {
        let Some(fallback) = self.fallback.as_mut().filter(|fallback| !fallback.is_used) else {
            return Vec::new();
        };
        fallback.is_used = true;
        for people in &fallback.approvers {
            if !self.approvers.contains(people) {
                self.approvers.push(people.clone());
            }
        }
        fallback.notify.clone()
    }
}

impl People {
    /// Whether this person is among them; `None` when it could not be found out.
    pub fn names(&self, facts: &Facts) -> Option<bool> {
        match self {
            Self::User(email) => Some(facts.email.as_ref() == Some(email)),
            Self::Everyone => Some(facts.is_full_member()),
            Self::Usergroup(_) | Self::IdcGroup(_) | Self::ChannelMembers => {
                facts.member_of.get(self).copied()
            }
        }
    }

    /// Whether any of them names this person; `None` when none is known to and not all could be found out.
    pub fn any_names(people: &[Self], facts: &Facts) -> Option<bool> {
        let answers: Vec<Option<bool>> = people.iter().map(|rule| rule.names(facts)).collect();
        if answers.contains(&Some(true)) {
            Some(true)
        } else if answers.contains(&None) {
            None
        } else {
            Some(false)
        }
    }
}
