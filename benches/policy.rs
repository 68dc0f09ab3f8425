//! How long the rules take: 100,000 requests against a flow of 1,000 rules.
//!
//! `cargo bench --bench policy`

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;
use sym::access::{Email, Facts, People, Span, TargetName};
use sym::policy::{AccountFacts, AccountSelector, Decision, Question, Rule, Verdict, evaluate};

const RULES: usize = 1_000;
const REQUESTS: usize = 100_000;

/// As a large company might have them: every team its targets, accounts by unit, tag and number.
fn rules() -> Vec<Rule> {
    let rule = |n: usize| Rule {
        targets: if n.is_multiple_of(50) {
            vec![]
        } else {
            vec![TargetName::new(format!("target-{}", n % 200))]
        },
        accounts: match n % 4 {
            0 => vec![AccountSelector::Id(format!("{:012}", n % 300))],
            1 => vec![AccountSelector::Ou(format!("ou-ab12-{:08}", n % 40))],
            2 => {
                vec![AccountSelector::Tag { key: "env".into(), value: ["prod", "dev", "test"][n % 3].into() }]
            }
            _ => vec![],
        },
        requesters: match n % 3 {
            0 => vec![People::Usergroup(format!("team-{}", n % 20))],
            1 => vec![People::User(Email::new(&format!("person-{}@example.com", n % 500)))],
            _ => vec![],
        },
        max_duration: Some(Span::hours(4)),
        approvers: vec![People::Usergroup("leads".into()), People::ChannelMembers],
        decision: if n.is_multiple_of(97) { Decision::BreakGlass } else { Decision::Ask },
        ..Rule::standard(format!("manifests/rules.hcl:{n}"))
    };
    (0..RULES).map(|n| Rule { name: format!("rule-{n}"), ..rule(n) }).collect()
}

fn facts(n: usize) -> Facts {
    Facts {
        user: format!("U{n}").as_str().into(),
        team: None,
        email: Some(Email::new(&format!("person-{}@example.com", n % 500))),
        is_home: true,
        is_guest: false,
        is_bot: false,
        is_deactivated: false,
        member_of: (0..20).map(|team| (People::Usergroup(format!("team-{team}")), team == n % 20)).collect(),
    }
}

#[expect(clippy::disallowed_methods, reason = "this measures real time")]
fn main() {
    let rules = rules();
    let people: Vec<Facts> = (0..500).map(facts).collect();
    let targets: Vec<TargetName> = (0..200).map(|n| TargetName::new(format!("target-{n}"))).collect();
    let accounts: Vec<AccountFacts> = (0..300)
        .map(|n| AccountFacts {
            id: format!("{n:012}"),
            units: vec![format!("ou-ab12-{:08}", n % 40), "r-ab12".into()],
            tags: BTreeMap::from([("env".into(), ["prod", "dev", "test"][n % 3].into())]),
        })
        .collect();
    let uses = BTreeMap::new();
    let (mut allowed, mut matched) = (0_usize, 0_usize);
    let start = Instant::now();
    for n in 0..REQUESTS {
        let account = &accounts[n % accounts.len()];
        let question = Question {
            target: Some(&targets[(n / 7) % targets.len()]),
            account_id: Some(&account.id),
            account: Some(account),
            duration: Some(Span::hours(1)),
            facts: &people[(n / 3) % people.len()],
            is_emergency: n.is_multiple_of(20),
            uses: &uses,
        };
        if let Verdict::Allowed(verdict) = black_box(evaluate(black_box(&rules), &question)) {
            allowed += 1;
            matched += verdict.rules.len();
        }
    }
    let took = start.elapsed();
    let each = took.as_nanos() / REQUESTS as u128;
    let line = format!(
        "{REQUESTS} requests against {RULES} rules in {took:.2?}: {each} ns each; {allowed} allowed, by {matched} rules"
    );
    drop(writeln!(std::io::stdout(), "{line}"));
}
