//! The rules' meaning said a second time, plainly and slowly, and the two compared over random rules,
//! people and accounts; and the laws that hold whatever the rules are.

use super::*;
use crate::access::{Email, Facts, TargetName};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use std::collections::BTreeSet;

mod own;

/// What the oracle says, without regard to any order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Plain {
    No(&'static str),
    Yes {
        /// Rule, approvers, how many, whether oneself.
        asks: BTreeSet<(String, Vec<People>, u32, bool)>,
        autos: BTreeSet<String>,
        witnesses: Option<BTreeSet<(String, Vec<People>)>>,
        wait: Span,
        rules: BTreeSet<String>,
        notify: BTreeSet<String>,
    },
}

fn plain(verdict: &Verdict) -> Plain {
    match verdict {
        Verdict::Refused(Refused::Denied { .. }) => Plain::No("denied"),
        Verdict::Refused(Refused::NoRule) => Plain::No("no rule"),
        Verdict::Refused(Refused::TooLong { .. }) => Plain::No("too long"),
        Verdict::Refused(Refused::UsedUp { .. }) => Plain::No("used up"),
        Verdict::Refused(Refused::NoEmergency) => Plain::No("no emergency"),
        Verdict::Refused(Refused::NobodyElse { .. }) => Plain::No("nobody else"),
        Verdict::Refused(Refused::Unknown { .. }) => Plain::No("unknown"),
        Verdict::Allowed(allowed) => Plain::Yes {
            asks: allowed
                .requirements
                .iter()
                .map(|it| (it.rule.clone(), it.approvers.clone(), it.min_approvals, it.allow_self))
                .collect(),
            autos: allowed.auto_rules.iter().cloned().collect(),
            witnesses: allowed.emergency.as_ref().map(|emergency| {
                emergency.skipped.iter().map(|it| (it.rule.clone(), it.approvers.clone())).collect()
            }),
            wait: allowed.answer_within,
            rules: allowed.rules.iter().cloned().collect(),
            notify: allowed.notify.iter().cloned().collect(),
        },
    }
}

/// The other implementation: every rule gets a word for each of its three columns, and the words are
/// looked at one sentence of the manifest page after the other.
fn oracle(rules: &[Rule], asked: &Scene) -> Plain {
    let mut words: Vec<(&Rule, &str)> = Vec::new();
    for rule in rules {
        let mut columns = vec![];
        columns.push(match (&rule.targets[..], &asked.target) {
            ([], _) => "yes",
            (some, Some(target)) if some.iter().any(|one| one.as_str() == target.as_str()) => "yes",
            _ => "no",
        });
        let mut account = if rule.accounts.is_empty() { "yes" } else { "no" };
        for selector in &rule.accounts {
            let text = selector.to_string();
            let Some(id) = &asked.account_id else { continue };
            if text == *id {
                account = "yes";
            } else if text.starts_with("ou:") || text.starts_with("tag:") {
                let known = asked.account.as_ref().map(|account| {
                    let mut names: Vec<String> =
                        account.units.iter().map(|unit| format!("ou:{unit}")).collect();
                    names.extend(account.tags.iter().map(|(key, value)| format!("tag:{key}={value}")));
                    names
                });
                match known {
                    Some(names) if names.contains(&text) => account = "yes",
                    Some(_) => {}
                    None if account == "no" => account = "perhaps",
                    None => {}
                }
            }
        }
        columns.push(account);
        let facts = &asked.facts;
        let full = facts.is_home && !facts.is_guest && !facts.is_bot && !facts.is_deactivated;
        let mut requester = if rule.requesters.is_empty() && full { "yes" } else { "no" };
        for people in &rule.requesters {
            let word = match people {
                People::Everyone if full => "yes",
                People::Everyone => "no",
                People::User(email)
                    if facts.email.as_ref().is_some_and(|own| own.as_str() == email.as_str()) =>
                {
                    "yes"
                }
                People::User(_) => "no",
                group => match facts.member_of.get(group) {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "perhaps",
                },
            };
            if word == "yes" || (word == "perhaps" && requester == "no") {
                requester = word;
            }
        }
        columns.push(requester);
        let word = if columns.contains(&"no") {
            "no"
        } else if columns.contains(&"perhaps") {
            "perhaps"
        } else {
            "yes"
        };
        if rule.decision != Decision::BreakGlass || asked.is_emergency {
            words.push((rule, word));
        }
    }
    let binding: Vec<&Rule> =
        words.iter().filter(|(_, word)| *word == "yes").map(|(rule, _)| *rule).collect();
    let of = |decision: Decision| binding.iter().filter(move |rule| rule.decision == decision).count();
    if of(Decision::Deny) > 0 {
        return Plain::No("denied");
    }
    if words.iter().any(|(_, word)| *word == "perhaps") {
        return Plain::No("unknown");
    }
    if asked.is_emergency && of(Decision::BreakGlass) == 0 {
        return Plain::No("no emergency");
    }
    if binding.is_empty() {
        return Plain::No("no rule");
    }
    for rule in &binding {
        match (rule.max_duration, asked.duration) {
            (Some(most), Some(wanted)) if wanted > most => return Plain::No("too long"),
            (Some(_), None) => return Plain::No("too long"),
            _ => {}
        }
    }
    let mut asks = BTreeSet::new();
    let mut autos = BTreeSet::new();
    let mut witnesses = BTreeSet::new();
    let mut is_used_up = false;
    for rule in &binding {
        if !rule.approvers.is_empty() {
            witnesses.insert((rule.name.clone(), rule.approvers.clone()));
        }
        let used = asked.uses.get(&rule.name).copied().unwrap_or(0);
        let beyond = rule.cap.is_some_and(|cap| used + 1 > cap.max_uses);
        let one = (rule.name.clone(), rule.approvers.clone(), rule.min_approvals, rule.allow_self);
        match rule.decision {
            Decision::Auto if !beyond => {
                autos.insert(rule.name.clone());
            }
            Decision::Auto if rule.approvers.is_empty() => is_used_up = true,
            Decision::Auto | Decision::Ask => {
                asks.insert(one);
            }
            Decision::BreakGlass | Decision::Deny => {}
        }
    }
    let mut waits: Vec<Span> = Vec::new();
    for rule in &binding {
        match rule.answer_within {
            Some(wait) => waits.push(wait),
            None if asks.iter().any(|(name, ..)| *name == rule.name) => waits.push(Span::hours(8)),
            None => {}
        }
    }
    let nobody_waits = asked.is_emergency;
    let wait = waits.into_iter().filter(|_| !nobody_waits).min().unwrap_or(Span::hours(8));
    let witnesses = if asked.is_emergency {
        if witnesses.is_empty() {
            return Plain::No("no emergency");
        }
        asks.clear();
        autos.clear();
        Some(witnesses)
    } else if is_used_up {
        return Plain::No("used up");
    } else {
        None
    };
    Plain::Yes {
        asks,
        autos,
        witnesses,
        wait,
        rules: binding.iter().map(|rule| rule.name.clone()).collect(),
        notify: binding.iter().flat_map(|rule| rule.notify.clone()).collect(),
    }
}

#[derive(Debug, Clone)]
struct Scene {
    target: Option<TargetName>,
    account_id: Option<String>,
    account: Option<AccountFacts>,
    duration: Option<Span>,
    facts: Facts,
    is_emergency: bool,
    uses: BTreeMap<String, u32>,
}

impl Scene {
    fn ask(&self, rules: &[Rule]) -> Verdict {
        evaluate(rules, &self.question())
    }

    fn question(&self) -> Question<'_> {
        Question {
            target: self.target.as_ref(),
            account_id: self.account_id.as_deref(),
            account: self.account.as_ref(),
            duration: self.duration,
            facts: &self.facts,
            is_emergency: self.is_emergency,
            uses: &self.uses,
        }
    }
}

fn people() -> impl Strategy<Value = People> {
    prop_oneof![
        prop::sample::select(vec!["ana@example.com", "ANA@Example.com", "bo@example.com"])
            .prop_map(|email| People::User(Email::new(email))),
        prop::sample::select(vec!["sre", "sec"]).prop_map(|handle| People::Usergroup(handle.into())),
        Just(People::ChannelMembers),
        Just(People::IdcGroup("Admins".into())),
        Just(People::Everyone),
    ]
}

fn selector() -> impl Strategy<Value = AccountSelector> {
    prop_oneof![
        prop::sample::select(vec!["111122223333", "444455556666"])
            .prop_map(|id| AccountSelector::Id(id.into())),
        prop::sample::select(vec!["r-ab12", "ou-ab12-11111111", "ou-ab12-22222222"])
            .prop_map(|unit| AccountSelector::Ou(unit.into())),
        prop::sample::select(vec!["prod", "dev"])
            .prop_map(|value| AccountSelector::Tag { key: "env".into(), value: value.into() }),
    ]
}

fn span() -> impl Strategy<Value = Option<Span>> {
    prop::option::of(prop::sample::select(vec![Span::minutes(30), Span::hours(1), Span::hours(4)]))
}

prop_compose! {
    fn rule()(
        // Half of the rules are about everything: otherwise most requests would meet none.
        targets in prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec(prop::sample::select(vec!["admin", "reader"]), 1..3)],
        accounts in prop_oneof![1 => Just(vec![]), 1 => prop::collection::vec(selector(), 1..3)],
        requesters in prop_oneof![1 => Just(vec![]), 1 => prop::collection::vec(people(), 1..4)],
        approvers in prop_oneof![1 => Just(vec![]), 2 => prop::collection::vec(people(), 1..3)],
        max_duration in prop::option::weighted(0.3, prop::sample::select(vec![Span::minutes(30), Span::hours(1), Span::hours(4)])),
        answer_within in prop::option::of(prop::sample::select(vec![Span::minutes(30), Span::hours(8), Span::days(1)])),
        (min_approvals, allow_self) in (1..3_u32, any::<bool>()),
        notify in prop::collection::vec(prop::sample::select(vec!["#a".to_owned(), "#b".to_owned()]), 0..2),
        decision in prop_oneof![
            4 => Just(Decision::Ask),
            4 => Just(Decision::Auto),
            2 => Just(Decision::BreakGlass),
            1 => Just(Decision::Deny),
        ],
        cap in prop::option::weighted(0.8, (1..3_u32).prop_map(|max_uses| Cap { max_uses, per: Span::days(1) })),
    ) -> Rule {
        Rule {
            name: String::new(),
            place: String::new(),
            targets: targets.into_iter().map(TargetName::from).collect(),
            accounts,
            requesters,
            max_duration,
            approvers,
            min_approvals,
            allow_self,
            notify,
            answer_within,
            decision,
            fallback: None,
            cap: cap.filter(|_| decision == Decision::Auto),
        }
    }
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(rule(), 0..7).prop_map(|mut rules| {
        for (index, rule) in rules.iter_mut().enumerate() {
            rule.name = format!("r{index}");
        }
        rules
    })
}

prop_compose! {
    fn somebody()(
        email in prop::option::of(prop::sample::select(vec!["ana@example.com", "Ana@EXAMPLE.com", "bo@example.com", "eve@elsewhere.com"])),
        (is_home, is_guest, is_bot, is_deactivated) in (prop::bool::weighted(0.9), prop::bool::weighted(0.1), prop::bool::weighted(0.05), prop::bool::weighted(0.05)),
        known in prop::collection::vec(prop::option::weighted(0.85, any::<bool>()), 4),
    ) -> Facts {
        let groups = [
            People::Usergroup("sre".into()),
            People::Usergroup("sec".into()),
            People::ChannelMembers,
            People::IdcGroup("Admins".into()),
        ];
        Facts {
            user: "U1".into(),
            team: None,
            email: email.map(Email::new),
            is_home,
            is_guest,
            is_bot,
            is_deactivated,
            member_of: groups.into_iter().zip(known).filter_map(|(group, known)| Some((group, known?))).collect(),
        }
    }
}

prop_compose! {
    fn scene()(
        target in prop::option::weighted(0.9, prop::sample::select(vec!["admin", "reader"])),
        account_id in prop::option::weighted(0.9, prop::sample::select(vec!["111122223333", "444455556666"])),
        is_known in prop::bool::weighted(0.8),
        depth in 1..4_usize,
        env in prop::option::of(prop::sample::select(vec!["prod", "dev", "Prod"])),
        duration in span(),
        facts in somebody(),
        is_emergency in prop::bool::weighted(0.3),
        uses in prop::collection::btree_map((0..7_u32).prop_map(|n| format!("r{n}")), 0..4_u32, 0..7),
    ) -> Scene {
        let account = account_id.filter(|_| is_known).map(|id| AccountFacts {
            id: id.to_owned(),
            units: ["r-ab12", "ou-ab12-11111111", "ou-ab12-22222222"][..depth].iter().rev().map(ToString::to_string).collect(),
            tags: env.map(|env| ("env".to_owned(), env.to_owned())).into_iter().collect(),
        });
        Scene {
            target: target.map(TargetName::from),
            account_id: account_id.map(str::to_owned),
            account,
            duration,
            facts,
            is_emergency,
            uses,
        }
    }
}

/// Whether `after` gives no more than `before`: it needs the same people and perhaps more, for the
/// same answer time or less.
fn is_no_laxer(before: &Plain, after: &Plain) -> bool {
    match (before, after) {
        (_, Plain::No(_)) => true,
        (Plain::No(_), Plain::Yes { .. }) => false,
        (
            Plain::Yes { asks, wait, witnesses, rules, .. },
            Plain::Yes {
                asks: asks_after,
                wait: wait_after,
                witnesses: witnesses_after,
                rules: rules_after,
                ..
            },
        ) => {
            let told = match (witnesses, witnesses_after) {
                (None, None) => true,
                (Some(before), Some(after)) => before.is_subset(after),
                _ => false,
            };
            asks.is_subset(asks_after)
                && (asks.is_empty() || wait_after <= wait)
                && told
                && rules.is_subset(rules_after)
        }
    }
}

proptest! {
    // Some laws are about few of the scenes that chance draws: many are passed over.
    #![proptest_config(ProptestConfig {
        max_global_rejects: 200_000,
        ..ProptestConfig::with_cases(12 * ProptestConfig::default().cases)
    })]

    #[test]
    fn the_rules_mean_what_the_oracle_says(rules in rules(), scene in scene()) {
        prop_assert_eq!(plain(&scene.ask(&rules)), oracle(&rules, &scene));
    }

    #[test]
    fn order_plays_no_part((rules, mixed) in rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())), scene in scene()) {
        prop_assert_eq!(plain(&scene.ask(&rules)), plain(&scene.ask(&mixed)));
        prop_assert_eq!(longest(&rules, &scene.question()), longest(&mixed, &scene.question()));
    }

    #[test]
    fn a_denial_is_never_overcome(rules in rules(), scene in scene(), mut denial in rule(), at in any::<prop::sample::Index>()) {
        denial.decision = Decision::Deny;
        denial.name = "denial".into();
        if denial.matches(&scene.question()) != Some(true) {
            return Ok(());
        }
        let mut more = rules;
        more.insert(at.index(more.len() + 1), denial);
        prop_assert_eq!(plain(&scene.ask(&more)), Plain::No("denied"));
    }

    /// One more rule never loosens what others already settle. Three things begin with a first rule and
    /// are meant to: any right at all (no matching rule means no), the right to an emergency (it needs a
    /// `break_glass` rule), and somebody who can acknowledge one (it needs approvers); so those three
    /// refusals are the only ones that another rule can lift. An `auto` rule takes no approval away from
    /// the others, and a `break_glass` rule none from a request that is not an emergency.
    #[test]
    fn one_more_rule_is_never_laxer(rules in rules(), scene in scene(), mut new in rule()) {
        new.name = "new".into();
        let before = plain(&scene.ask(&rules));
        if matches!(before, Plain::No("no rule" | "no emergency")) {
            return Ok(());
        }
        let mut more = rules;
        more.push(new);
        let after = plain(&scene.ask(&more));
        prop_assert!(is_no_laxer(&before, &after), "{:?} became {:?}", before, after);
    }

    /// The longest access only shrinks, and a request without an emergency never hears of a
    /// `break_glass` rule.
    #[test]
    fn one_more_rule_never_lengthens(rules in rules(), scene in scene(), mut new in rule()) {
        new.name = "new".into();
        let before = longest(&rules, &scene.question());
        let mut more = rules.clone();
        more.push(new.clone());
        let after = longest(&more, &scene.question());
        prop_assert!(before.is_none_or(|before| after.is_some_and(|after| after <= before)));
        if !scene.is_emergency && new.decision == Decision::BreakGlass {
            prop_assert_eq!(plain(&scene.ask(&rules)), plain(&scene.ask(&more)));
            prop_assert_eq!(before, after);
        }
    }

    /// What cannot be found out is never taken for the laxer answer: whatever it turns out to be, the
    /// refusal was no mistake on the lax side, and what was allowed did not depend on it.
    #[test]
    fn the_longest_that_is_offered_is_the_longest_that_is_allowed(rules in rules(), mut scene in scene()) {
        let limit = longest(&rules, &scene.question());
        scene.duration = limit;
        let verdict = scene.ask(&rules);
        let is_too_long = matches!(verdict, Verdict::Refused(Refused::TooLong { .. }));
        prop_assert!(!is_too_long);
        if let (Some(limit), Verdict::Allowed(_)) = (limit, verdict) {
            scene.duration = Some(limit + Span::millis(1));
            let verdict = scene.ask(&rules);
            let is_too_long =
                matches!(verdict, Verdict::Refused(Refused::TooLong { limit: found, .. }) if found == limit);
            prop_assert!(is_too_long);
        }
    }

    #[test]
    fn the_unknown_is_never_a_right(rules in rules(), scene in scene(), answers in prop::collection::vec(any::<bool>(), 4)) {
        let before = plain(&scene.ask(&rules));
        let mut known = scene.clone();
        let groups = [People::Usergroup("sre".into()), People::Usergroup("sec".into()), People::ChannelMembers, People::IdcGroup("Admins".into())];
        for (group, answer) in groups.into_iter().zip(answers) {
            known.facts.member_of.entry(group).or_insert(answer);
        }
        if !matches!(before, Plain::No("unknown")) {
            prop_assert_eq!(before, plain(&known.ask(&rules)));
        }
    }
}

/// The laws above are worth something only if chance meets every outcome.
#[test]
fn chance_meets_every_outcome() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..4_000 {
        let rules = rules().new_tree(&mut runner).unwrap().current();
        let scene = scene().new_tree(&mut runner).unwrap().current();
        let kind = match plain(&scene.ask(&rules)) {
            Plain::No(why) => why,
            Plain::Yes { witnesses: Some(_), .. } => "emergency",
            Plain::Yes { asks, .. } if asks.is_empty() => "auto",
            Plain::Yes { rules, .. } if rules.len() > 1 => "asked by several",
            Plain::Yes { .. } => "asked",
        };
        *met.entry(kind).or_default() += 1;
    }
    assert_eq!(met.len(), 10, "{met:?}");
    assert!(met.values().all(|times| *times >= 5), "{met:?}");
}

#[test]
fn in_an_emergency_nobody_is_waited_for_and_nobody_is_their_own_witness() {
    let ask = Rule {
        name: "prod".into(),
        approvers: vec![People::Everyone],
        allow_self: true,
        answer_within: Some(Span::hours(1)),
        ..Rule::standard("a.hcl:1")
    };
    let glass =
        Rule { name: "glass".into(), decision: Decision::BreakGlass, approvers: vec![], ..ask.clone() };
    let question = Question {
        target: None,
        account_id: None,
        account: None,
        duration: Some(Span::hours(1)),
        facts: &Facts { is_home: true, ..Facts::of_nobody("ana".into()) },
        is_emergency: true,
        uses: &BTreeMap::new(),
    };
    let Verdict::Allowed(allowed) = evaluate(&[ask, glass], &question) else { panic!() };
    assert!(allowed.requirements.is_empty());
    assert_eq!(allowed.answer_within, DEFAULT_ANSWER_WITHIN);
    let skipped = allowed.emergency.unwrap().skipped;
    let witnesses: Vec<_> = skipped.iter().map(|it| (it.rule.as_str(), it.allow_self)).collect();
    assert_eq!(witnesses, [("prod", false)]);
}
