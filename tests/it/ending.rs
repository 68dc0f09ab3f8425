//! Access ends when its time is up, or when somebody ends it, and only by proof.

use crate::world::World;
use crate::world::custody::{ADMIN, CLOUDWATCH, HOUR, INSTANCE, PROD, STAGING, just_under, minutes};
use insta::assert_snapshot;
use sym::access::{Span, Status, Timestamp};
use sym::sandbox::aws::OperationTime;

const STORIES: &str = "fixtures/manifests/stories";

#[tokio::test]
async fn the_requester_gives_it_back_from_their_own_message() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    world.ignore_messages();
    world.pass(minutes(5)).await;
    let dm = world.slack().last_dm(ana.user()).unwrap();
    world.slack().click(ana.user(), &dm.channel, &dm.ts, "sym_revoke", request.id.as_str()).await.unwrap();
    world.settle().await;
    assert!(!ana.is_admin());
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: you gave it back.");
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: @ana gave it back. AWS was read afterwards: it is gone.
    Approved by @bo.
    (A session opened before can go on until it expires by itself.)
    (Ended today at 10:05 AM, after 5 minutes)
    ");
    world.finish().await;
}

#[tokio::test]
async fn an_approver_ends_it_early() {
    let world = World::with(STORIES).await;
    let (ana, cy) = (world.person("ana"), world.person("cy"));
    let request = world.admin("ana", HOUR).await;
    world.ignore_messages();
    // Cy did not approve it, but might have.
    cy.revokes(&request).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: @cy ended it early.");
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: @cy ended it early. AWS was read afterwards: it is gone.
    Approved by @bo.
    (A session opened before can go on until it expires by itself.)
    (Ended today at 10:00 AM, after less than a second)
    ");
    world.finish().await;
}

#[tokio::test]
async fn others_cannot_end_it() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    world.ignore_messages();
    // A guest of the channel sees it, and may not.
    let gil = world.person("gil");
    gil.revokes(&request).await;
    world.settle().await;
    assert_snapshot!(gil.next_whisper(), @"Guests cannot use these buttons. A full member of this workspace can.");
    // Neither may somebody who only sees the channel.
    let dee = world.person("dee");
    dee.revokes(&request).await;
    world.settle().await;
    assert_snapshot!(dee.next_dm(), @"Only the requester and those who may approve can end this access.");
    assert!(ana.is_admin() && world.is_active(&request));
    world.pass(HOUR).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_flow_may_forbid_ending_early() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("self").for_(HOUR).send().await;
    ana.next_dm();
    bo.approves(&request).await;
    world.settle().await;
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod support* until today at 11:00 AM.
    What the group gives appears when you reload the access portal, https://example.awsapps.com/start. On the command line, log in again with `aws sso login`.
    (A session that is open at the end can go on until it expires by itself.)
    ");
    let card = world.card(&request);
    assert!(!card.contains("[Revoke]"), "{card}");
    // A button that is not there cannot be pressed; an old one may still be on somebody's screen.
    let refused = world
        .slack()
        .click(
            ana.user(),
            &world.card_message(&request).channel,
            &world.card_message(&request).ts,
            "sym_revoke",
            request.id.as_str(),
        )
        .await;
    assert!(refused.is_err());
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_support());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_second_press_on_revoke_changes_nothing() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(60_000));
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_to_be_admin(HOUR).await;
    bo.approves(&request).await;
    world.pass(minutes(2)).await;
    world.ignore_messages();
    let card = world.card_message(&request);
    let press = async |who: &str| {
        world.slack().click(who, &card.channel, &card.ts, "sym_revoke", request.id.as_str()).await.unwrap()
    };
    // Both at once, from the same card.
    let (first, second) = tokio::join!(press(ana.user()), press(bo.user()));
    assert!(first.acked && second.acked);
    world.pass(minutes(3)).await;
    assert!(!ana.is_admin());
    assert_eq!(world.changes(), ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn access_that_is_given_back_while_aws_is_still_giving_it_is_taken_back() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(90_000));
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_to_be_admin(HOUR).await;
    bo.approves(&request).await;
    world.pass(Span::seconds(30)).await;
    ana.revokes(&request).await;
    world.ignore_messages();
    world.pass(Span::seconds(30)).await;
    assert_eq!(world.word(&request), "ending", "AWS is still giving it");
    assert_snapshot!(world.card(&request), @r"
    :warning: @ana did not get *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: @ana gave it back. Making sure that nothing is left.
    ");
    world.pass(minutes(10)).await;
    assert_eq!(world.word(&request), "ended");
    assert!(!ana.is_admin());
    let card = world.card(&request);
    assert!(card.contains("Why: @ana gave it back. AWS was read afterwards: nothing is left."), "{card}");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_was_removed_by_hand_is_proven_absent_at_the_end() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let admin = world.admin("ana", HOUR).await;
    let support = world.support("ana").await;
    let iam = ana.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await;
    world.person("bo").approves(&iam).await;
    world.settle().await;
    assert!(ana.is_admin() && ana.is_support() && ana.is_in_iam_group());
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.player.sso_user);
    world.aws().leave_group(world.identity_store(), crate::world::custody::SUPPORT, &ana.player.sso_user);
    world.aws().leave_iam_group(PROD, CLOUDWATCH, &ana.player.iam_user);
    world.pass(minutes(55)).await;
    world.ignore_messages();
    world.pass(minutes(6)).await;
    for request in [&admin, &support, &iam] {
        assert_eq!(world.word(request), "ended");
    }
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod support* has ended: its hour is up.");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_deleted_permission_set_is_proof() {
    let world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.aws().remove_permission_set(INSTANCE, ADMIN);
    world.pass(HOUR).await;
    world.settle().await;
    assert_eq!(world.word(&request), "ended");
    assert_eq!(world.count("DescribePermissionSet"), 1);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_deleted_user_leaves_no_access_behind() {
    let mut world = World::with(STORIES).await;
    let player = world.stage.player("ana").unwrap().clone();
    let request = world.admin("ana", HOUR).await;
    let support = world.support("ana").await;
    world.aws().remove_sso_user(world.identity_store(), &player.sso_user);
    assert!(world.person("ana").is_admin(), "AWS keeps the assignment of a deleted user");
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!world.person("ana").is_admin());
    assert_eq!((world.word(&request), world.word(&support)), ("ended".to_owned(), "ended".to_owned()));
    world.ignore_messages();
    world.holds_by_hand();
    world.finish().await;
}

#[tokio::test]
async fn an_orphan_that_aws_will_not_delete_is_not_called_gone() {
    let world = World::with(STORIES).await;
    let player = world.stage.player("ana").unwrap().clone();
    let request = world.admin("ana", HOUR).await;
    world.aws().orphan_deletes_fail(true);
    world.aws().remove_sso_user(world.identity_store(), &player.sso_user);
    world.pass(HOUR + minutes(6)).await;
    assert_eq!(world.word(&request), "ending");
    let alarms = alarms(&world, "sym-errors");
    assert_eq!(alarms.len(), 2, "{alarms:?}");
    assert!(alarms[1].contains("not found in directory"), "{}", alarms[1]);
    // Somebody does what the message says.
    world.aws().unassign(INSTANCE, ADMIN, PROD, &player.sso_user);
    world.pass(minutes(6)).await;
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn an_account_that_aws_cannot_find_is_no_proof() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asking = ana.asks_for("Read only").with("Account", STAGING).for_(HOUR);
    let request = asking.because("INC-42").send().await;
    bo.approves(&request).await;
    world.settle().await;
    assert!(world.is_active(&request));
    world.aws().remove_account(STAGING);
    world.pass(HOUR + minutes(31)).await;
    assert_eq!(world.word(&request), "ending", "nothing proves that it is gone");
    assert_eq!(alarms(&world, "sym-errors").len(), 3, "after 1, 5 and 30 minutes");
    assert_eq!(alarms(&world, "access-requests").len(), 3);
    world.aws().add_account(STAGING, "staging").place_account(STAGING, "r-abcd");
    world.pass(minutes(6)).await;
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}

/// The alarms in a channel.
fn alarms(world: &World, channel: &str) -> Vec<String> {
    world.channel_text(channel).into_iter().filter(|text| text.contains("may still have")).collect()
}

#[tokio::test]
async fn access_that_aws_will_not_take_back_is_an_alarm_until_it_is_gone() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    // Somebody has taken the right away from the bot's role.
    world.change_role(crate::world::custody::SSO_ROLE, |role| {
        role.allows = vec!["sso:List*".to_owned(), "sso:Describe*".to_owned()];
    });
    world.pass(HOUR).await;
    world.ignore_messages();
    assert_snapshot!(world.card(&request), @r"
    :hourglass_flowing_sand: *Prod admin* is being taken from @ana
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: its hour is up. AWS is taking it back.
    ");
    world.pass(just_under(minutes(1))).await;
    assert_eq!(alarms(&world, "sym-errors").len(), 0);
    world.pass(Span::millis(1)).await;
    let first = alarms(&world, "sym-errors");
    assert_eq!(first.len(), 1, "after a minute");
    let first = first[0].split(" attempts").next().unwrap().rsplit_once(' ').unwrap().0.to_owned();
    assert_snapshot!(first, @r"
    :rotating_light: *@ana may still have Prod admin*
    It should have been gone since today at 11:00 AM.
    ");
    let text = alarms(&world, "access-requests")[0].clone();
    let (_, rest) = text.split_once("AWS said last:").unwrap();
    assert_snapshot!(rest.trim(), @r"
    > `sso:DeleteAccountAssignment` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/SymSSOMain/9uh8aen4p6cii is not authorized to perform: sso:DeleteAccountAssignment on resource: arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111. The role needs this permission on the instance, the permission set and the account. If it lives in a delegated administrator account, it may touch neither the management account nor a permission set that is also provisioned there.
    To remove it by hand:
    ```aws sso-admin delete-account-assignment --instance-arn arn:aws:sso:::instance/ssoins-1111111111111111 --permission-set-arn arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111 --target-type AWS_ACCOUNT --target-id 111122223333 --principal-type USER --principal-id 00000001-2222-4333-8444-555555555555```
    ");
    world.pass(minutes(4)).await;
    assert_eq!(alarms(&world, "sym-errors").len(), 2, "after five minutes");
    world.pass(minutes(25)).await;
    assert_eq!(alarms(&world, "sym-errors").len(), 3, "after half an hour");
    world.pass(Span::hours(24)).await;
    assert_eq!(alarms(&world, "sym-errors").len(), 3 + 24, "every hour");
    assert_eq!(alarms(&world, "access-requests").len(), 3 + 24);
    assert_eq!(world.word(&request), "ending");
    assert!(ana.is_admin());
    world.change_role(crate::world::custody::SSO_ROLE, |_| {});
    world.pass(minutes(6)).await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&request), "ended");
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: its hour is up.");
    let card = world.card(&request);
    assert!(card.contains("Why: its hour is up. AWS was read afterwards: it is gone."), "{card}");
    assert!(card.contains("after 1 day 1 hour"), "as long as it was there in truth: {card}");
    world.finish().await;
}

#[tokio::test]
async fn fifty_claims_that_end_in_the_same_second_all_end() {
    let mut world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Polls(0));
    let accounts: Vec<String> = (0..13).map(|n| format!("{}", 900_000_000_000_i64 + n)).collect();
    for account in &accounts {
        world.aws().add_account(account, "one of many").place_account(account, "r-abcd");
    }
    // The list of accounts is fetched when the bot starts being asked.
    world.restart().await;
    let mut requests = Vec::new();
    for handle in ["ana", "bo", "cy", "dee"] {
        for account in &accounts {
            let who = world.person(handle);
            let asking = who.asks_for("Read only").with("Account", account).for_(HOUR);
            requests.push(asking.because("INC-42").send().await);
        }
        // So many questions at once are more than AWS answers in a second.
        world.settle().await;
    }
    let approver = |n: usize| if n / accounts.len() == 1 { "cy" } else { "bo" };
    for (n, request) in requests.iter().enumerate() {
        world.person(approver(n)).approves(request).await;
    }
    world.settle().await;
    assert_eq!(world.aws().holdings().len(), 52);
    let ends: Vec<Timestamp> = requests
        .iter()
        .map(|request| match world.status(request) {
            Status::Active { ends_at: Some(ends_at), .. } => ends_at,
            other => panic!("{other:?}"),
        })
        .collect();
    // Nobody does anything until the last of them is over, and then all at once.
    world.jump(*ends.iter().max().unwrap());
    world.settle().await;
    assert_eq!(world.aws().holdings().len(), 0);
    for request in &requests {
        assert_eq!(world.word(request), "ended");
    }
    world.ignore_messages();
    world.finish().await;
}
