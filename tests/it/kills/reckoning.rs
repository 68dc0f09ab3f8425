//! What AWS holds and people were promised, against what the books say.

use super::crowd::{Crowd, Press};
use super::say;
use crate::world::crash::copy_of;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use sym::access::{AccessRequest, Cause, ClickAction, Entitlement, Principal, Removal, Resource, Status};
use sym::sandbox::aws::{Call, Holding, Outcome};
use sym::store::Store;

/// Something one person can hold, as both sides can name it: user, group or permission set.
type Pair = (String, String);

/// Reads the books of a bot that is dead, without touching them.
fn read<T>(data: &Path, look: impl FnOnce(&Store) -> T) -> T {
    let copy = copy_of(data);
    let store = Store::open(copy.path()).unwrap_or_else(|error| panic!("{error}"));
    look(&store)
}

/// Whether the dead bot has left something to do.
pub(super) fn owes(data: &Path) -> bool {
    read(data, |store| store.next_due().unwrap().is_some() || store.requests_with_notices().next().is_some())
}

/// AWS holds nothing that the books do not know, and the books know everything that was promised.
pub(super) fn after_a_kill(crowd: &Crowd, data: &Path, place: &str) {
    read(data, |store| {
        let known: BTreeMap<Pair, Entitlement> = store.entitlements().map(|row| (pair(&row), row)).collect();
        for holding in crowd.stage.aws.holdings() {
            let entitlement = known.get(&held(&holding));
            let entitlement = entitlement.unwrap_or_else(|| panic!("{place}: nobody wrote down: {holding}"));
            assert!(entitlement.may_be_held(), "{place}: {holding}, but {entitlement:?}");
            assert!(entitlement.duty().is_some(), "{place}: nothing is owed for {entitlement:?}");
        }
        promises(crowd, store, place);
        let broken = store.audit().filter(|record| !matches!(record, Ok((_, _, true)))).count();
        assert_eq!(broken, 0, "{place}: the audit chain is broken");
    });
}

/// Every acknowledged form is a request, every acknowledged press is kept or has been decided, and nobody
/// got anything that nobody else approved.
fn promises(crowd: &Crowd, store: &Store, place: &str) {
    let requests: BTreeMap<String, AccessRequest> =
        store.requests().map(|request| (request.id.to_string(), request)).collect();
    let waiting: BTreeSet<(String, &'static str)> =
        store.clicks().unwrap().iter().map(|click| (click.request.to_string(), name(click.action))).collect();
    let memory = crowd.memory();
    for (user, forms) in &memory.forms {
        let made = requests.values().filter(|request| request.requester.user.as_str() == user).count();
        assert!(made >= *forms, "{place}: {user} was acknowledged {forms} forms, {made} are in the books");
    }
    for (id, presses) in &memory.presses {
        let request = requests.get(id).unwrap_or_else(|| panic!("{place}: request {id} is lost"));
        for press in presses.iter().filter(|press| press.acked) {
            let is_kept = waiting.contains(&(id.clone(), press.action));
            assert!(
                is_kept || had_effect(press, presses, request),
                "{place}: {press:?} is lost: {request:?}"
            );
        }
    }
    for (id, request) in requests.iter().filter(|(_, request)| was_approved(request)) {
        let by_another =
            |press: &&Press| press.action == "sym_approve" && press.by != request.requester.user.as_str();
        let presses = memory.presses.get(id).map(Vec::as_slice).unwrap_or_default();
        assert!(presses.iter().any(|press| by_another(&press)), "{place}: nobody approved {request:?}");
    }
}

fn name(action: ClickAction) -> &'static str {
    match action {
        ClickAction::Approve => "sym_approve",
        ClickAction::Deny => "sym_deny",
        ClickAction::Revoke => "sym_revoke",
        ClickAction::Withdraw => "sym_withdraw",
        ClickAction::Acknowledge => "sym_acknowledge",
    }
}

/// The press shows in the request, or another one came first.
fn had_effect(press: &Press, presses: &[Press], request: &AccessRequest) -> bool {
    let was_used = |action: &str| presses.iter().any(|press| press.action == action);
    match press.action {
        "sym_approve" => match request.status {
            Status::Denied { .. } => was_used("sym_deny"),
            Status::Withdrawn { .. } => was_used("sym_withdraw"),
            _ => was_approved(request),
        },
        "sym_deny" => matches!(request.status, Status::Denied { .. }) || was_used("sym_approve"),
        "sym_withdraw" => {
            matches!(request.status, Status::Withdrawn { .. })
                || was_used("sym_approve")
                || was_used("sym_deny")
        }
        "sym_revoke" => !matches!(request.status, Status::Granting { .. } | Status::Active { .. }),
        other => panic!("nobody presses {other}"),
    }
}

/// Access was or is given on its account.
fn was_approved(request: &AccessRequest) -> bool {
    matches!(
        request.status,
        Status::Granting { .. }
            | Status::Active { .. }
            | Status::Ending { .. }
            | Status::Ended { .. }
            | Status::AlreadyHeld { .. }
    )
}

/// Everything was taken back, given no more often than approved, and said.
pub(super) fn at_the_end(crowd: &Crowd, data: &Path, kills: usize, place: &str) {
    after_a_kill(crowd, data, place);
    assert_eq!(crowd.stage.aws.holdings(), Vec::<Holding>::new(), "{place}");
    assert_eq!(crowd.stage.aws.in_flight(), 0, "{place}: AWS is still at it");
    assert_eq!(crowd.stage.aws.unexpected(), Vec::<String>::new(), "{place}");
    assert_eq!(crowd.stage.slack.unexpected(), Vec::<String>::new(), "{place}");
    read(data, |store| {
        assert_eq!(store.entitlements().count(), 0, "{place}: an entitlement is still in the books");
        assert_eq!(store.next_due().unwrap(), None, "{place}: something is still owed");
        assert_eq!(store.requests_with_notices().count(), 0, "{place}: something is still to be said");
        let requests: Vec<AccessRequest> = store.requests().collect();
        let open: Vec<_> = requests.iter().filter(|request| !request.is_over()).collect();
        assert!(open.is_empty(), "{place}: {open:?}");
        let given = grants(crowd);
        let approved = requests.iter().filter(|request| was_approved(request)).count();
        say(&format!("{} requests, {approved} approved, {given} grants in {kills} kills", requests.len()));
        assert!(approved > kills / 2, "{place}: only {approved} requests came to something");
        assert!(given <= approved, "{place}: AWS gave {given} times for {approved} approvals");
        for user in &crowd.people {
            let own: Vec<_> =
                requests.iter().filter(|request| request.requester.user.as_str() == user).collect();
            messages(crowd, user, &own, kills, place);
        }
    });
}

/// How often somebody came to hold something they did not hold, by AWS's own account.
fn grants(crowd: &Crowd) -> usize {
    let mut holding: BTreeSet<String> = BTreeSet::new();
    let mut given = 0;
    for call in crowd.stage.aws.writes() {
        let took_effect = matches!(call.outcome, Outcome::Done | Outcome::Lost(None));
        match call.operation.as_str() {
            // AWS refuses a second one.
            "CreateGroupMembership" if took_effect => given += 1,
            "CreateAccountAssignment" | "AddUserToGroup" if took_effect => {
                given += usize::from(holding.insert(whose(&call)));
            }
            "DeleteAccountAssignment" | "RemoveUserFromGroup" if took_effect => {
                holding.remove(&whose(&call));
            }
            _ => {}
        }
    }
    given
}

fn whose(call: &Call) -> String {
    let part = |name: &str| call.input.get(name).map(ToString::to_string).unwrap_or_default();
    ["PrincipalId", "PermissionSetArn", "UserName", "GroupName"].map(part).join(" ")
}

/// A person has heard everything, and at each kill at most one thing twice.
fn messages(crowd: &Crowd, user: &str, requests: &[&AccessRequest], kills: usize, place: &str) {
    let slack = &crowd.stage.slack;
    let heard: Vec<String> = slack.dms(user).iter().map(|dm| slack.shown(user, dm)).collect();
    let said = |words: &str| heard.iter().filter(|text| text.contains(words)).count();
    let due =
        |is_due: &dyn Fn(&Status) -> bool| requests.iter().filter(|request| is_due(&request.status)).count();
    let expected = [
        ("has gone to #access-requests", requests.len()),
        ("You have *", due(&|status| matches!(status, Status::Ended { began: Some(_), .. }))),
        (
            "has ended",
            due(&|status| {
                matches!(
                    status,
                    Status::Ended { cause, removal: Removal::SeenAbsent | Removal::NeverGiven, .. }
                        if !matches!(cause, Cause::GrantFailed { .. } | Cause::GrantTimedOut { .. })
                )
            }),
        ),
        ("denied", due(&|status| matches!(status, Status::Denied { .. }))),
    ];
    for (words, count) in expected {
        let times = said(words);
        assert!(
            (count..=count + kills).contains(&times),
            "{place}: “{words}” was said {times} times to {user}, for {count} requests:\n{}",
            heard.join("\n--\n")
        );
    }
}

fn pair(entitlement: &Entitlement) -> Pair {
    let who = match &entitlement.principal {
        Principal::SsoUser { user_id, .. } => user_id,
        Principal::IamUser { user_name } => user_name,
    };
    let what = match &entitlement.resource {
        Resource::SsoPermissionSet { permission_set_arn, account_id, .. } => {
            format!("{permission_set_arn} in {account_id}")
        }
        Resource::SsoGroup { group_id, .. } => group_id.clone(),
        Resource::IamGroup { account_id, group_name } => format!("{group_name} in {account_id}"),
    };
    (who.clone(), what)
}

fn held(holding: &Holding) -> Pair {
    match holding {
        Holding::Assignment(held) => {
            (held.principal.clone(), format!("{} in {}", held.permission_set, held.account))
        }
        Holding::GroupMember { group, user, .. } => (user.clone(), group.clone()),
        Holding::IamGroupMember { account, group, user } => (user.clone(), format!("{group} in {account}")),
    }
}
