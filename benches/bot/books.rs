//! The store by itself: how many commits the disk keeps up with, and books full of live claims.

use crate::stats::{median, percentile, short};
use crate::table::Table;
use crate::{Args, fresh};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sym::access::{
    AccessRequest, Ask, AskedTarget, Case, Click, ClickAction, Connection, Email, Event, Facts, People,
    Person, Place, Principal, RequestId, Requirement, Resource, Span, Step, Terms, Timestamp, decide,
};
use sym::clock::Clock;
use sym::store::{Commit, Store};
use tokio::time::Instant;

/// Claims in one batch while the books are filled.
const BATCH: usize = 500;

/// Measures and fills in the table.
pub(crate) async fn measure(args: &Args, parent: &Path, table: &mut Table) -> crate::Outcome<()> {
    let mut figures = Vec::new();
    for writers in [1, 64] {
        let mut rates = Vec::new();
        for _ in 0..args.rounds() {
            rates.push(commits(&fresh(parent, "commits")?, writers).await?);
        }
        figures.push(format!(
            "{} with {writers} writer{}",
            short(median(&rates)),
            if writers == 1 { "" } else { "s" }
        ));
    }
    table.row("commits per second, each on disk before it counts", &figures.join(", "), "–");
    Ok(())
}

/// Commits per second: every writer keeps clicks, each on disk before the next.
async fn commits(folder: &Path, writers: usize) -> crate::Outcome<f64> {
    let store = Arc::new(Store::open(folder)?);
    let begin = Instant::now();
    let end = begin + Duration::from_secs(3);
    let tasks = (0..writers).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut done: u64 = 0;
            while Instant::now() < end {
                let click = click(
                    &format!("{writer}-{done}"),
                    &format!("request-{writer}"),
                    "U1",
                    Clock::System.now(),
                );
                let commit = Commit { at: click.at, click: Some(click), ..Commit::default() };
                store.commit(commit)?.on_disk().await?;
                done += 1;
            }
            Ok::<u64, sym::store::StoreError>(done)
        })
    });
    let mut all = 0;
    for task in tasks.collect::<Vec<_>>() {
        all += task.await??;
    }
    Ok(all as f64 / begin.elapsed().as_secs_f64())
}

/// Fills the books with live claims, each with its whole history; returns their size on disk. The
/// histories are made beside the writing.
pub(crate) async fn fill(folder: &Path, claims: usize) -> crate::Outcome<u64> {
    let at = Clock::System.now();
    let (sender, mut commits) = tokio::sync::mpsc::channel(4);
    let making = std::thread::spawn(move || -> crate::Outcome<()> {
        for first in (0..claims).step_by(BATCH) {
            let mut commit = Commit { at, ..Commit::default() };
            for number in first..claims.min(first + BATCH) {
                let (case, audit) = live(&one_of_many(number), at)?;
                commit.requests.extend(case.requests.into_values());
                commit.entitlements.extend(case.entitlement);
                commit.audit.extend(audit);
            }
            sender.blocking_send(commit)?;
        }
        Ok(())
    });
    let store = Store::open(folder)?;
    while let Some(commit) = commits.recv().await {
        store.commit(commit)?.on_disk().await?;
    }
    making.join().map_err(|_| "the histories could not be made")??;
    drop(store);
    size(folder)
}

/// How long it takes to find what is due, and to read every row for the proof that none is missing.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) first: Duration,
    pub(crate) then: Duration,
    pub(crate) proven: Duration,
}

/// Opens full books and looks, as the bot does, for the hundred things that are due first.
pub(crate) async fn look(folder: &Path) -> crate::Outcome<Looked> {
    let begin = Instant::now();
    let store = Store::open(folder)?;
    let mut times = Vec::new();
    for _ in 0..101 {
        let begin = Instant::now();
        let next = store.next_due()?.ok_or("nothing is due")?;
        let due = store.due(next, 100)?;
        times.push(begin.elapsed());
        if due.is_empty() {
            return Err("what is due cannot be found".into());
        }
    }
    store.proven().await?;
    let proven = begin.elapsed();
    let first = times.remove(0);
    Ok(Looked { first, then: percentile(&times, 50), proven })
}

fn size(folder: &Path) -> crate::Outcome<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { size(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}

/// A claim to make up.
#[derive(Debug, Clone)]
pub(crate) struct Seed {
    pub(crate) id: String,
    /// The person in Slack and in Identity Center.
    pub(crate) user: String,
    pub(crate) principal: Principal,
    pub(crate) flow: String,
    pub(crate) label: String,
    pub(crate) account: String,
    pub(crate) permission_set: String,
    pub(crate) duration: Span,
}

fn one_of_many(number: usize) -> Seed {
    let user = format!("U{:09}", number / 20);
    let user_id = format!("{user}-2222-4333-8444");
    Seed {
        id: format!("request{number:08}"),
        principal: Principal::SsoUser { identity_store_id: "d-1234567890".to_owned(), user_id },
        user,
        flow: "team-0".to_owned(),
        label: "Team 0: role 0".to_owned(),
        account: "222200000000".to_owned(),
        permission_set: format!("arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-{:016}", number % 20),
        duration: Span::days(3650),
    }
}

/// The life of one request up to the moment when it is active, by the bot's own rules. All of it
/// happens at that moment, from which its duration counts.
pub(crate) fn live(seed: &Seed, at: Timestamp) -> crate::Outcome<(Case, Vec<sym::access::AuditRecord>)> {
    let ask = ask(seed);
    let resource = ask.target.as_ref().map(|target| target.resource.clone()).ok_or("there is no target")?;
    let first: Step = AccessRequest::open(ask, at);
    let (mut case, mut audit) = (first.case, first.audit);
    for event in history(seed, at) {
        let step =
            decide(&case, &event, at).map_err(|refusal| format!("{event:?} is refused: {refusal:?}"))?;
        case = step.case;
        audit.extend(step.audit);
    }
    if case.entitlement.as_ref().is_none_or(|held| held.resource != resource || !held.may_be_held()) {
        return Err("the claim did not come to life".into());
    }
    Ok((case, audit))
}

fn history(seed: &Seed, at: Timestamp) -> Vec<Event> {
    let request = RequestId::new(&seed.id);
    let place = Place { channel: "C0000000002".into(), ts: "1700000000.000100".into() };
    let destination = "#access-requests".to_owned();
    vec![
        Event::Identified {
            request: request.clone(),
            facts: Box::new(facts(&seed.user)),
            principal: Some(seed.principal.clone()),
            terms: Box::new(terms()),
            destinations: vec![destination.clone()],
        },
        Event::CardPosted { request, destination, place },
        Event::Clicked { click: Box::new(click(&seed.id, &seed.id, "U1", at)), facts: Box::new(facts("U1")) },
        Event::Looked { is_present: false },
        Event::GrantStarted { operation: "a1b2c3d4-0000-4000-8000-000000000000".into() },
        Event::GrantConfirmed,
    ]
}

fn ask(seed: &Seed) -> Ask {
    let connection = Connection {
        integration: "sso".into(),
        region: Some("us-east-1".to_owned()),
        hops: vec![],
        source_identity: false,
    };
    let resource = Resource::SsoPermissionSet {
        instance_arn: crate::flows::INSTANCE.to_owned(),
        permission_set_arn: seed.permission_set.clone(),
        account_id: seed.account.clone(),
    };
    Ask {
        id: seed.id.as_str().into(),
        flow: seed.flow.as_str().into(),
        flow_label: seed.flow.clone(),
        requester: Person { user: seed.user.as_str().into(), email: None },
        team: None,
        target: Some(AskedTarget { name: "t0_0".into(), label: seed.label.clone(), resource, connection }),
        answers: Vec::new(),
        duration: Some(seed.duration),
        is_emergency: false,
    }
}

fn terms() -> Terms {
    let requirement = Requirement {
        rule: "standard".to_owned(),
        approvers: vec![People::ChannelMembers],
        min_approvals: 1,
        allow_self: false,
        notify: Vec::new(),
        fallback: None,
    };
    Terms {
        requirements: vec![requirement],
        answer_within: Span::hours(8),
        channel: Some("#access-requests".to_owned()),
        error_channel: None,
        allow_revoke: true,
        allow_guest_interaction: false,
        include_decision_message: false,
        shorter: Vec::new(),
        auto_rules: Vec::new(),
        restores: false,
        emergency: None,
    }
}

fn facts(user: &str) -> Facts {
    Facts {
        user: user.into(),
        team: Some("T1".into()),
        email: Some(Email::new(&format!("{user}@example.com"))),
        is_home: true,
        is_guest: false,
        is_bot: false,
        is_deactivated: false,
        member_of: std::collections::BTreeMap::from([(People::ChannelMembers, true)]),
    }
}

fn click(envelope: &str, request: &str, user: &str, at: Timestamp) -> Click {
    Click {
        envelope: envelope.into(),
        request: request.into(),
        action: ClickAction::Approve,
        user: user.into(),
        team: Some("T1".into()),
        place: Some(Place { channel: "C0000000002".into(), ts: "1700000000.000100".into() }),
        at,
        shorten_to: None,
        comment: None,
    }
}
