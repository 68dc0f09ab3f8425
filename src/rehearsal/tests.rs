use super::*;
use crate::access::{AccessRequest, Ask, AskedTarget, Email, Person, Resource, Span, Status, Timestamp};
use crate::manifest::{Catalog, FactSheet, Options, load, read_facts, read_tests};
use insta::assert_snapshot;
use std::collections::BTreeMap;
use std::path::Path;

const FIXTURES: &str = "fixtures/rehearsal";

fn catalog(name: &str) -> Catalog {
    load(&Path::new(FIXTURES).join(name), &Options::default())
        .unwrap_or_else(|wrong| panic!("{wrong}"))
        .catalog
}

fn facts() -> FactSheet {
    read_facts(&Path::new(FIXTURES).join("facts.hcl")).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn wish(asks: &str, target: &str, account: Option<&str>) -> Wish {
    Wish {
        asks: Email::new(asks),
        flow: "aws".into(),
        target: Some(target.into()),
        account: account.map(str::to_owned),
        duration: Some(Span::hours(2)),
        is_emergency: false,
        uses: BTreeMap::new(),
        fields: BTreeMap::new(),
    }
}

fn say(report: &Report) -> String {
    format!("{}[exit code {}]", report.text, report.outcome.exit_code())
}

#[test]
fn an_explanation_says_which_rules_and_who() {
    let (catalog, facts) = (catalog("old"), facts());
    let asked = |wish: &Wish, facts| say(&explain(&catalog, facts, wish));
    let prod = wish("ana@example.com", "admin", Some("111122223333"));
    assert_snapshot!("explain_known", asked(&prod, Some(&facts)));
    assert_snapshot!("explain_unknown", asked(&prod, None));
    let glass = Wish { is_emergency: true, duration: Some(Span::hours(1)), ..prod.clone() };
    assert_snapshot!("explain_emergency", asked(&glass, Some(&facts)));
    let denied = wish("ana@example.com", "admin", Some("999988887777"));
    assert_snapshot!("explain_denied", asked(&denied, Some(&facts)));
    let guest = wish("guest@example.com", "reader", None);
    assert_snapshot!("explain_guest", asked(&guest, Some(&facts)));
    let reader = wish("dee@example.com", "reader", None);
    assert_snapshot!("explain_reader", asked(&reader, None));
}

#[test]
fn a_question_about_nothing_fails() {
    let catalog = catalog("old");
    let asked = |wish: Wish| say(&explain(&catalog, None, &wish));
    let good = wish("ana@example.com", "reader", None);
    let all = [
        asked(Wish { flow: "awz".into(), ..good.clone() }),
        asked(Wish { target: Some("root".into()), ..good.clone() }),
        asked(Wish { target: None, ..good.clone() }),
        asked(Wish { duration: None, ..good.clone() }),
        asked(wish("ana@example.com", "admin", None)),
        asked(wish("ana@example.com", "admin", Some("1"))),
        asked(wish("ana@example.com", "reader", Some("999988887777"))),
    ];
    assert_snapshot!("explain_nothing", all.join("\n"));
}

#[test]
fn tests_pass_and_fail_readably() {
    let run = |name: &str| {
        let files = read_tests(&Path::new(FIXTURES).join(name)).unwrap_or_else(|wrong| panic!("{wrong}"));
        say(&verify(&catalog("old"), &files))
    };
    assert_snapshot!(run("old"), @r"
    6 passed, 0 failed
    [exit code 0]
    ");
    assert_snapshot!("tests_failing", run("failing"));
}

#[test]
fn broken_tests_and_no_tests_are_errors() {
    let wrong = |name: &str| read_tests(&Path::new(FIXTURES).join(name)).unwrap_err().to_string();
    assert_snapshot!("tests_broken", wrong("broken"));
    assert_snapshot!(wrong("new"), @r#"
    error: there are no tests in `fixtures/rehearsal/new`
      --> fixtures/rehearsal/new
      hint: a test is a block `test "…" { … }` in a file whose name ends in .test.hcl
    "#);
    assert!(read_facts(Path::new("fixtures/rehearsal/nothing.hcl")).is_err());
}

fn live(email: &str, id: &str, target: &str, account: &str) -> AccessRequest {
    let catalog = catalog("old");
    let entry = catalog.flow(&"aws".into()).unwrap();
    let there = entry.flow.target(&target.into()).unwrap();
    let resource = Resource::SsoPermissionSet {
        instance_arn: there.instance_arn.clone(),
        permission_set_arn: there.settings["permission_set_arn"].clone(),
        account_id: account.to_owned(),
    };
    let at = Timestamp::from_millis(0);
    let ask = Ask {
        id: id.into(),
        flow: "aws".into(),
        flow_label: "aws".into(),
        requester: Person { user: "U1".into(), email: Some(Email::new(email)) },
        team: None,
        target: Some(AskedTarget {
            name: target.into(),
            label: target.into(),
            resource,
            connection: there.connection.clone(),
        }),
        answers: vec![],
        duration: Some(Span::hours(4)),
        is_emergency: false,
    };
    let mut request = AccessRequest::open(ask, at).case.requests.remove(&id.into()).unwrap();
    request.status = Status::Active { since: at, ends_at: None, warned: false };
    request
}

#[test]
fn a_difference_is_told_by_people_targets_and_accounts() {
    let (old, new, facts) = (catalog("old"), catalog("new"), facts());
    let change = Change { old: &old, new: &new, sheet: None, live: None };
    assert_snapshot!("diff_unknown", say(&compare(&change)));
    let requests = [
        live("ana@example.com", "still-too-long", "admin", "111122223333"),
        live("cy@example.com", "denied-now", "reader", "111122223333"),
        live("dee@example.com", "fine", "reader", "111122223333"),
        live("ana@example.com", "nobody-knows", "admin", "444455556666"),
    ];
    let change = Change { sheet: Some(&facts), live: Some(&requests), ..change };
    assert_snapshot!("diff_known", say(&compare(&change)));
    let same = Change { new: &old, live: None, ..change };
    assert_snapshot!(say(&compare(&same)), @r"
    No difference: everybody may have the same as before, in the same way.
    [exit code 0]
    ");
}

#[test]
fn the_loader_passes_tests_over() {
    // `old` has a test file beside its manifest, and loads.
    assert_eq!(catalog("old").flows.len(), 1);
}
