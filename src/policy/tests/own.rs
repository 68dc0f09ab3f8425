//! Nobody decides on their own request, whatever the rules, by any path: an approval, a shortened one,
//! one after the fallback, an acknowledgement.

use super::*;
use crate::access::{
    AccessRequest, Ask, AskedTarget, Case, Click, ClickAction, Connection, Event, Fallback, Person,
    Principal, Refusal, Resource, Status, Terms, Timestamp, decide,
};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The requester again: the same Slack user, or another one with the same address in other capitals.
fn oneself(requester: &Facts, alias: usize, is_guest: bool) -> Facts {
    let own = requester.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default();
    let (user, email) = match alias {
        0 => ("U1", Some(own)),
        1 => ("U1", None),
        2 => ("U1", Some("bo@example.com".to_owned())),
        3 => ("U2", Some(own.to_ascii_uppercase())),
        _ => ("W9", Some(format!(" {own} "))),
    };
    Facts {
        user: user.into(),
        email: email.map(|email| Email::new(&email)),
        is_guest,
        is_home: true,
        is_bot: false,
        is_deactivated: false,
        ..requester.clone()
    }
}

fn terms(allowed: Allowed, guests: bool) -> Terms {
    Terms {
        requirements: allowed.requirements,
        answer_within: allowed.answer_within,
        channel: Some("#access".into()),
        error_channel: None,
        allow_revoke: true,
        allow_guest_interaction: guests,
        include_decision_message: false,
        shorter: vec![Span::minutes(15)],
        auto_rules: allowed.auto_rules,
        restores: false,
        emergency: allowed.emergency,
    }
}

/// The request once the rules have allowed it.
fn asked(scene: &Scene, allowed: Allowed, guests: bool) -> Case {
    let target = AskedTarget {
        name: "admin".into(),
        label: "Admin".into(),
        resource: Resource::IamGroup { account_id: "111122223333".into(), group_name: "admins".into() },
        connection: Connection {
            integration: "iam".into(),
            region: None,
            hops: vec![],
            source_identity: false,
        },
    };
    let ask = Ask {
        id: "r".into(),
        flow: "aws".into(),
        flow_label: "AWS".into(),
        requester: Person { user: "U1".into(), email: None },
        team: None,
        target: Some(target),
        answers: vec![],
        duration: scene.duration,
        is_emergency: scene.is_emergency,
    };
    let event = Event::Identified {
        request: "r".into(),
        facts: Box::new(scene.facts.clone()),
        principal: Some(Principal::IamUser { user_name: "ana".into() }),
        terms: Box::new(terms(allowed, guests)),
        destinations: vec!["#access".into()],
    };
    decide(&AccessRequest::open(ask, START).case, &event, START).unwrap().case
}

fn click(
    case: &Case,
    facts: &Facts,
    action: ClickAction,
    shorten: bool,
    at: Timestamp,
) -> Result<Case, Refusal> {
    let click = Click {
        envelope: crate::access::EnvelopeId::new("E1"),
        request: "r".into(),
        action,
        user: facts.user.clone(),
        team: None,
        place: None,
        at,
        comment: None,
        shorten_to: shorten.then_some(Span::minutes(15)),
    };
    decide(case, &Event::Clicked { click: Box::new(click), facts: Box::new(facts.clone()) }, at)
        .map(|step| step.case)
}

prop_compose! {
    fn with_fallbacks()(rules in rules(), later in prop::collection::vec(prop::option::of(prop::collection::vec(people(), 0..3)), 7)) -> Vec<Rule> {
        let fallback = |approvers| Fallback { after: Some(Span::minutes(5)), notify: vec!["#sec".into()], approvers, is_used: false };
        rules.into_iter().zip(later).map(|(rule, later)| Rule { fallback: later.map(fallback), ..rule }).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16 * ProptestConfig::default().cases))]

    #[test]
    fn nobody_decides_on_their_own_request(
        rules in with_fallbacks(),
        scene in scene(),
        alias in 0..5_usize,
        (is_guest, guests, shorten, falls_back, somebody_first) in any::<(bool, bool, bool, bool, bool)>(),
    ) {
        let Verdict::Allowed(allowed) = scene.ask(&rules) else { return Ok(()) };
        let lets_self: Vec<String> = rules.iter().filter(|rule| rule.allow_self).map(|rule| rule.name.clone()).collect();
        let mut case = asked(&scene, allowed, guests);
        let mut at = START;
        if falls_back {
            at = START + Span::minutes(6);
            if let Ok(step) = decide(&case, &Event::TimePassed, at) {
                case = step.case;
            }
        }
        if somebody_first {
            let other = Facts { user: "U7".into(), email: Some(Email::new("dee@example.com")), ..scene.facts.clone() };
            if let Ok(after) = click(&case, &other, ClickAction::Approve, false, at) {
                case = after;
            }
        }
        let own = oneself(&scene.facts, alias, is_guest);
        for action in [ClickAction::Approve, ClickAction::Deny, ClickAction::Acknowledge] {
            let request = &case.requests[&"r".into()];
            let before = request.approvals.len();
            let may: Vec<&String> = request.terms.requirements.iter().map(|it| &it.rule).filter(|rule| lets_self.contains(rule)).collect();
            let Ok(after) = click(&case, &own, action, shorten, at) else { continue };
            let request = &after.requests[&"r".into()];
            // An address that is not known makes two Slack users two people: nothing says otherwise.
            if own.user != "U1".into() && scene.facts.email.is_none() {
                continue;
            }
            prop_assert!(action != ClickAction::Acknowledge, "acknowledged by oneself");
            prop_assert!(!may.is_empty(), "decided by oneself without `allow_self`");
            if let Some(approval) = request.approvals.get(before) {
                prop_assert!(approval.rules.iter().all(|rule| may.contains(&rule)), "counted for a rule without `allow_self`");
            } else {
                let denied = matches!(request.status, Status::Denied { .. });
                prop_assert!(denied);
            }
        }
    }
}
