//! What every event leads to in every state, as a book that is read and kept: the laws say what must never
//! happen, this says what does.

use super::*;
use serde_json::Value;
use std::fmt::Write as _;

/// One step in one line, with times relative to its own.
fn line(books: &Books, event: &Event, at: Timestamp) -> Result<String, Refusal> {
    let mut after = books.clone();
    let step = after.apply(event, at)?;
    let mut parts = Vec::new();
    for (id, request) in &after.requests {
        let old = books.requests.get(id);
        let mut text = String::new();
        if old.map(|old| &old.status) != Some(&request.status) {
            write!(text, "{id} {}", short(&request.status, at)).unwrap();
        }
        if old.map(|old| &old.cards) != Some(&request.cards) {
            write!(text, " cards {}", short(&request.cards, at)).unwrap();
        }
        if old.map(|old| &old.approvals) != Some(&request.approvals) {
            write!(text, " approved by {}", request.approvals.len()).unwrap();
        }
        if !text.is_empty() {
            parts.push(text.trim().to_owned());
        }
        if let Some((duty, due)) = request.duty() {
            parts.push(format!("owes {duty:?} {}", relative(due, at)));
        }
    }
    match (&books.entitlement, &after.entitlement) {
        (Some(_), None) => parts.push("out of the books".to_owned()),
        (old, Some(new)) => {
            if old.as_ref() != Some(new) {
                let (custody, claims) = (short(&new.custody, at), short(&new.claims, at));
                parts.push(format!("{custody} claims {claims} ending {}", short(&new.ending, at)));
            }
            let owed = new.duty().map(|(duty, due)| format!("{duty:?} {}", relative(due, at)));
            parts.push(format!("owes {}; now {:?}", owed.unwrap_or_default(), new.owed(at)));
            if let Some(alarm) = new.next_alarm() {
                parts.push(format!("alarm {}", relative(alarm, at)));
            }
        }
        (None, None) => {}
    }
    for notice in &step.notices {
        parts.push(format!("tells {} {}", short(&notice.to, at), short(&notice.kind, at)));
    }
    for record in &step.audit {
        let (who, about) = (short(&record.actor, at), record.request.is_some());
        let detail = short(&record.detail, at);
        let claims = record.entitlement.is_some();
        parts.push(format!("records {} by {who} ({about}, {claims}) {}", record.action, detail.len()));
    }
    if !step.redraw.is_empty() {
        parts.push(format!("redraws {}", short(&step.redraw, at)));
    }
    Ok(if parts.is_empty() { "nothing".to_owned() } else { parts.join(" | ") })
}

/// As JSON without quotation marks, with times relative to `at`.
fn short<T: serde::Serialize>(value: &T, at: Timestamp) -> String {
    let mut value = serde_json::to_value(value).unwrap();
    relate(&mut value, at);
    value.to_string().replace('"', "")
}

fn relate(value: &mut Value, at: Timestamp) {
    match value {
        Value::Number(number) => {
            if let Some(millis) = number.as_i64().filter(|millis| *millis > 1_000_000_000_000) {
                *value = relative(Timestamp::from_millis(millis), at).into();
            }
        }
        Value::String(text) => {
            if let Some(time) = Timestamp::parse_rfc3339(text) {
                *value = relative(time, at).into();
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| relate(value, at)),
        Value::Object(all) => all.values_mut().for_each(|value| relate(value, at)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn relative(time: Timestamp, at: Timestamp) -> String {
    let millis = time.since(at).as_millis();
    match millis {
        0 => "now".to_owned(),
        _ if millis % 1000 == 0 => format!("{:+}s", millis / 1000),
        _ => format!("{millis:+}ms"),
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::Clicked { click, facts } if click.request.as_str() == "r2" => {
            format!("{} {:?} r2", facts.user, click.action)
        }
        Event::Clicked { click, facts } => format!("{} {:?}", facts.user, click.action),
        Event::FoundAbsent { fit, .. } if fit.is_empty() => "FoundAbsent, nobody fit".to_owned(),
        Event::Identified { facts, terms, .. } => {
            format!("{} Identified{}", facts.user, if terms.restores { " restoring" } else { "" })
        }
        other => {
            let text = format!("{other:?}");
            let end = text.find(['{', '(']).unwrap_or(text.len());
            let transient = text.contains("is_transient: true");
            let permanent = text.contains("is_transient: false");
            let how = if transient {
                " transiently"
            } else if permanent {
                " for good"
            } else {
                ""
            };
            let seen = if text.contains("is_present: true") { " there" } else { "" };
            let request = if text.contains("\"r2\"") { " r2" } else { "" };
            let since = if text.contains(&format!("since: {START:?}")) { " since the start" } else { "" };
            format!("{}{request}{how}{seen}{since}", text[..end].trim())
        }
    }
}

/// A chapter for every state; states of which the same is to be said share one.
fn book(states: &[(Books, Timestamp)], more: &[Event]) -> String {
    let mut chapters: Vec<(String, String)> = Vec::new();
    for (books, at) in states {
        let text = chapter(books, *at, more);
        match chapters.iter_mut().find(|(_, known)| *known == text) {
            Some((names, _)) => write!(names, ", {}", shape(books)).unwrap(),
            None => chapters.push((shape(books), text)),
        }
    }
    chapters.iter().fold(String::new(), |book, (names, text)| format!("{book}\n{names}\n{text}"))
}

/// A line for every consequence, with all that leads to it.
fn chapter(books: &Books, at: Timestamp, more: &[Event]) -> String {
    let mut lines: Vec<(Vec<String>, String)> = Vec::new();
    let mut add = |name: String, line: String| match lines.iter_mut().find(|(_, known)| *known == line) {
        Some((names, _)) => names.push(name),
        None => lines.push((vec![name], line)),
    };
    let now = at + Span::seconds(1);
    for event in every_event(now).iter().chain(more) {
        let line = match line(books, event, now) {
            Ok(line) => line,
            Err(refusal) => format!("{refusal:?}").replace(&format!("{START:?}"), "START"),
        };
        add(name(event), line);
    }
    // Around the moments at which time itself changes something.
    let due = books.requests.values().filter_map(|request| request.duty().map(|(_, due)| due));
    let ends = books.entitlement.iter().filter_map(|entitlement| entitlement.duty().map(|(_, due)| due));
    let moments: std::collections::BTreeSet<Timestamp> = due.chain(ends).filter(|due| *due > at).collect();
    for moment in moments {
        for (name, time) in [
            ("just before", moment - Span::millis(1)),
            ("at", moment),
            ("long after", moment + Span::hours(3)),
        ] {
            let line = line(books, &Event::TimePassed, time).unwrap();
            add(format!("{name} {}", relative(moment, at)), line);
        }
    }
    lines.iter().fold(String::new(), |text, (names, line)| format!("{text}  {}: {line}\n", names.join(", ")))
}

#[test]
fn every_event_in_every_state_of_one_request() {
    insta::assert_snapshot!(book(every_state(), &[]));
}

/// Two requests of one person for one thing.
#[test]
fn every_event_in_states_of_two_requests() {
    let mut first = Books::default();
    first.open("r1", "ana", Span::hours(1), START);
    let ids = |id: &str| [identified(id, "ana", false), click(id, "bo", ClickAction::Approve)];
    let look = Event::Looked { is_present: false };
    let mut states = Vec::new();
    let mut play = |happens: &[(Event, i64)]| {
        let (mut books, mut at) = (first.clone(), START);
        for (event, minutes) in happens {
            at = at + Span::minutes(*minutes);
            if matches!(event, Event::Identified { request, .. } if request.as_str() == "r2") {
                books.open("r2", "ana", Span::hours(2), at);
            }
            books.apply(event, at).unwrap();
        }
        states.push((books, at));
    };
    let [known, yes] = ids("r1");
    let [known_too, yes_too] = ids("r2");
    let minute = |event: &Event| (event.clone(), 1);
    let begun = [minute(&known), minute(&yes), minute(&look)];
    let given = [&begun[..], &[minute(&Event::GrantConfirmed)]].concat();
    let both = [minute(&known_too), minute(&yes_too)];
    play(&[&begun[..], &both].concat());
    play(&[&given[..], &both].concat());
    play(&[&given[..], &both, &[minute(&Event::Looked { is_present: true })]].concat());
    play(&[&given[..], &both, &[minute(&look)]].concat());
    let over = (Event::TimePassed, 61);
    play(&[&given[..], std::slice::from_ref(&over), &both].concat());
    play(&[&given[..], &[over], &[minute(&Event::RevokeStarted { operation: "op".into() })], &both].concat());
    let more = [click("r2", "ana", ClickAction::Revoke), admin_revoked("r2")];
    insta::assert_snapshot!(book(&states, &more));
}

#[test]
fn the_wait_before_the_next_try_doubles_to_five_minutes_and_is_spread_over_its_upper_half() {
    let wait = |attempts: u32, jitter: Jitter| {
        let mut books = Books::default();
        books.open("r1", "ana", Span::hours(1), START);
        let mut wait = Span::ZERO;
        for _ in 0..=attempts {
            let event = Event::NotIdentified { request: "r1".into(), error: failed(true), jitter };
            books.apply(&event, START).unwrap();
            let Status::Identifying { retry } = &books.requests[&RequestId::from("r1")].status else {
                panic!()
            };
            wait = retry.at.since(START);
        }
        wait.as_millis()
    };
    let table = [0, 1, 2, 3, 8, 9, 20, 40].map(|attempts| [0, 500, 999].map(|chance| wait(attempts, chance)));
    let expected = [
        [500, 750, 1000],
        [1000, 1500, 2000],
        [2000, 3001, 4000],
        [4000, 6002, 8000],
        [128_000, 192_064, 256_000],
        [150_000, 225_075, 300_000],
        [150_000, 225_075, 300_000],
        [150_000, 225_075, 300_000],
    ];
    assert_eq!(table, expected);
    assert_eq!(wait(0, 1000), wait(0, 999), "chance is a number from 0 to 999");
}

#[test]
fn others_are_asked_when_the_first_have_had_their_time_and_the_card_shows_it() {
    let after = Span::minutes(10);
    for notify in [vec![], vec!["#others".to_owned()]] {
        let mut books = Books::default();
        books.open("r1", "ana", Span::hours(1), START);
        let mut event = identified("r1", "ana", false);
        if let Event::Identified { terms, .. } = &mut event {
            let fallback = Fallback {
                after: Some(after),
                notify: notify.clone(),
                approvers: vec![People::ChannelMembers],
                is_used: false,
            };
            terms.requirements[0].fallback = Some(fallback);
        }
        books.apply(&event, START).unwrap();
        let cards = books.requests[&RequestId::from("r1")].cards.len();
        let early = books.apply(&Event::TimePassed, START + after - Span::millis(1)).unwrap();
        assert!(early.redraw.is_empty());
        let step = books.apply(&Event::TimePassed, START + after).unwrap();
        assert_eq!(step.redraw.len(), 1, "the card says who can act");
        let request = &books.requests[&RequestId::from("r1")];
        assert!(request.terms.requirements[0].fallback.as_ref().unwrap().is_used);
        assert_eq!(request.cards.len(), cards + notify.len());
    }
}

#[test]
fn a_claim_ends_at_the_latest_when_it_says() {
    let give_up_at = START + GRANT_WINDOW;
    let end = Some(START + Span::hours(1));
    let claim = |stage| Claim { duration: Some(Span::hours(1)), stage };
    let wanted = claim(ClaimStage::Wanted { give_up_at, provisional_end: end });
    let confirmed = claim(ClaimStage::Confirmed { ends_at: end });
    assert_eq!((wanted.latest_end(), wanted.deadline()), (end, Some(give_up_at)));
    assert_eq!((confirmed.latest_end(), confirmed.deadline()), (end, end));
    let endless = claim(ClaimStage::Confirmed { ends_at: None });
    assert_eq!((endless.latest_end(), endless.deadline()), (None, None));
}
