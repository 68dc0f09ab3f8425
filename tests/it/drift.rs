//! AWS is compared with the books: what is told, what is done about it, and what is left alone.

use crate::world::custody::{ADMIN, CLOUDWATCH, HOUR, INSTANCE, PROD, READER, STAGING, SUPPORT, minutes};
use crate::world::{World, stories};
use insta::assert_snapshot;
use std::time::Duration;
use sym::access::{Actor, AuditRecord, Cause, Span, Status, Sweep};
use sym::policy::{Decision, Rule};
use sym::sandbox::aws::{Fault, Match, OperationTime};
use sym::sandbox::slack;
use sym::store::{Commit, Store};

const STORIES: &str = "fixtures/manifests/stories";

/// Waits for something that reads AWS, which takes its turns by the clock.
async fn while_time_passes<F: Future>(world: &World, work: F) -> F::Output {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(Duration::from_millis(2)) => world.jump(world.now() + Span::millis(25)),
        }
    }
}

/// Compares now, and does nothing else.
async fn compare(world: &World) -> Sweep {
    // What was called before a restart counts for AWS, and the bot does not know of it.
    world.jump(world.now() + Span::seconds(2));
    Box::pin(while_time_passes(world, world.engine().sweep())).await.unwrap()
}

/// Compares now, and does what follows from it.
async fn sweep(world: &World) -> Sweep {
    let sweep = compare(world).await;
    world.settle().await;
    sweep
}

/// Who has what without a claim.
fn unclaimed(sweep: &Sweep) -> Vec<String> {
    let line =
        |found: &sym::access::Unclaimed| format!("{}: {}", found.name.as_deref().unwrap_or("?"), found.what);
    sweep.unclaimed.iter().map(line).collect()
}

/// What is not known, and why.
fn unknown(sweep: &Sweep) -> String {
    let lines: Vec<String> = sweep.unknown.iter().map(|it| format!("{}: {}", it.what, it.why)).collect();
    lines.join("\n")
}

fn told(world: &World) -> Vec<String> {
    let channel = world.channel_text("sym-errors").into_iter();
    channel.filter(|text| text.contains("no request through this bot covers")).collect()
}

/// A world whose flows give again what somebody removes in AWS.
async fn restoring() -> World {
    let mut catalog = stories();
    for entry in &mut catalog.flows {
        entry.flow.restores = true;
    }
    World::around(catalog).await
}

fn denied() -> Fault {
    Fault::Error { code: "AccessDeniedException".into(), message: "no".into(), status: 400 }
}

#[tokio::test]
async fn what_was_given_by_hand_is_told_once_and_left_alone() {
    let mut world = World::with(STORIES).await;
    let (ana, bo) = (world.stage.player("ana").unwrap().clone(), world.stage.player("bo").unwrap().clone());
    world.aws().assign(INSTANCE, ADMIN, PROD, &ana.sso_user);
    world.aws().assign(INSTANCE, READER, STAGING, &bo.sso_user);
    world.aws().join_group(world.identity_store(), SUPPORT, &bo.sso_user);
    world.aws().join_iam_group(PROD, CLOUDWATCH, &ana.iam_user);
    // What is held through a group is not held by a person.
    world.aws().assign_group(INSTANCE, ADMIN, PROD, SUPPORT);
    world.holds_by_hand();
    let first = sweep(&world).await;
    assert_snapshot!(told(&world).join("\n---\n"), @"
    :warning: AWS holds 4 accesses that no request through this bot covers.
    • ana@example.com: Prod admin in account 111122223333
    • bo@example.com: Read only in account 444455556666
    • bo@example.com: Prod support
    • ana@example.com: CloudWatch read-only
    The bot has removed nothing. On its machine, `sym drift` shows everything with the command that removes it.
    ");
    assert!(first.missing.is_empty() && first.unknown.is_empty(), "{first:?}");
    // Told once, also by a bot that was started again.
    sweep(&world).await;
    world.restart().await;
    assert_eq!(unclaimed(&sweep(&world).await), unclaimed(&first));
    assert_eq!(told(&world).len(), 1);
    // One is removed and given again: that is news. The others are not.
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.sso_user);
    assert_eq!(sweep(&world).await.unclaimed.len(), 3);
    world.aws().assign(INSTANCE, ADMIN, PROD, &ana.sso_user);
    assert_eq!(sweep(&world).await.unclaimed.len(), 4);
    assert_eq!(told(&world).len(), 2);
    assert_snapshot!(told(&world)[1], @"
    :warning: AWS holds one access that no request through this bot covers.
    • ana@example.com: Prod admin in account 111122223333
    The bot has removed nothing. On its machine, `sym drift` shows everything with the command that removes it.
    ");
    assert_eq!(world.changes(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn a_first_start_among_hundreds_of_standing_assignments_says_so_in_one_message() {
    let mut world = World::with(STORIES).await;
    let store = world.identity_store().to_owned();
    for n in 0..400 {
        let (id, name) = (format!("{n:08}-9999-4333-8444-555555555555"), format!("person-{n}"));
        world.aws().add_sso_user(&store, &id, &name, &format!("{name}@example.com"));
        world.aws().assign(INSTANCE, READER, if n % 2 == 0 { PROD } else { STAGING }, &id);
    }
    // AWS keeps the assignment of somebody who is deleted, and has no name for them.
    world.aws().remove_sso_user(&store, "00000007-9999-4333-8444-555555555555");
    world.holds_by_hand();
    let found = sweep(&world).await;
    assert_eq!(found.unclaimed.len(), 400);
    let nameless = found.unclaimed.iter().filter(|found| found.name.is_none()).count();
    assert_eq!(nameless, 1, "one record is missing, and only its name is unknown");
    assert_snapshot!(world.channel_text("sym-errors").join("\n---\n"), @"
    :warning: AWS holds 400 accesses that no request through this bot covers.
    The bot has removed nothing. On its machine, `sym drift` shows everything with the command that removes it.
    ");
    assert_eq!(world.changes(), Vec::<String>::new());
    assert_eq!(world.count("ListUsers"), 5, "four pages of a hundred, and the people of the stories");
    sweep(&world).await;
    assert_eq!((told(&world).len(), world.count("ListUsers")), (1, 5), "what is known is not asked again");
    world.finish().await;
}

#[tokio::test]
async fn what_is_being_given_or_taken_or_was_taken_just_now_is_not_a_finding() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let is_clean = async |world: &World| compare(world).await.is_clean();
    world.aws().set_operation_time(OperationTime::Millis(600_000));
    let request = ana.asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    world.engine().settle().await;
    assert_eq!(world.aws().in_flight(), 1);
    assert!(is_clean(&world).await, "while AWS works");
    world.jump(world.now() + minutes(11));
    assert!(ana.is_admin() && world.word(&request) == "granting");
    assert!(is_clean(&world).await, "AWS has it, and the bot has not heard of it yet");
    world.settle().await;
    ana.revokes(&request).await;
    world.engine().settle().await;
    assert!(ana.is_admin() && is_clean(&world).await, "while AWS works on the removal");
    world.pass(minutes(11)).await;
    assert_eq!(world.word(&request), "ended");
    // The list lags behind: it still shows what a read has proven gone.
    world.aws().assign(INSTANCE, ADMIN, PROD, &ana.player.sso_user);
    assert!(is_clean(&world).await);
    world.pass(minutes(16)).await;
    assert_eq!(sweep(&world).await.unclaimed.len(), 1, "by now it is there");
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.player.sso_user);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_a_person_had_before_is_theirs() {
    let mut world = World::with(STORIES).await;
    let player = world.stage.player("ana").unwrap().clone();
    world.aws().join_group(world.identity_store(), SUPPORT, &player.sso_user);
    let request = world.person("ana").asks_to_be_support().await;
    world.person("bo").approves(&request).await;
    world.settle().await;
    assert_eq!(world.word(&request), "already_held");
    assert!(sweep(&world).await.is_clean());
    world.restart().await;
    assert!(sweep(&world).await.is_clean());
    // Once it is gone it is nobody's, and what comes back has another reason.
    world.pass(minutes(16)).await;
    world.aws().leave_group(world.identity_store(), SUPPORT, &player.sso_user);
    assert!(sweep(&world).await.is_clean());
    world.aws().join_group(world.identity_store(), SUPPORT, &player.sso_user);
    assert_eq!(sweep(&world).await.unclaimed.len(), 1);
    world.holds_by_hand();
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_finding_does_not_become_ones_own_by_asking_for_it() {
    let mut world = World::with(STORIES).await;
    let player = world.stage.player("ana").unwrap().clone();
    world.aws().join_group(world.identity_store(), SUPPORT, &player.sso_user);
    assert_eq!(sweep(&world).await.unclaimed.len(), 1);
    let request = world.person("ana").asks_to_be_support().await;
    world.person("bo").approves(&request).await;
    world.settle().await;
    assert_eq!(world.word(&request), "already_held");
    for _ in 0..2 {
        assert_eq!(sweep(&world).await.unclaimed.len(), 1, "nobody has said yet where it comes from");
        world.restart().await;
    }
    // Neither by asking again.
    let again = world.person("ana").asks_to_be_support().await;
    world.person("bo").approves(&again).await;
    world.settle().await;
    assert_eq!(sweep(&world).await.unclaimed.len(), 1);
    assert_eq!(told(&world).len(), 1);
    world.holds_by_hand();
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn access_that_somebody_removes_in_aws_is_closed_and_said() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let admin = world.admin("ana", HOUR).await;
    let support = world.support("ana").await;
    world.pass(minutes(6)).await;
    assert!(sweep(&world).await.is_clean());
    world.ignore_messages();
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.player.sso_user);
    let found = sweep(&world).await;
    assert_eq!((found.missing.len(), found.unclaimed.len()), (1, 0));
    assert_snapshot!(ana.next_dm(), @"
    :warning: Somebody removed your access to *Prod admin* in AWS, not through this bot.
    The request is closed. If you still need it, ask again with `/sym request aws`.
    ");
    let said = world.channel_text("access-requests");
    assert_snapshot!(said.iter().filter(|text| text.contains("not through")).cloned().collect::<String>(), @"
    :warning: Somebody removed *Prod admin* from @ana in AWS, not through this bot.
    The request is closed.
    ");
    let card = world.card(&admin);
    assert_snapshot!(card.split("(Ended").next().unwrap().trim_end(), @"
    :lock: @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: somebody removed it in AWS. AWS was read afterwards: it is gone.
    Approved by @bo.
    (A session opened before can go on until it expires by itself.)
    ");
    let cause = Cause::RemovedByHand { restoring: None };
    assert!(
        matches!(world.status(&admin), Status::Ended { cause: found, began: Some(_), .. } if found == cause)
    );
    // It is taken as ever, because two reads are no proof; what nobody touched goes on.
    let takes = world.changes().iter().filter(|call| call.starts_with("DeleteAccountAssignment")).count();
    assert!(takes > 0);
    assert!(world.is_active(&support) && ana.is_support());
    assert!(sweep(&world).await.is_clean());
    world.pass(HOUR).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn access_that_somebody_removes_in_aws_is_given_again_where_the_flow_wants_it() {
    let world = restoring().await;
    let ana = world.person("ana");
    let admin = world.admin("ana", HOUR).await;
    let support = world.support("ana").await;
    let iam = ana.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await;
    world.person("bo").approves(&iam).await;
    world.settle().await;
    let before = [world.status(&admin), world.status(&support), world.status(&iam)];
    world.pass(minutes(20)).await;
    world.ignore_messages();
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.player.sso_user);
    world.aws().leave_group(world.identity_store(), SUPPORT, &ana.player.sso_user);
    world.aws().leave_iam_group(PROD, CLOUDWATCH, &ana.player.iam_user);
    assert_eq!(sweep(&world).await.missing.len(), 3);
    assert!(ana.is_admin() && ana.is_support() && ana.is_in_iam_group());
    let after = [world.status(&admin), world.status(&support), world.status(&iam)];
    assert_eq!(before, after, "it ends when it would have ended");
    assert_snapshot!(ana.next_dm(), @"
    :warning: Somebody removed your access to *Prod support* in AWS, not through this bot.
    The bot gives it again, until today at 11:00 AM as agreed.
    ");
    world.ignore_messages();
    world.pass(minutes(41)).await;
    assert!(!ana.is_admin() && !ana.is_support() && !ana.is_in_iam_group());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn access_of_somebody_who_has_left_or_whom_a_rule_denies_by_now_is_not_given_again() {
    let world = restoring().await;
    let (ana, cy) = (world.person("ana"), world.person("cy"));
    let admin = world.admin("ana", Span::hours(4)).await;
    let support = world.support("cy").await;
    world.pass(minutes(20)).await;
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.player.sso_user);
    world.slack().change_person(ana.user(), |ana| ana.deleted = true);
    // While Slack does not say who they are, nothing is done at all.
    world.slack().fault("users.info", slack::When::Always, slack::Fault::ServerError);
    let found = sweep(&world).await;
    assert_eq!((found.missing.len(), world.is_active(&admin), ana.is_admin()), (0, true, false));
    assert_snapshot!(unknown(&found).replace(admin.id.as_str(), "ID"), @"the access of request ID: AWS does not have it any more. The flow wants it given again, and it could not be found out whether the requester may still have it. Nothing was done; the next comparison tries again.");
    world.slack().clear_faults();
    // The profile of a moment ago is not believed.
    assert_eq!(sweep(&world).await.missing.len(), 1);
    assert_eq!((world.word(&admin), ana.is_admin()), ("ended".to_owned(), false));
    // A rule that denies closes what waits for people; here, it does not give again.
    let mut catalog = stories();
    for entry in &mut catalog.flows {
        entry.flow.restores = true;
        entry.rules.push(Rule {
            name: "freeze".into(),
            decision: Decision::Deny,
            ..Rule::standard("freeze.hcl:1")
        });
    }
    world.engine().replace_catalog(catalog).await;
    assert!(world.is_active(&support), "live access runs to its end");
    world.aws().leave_group(world.identity_store(), SUPPORT, &cy.player.sso_user);
    assert_eq!(sweep(&world).await.missing.len(), 1);
    assert_eq!((world.word(&support), cy.is_support()), ("ended".to_owned(), false));
    let creates = world.changes().iter().filter(|call| call.starts_with("Create")).count();
    assert_eq!(creates, 2, "{:?}", world.changes());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_aws_does_not_give_again_is_said_and_proven_gone() {
    let world = restoring().await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    world.pass(minutes(6)).await;
    world.ignore_messages();
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.player.sso_user);
    world.aws().fault(Match::every("CreateAccountAssignment"), denied());
    sweep(&world).await;
    assert!(ana.next_dm().contains("The bot gives it again"));
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: somebody removed it in AWS, and AWS did not give it again.");
    assert_eq!(world.word(&request), "ended");
    world.finish().await;
}

#[tokio::test]
async fn what_was_given_a_moment_ago_is_not_missed_and_neither_is_what_a_second_look_finds() {
    let world = World::with(STORIES).await;
    let request = world.support("ana").await;
    // A list from before the grant.
    world.aws().leave_group(world.identity_store(), SUPPORT, &world.person("ana").player.sso_user);
    assert!(sweep(&world).await.is_clean());
    assert!(world.is_active(&request));
    world.aws().join_group(world.identity_store(), SUPPORT, &world.person("ana").player.sso_user);
    world.pass(minutes(6)).await;
    // The list shows nobody, the look shows them.
    world.aws().fault(Match::next("ListGroupMemberships"), Fault::Empty);
    assert!(sweep(&world).await.is_clean());
    assert!(world.is_active(&request));
    world.pass(HOUR).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_could_not_be_read_whole_has_no_consequence() {
    let mut world = World::with(STORIES).await;
    let ana = world.stage.player("ana").unwrap().clone();
    world.aws().page_size(Some(1));
    let requests = [world.admin("ana", Span::hours(4)).await, world.support("ana").await];
    let other = world.person("ana").asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await;
    world.person("bo").approves(&other).await;
    world.settle().await;
    world.pass(minutes(6)).await;
    // Ana's is gone, Bo's is new, and two others make more pages.
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.sso_user);
    world.aws().leave_group(world.identity_store(), SUPPORT, &ana.sso_user);
    world.aws().leave_iam_group(PROD, CLOUDWATCH, &ana.iam_user);
    for who in ["bo", "cy", "dee"] {
        let who = world.stage.player(who).unwrap().clone();
        world.aws().assign(INSTANCE, ADMIN, PROD, &who.sso_user);
        world.aws().assign(INSTANCE, READER, STAGING, &who.sso_user);
        world.aws().join_group(world.identity_store(), SUPPORT, &who.sso_user);
        world.aws().join_iam_group(PROD, CLOUDWATCH, &who.iam_user);
    }
    let lists = [
        "ListAccountAssignments",
        "ListAccountsForProvisionedPermissionSet",
        "ListGroupMemberships",
        "GetGroup",
    ];
    let faults = [Fault::Throttle, denied(), Fault::ServerError(500), Fault::DropBefore];
    let mut reasons = String::new();
    for (round, fault) in faults.iter().enumerate() {
        for list in lists {
            // The first page, or the second one.
            world.aws().fault(Match::nth(list, 1 + u32::try_from(round).unwrap() % 2), fault.clone());
            for n in 1..6 {
                world.aws().fault(Match::nth(list, 1 + n), fault.clone());
            }
        }
        let found = sweep(&world).await;
        world.aws().clear_faults();
        assert!(found.unclaimed.is_empty() && found.missing.is_empty(), "{fault:?}: {found:?}");
        assert_eq!(found.unknown.len(), 4, "{fault:?}: {:?}", found.unknown);
        reasons = unknown(&found);
    }
    assert_snapshot!(reasons, @"
    Prod admin in account 111122223333: `sso:ListAccountAssignments` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: no answer (connection closed before message completed).
    Read only in account 444455556666: `sso:ListAccountAssignments` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: no answer (connection closed before message completed).
    Prod support: `identitystore:ListGroupMemberships` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: no answer (connection closed before message completed).
    CloudWatch read-only: `iam:GetGroup` as role arn:aws:iam::111122223333:role/sym/SymIAMMain failed: no answer (connection closed before message completed).
    ");
    // Entries that name nobody.
    world.aws().page_size(None);
    for list in &lists[..3] {
        world.aws().fault(Match::every(list), Fault::Thin);
    }
    let found = sweep(&world).await;
    world.aws().clear_faults();
    let thin = found.unknown.iter().filter(|it| it.why.contains("does not say whose 1 of its 3 entries are"));
    assert_eq!((thin.count(), found.unknown.len()), (2, 3), "{:?}", found.unknown);
    // IAM's answer was whole.
    assert_eq!((found.missing.len(), world.word(&other)), (1, "ended".to_owned()));
    assert!(
        found.unclaimed.iter().all(|found| found.what == "CloudWatch read-only"),
        "{:?}",
        found.unclaimed
    );
    assert!(world.is_active(&requests[0]) && world.is_active(&requests[1]));
    // A second look that is refused closes nothing either.
    for look in ["GetGroupMembershipId", "ListGroupMembershipsForMember"] {
        world.aws().fault(Match::every(look), denied());
    }
    let found = sweep(&world).await;
    assert_eq!(found.unknown.len(), 1, "{:?}", found.unknown);
    assert!(world.is_active(&requests[1]), "nobody knows");
    assert!(!world.is_active(&requests[0]) && found.unclaimed.len() == 12, "what is known is known");
    world.aws().clear_faults();
    assert_eq!(sweep(&world).await.missing.len(), 1);
    assert!(!world.is_active(&requests[1]));
    world.pass(minutes(16)).await;
    world.holds_by_hand();
    world.pass(Span::hours(1)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn most_claims_are_not_lost_at_once() {
    let mut world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Polls(0));
    let accounts: Vec<String> = (0..12).map(|n| format!("{}", 900_000_000_000_i64 + n)).collect();
    for account in &accounts {
        world.aws().add_account(account, "one of many").place_account(account, "r-abcd");
    }
    world.restart().await;
    let ana = world.stage.player("ana").unwrap().clone();
    let mut requests = Vec::new();
    for account in &accounts {
        let who = world.person("ana");
        let asking = who.asks_for("Read only").with("Account", account).for_(HOUR);
        let request = asking.because("INC-42").send().await;
        world.settle().await;
        world.person("bo").approves(&request).await;
        requests.push(request);
    }
    world.settle().await;
    world.pass(minutes(6)).await;
    for account in &accounts {
        world.aws().unassign(INSTANCE, READER, account, &ana.sso_user);
    }
    let found = sweep(&world).await;
    assert!(found.missing.is_empty());
    assert_eq!(found.unknown.len(), 12);
    assert_snapshot!(found.unknown[0].why, @"AWS shows none of most claims at once, which is more likely a mistake of the reading than the truth. Nothing was closed: look at one of them by hand.");
    assert!(requests.iter().all(|request| world.is_active(request)));
    // Some of them can be lost.
    for account in &accounts[6..] {
        world.aws().assign(INSTANCE, READER, account, &ana.sso_user);
    }
    assert_eq!(sweep(&world).await.missing.len(), 6);
    world.pass(HOUR).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_is_deleted_meanwhile_is_unknown_or_gone_and_ends_by_proof() {
    let mut world = World::with(STORIES).await;
    let ana = world.stage.player("ana").unwrap().clone();
    let admin = world.admin("ana", HOUR).await;
    let support = world.support("ana").await;
    let reader = {
        let cy = world.person("cy");
        cy.asks_for("Read only").with("Account", STAGING).for_(HOUR).because("INC-42").send().await
    };
    world.person("bo").approves(&reader).await;
    world.settle().await;
    world.pass(minutes(6)).await;
    world.aws().remove_sso_user(world.identity_store(), &ana.sso_user);
    world.aws().remove_permission_set(INSTANCE, READER);
    let found = sweep(&world).await;
    // The user's assignment is an orphan that AWS keeps; their membership is gone with them.
    assert_eq!((world.word(&admin), world.word(&support)), ("active".to_owned(), "ended".to_owned()));
    assert_eq!((found.missing.len(), world.word(&reader)), (1, "active".to_owned()));
    assert_snapshot!(unknown(&found), @"Read only in every account: `sso:ListAccountsForProvisionedPermissionSet` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: ResourceNotFoundException: Could not find PermissionSet with id arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-2222222222222222.");
    world.pass(HOUR).await;
    world.settle().await;
    assert_eq!((world.word(&admin), world.word(&reader)), ("ended".to_owned(), "ended".to_owned()));
    world.ignore_messages();
    world.holds_by_hand();
    world.finish().await;
}

#[tokio::test]
async fn claims_of_a_flow_that_is_gone_are_looked_after() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.support("ana").await;
    world.aws().join_group(world.identity_store(), SUPPORT, &world.person("cy").player.sso_user);
    world.pass(minutes(6)).await;
    let mut catalog = stories();
    catalog.flows.retain(|entry| entry.flow.name.as_str() == "aws");
    world.engine().replace_catalog(catalog).await;
    assert!(sweep(&world).await.is_clean(), "what no flow gives is nobody's business");
    world.aws().leave_group(world.identity_store(), SUPPORT, &ana.player.sso_user);
    assert_eq!(sweep(&world).await.missing.len(), 1);
    assert_eq!(world.word(&request), "ended");
    world.aws().leave_group(world.identity_store(), SUPPORT, &world.person("cy").player.sso_user);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn it_happens_soon_after_the_start_and_then_every_hour() {
    let mut world = World::with(STORIES).await;
    let bo = world.stage.player("bo").unwrap().clone();
    world.aws().join_group(world.identity_store(), SUPPORT, &bo.sso_user);
    world.holds_by_hand();
    let tick = async |world: &World, span: Span| {
        world.pass(span).await;
        world.engine().tend();
        world.settle().await;
        world.count("ListGroupMemberships")
    };
    assert_eq!(tick(&world, Span::ZERO).await, 0, "not before it is ready");
    assert_eq!(tick(&world, Span::seconds(59)).await, 0);
    assert_eq!(tick(&world, Span::seconds(61)).await, 1, "two minutes later at the latest");
    assert_eq!(told(&world).len(), 1);
    assert_eq!(tick(&world, Span::minutes(59)).await, 1);
    assert_eq!(tick(&world, Span::minutes(8)).await, 2, "an hour and six minutes later at the latest");
    assert_eq!(tick(&world, Span::minutes(1)).await, 2);
    // A clock that is set back does not put it off.
    world.jump(world.now() - Span::days(2));
    assert_eq!(tick(&world, Span::ZERO).await, 3);
    // Due work does not wait for one that takes long, and there is never a second one beside it.
    world.aws().fault(Match::next("ListGroupMemberships"), Fault::Delay(1_500));
    world.jump(world.now() + Span::hours(2));
    world.engine().tend();
    world.jump(world.now() + Span::hours(2));
    world.engine().tend();
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    world.settle().await;
    assert_eq!(world.count("ListGroupMemberships"), 4);
    world.pass(HOUR).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_slack_would_not_take_is_told_later() {
    let mut world = World::with(STORIES).await;
    let bo = world.stage.player("bo").unwrap().clone();
    world.aws().join_group(world.identity_store(), SUPPORT, &bo.sso_user);
    world.holds_by_hand();
    world.engine().tend();
    world.slack().fault("chat.postMessage", slack::When::Always, slack::Fault::ServerError);
    sweep(&world).await;
    assert!(told(&world).is_empty());
    world.slack().clear_faults();
    world.engine().tend();
    world.settle().await;
    assert!(told(&world).is_empty(), "not at once");
    world.pass(minutes(15)).await;
    world.engine().tend();
    world.settle().await;
    assert_eq!(told(&world).len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_slack_refuses_to_take_stays_untold() {
    let mut world = World::with(STORIES).await;
    let bo = world.stage.player("bo").unwrap().clone();
    world.aws().join_group(world.identity_store(), SUPPORT, &bo.sso_user);
    world.holds_by_hand();
    let archived = || slack::Fault::Error("is_archived".into());
    world.slack().fault("chat.postMessage", slack::When::Always, archived());
    assert!(!sweep(&world).await.unclaimed[0].is_told);
    assert!(!sweep(&world).await.unclaimed[0].is_told);
    world.slack().clear_faults();
    sweep(&world).await;
    assert_eq!(told(&world).len(), 1);
    assert!(sweep(&world).await.unclaimed[0].is_told);
    // Without an error channel nobody has been told, and whoever names one hears of it.
    let mut catalog = stories();
    for entry in &mut catalog.flows {
        entry.flow.error_channel = None;
    }
    world.engine().replace_catalog(catalog).await;
    world.aws().join_iam_group(PROD, CLOUDWATCH, &bo.iam_user);
    world.holds_by_hand();
    sweep(&world).await;
    let found = sweep(&world).await;
    assert_eq!(found.unclaimed.iter().filter(|found| found.is_told).count(), 1);
    world.engine().replace_catalog(stories()).await;
    sweep(&world).await;
    assert_eq!(told(&world).len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_does_not_end_the_comparisons() {
    let mut world = World::with(STORIES).await;
    let bo = world.stage.player("bo").unwrap().clone();
    world.aws().join_group(world.identity_store(), SUPPORT, &bo.sso_user);
    // Deeper than anything that is read.
    let detail = (0..200).fold(serde_json::Value::Null, |inner, _| serde_json::json!([inner]));
    let record = AuditRecord {
        at: world.now(),
        actor: Actor::Bot,
        action: "already_held".into(),
        request: None,
        entitlement: None,
        detail,
    };
    let commit = Commit { at: world.now(), audit: vec![record], ..Commit::default() };
    world.engine().store().commit(commit).unwrap().on_disk().await.unwrap();
    let found = sweep(&world).await;
    assert_eq!(unclaimed(&found), ["bo@example.com: Prod support"]);
    assert_snapshot!(unknown(&found), @"what people had before they asked: One row of the books could not be read: row `a/0000000000000000` of the store cannot be read: recursion limit exceeded at line 1 column 194. What they say people had before they asked is among what is held and not claimed. On a stopped bot, `sym audit verify` names the damaged records.");
    // What comes after it is read as ever.
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    world.settle().await;
    sweep(&world).await;
    let found = sweep(&world).await;
    assert_eq!((found.unclaimed.len(), found.unknown.len()), (1, 0));
    world.pass(HOUR).await;
    assert_eq!(world.word(&request), "ended");
    // The world would complain about the record at its end.
    world.stop().await;
}

#[tokio::test]
async fn what_the_books_of_a_backup_do_not_know_is_told_soon_after_the_start() {
    let mut world = World::with(STORIES).await;
    let old = world.admin("ana", Span::hours(4)).await;
    assert!(sweep(&world).await.is_clean());
    let folder = tempfile::tempdir().unwrap();
    let (file, place) = (folder.path().join("backup"), folder.path().join("data"));
    world.engine().store().backup(&file).unwrap();
    let lost = world.support("cy").await;
    world.stop().await;
    drop(Store::restore(&file, &place).unwrap());
    world.moves_to(&place);
    world.start().await;
    assert!(world.engine().store().request(&lost.id).unwrap().is_none());
    world.engine().tend();
    world.pass(Span::minutes(2)).await;
    world.engine().tend();
    world.settle().await;
    assert_snapshot!(told(&world).join("\n---\n"), @"
    :warning: AWS holds one access that no request through this bot covers.
    • cy@example.com: Prod support
    The bot has removed nothing. On its machine, `sym drift` shows everything with the command that removes it.
    ");
    assert!(world.is_active(&old), "what the books know goes on");
    world.pass(Span::hours(4)).await;
    assert_eq!(world.word(&old), "ended");
    world.holds_by_hand();
    world.ignore_messages();
    world.finish().await;
}

/// What the command says, on standard output and beside it, and its exit code.
async fn command(world: &World, data: &std::path::Path, arguments: &[&str]) -> (i32, String, String) {
    let (data, arguments) = (data.to_owned(), arguments.iter().map(ToString::to_string).collect::<Vec<_>>());
    let said = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sym"));
        command.arg("drift").args(arguments).env_clear().env("SYM_DATA", data).output().unwrap()
    });
    let said = while_time_passes(world, said).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (said.status.code().unwrap(), text(&said.stdout), text(&said.stderr))
}

#[tokio::test]
async fn an_operator_sees_it_with_or_without_slack() {
    let mut world = World::with(STORIES).await;
    let bo = world.stage.player("bo").unwrap().clone();
    let serving = tokio::spawn(sym::admin::listen(world.data()).unwrap().serve(world.engine().clone()));
    world.slack().fault("*", slack::When::Always, slack::Fault::ServerError);
    let (code, out, err) = command(&world, world.data(), &[]).await;
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(
        err.contains("not been compared with the books yet") && err.contains("`sym drift --now`"),
        "{err}"
    );
    let (code, out, err) = command(&world, world.data(), &["--now"]).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.ends_with("They agree.\n"), "{out}");
    world.aws().join_iam_group(PROD, CLOUDWATCH, &bo.iam_user);
    world.aws().fault(Match::every("ListGroupMemberships"), denied());
    let (code, _, _) = command(&world, world.data(), &["--now"]).await;
    assert_eq!(code, 2);
    world.pass(minutes(50)).await;
    let (code, out, _) = command(&world, world.data(), &[]).await;
    assert_eq!(code, 2);
    let parts = out.split("2026-11-20T").enumerate();
    let timeless: Vec<&str> = parts.map(|(n, part)| if n == 0 { part } else { &part[13..] }).collect();
    let timeless = timeless.join("TIME");
    assert_snapshot!(timeless, @"
    AWS was compared with the books at TIME (50 minutes ago); 2 parts of it were read whole.

    HELD AND NOT CLAIMED (1): nobody removes these but you
      bo@example.com: CloudWatch read-only, since TIME
        aws iam remove-user-from-group --group-name cloudwatch-readonly --user-name bo@example.com

    NOT KNOWN (1): nothing is concluded from these
      Prod support, since TIME
        `identitystore:ListGroupMemberships` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: no. The role needs `identitystore:ListGroupMemberships` to see who is in the group.
    ");
    let (code, out, _) = command(&world, world.data(), &["--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["agrees"], &json["seconds_ago"]), (2, &false.into(), &json["seconds_ago"]));
    assert!((3_000..3_060).contains(&json["seconds_ago"].as_i64().unwrap()), "{json}");
    let held = &json["held_and_not_claimed"][0];
    assert_eq!((&held["who"], &held["flow"]), (&"bo@example.com".into(), &"iam".into()));
    world.aws().clear_faults();
    world.aws().leave_iam_group(PROD, CLOUDWATCH, &bo.iam_user);
    assert_eq!(command(&world, world.data(), &["--now"]).await.0, 0);
    // It agreed, two hours ago.
    assert_eq!(command(&world, world.data(), &[]).await.0, 0);
    world.pass(minutes(121)).await;
    let (code, out, _) = command(&world, world.data(), &[]).await;
    assert!(code == 2 && !out.contains("They agree"), "{out}");
    let said = out.split("2026-11-20T").next().unwrap();
    assert_snapshot!(said, @"OUT OF DATE, because there should be one every 60 minutes. AWS was compared with the books at");
    world.slack().clear_faults();
    serving.abort();
    let empty = tempfile::tempdir().unwrap();
    let (code, _, err) = command(&world, empty.path(), &["--now"]).await;
    assert!(code == 1 && err.contains("Only a running bot compares AWS with its books"), "{err}");
    world.holds_by_hand();
    world.ignore_messages();
    world.finish().await;
}
