//! Access is held for exactly as long as was agreed, counted from AWS's confirmation.

use crate::world::World;
use crate::world::custody::{
    CLOUDWATCH, HOUR, IAM_ROLE, INSTANCE, PROD, READER, RUNTIME_ROLE, SSO_ROLE, STAGING, SUPPORT, just_under,
    minutes,
};
use insta::assert_snapshot;
use sym::access::{Span, Status};
use sym::sandbox::aws::OperationTime;

const STORIES: &str = "fixtures/manifests/stories";

#[tokio::test]
async fn a_permission_set_is_held_for_its_hour() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_to_be_admin(HOUR).await;
    assert_snapshot!(ana.next_dm(), @r"
    Your request for *Prod admin* for 1 hour has gone to #access-requests. It lapses today at 12:00 PM if nobody answers.
    [Take it back]
    ");
    bo.approves(&request).await;
    world.settle().await;
    let since = world.now();
    assert!(ana.is_admin());
    assert_snapshot!(world.card(&request), @r"
    :white_check_mark: @ana has *Prod admin* until today at 11:00 AM
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Approved by @bo.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod admin* until today at 11:00 AM.
    In the browser: open the access portal, https://example.awsapps.com/start, and choose account *prod* (111122223333).
    On the command line: `aws configure sso --profile prod-admin` once (SSO region `us-east-1`), then `aws sso login --profile prod-admin`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    let Status::Active { ends_at, .. } = world.status(&request) else { panic!("it is active") };
    assert_eq!(ends_at, Some(since + HOUR), "the whole hour counts from AWS's confirmation");
    world.pass(just_under(minutes(60))).await;
    assert!(ana.is_admin());
    assert_snapshot!(ana.next_dm(), @r"
    Your access to *Prod admin* ends today at 11:00 AM. If you need it longer, ask again now with `/sym request aws`: once approved, it goes on without a gap.
    [Give it back]
    ");
    world.pass(Span::millis(1)).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: its hour is up. AWS was read afterwards: it is gone.
    Approved by @bo.
    (A session opened before can go on until it expires by itself.)
    (Ended today at 11:00 AM, after 1 hour)
    ");
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: its hour is up.");
    world.finish().await;
}

#[tokio::test]
async fn a_permission_set_in_an_account_of_ones_choice() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asking = ana.asks_for("Read only").with("Account", STAGING).for_(minutes(30));
    let request = asking.because("INC-42").send().await;
    ana.next_dm();
    bo.approves(&request).await;
    world.settle().await;
    let holds = |account| world.aws().holds_assignment(INSTANCE, READER, account, &ana.player.sso_user);
    assert!(holds(STAGING) && !holds(PROD));
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Read only* until today at 10:30 AM.
    In the browser: open the access portal, https://example.awsapps.com/start, and choose account *staging* (444455556666).
    On the command line: `aws configure sso --profile read-only` once (SSO region `us-east-1`), then `aws sso login --profile read-only`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    world.pass(minutes(20)).await;
    assert_snapshot!(ana.next_dm(), @r"
    Your access to *Read only* ends today at 10:30 AM. If you need it longer, ask again now with `/sym request aws`: once approved, it goes on without a gap.
    [Give it back]
    ");
    world.pass(minutes(10)).await;
    world.settle().await;
    assert!(!holds(STAGING));
    assert_snapshot!(ana.next_dm(), @"Your access to *Read only* has ended: its 30 minutes are up.");
    world.finish().await;
}

#[tokio::test]
async fn membership_of_an_identity_center_group() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_to_be_support().await;
    assert_snapshot!(ana.next_dm(), @r"
    Your request for *Prod support* for 1 hour has gone to #access-requests. It lapses today at 6:00 PM if nobody answers.
    [Take it back]
    ");
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.is_support());
    assert_snapshot!(world.card(&request), @r"
    :white_check_mark: @ana has *Prod support* until today at 11:00 AM
    (Flow *Support group*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Approved by @bo.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod support* until today at 11:00 AM.
    What the group gives appears when you reload the access portal, https://example.awsapps.com/start. On the command line, log in again with `aws sso login`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_support());
    assert_snapshot!(ana.next_dm(), @r"
    Your access to *Prod support* ends today at 11:00 AM. If you need it longer, ask again now with `/sym request groups`: once approved, it goes on without a gap.
    [Give it back]
    ");
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod support* has ended: its hour is up.");
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana no longer has *Prod support*
    (Flow *Support group*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: its hour is up. AWS was read afterwards: it is gone.
    Approved by @bo.
    (A session opened before can go on until it expires by itself.)
    (Ended today at 11:00 AM, after 1 hour)
    ");
    world.finish().await;
}

#[tokio::test]
async fn membership_of_an_iam_group() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await;
    ana.next_dm();
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.is_in_iam_group());
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *CloudWatch read-only* until today at 11:00 AM.
    Your IAM user `ana@example.com` in account 111122223333 has it now; no new login is needed. AWS can take a few seconds to notice.
    [Give it back]
    ");
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_in_iam_group());
    ana.next_dm();
    assert_snapshot!(ana.next_dm(), @"Your access to *CloudWatch read-only* has ended: its hour is up.");
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana no longer has *CloudWatch read-only*
    (Account 111122223333  ·  IAM group *cloudwatch-readonly*  ·  Flow *IAM groups*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: its hour is up. AWS was read afterwards: it is gone.
    Approved by @bo.
    (Ended today at 11:00 AM, after 1 hour)
    ");
    let calls = world.calls_for_requests();
    let last: Vec<_> = calls.iter().filter(|call| call.role.as_deref() == Some(IAM_ROLE)).collect();
    assert!(last.iter().any(|call| call.operation == "RemoveUserFromGroup"));
    for call in last {
        assert_eq!(call.session_name.as_deref(), Some(request.id.as_str()), "{}", call.operation);
        assert_eq!(call.source_identity, None, "the integration does not ask for it");
    }
    world.finish().await;
}

#[tokio::test]
async fn aws_is_called_over_the_role_chain_in_the_name_of_the_request_and_its_requester() {
    let world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.pass(minutes(60)).await;
    world.settle().await;
    let calls = world.calls_for_requests();
    let (hops, rest): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.operation == "AssumeRole");
    let text = |call: &sym::sandbox::aws::Call, name: &str| {
        call.input.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    assert!(!hops.is_empty() && rest.len() > 4);
    for hop in hops {
        if text(&hop, "RoleArn") == RUNTIME_ROLE {
            assert_eq!(text(&hop, "ExternalId"), "b7d3c2e0-6d5f-4a7e-9f0e-1c2d3e4f5a6b");
            assert_eq!(text(&hop, "SourceIdentity"), "");
        } else {
            assert_eq!(text(&hop, "RoleArn"), SSO_ROLE);
            assert_eq!(text(&hop, "ExternalId"), "");
            if text(&hop, "RoleSessionName") != "sym-inventory" {
                assert_eq!(text(&hop, "RoleSessionName"), request.id.as_str());
                assert_eq!(text(&hop, "SourceIdentity"), "ana@example.com");
            }
        }
    }
    for call in rest {
        assert_eq!(call.role.as_deref(), Some(SSO_ROLE), "{}", call.operation);
        assert_eq!(call.session_name.as_deref(), Some(request.id.as_str()), "{}", call.operation);
        assert_eq!(call.source_identity.as_deref(), Some("ana@example.com"), "{}", call.operation);
    }
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn nothing_is_written_to_aws_before_somebody_has_approved() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    for end in ["denied", "withdrawn", "lapsed", "refused"] {
        match end {
            "denied" => drop(bo.denies(&ana.asks_to_be_admin(HOUR).await).await),
            "withdrawn" => {
                ana.asks_to_be_admin(HOUR).await;
                let dm = world.slack().last_dm(ana.user()).unwrap();
                let id = world.request_ids().into_iter().find(|id| {
                    let request = world.engine().store().request(id).unwrap().unwrap();
                    matches!(request.status, Status::Pending { .. })
                });
                let id = id.unwrap();
                world
                    .slack()
                    .click(ana.user(), &dm.channel, &dm.ts, "sym_withdraw", id.as_str())
                    .await
                    .unwrap();
            }
            "lapsed" => {
                ana.asks_to_be_admin(HOUR).await;
                world.pass(minutes(120)).await;
            }
            _ => {
                // AWS does not know them.
                let dee = world.person("dee");
                world.aws().remove_sso_user(world.identity_store(), &dee.player.sso_user);
                dee.asks_to_be_admin(HOUR).await;
            }
        }
        world.settle().await;
        assert_eq!(world.changes(), Vec::<String>::new(), "{end}");
    }
    let mut words: Vec<String> = world
        .engine()
        .store()
        .requests()
        .map(|request| {
            let json = serde_json::to_value(&request.status).unwrap();
            json.as_object().unwrap().keys().next().unwrap().clone()
        })
        .collect();
    words.sort();
    assert_eq!(words, ["denied", "lapsed", "refused", "withdrawn"]);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn nobody_is_told_before_aws_has_confirmed_and_the_hour_counts_from_then() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(90_000));
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_to_be_admin(HOUR).await;
    ana.next_dm();
    bo.approves(&request).await;
    world.pass(Span::seconds(89)).await;
    assert!(!ana.is_admin());
    assert_snapshot!(world.card(&request), @r"
    :hourglass_flowing_sand: @ana is getting *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Approved by @bo.
    Waiting for AWS.
    (Ends today at 11:15 AM at the latest)
    [Revoke]
    ");
    let Status::Granting { provisional_end, .. } = world.status(&request) else { panic!("it is granting") };
    assert_eq!(provisional_end, Some(crate::world::MORNING + minutes(15) + HOUR));
    world.pass(Span::seconds(10)).await;
    assert!(ana.is_admin());
    ana.next_dm();
    let Status::Active { since, ends_at, .. } = world.status(&request) else { panic!("it is active") };
    assert!(since >= crate::world::MORNING + Span::seconds(90));
    assert_eq!(ends_at, Some(since + HOUR));
    world.pass(HOUR).await;
    assert!(world.word(&request) == "ending" && ana.is_admin(), "AWS takes its time to take it back");
    assert_snapshot!(world.card(&request), @r"
    :hourglass_flowing_sand: *Prod admin* is being taken from @ana
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: its hour is up. AWS is taking it back.
    ");
    ana.next_dm();
    world.pass(Span::seconds(100)).await;
    assert!(!ana.is_admin());
    ana.next_dm();
    world.finish().await;
}

#[tokio::test]
async fn a_grant_that_takes_a_few_questions_is_told_once() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Polls(5));
    let ana = world.person("ana");
    world.admin("ana", HOUR).await;
    assert_eq!(world.count("DescribeAccountAssignmentCreationStatus"), 5);
    assert_eq!(world.changes(), ["CreateAccountAssignment"]);
    ana.next_dm();
    assert!(ana.next_dm().contains("You have *Prod admin*"));
    world.pass(HOUR).await;
    world.settle().await;
    assert_eq!(world.changes(), ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn the_end_never_reaches_beyond_what_was_written_down_before_the_grant() {
    let mut world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(60_000));
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    let written = world.now() + minutes(15) + HOUR;
    // The bot sleeps until just before it would have given up.
    world.stop().await;
    world.jump(crate::world::MORNING + minutes(15) - Span::millis(1));
    world.start().await;
    world.engine().settle().await;
    let Status::Active { ends_at, .. } = world.status(&request) else {
        panic!("{:?}", world.status(&request))
    };
    assert!(ends_at.unwrap() <= written);
    assert_eq!(ends_at, Some(world.now() + HOUR));
    world.pass(HOUR).await;
    world.pass(minutes(2)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn who_had_it_before_is_told_so_and_keeps_it() {
    let mut world = World::with(STORIES).await;
    let player = world.stage.player("ana").unwrap().clone();
    world.aws().assign(INSTANCE, crate::world::custody::ADMIN, PROD, &player.sso_user);
    world.aws().join_group(world.identity_store(), SUPPORT, &player.sso_user);
    world.aws().join_iam_group(PROD, CLOUDWATCH, &player.iam_user);
    world.holds_by_hand();
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let requests = [
        ana.asks_to_be_admin(HOUR).await,
        ana.asks_to_be_support().await,
        ana.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await,
    ];
    world.ignore_messages();
    for request in &requests {
        bo.approves(request).await;
        world.settle().await;
        assert_eq!(world.word(request), "already_held");
    }
    assert_snapshot!(ana.next_dm(), @"You already have *Prod admin*. Nothing was changed and nothing will be removed.");
    assert_snapshot!(ana.next_dm(), @"You already have *Prod support*. Nothing was changed and nothing will be removed.");
    assert_snapshot!(ana.next_dm(), @"You already have *CloudWatch read-only*. Nothing was changed and nothing will be removed.");
    assert_snapshot!(world.card(&requests[0]), @r"
    :white_check_mark: @ana already had *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Nothing was changed and nothing will be removed.
    (Seen today at 10:00 AM)
    ");
    world.pass(Span::days(2)).await;
    assert!(ana.is_admin() && ana.is_support() && ana.is_in_iam_group());
    assert_eq!(world.changes(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn what_a_person_has_through_a_group_is_left_alone() {
    let mut world = World::with(STORIES).await;
    let player = world.stage.player("ana").unwrap().clone();
    world.aws().assign_group(INSTANCE, crate::world::custody::ADMIN, PROD, SUPPORT);
    world.aws().join_group(world.identity_store(), SUPPORT, &player.sso_user);
    world.holds_by_hand();
    world.admin("ana", HOUR).await;
    assert!(world.person("ana").is_admin(), "the direct assignment is given");
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!world.person("ana").is_admin(), "and taken");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn the_requester_is_warned_ten_minutes_before_the_end_and_once() {
    let mut world = World::with(STORIES).await;
    world.admin("ana", HOUR).await;
    world.ignore_messages();
    world.pass(minutes(49)).await;
    world.pass(Span::seconds(59)).await;
    let dms = world.slack().dms(world.person("ana").user()).len();
    world.pass(Span::seconds(1)).await;
    assert_snapshot!(world.person("ana").next_dm(), @r"
    Your access to *Prod admin* ends today at 11:00 AM. If you need it longer, ask again now with `/sym request aws`: once approved, it goes on without a gap.
    [Give it back]
    ");
    world.restart().await;
    world.pass(minutes(9)).await;
    assert_eq!(world.slack().dms(world.person("ana").user()).len(), dms + 1, "once");
    world.pass(minutes(2)).await;
    assert!(world.person("ana").next_dm().contains("has ended"));
    world.finish().await;
}

#[tokio::test]
async fn nobody_is_warned_of_an_end_that_was_in_sight_from_the_beginning() {
    let world = World::with(STORIES).await;
    let request = world.person("ana").asks_for("").flow("short").for_(minutes(15)).send().await;
    world.person("bo").approves(&request).await;
    world.settle().await;
    assert!(world.person("ana").is_support());
    world.ignore_messages();
    world.pass(minutes(15)).await;
    world.settle().await;
    assert_eq!(world.word(&request), "ended");
    assert_snapshot!(world.person("ana").next_dm(), @"Your access to *Prod support* has ended: its 15 minutes are up.");
    world.finish().await;
}

#[tokio::test]
async fn access_without_a_set_end_is_held_until_somebody_ends_it() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("manual").send().await;
    assert_snapshot!(ana.next_dm(), @r"
    Your request for *Prod support* has gone to #access-requests. It lapses today at 6:00 PM if nobody answers.
    [Take it back]
    ");
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.is_support());
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod support* until you or an approver ends it.
    What the group gives appears when you reload the access portal, https://example.awsapps.com/start. On the command line, log in again with `aws sso login`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    assert_snapshot!(world.card(&request), @r"
    :white_check_mark: @ana has *Prod support*, with no set end
    (Flow *Until revoked*  ·  Request `9uh8aen4p6cii`)
    Approved by @bo.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    world.pass(Span::days(100)).await;
    assert!(ana.is_support());
    ana.revokes(&request).await;
    world.settle().await;
    assert!(!ana.is_support());
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod support* has ended: you gave it back.");
    world.finish().await;
}

#[tokio::test]
async fn a_clock_that_jumps_to_and_fro_neither_prolongs_access_nor_revives_it() {
    let world = World::with(STORIES).await;
    let (ana, start) = (world.person("ana"), world.now());
    let request = world.admin("ana", HOUR).await;
    let Status::Active { ends_at: Some(ends_at), .. } = world.status(&request) else {
        panic!("it is active")
    };
    world.pass(minutes(30)).await;
    // An hour back, and nothing happens that would not have happened then.
    world.jump(start - minutes(30));
    world.settle().await;
    assert!(ana.is_admin());
    // An hour forth.
    world.jump(start + minutes(30));
    world.settle().await;
    assert!(ana.is_admin());
    assert_eq!(
        world.status(&request),
        Status::Active { since: ends_at - HOUR, ends_at: Some(ends_at), warned: false }
    );
    // Another one, beyond the end.
    world.jump(ends_at + minutes(20));
    world.settle().await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&request), "ended");
    // Back again into its time: what is over is over.
    world.jump(start + minutes(10));
    world.settle().await;
    world.pass(minutes(10)).await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&request), "ended");
    assert_eq!(world.changes(), ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    world.ignore_messages();
    world.finish().await;
}
