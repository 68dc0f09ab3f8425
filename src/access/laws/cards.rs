//! Where a request is shown, and who hears of it.

use super::*;

/// A request for four hours whose terms are changed, with a card in each of these places.
fn asked(destinations: &[&str], change: impl FnOnce(&mut Terms)) -> Books {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(4), START);
    let mut event = identified("r1", "ana", false);
    if let Event::Identified { terms, destinations: all, .. } = &mut event {
        change(terms);
        *all = destinations.iter().map(ToString::to_string).collect();
    }
    books.apply(&event, START).unwrap();
    books
}

fn request(books: &Books) -> &AccessRequest {
    &books.requests[&RequestId::from("r1")]
}

fn person(name: &str) -> People {
    People::User(Email::new(&format!("{name}@example.com")))
}

/// Who is told what, in order.
fn told(step: &Step) -> Vec<String> {
    let word = |value: serde_json::Value| match value {
        serde_json::Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let one = |notice: &Notice| {
        let what = word(serde_json::to_value(&notice.kind).unwrap());
        match &notice.to {
            Audience::Person(user) => format!("{user} {what}"),
            Audience::Channel(channel) => format!("{channel} {what}"),
            Audience::Whisper { .. } => panic!("nobody is whispered to"),
        }
    };
    step.notices.iter().map(one).collect()
}

fn posted(destination: &str, ts: &str) -> Event {
    let place = Place { channel: "C1".into(), ts: ts.into() };
    Event::CardPosted { request: "r1".into(), destination: destination.into(), place }
}

fn not_posted(destination: &str) -> Event {
    Event::CardFailed { request: "r1".into(), destination: destination.into(), why: "archived".into() }
}

#[test]
fn a_card_stands_anew_once_another_message_has_taken_its_place() {
    let mut books = asked(&["#access"], |_| ());
    let anew = ["1.0", "1.0", "2.0", "2.0"].map(|ts| {
        let step = books.apply(&posted("#access", ts), START).unwrap();
        (request(&books).cards[0].is_anew, step.redraw.len())
    });
    assert_eq!(anew, [(false, 0), (false, 0), (true, 1), (true, 0)], "drawn once more, since it says so");
}

#[test]
fn the_requester_hears_where_the_request_is_once_and_that_it_is_nowhere_any_more() {
    let mut books = asked(&["#access", "#ops"], |_| ());
    let mut happens = |event: &Event| told(&books.apply(event, START).unwrap());
    assert!(happens(&posted("#access", "1.0")).is_empty(), "the other card is still on its way");
    assert_eq!(happens(&posted("#ops", "2.0")), ["ana submitted"]);
    assert_eq!(happens(&not_posted("#access")), ["#errors undeliverable"], "it still is in #ops");
    assert_eq!(happens(&not_posted("#ops")), ["ana undeliverable", "#errors undeliverable"]);
}

#[test]
fn a_card_that_fails_leaves_the_others_to_be_told_of() {
    let mut books = asked(&["#access", "#ops"], |_| ());
    assert!(books.apply(&not_posted("#access"), START).unwrap().notices.is_empty());
    let step = books.apply(&posted("#ops", "2.0"), START).unwrap();
    assert_eq!(told(&step), ["#errors undeliverable", "ana submitted"]);
    let said: Vec<_> = step.notices.iter().map(|notice| &notice.kind).collect();
    let failures = vec![("#access".to_owned(), "archived".to_owned())];
    let destinations = vec!["#ops".to_owned()];
    let answer_by = START + Span::hours(8);
    let expected =
        [NoticeKind::Undeliverable { failures }, NoticeKind::Submitted { destinations, answer_by }];
    assert_eq!(said, expected.iter().collect::<Vec<_>>());
}

#[test]
fn a_card_that_fails_after_the_decision_is_told_to_those_who_mend_it_and_to_nobody_else() {
    let mut books = asked(&["#access"], |_| ());
    for event in [posted("#access", "1.0"), click("r1", "bo", ClickAction::Deny)] {
        books.apply(&event, START).unwrap();
    }
    let step = books.apply(&not_posted("#access"), START).unwrap();
    assert_eq!(told(&step), ["#errors undeliverable"]);
    assert!(request(&books).cards[0].is_failure_told);
    assert_eq!(books.apply(&not_posted("#access"), START), Err(Refusal::Stale), "it is known");
}

/// Two rules with a channel each, and further people behind both: at once when the first ones cannot be
/// reached, else after ten and twenty minutes.
fn two_rules(terms: &mut Terms) {
    let rule = |name: &str, minutes: i64| Requirement {
        rule: name.into(),
        approvers: vec![People::Usergroup(name.into())],
        min_approvals: 1,
        allow_self: false,
        notify: vec![format!("#{name}")],
        fallback: Some(Fallback {
            after: Some(Span::minutes(minutes)),
            notify: vec![format!("#{name}-leads"), "#all".to_owned()],
            approvers: vec![People::Usergroup(name.into()), person(name)],
            is_used: false,
        }),
    };
    terms.requirements = vec![rule("ops", 10), rule("data", 20)];
}

fn fallen_back(books: &Books) -> Vec<&str> {
    let is_used = |it: &&Requirement| it.fallback.as_ref().is_some_and(|fallback| fallback.is_used);
    request(books).terms.requirements.iter().filter(is_used).map(|it| it.rule.as_str()).collect()
}

#[test]
fn only_those_behind_people_who_cannot_be_reached_are_asked_at_once() {
    let mut books = asked(&["#ops", "#data"], two_rules);
    books.apply(&posted("#ops", "1.0"), START).unwrap();
    assert!(fallen_back(&books).is_empty());
    books.apply(&not_posted("#data"), START).unwrap();
    assert_eq!(fallen_back(&books), ["data"]);
    let cards: Vec<&str> = request(&books).cards.iter().map(|card| card.destination.as_str()).collect();
    assert_eq!(cards, ["#ops", "#data", "#data-leads", "#all"]);
    let [ops, data] = request(&books).terms.requirements.as_slice() else { panic!() };
    assert_eq!(ops.approvers, [People::Usergroup("ops".into())]);
    assert_eq!(data.approvers, [People::Usergroup("data".into()), person("data")], "each once");
}

#[test]
fn each_rule_asks_its_further_people_in_its_own_time_and_no_place_gets_two_cards() {
    let mut books = asked(&["#ops", "#data"], two_rules);
    let duty = |books: &Books| request(books).duty();
    assert_eq!(duty(&books), Some((RequestDuty::FallBack, START + Span::minutes(10))));
    books.apply(&Event::TimePassed, START + Span::minutes(10)).unwrap();
    assert_eq!(fallen_back(&books), ["ops"]);
    assert_eq!(duty(&books), Some((RequestDuty::FallBack, START + Span::minutes(20))));
    books.apply(&Event::TimePassed, START + Span::minutes(20)).unwrap();
    assert_eq!(fallen_back(&books), ["ops", "data"]);
    let cards: Vec<&str> = request(&books).cards.iter().map(|card| card.destination.as_str()).collect();
    assert_eq!(cards, ["#ops", "#data", "#ops-leads", "#all", "#data-leads"]);
    assert_eq!(duty(&books), Some((RequestDuty::Remind, START + Span::hours(4))));
}

#[test]
fn nobody_further_is_asked_for_a_rule_that_is_satisfied_or_a_request_that_is_over() {
    let mut books = asked(&["#ops", "#data"], two_rules);
    let mut approval = click("r1", "bo", ClickAction::Approve);
    if let Event::Clicked { facts, .. } = &mut approval {
        facts.member_of =
            BTreeMap::from(["ops", "data"].map(|name| (People::Usergroup(name.into()), name == "ops")));
    }
    books.apply(&approval, START).unwrap();
    books.apply(&not_posted("#ops"), START).unwrap();
    assert!(fallen_back(&books).is_empty());
    books.apply(&click("r1", "ana", ClickAction::Withdraw), START).unwrap();
    books.apply(&not_posted("#data"), START).unwrap();
    assert!(fallen_back(&books).is_empty());
}

#[test]
fn those_who_are_named_and_have_not_answered_are_reminded_once_each_and_the_requester_is_not() {
    let remind =
        |books: &Books| told(&books.clone().apply(&Event::TimePassed, START + Span::hours(4)).unwrap());
    let mut books = asked(&["#access"], |terms| {
        terms.requirements[0].approvers = ["ana", "bo", "cy"].map(person).to_vec();
        terms.requirements[0].min_approvals = 2;
        let other = Requirement { rule: "other".into(), ..terms.requirements[0].clone() };
        terms.requirements.push(Requirement { approvers: vec![person("cy"), person("di")], ..other });
    });
    let mail = |names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("user:{name}@example.com reminder")).collect()
    };
    assert_eq!(remind(&books), mail(&["bo", "cy", "di"]));
    books.apply(&click("r1", "bo", ClickAction::Approve), START).unwrap();
    assert_eq!(remind(&books), mail(&["cy", "di"]));
    books.apply(&click("r1", "cy", ClickAction::Approve), START).unwrap();
    assert_eq!(remind(&books), mail(&["di"]));
}

#[test]
fn a_reminder_goes_wherever_a_card_could_be_posted() {
    let mut books = asked(&["#access", "#ops"], |_| ());
    for event in [posted("#access", "1.0"), not_posted("#ops")] {
        books.apply(&event, START).unwrap();
    }
    let step = books.apply(&Event::TimePassed, START + Span::hours(4)).unwrap();
    assert_eq!(told(&step), ["#access reminder"]);
}
