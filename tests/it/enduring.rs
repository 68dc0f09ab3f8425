//! Revoking never gives up: whatever AWS does, access ends by proof or is an alarm until it does.

use crate::world::custody::{
    ADMIN, HOUR, INSTANCE, PROD, RUNTIME_ROLE, SSO_ROLE, STAGING, just_under, minutes,
};
use crate::world::{Asked, World};
use insta::assert_snapshot;
use sym::access::{Custody, Span};
use sym::sandbox::aws::{Fault, Match, OperationTime, Outcome};

const STORIES: &str = "fixtures/manifests/stories";

fn alarms(world: &World, channel: &str) -> Vec<String> {
    world.channel_text(channel).into_iter().filter(|text| text.contains("may still have")).collect()
}

/// What the bot knows about the trouble.
fn last_word(world: &World) -> String {
    let entitlement = world.engine().store().entitlements().next().expect("in custody");
    match entitlement.custody {
        Custody::Revoking { retry, .. } => retry.last.unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

/// The trouble has lasted over the end for an hour and a half: nobody was told a lie, everybody was told.
async fn is_an_alarm(world: &World, request: &Asked) {
    world.pass(HOUR + minutes(90)).await;
    assert_eq!(world.word(request), "ending");
    assert_eq!(alarms(world, "sym-errors").len(), 4, "after 1, 5, 30 and 90 minutes");
    assert_eq!(alarms(world, "access-requests").len(), 4);
    let last = alarms(world, "sym-errors").pop().unwrap();
    assert!(last.contains("To remove it by hand:\n```aws sso-admin delete-account-assignment"), "{last}");
    assert!(last.contains("attempts") && last.contains("AWS said last:"), "{last}");
}

/// The trouble is over: a read shows within the longest pause that nothing is left.
async fn ends(world: World, request: &Asked) {
    world.pass(minutes(6)).await;
    assert_eq!(world.word(request), "ended");
    assert_eq!(world.aws().holdings().len(), 0);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn every_fault_that_lasts_is_an_alarm_and_ends_with_a_proof() {
    let denied = || Fault::Error {
        code: "AccessDeniedException".to_owned(),
        message: "not today".to_owned(),
        status: 400,
    };
    let async_fail = || Fault::AsyncFail { reason: "Received a 500 status error: Internal".to_owned() };
    let refused = || Fault::AsyncFail { reason: "Received a 403 status error: Access Denied".to_owned() };
    let faults = [
        ("DeleteAccountAssignment", Fault::Throttle, "ThrottlingException"),
        ("DeleteAccountAssignment", Fault::ServerError(503), "InternalServerException"),
        ("DeleteAccountAssignment", Fault::DropBefore, "no answer"),
        ("DeleteAccountAssignment", Fault::Conflict, "ConflictException"),
        ("DeleteAccountAssignment", async_fail(), "could not take away"),
        ("DeleteAccountAssignment", refused(), "If this is the management account"),
        ("DescribeAccountAssignmentDeletionStatus", Fault::Throttle, "ThrottlingException"),
        ("DescribeAccountAssignmentDeletionStatus", Fault::LoseReply, "no answer"),
        ("DescribeAccountAssignmentDeletionStatus", denied(), "not today"),
        ("ListAccountAssignments", Fault::ServerError(500), "InternalServerException"),
        ("ListAccountAssignments", denied(), "not today"),
    ];
    for (operation, fault, word) in faults {
        let world = World::with(STORIES).await;
        let request = world.admin("ana", HOUR).await;
        world.aws().fault(Match::every(operation), fault.clone());
        is_an_alarm(&world, &request).await;
        let last = last_word(&world);
        assert!(last.contains(word), "{operation} {fault:?}: {last}");
        let tries = world.count(operation);
        assert!((20..400).contains(&tries), "{operation} {fault:?}: {tries} calls in an hour and a half");
        world.aws().clear_faults();
        ends(world, &request).await;
    }
}

#[tokio::test]
async fn answers_that_are_lost_again_and_again_do_not_hide_that_it_worked() {
    for operation in ["DeleteAccountAssignment", "CreateAccountAssignment"] {
        let world = World::with(STORIES).await;
        world.aws().set_operation_time(OperationTime::Millis(20_000));
        world.aws().fault(Match::times(operation, 3), Fault::LoseReply);
        let request = world.person("ana").asks_to_be_admin(HOUR).await;
        world.person("bo").approves(&request).await;
        world.pass(minutes(2)).await;
        assert!(world.is_active(&request), "{operation}: {:?}", world.status(&request));
        world.pass(HOUR + minutes(2)).await;
        assert_eq!(world.word(&request), "ended", "{operation}");
        ends(world, &request).await;
    }
}

#[tokio::test]
async fn a_role_whose_trust_is_taken_away_and_given_back() {
    for role in [RUNTIME_ROLE, SSO_ROLE] {
        let world = World::with(STORIES).await;
        let request = world.admin("ana", HOUR).await;
        world.change_role(role, |role| role.trusted.clear());
        world.aws().expire_sessions();
        is_an_alarm(&world, &request).await;
        let last = last_word(&world);
        assert!(last.contains("did not let") && last.contains("`sts:AssumeRole`"), "{last}");
        world.change_role(role, |_| {});
        ends(world, &request).await;
    }
}

#[tokio::test]
async fn a_role_that_is_deleted_and_made_again() {
    let world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.aws().remove_role(SSO_ROLE);
    is_an_alarm(&world, &request).await;
    world.change_role(SSO_ROLE, |_| {});
    ends(world, &request).await;
}

#[tokio::test]
async fn sessions_that_end_in_the_middle_of_everything_are_renewed() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(10_000));
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    let expired = |world: &World| {
        let over = Outcome::Failed("ExpiredTokenException".to_owned());
        world.aws().calls().iter().filter(|call| call.outcome == over).count()
    };
    // No session lives for longer than two seconds while AWS gives, and while it takes.
    for _ in 0..6 {
        world.aws().expire_sessions();
        world.pass(Span::seconds(2)).await;
    }
    assert!(world.is_active(&request), "{:?}", world.status(&request));
    let meanwhile = expired(&world);
    assert!(meanwhile > 3, "{meanwhile} sessions were over");
    world.pass(minutes(59)).await;
    for _ in 0..45 {
        world.aws().expire_sessions();
        world.pass(Span::seconds(2)).await;
    }
    assert!(expired(&world) > meanwhile + 3);
    assert_eq!(world.word(&request), "ended");
    let done = |change: &String| !change.contains(' ');
    let changes: Vec<String> = world.changes().into_iter().filter(done).collect();
    assert_eq!(changes, ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    ends(world, &request).await;
}

#[tokio::test]
async fn sts_that_throttles_delays_the_end_and_no_more() {
    let world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.aws().expire_sessions();
    world.aws().fault(Match::every("AssumeRole"), Fault::Throttle);
    is_an_alarm(&world, &request).await;
    assert!(last_word(&world).contains("Throttling"), "{}", last_word(&world));
    world.aws().clear_faults();
    ends(world, &request).await;
}

#[tokio::test]
async fn an_instance_that_is_gone_is_no_proof() {
    let mut world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.aws().remove_instance(INSTANCE);
    is_an_alarm(&world, &request).await;
    world.pass(Span::hours(24)).await;
    assert_eq!(world.word(&request), "ending", "nobody could see that it is gone");
    assert_eq!(alarms(&world, "sym-errors").len(), 4 + 24, "every hour, for ever");
    world.check_strictness();
    world.stop().await;
}

#[tokio::test]
async fn an_account_that_is_closed_does_not_keep_its_access() {
    let world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.aws().suspend_account(PROD, true);
    world.pass(HOUR + minutes(1)).await;
    ends(world, &request).await;
}

#[tokio::test]
async fn a_grant_into_a_closed_account_says_what_aws_says() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let asking = ana.asks_for("Read only").with("Account", STAGING).for_(HOUR);
    let request = asking.because("INC-42").send().await;
    world.aws().suspend_account(STAGING, true);
    world.person("bo").approves(&request).await;
    world.pass(minutes(20)).await;
    assert_eq!(world.word(&request), "ended");
    let card = world.card(&request);
    assert!(card.contains("the account is suspended or not ready"), "{card}");
    ends(world, &request).await;
}

/// The bot works from an account that administers Identity Center for the organization.
async fn delegated(manage: &str) -> World {
    let world = World::with(STORIES).await;
    world.aws().remove_instance(INSTANCE);
    world.aws().add_instance(INSTANCE, world.identity_store(), "us-east-1", manage);
    world.aws().add_delegated_admin(INSTANCE, PROD);
    let reader = crate::world::custody::READER;
    for set in [ADMIN, reader] {
        world.aws().add_permission_set(INSTANCE, set, "a set", "PT1H");
    }
    world
}

#[tokio::test]
async fn a_delegated_administrator_meets_a_set_that_the_management_account_has_too() {
    let world = delegated(STAGING).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.aws().assign(INSTANCE, ADMIN, STAGING, &bo.player.sso_user);
    let request = ana.asks_to_be_admin(HOUR).await;
    world.ignore_messages();
    bo.approves(&request).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_snapshot!(ana.next_dm(), @r"
    :warning: You did not get *Prod admin*: AWS could not grant it.
    AWS said:
    > `sso:CreateAccountAssignment` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/SymSSOMain/9uh8aen4p6cii is not authorized to perform: sso:CreateAccountAssignment on resource: arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111. The role needs this permission on the instance, the permission set and the account. If it lives in a delegated administrator account, it may touch neither the management account nor a permission set that is also provisioned there.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request aws`.
    ");
    // Later it is provisioned there while somebody has it.
    world.aws().unassign(INSTANCE, ADMIN, STAGING, &bo.player.sso_user);
    world.pass(minutes(10)).await;
    let request = world.admin("ana", HOUR).await;
    world.aws().assign(INSTANCE, ADMIN, STAGING, &bo.player.sso_user);
    world.pass(HOUR + minutes(2)).await;
    assert!(last_word(&world).contains("delegated administrator"), "{}", last_word(&world));
    world.aws().unassign(INSTANCE, ADMIN, STAGING, &bo.player.sso_user);
    ends(world, &request).await;
}

#[tokio::test]
async fn pauses_grow_to_five_minutes_and_no_further() {
    let world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.pass(just_under(HOUR)).await;
    world.aws().fault(Match::every("DeleteAccountAssignment"), Fault::Throttle);
    world.aws().clear_calls();
    world.pass(Span::days(1)).await;
    let calls = world.aws().calls_of("DeleteAccountAssignment");
    let pauses: Vec<i64> = calls.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let longest = Span::minutes(5).as_millis();
    assert!(pauses.iter().all(|pause| *pause <= longest), "{pauses:?}");
    assert!(pauses.len() > 24 * 12, "{} tries in a day", pauses.len());
    let late = &pauses[20..];
    assert!(late.iter().any(|pause| *pause != late[0]), "they are not all at the same moment");
    assert!(late.iter().all(|pause| *pause >= longest / 2), "{late:?}");
    world.aws().clear_faults();
    ends(world, &request).await;
}
