//! Who may do what, with which button, and when.

use super::*;

fn pending(change: impl FnOnce(&mut Terms)) -> Books {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    let mut event = identified("r1", "ana", false);
    if let Event::Identified { terms, .. } = &mut event {
        change(terms);
    }
    books.apply(&event, START).unwrap();
    books
}

/// Approved by bo.
fn granting(change: impl FnOnce(&mut Terms)) -> Books {
    let mut books = pending(change);
    books.apply(&click("r1", "bo", ClickAction::Approve), START).unwrap();
    books
}

/// What becomes of a click by somebody of whom this is known.
fn press(books: &Books, user: &str, action: ClickAction, change: impl FnOnce(&mut Facts)) -> Option<Refusal> {
    let mut event = click("r1", user, action);
    if let Event::Clicked { facts, .. } = &mut event {
        change(facts);
    }
    books.clone().apply(&event, START).err()
}

#[test]
fn a_guest_may_give_back_what_is_theirs_and_press_nothing_else() {
    let guest = |facts: &mut Facts| facts.is_guest = true;
    let books = pending(|_| ());
    assert_eq!(press(&books, "ana", ClickAction::Withdraw, guest), None);
    assert_eq!(press(&books, "ana", ClickAction::Deny, guest), Some(Refusal::Guest));
    assert_eq!(press(&books, "bo", ClickAction::Withdraw, guest), Some(Refusal::Guest));
    let given = granting(|_| ());
    assert_eq!(press(&given, "ana", ClickAction::Revoke, guest), None);
    assert_eq!(press(&given, "bo", ClickAction::Revoke, guest), Some(Refusal::Guest));
    let books = pending(|terms| terms.allow_guest_interaction = true);
    assert_eq!(press(&books, "bo", ClickAction::Approve, guest), None);
}

#[test]
fn access_is_ended_by_the_requester_by_whoever_approved_and_by_those_who_might_have() {
    let books = granting(|_| ());
    let end = |user, change: fn(&mut Facts)| press(&books, user, ClickAction::Revoke, change);
    let not_named = |facts: &mut Facts| facts.member_of = BTreeMap::from([(People::ChannelMembers, false)]);
    assert_eq!(end("ana", not_named), None, "it is theirs");
    assert_eq!(end("bo", not_named), None, "they have approved it");
    assert_eq!(end("cy", |_| ()), None, "they might have");
    assert_eq!(end("cy", not_named), Some(Refusal::NotYoursToEnd));
    assert_eq!(end("cy", |facts| facts.member_of.clear()), Some(Refusal::RightUnknown));
    let books = granting(|terms| terms.allow_revoke = false);
    assert_eq!(press(&books, "ana", ClickAction::Revoke, |_| ()), Some(Refusal::RevokeNotAllowed));
}

#[test]
fn nobody_approves_twice_for_one_rule_whatever_account_they_use() {
    let mut books = pending(|terms| terms.requirements[0].min_approvals = 2);
    books.apply(&click("r1", "bo", ClickAction::Approve), START).unwrap();
    let approve = |user, change: fn(&mut Facts)| press(&books, user, ClickAction::Approve, change);
    assert_eq!(approve("bo", |_| ()), Some(Refusal::ApprovedAlready));
    let address = |facts: &mut Facts| facts.email = Some(Email::new("BO@example.com"));
    assert_eq!(approve("bo-too", address), Some(Refusal::ApprovedAlready));
    let no_address = |facts: &mut Facts| facts.email = None;
    assert_eq!(approve("bo", no_address), Some(Refusal::ApprovedAlready));
    assert_eq!(approve("cy", no_address), None, "two people without an address are two people");
    let not_named = |facts: &mut Facts| facts.member_of = BTreeMap::from([(People::ChannelMembers, false)]);
    let approvers = vec![People::ChannelMembers];
    assert_eq!(approve("cy", not_named), Some(Refusal::NotApprover { approvers }));
}

#[test]
fn one_person_may_approve_for_a_rule_that_came_to_name_them_later() {
    let mut books = pending(|terms| {
        let other = Requirement {
            rule: "other".into(),
            approvers: vec![People::Usergroup("ops".into())],
            ..terms.requirements[0].clone()
        };
        terms.requirements.push(other);
    });
    let with_group = |is_member| {
        let mut event = click("r1", "bo", ClickAction::Approve);
        if let Event::Clicked { facts, .. } = &mut event {
            facts.member_of.insert(People::Usergroup("ops".into()), is_member);
        }
        event
    };
    books.apply(&with_group(false), START).unwrap();
    assert_eq!(books.clone().apply(&with_group(false), START), Err(Refusal::ApprovedAlready));
    books.apply(&with_group(true), START).unwrap();
    let request = &books.requests[&RequestId::from("r1")];
    let rules: Vec<_> = request.approvals.iter().map(|approval| approval.rules.clone()).collect();
    assert_eq!(rules, [["prod"], ["other"]]);
    assert!(request.is_claiming());
}

#[test]
fn a_requester_whom_nobody_can_identify_gets_the_request_back_ten_minutes_after_asking() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    let unknown = Event::NotIdentified { request: "r1".into(), error: failed(true), jitter: 0 };
    let late = START + Span::minutes(10);
    books.apply(&unknown, late - Span::millis(1)).unwrap();
    assert!(matches!(books.requests[&RequestId::from("r1")].status, Status::Identifying { .. }));
    books.apply(&unknown, late).unwrap();
    assert!(matches!(books.requests[&RequestId::from("r1")].status, Status::Refused { .. }));
}
