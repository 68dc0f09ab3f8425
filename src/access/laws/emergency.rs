//! Access that is taken in an emergency, and acknowledged afterwards.

use super::*;

/// Taken by ana without asking the members of the channel and cy.
fn taken() -> Books {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    let mut event = identified("r1", "ana", false);
    if let Event::Identified { terms, .. } = &mut event {
        let mut skipped = std::mem::take(&mut terms.requirements);
        skipped[0].approvers.push(People::User(Email::new("cy@example.com")));
        terms.emergency = Some(Emergency { rule: "glass".into(), skipped, acknowledged: None });
    }
    let step = books.apply(&event, START).unwrap();
    let to: Vec<_> = step.notices.iter().map(|notice| &notice.to).collect();
    let all = ["user:cy@example.com", "#access"].map(|name| Audience::Channel(name.to_owned()));
    assert_eq!(to, all.iter().collect::<Vec<_>>(), "all who were not asked are told");
    books
}

fn request(books: &Books) -> &AccessRequest {
    &books.requests[&RequestId::from("r1")]
}

fn acknowledge(books: &mut Books, user: &str, is_member: bool) -> Result<Step, Refusal> {
    let mut event = click("r1", user, ClickAction::Acknowledge);
    if let Event::Clicked { facts, .. } = &mut event {
        facts.member_of = BTreeMap::from([(People::ChannelMembers, is_member)]);
    }
    books.apply(&event, START)
}

#[test]
fn somebody_else_who_would_have_been_asked_acknowledges_once() {
    let mut books = taken();
    assert!(request(&books).is_claiming() && request(&books).owes_acknowledgement());
    assert_eq!(acknowledge(&mut books, "ana", true), Err(Refusal::OwnRequest));
    assert!(matches!(acknowledge(&mut books, "di", false), Err(Refusal::NotApprover { .. })));
    let step = acknowledge(&mut books, "bo", true).unwrap();
    let to = Audience::Person("ana".into());
    let kind = NoticeKind::Acknowledged { by: "bo".into() };
    assert_eq!(step.notices, [Notice { request: "r1".into(), to, kind }]);
    assert_eq!(step.redraw.len(), 1, "the card says so");
    assert!(!request(&books).owes_acknowledgement());
    assert_eq!(acknowledge(&mut books, "cy", true), Err(Refusal::NothingToAcknowledge));
}

#[test]
fn whoever_would_have_been_asked_may_end_it() {
    let mut books = taken();
    let mut event = click("r1", "cy", ClickAction::Revoke);
    if let Event::Clicked { facts, .. } = &mut event {
        facts.member_of = BTreeMap::from([(People::ChannelMembers, false)]);
    }
    assert!(books.apply(&event, START).is_ok());
}

#[test]
fn only_what_was_given_must_be_acknowledged() {
    let after = |events: &[Event]| {
        let mut books = taken();
        for event in events {
            books.apply(event, START).unwrap();
        }
        request(&books).owes_acknowledgement()
    };
    let look = Event::Looked { is_present: false };
    let failure = Event::GrantFailed { error: failed(false), jitter: 0 };
    let end = click("r1", "ana", ClickAction::Revoke);
    assert!(!after(&[Event::Looked { is_present: true }]), "they had it already");
    assert!(!after(&[look.clone(), failure.clone()]) && !after(&[look.clone(), failure, Event::SeenAbsent]));
    assert!(!after(std::slice::from_ref(&end)), "nothing was given yet");
    let given = [look, Event::GrantConfirmed];
    assert!(after(&given) && after(&[&given[..], std::slice::from_ref(&end)].concat()));
    assert!(after(&[&given[..], &[end, Event::SeenAbsent]].concat()), "also when it is over");
    // Without an emergency there is nothing to acknowledge.
    for (books, _) in every_state() {
        assert!(!books.requests[&RequestId::from("r1")].owes_acknowledgement());
    }
}
