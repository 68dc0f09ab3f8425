//! AWS fails in every way it knows: nobody is told a lie, and nothing is left behind.

use crate::world::World;
use crate::world::custody::{
    ADMIN, CLOUDWATCH, HOUR, INSTANCE, PROD, RUNTIME_ROLE, SSO_ROLE, SUPPORT, just_under, minutes,
};
use insta::assert_snapshot;
use sym::access::Span;
use sym::sandbox::aws::{Fault, Match, OperationTime};

const STORIES: &str = "fixtures/manifests/stories";

fn access_denied() -> Fault {
    Fault::Error { code: "AccessDeniedException".to_owned(), message: "not today".to_owned(), status: 400 }
}

/// The next thing said in the error channel.
fn last_error(world: &World) -> String {
    world.channel_text("sym-errors").last().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_grant_that_fails_later_is_told_with_the_reason_of_aws() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let reason = "Received a 404 status error: Not supported policy arn:aws:iam::111122223333:policy/x.";
    world.aws().fault(Match::next("CreateAccountAssignment"), Fault::AsyncFail { reason: reason.to_owned() });
    let request = ana.asks_to_be_admin(HOUR).await;
    ana.next_dm();
    bo.approves(&request).await;
    world.settle().await;
    assert_snapshot!(ana.next_dm(), @r"
    :warning: You did not get *Prod admin*: AWS could not grant it.
    AWS said:
    > Identity Center could not give permission set arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111 in account 111122223333: Received a 404 status error: Not supported policy arn:aws:iam::111122223333:policy/x.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request aws`.
    ");
    assert_snapshot!(last_error(&world), @r"
    :warning: @ana did not get *Prod admin*: AWS could not grant it.
    AWS said:
    > Identity Center could not give permission set arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111 in account 111122223333: Received a 404 status error: Not supported policy arn:aws:iam::111122223333:policy/x.
    The bot sees to it that nothing of this request stays in AWS. The request is `9uh8aen4p6cii`.
    ");
    assert_snapshot!(world.card(&request), @r"
    :warning: @ana did not get *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: AWS could not grant it. AWS was read afterwards: nothing is left.
    > Identity Center could not give permission set arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111 in account 111122223333: Received a 404 status error: Not supported policy arn:aws:iam::111122223333:policy/x.
    Approved by @bo.
    (Ended today at 10:00 AM)
    ");
    assert!(!ana.is_admin());
    world.finish().await;
}

#[tokio::test]
async fn a_refused_create_names_the_role_and_the_permission() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.change_role(SSO_ROLE, |role| {
        role.allows =
            ["sso:List*", "sso:Describe*", "sso:Delete*", "identitystore:*"].map(str::to_owned).to_vec();
    });
    let request = ana.asks_to_be_admin(HOUR).await;
    ana.next_dm();
    bo.approves(&request).await;
    world.settle().await;
    assert_snapshot!(ana.next_dm(), @r"
    :warning: You did not get *Prod admin*: AWS could not grant it.
    AWS said:
    > `sso:CreateAccountAssignment` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/SymSSOMain/9uh8aen4p6cii is not authorized to perform: sso:CreateAccountAssignment on resource: arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111. The role needs this permission on the instance, the permission set and the account. If it lives in a delegated administrator account, it may touch neither the management account nor a permission set that is also provisioned there.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request aws`.
    ");
    assert_snapshot!(last_error(&world), @r"
    :warning: @ana did not get *Prod admin*: AWS could not grant it.
    AWS said:
    > `sso:CreateAccountAssignment` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/SymSSOMain/9uh8aen4p6cii is not authorized to perform: sso:CreateAccountAssignment on resource: arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111. The role needs this permission on the instance, the permission set and the account. If it lives in a delegated administrator account, it may touch neither the management account nor a permission set that is also provisioned there.
    The bot sees to it that nothing of this request stays in AWS. The request is `9uh8aen4p6cii`.
    ");
    assert_snapshot!(world.card(&request), @r"
    :warning: @ana did not get *Prod admin*
    (Account 111122223333  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: AWS could not grant it. AWS was read afterwards: nothing is left.
    > `sso:CreateAccountAssignment` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/SymSSOMain/9uh8aen4p6cii is not authorized to perform: sso:CreateAccountAssignment on resource: arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111. The role needs this permission on the instance, the permission set and the account. If it lives in a delegated administrator account, it may touch neither the management account nor a permission set that is also provisioned there.
    Approved by @bo.
    (Ended today at 10:00 AM)
    ");
    world.finish().await;
}

#[tokio::test]
async fn a_hop_that_refuses_the_bot_is_named_before_anybody_is_asked() {
    for (role, name) in [(RUNTIME_ROLE, "first"), (SSO_ROLE, "second")] {
        let world = World::with(STORIES).await;
        let ana = world.person("ana");
        world.change_role(role, |role| role.trusted.clear());
        let asking = ana.asks_for("Prod admin").for_(HOUR).because("INC-42").send().await;
        world.settle().await;
        assert_eq!(world.word(&asking), "refused");
        let text = ana.next_dm();
        match name {
            "first" => assert_snapshot!(text, @"
            :no_entry: Your request for *Prod admin* was refused.
            `sts:AssumeRole` as the bot's own AWS identity failed: AccessDenied: User: arn:aws:iam::111122223333:user/sym-bot is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/sym/SymRuntimeMain. Role arn:aws:iam::111122223333:role/sym/SymRuntimeMain (hop 1 of 2) did not let the bot in. Either its trust policy does not name the bot's AWS identity (`sym_account_id` of the runtime-connector module must be your own account), or the `external_id` of the integration differs from the one in the trust policy, or the bot's own policy lacks `sts:AssumeRole` on it.
            When that has changed, ask again with `/sym request aws`.
            "),
            _ => assert_snapshot!(text, @r"
            :no_entry: Your request for *Prod admin* was refused.
            `sts:AssumeRole` as role arn:aws:iam::111122223333:role/sym/SymRuntimeMain failed: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/SymRuntimeMain/sym is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/sym/SymSSOMain. Role arn:aws:iam::111122223333:role/sym/SymSSOMain (hop 2 of 2) did not let role arn:aws:iam::111122223333:role/sym/SymRuntimeMain in. The usual causes: the account of the role is missing from `account_id_safelist` of the runtime-connector, the role is not under the path `/sym/`, or `runtime_role_arns` of the connector does not name the runtime role. The session carries a SourceIdentity: `sts:SetSourceIdentity` must be allowed by the trust policy of the role and by the policy of its caller.
            When that has changed, ask again with `/sym request aws`.
            "),
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn a_hop_that_refuses_the_bot_after_the_approval_is_told() {
    let mut world = World::with(STORIES).await;
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.ignore_messages();
    // A new bot has no sessions left over.
    world.restart().await;
    world.change_role(SSO_ROLE, |role| role.trusted.clear());
    world.person("bo").approves(&request).await;
    world.settle().await;
    assert_snapshot!(world.person("ana").next_dm(), @r"
    :warning: You did not get *Prod admin*: AWS could not grant it.
    AWS said:
    > `sts:AssumeRole` as role arn:aws:iam::111122223333:role/sym/SymRuntimeMain failed: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/SymRuntimeMain/sym is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/sym/SymSSOMain. Role arn:aws:iam::111122223333:role/sym/SymSSOMain (hop 2 of 2) did not let role arn:aws:iam::111122223333:role/sym/SymRuntimeMain in. The usual causes: the account of the role is missing from `account_id_safelist` of the runtime-connector, the role is not under the path `/sym/`, or `runtime_role_arns` of the connector does not name the runtime role. The session carries a SourceIdentity: `sts:SetSourceIdentity` must be allowed by the trust policy of the role and by the policy of its caller.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request aws`.
    ");
    assert_snapshot!(world.card(&request), @r"
    :warning: @ana did not get *Prod admin*
    (Account 111122223333  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: AWS could not grant it. Nothing was given in AWS.
    > `sts:AssumeRole` as role arn:aws:iam::111122223333:role/sym/SymRuntimeMain failed: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/SymRuntimeMain/sym is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/sym/SymSSOMain. Role arn:aws:iam::111122223333:role/sym/SymSSOMain (hop 2 of 2) did not let role arn:aws:iam::111122223333:role/sym/SymRuntimeMain in. The usual causes: the account of the role is missing from `account_id_safelist` of the runtime-connector, the role is not under the path `/sym/`, or `runtime_role_arns` of the connector does not name the runtime role. The session carries a SourceIdentity: `sts:SetSourceIdentity` must be allowed by the trust policy of the role and by the policy of its caller.
    Approved by @bo.
    (Ended today at 10:00 AM)
    ");
    assert_eq!(world.changes(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn a_grant_that_aws_never_confirms_is_given_up_and_taken_back() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(Span::hours(2).as_millis()));
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_to_be_admin(HOUR).await;
    ana.next_dm();
    bo.approves(&request).await;
    world.pass(just_under(minutes(15))).await;
    assert_eq!(world.word(&request), "granting");
    world.pass(Span::millis(1)).await;
    assert_eq!(world.word(&request), "ending");
    assert_snapshot!(ana.next_dm(), @r"
    :warning: You did not get *Prod admin*: AWS did not confirm it within 15 minutes.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request aws`.
    ");
    assert_snapshot!(last_error(&world), @r"
    :warning: @ana did not get *Prod admin*: AWS did not confirm it within 15 minutes.
    The bot sees to it that nothing of this request stays in AWS. The request is `9uh8aen4p6cii`.
    ");
    assert_snapshot!(world.card(&request), @r"
    :warning: @ana did not get *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: AWS did not confirm it within 15 minutes. Making sure that nothing is left.
    ");
    world.aws().set_operation_time(OperationTime::Polls(1));
    // AWS does give it in the end; by then it is unwanted.
    world.pass(minutes(120)).await;
    assert_eq!(world.word(&request), "ended");
    assert!(!ana.is_admin());
    let card = world.card(&request);
    let why = "Why: AWS did not confirm it within 15 minutes. AWS was read afterwards: nothing is left.";
    assert!(card.contains(why), "{card}");
    world.finish().await;
}

#[tokio::test]
async fn a_grant_that_aws_throttles_for_a_quarter_of_an_hour_is_given_up() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.aws().fault(Match::every("CreateAccountAssignment"), Fault::Throttle);
    let request = ana.asks_to_be_admin(HOUR).await;
    ana.next_dm();
    bo.approves(&request).await;
    world.pass(minutes(16)).await;
    assert_eq!(world.word(&request), "ended");
    assert_snapshot!(ana.next_dm(), @r"
    :warning: You did not get *Prod admin*: AWS did not confirm it within 15 minutes.
    AWS said:
    > `sso:CreateAccountAssignment` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: ThrottlingException: Rate exceeded.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request aws`.
    ");
    world.finish().await;
}

#[tokio::test]
async fn throttling_for_an_hour_at_the_end_delays_it_and_no_more() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    world.aws().fault(Match::every("DeleteAccountAssignment"), Fault::Throttle);
    world.pass(HOUR + HOUR).await;
    assert!(ana.is_admin());
    assert_eq!(world.word(&request), "ending");
    let errors = world.channel_text("sym-errors");
    assert_eq!(errors.len(), 3, "after 1, 5 and 30 minutes");
    assert!(last_error(&world).contains("ThrottlingException"), "{}", last_error(&world));
    let tries = world.count("DeleteAccountAssignment");
    assert!((20..80).contains(&tries), "{tries} tries, each of them twice");
    world.aws().clear_faults();
    world.pass(minutes(5)).await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn errors_of_aws_itself_are_tried_again() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    for operation in [
        "ListAccountAssignments",
        "CreateAccountAssignment",
        "DescribeAccountAssignmentCreationStatus",
        "DeleteAccountAssignment",
        "DescribeAccountAssignmentDeletionStatus",
        "AssumeRole",
        "GetUserId",
    ] {
        world.aws().fault(Match::times(operation, 2), Fault::ServerError(500));
    }
    let request = ana.asks_to_be_admin(HOUR).await;
    world.pass(minutes(5)).await;
    world.person("bo").approves(&request).await;
    world.pass(minutes(5)).await;
    assert!(ana.is_admin() && world.is_active(&request));
    world.pass(HOUR + minutes(5)).await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up_and_tried_again() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    // The bot's own time limit is real time: five seconds.
    world.aws().fault(Match::next("DeleteAccountAssignment"), Fault::Hang);
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_eq!(
        world.changes(),
        ["CreateAccountAssignment", "DeleteAccountAssignment hung", "DeleteAccountAssignment"]
    );
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_found_and_not_repeated() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    // Both attempts of the call, and the repeat of the first meets the operation that is running.
    world.aws().fault(Match::next("CreateAccountAssignment"), Fault::LoseReply);
    world.aws().set_operation_time(OperationTime::Millis(20_000));
    let request = ana.asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    world.settle().await;
    assert!(world.is_active(&request) && ana.is_admin());
    let done = world.changes().iter().filter(|change| !change.contains(' ')).count();
    assert_eq!(done, 0, "{:?}", world.changes());
    world.pass(HOUR + minutes(1)).await;
    assert!(!ana.is_admin());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_delete_whose_answer_is_lost_is_proven_by_a_read() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    world.aws().fault(Match::next("DeleteAccountAssignment"), Fault::LoseReply);
    world.aws().set_operation_time(OperationTime::Millis(20_000));
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn conflicts_pass() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    for operation in ["CreateAccountAssignment", "DeleteAccountAssignment"] {
        world.aws().fault(Match::times(operation, 3), Fault::Conflict);
    }
    let request = world.admin("ana", HOUR).await;
    assert!(ana.is_admin());
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&request), "ended");
    let support = ana.asks_to_be_support().await;
    for operation in ["CreateGroupMembership", "DeleteGroupMembership"] {
        world.aws().fault(Match::times(operation, 3), Fault::Conflict);
    }
    world.person("bo").approves(&support).await;
    world.settle().await;
    assert!(ana.is_support());
    world.pass(HOUR + minutes(1)).await;
    assert!(!ana.is_support());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_session_that_is_over_is_renewed() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_to_be_admin(HOUR).await;
    world.aws().expire_sessions();
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.is_admin());
    world.pass(minutes(59)).await;
    world.aws().expire_sessions();
    world.pass(minutes(1)).await;
    world.settle().await;
    assert!(!ana.is_admin());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_read_that_lags_behind_the_removal_only_delays_the_end() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let admin = world.admin("ana", HOUR).await;
    let support = world.support("ana").await;
    let iam = ana.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await;
    world.person("bo").approves(&iam).await;
    world.settle().await;
    // SUCCEEDED, and still listed.
    world.aws().fault(Match::times("ListAccountAssignments", 2), Fault::Stale);
    world.aws().fault(Match::nth("GetGroupMembershipId", 2), Fault::Stale);
    world.aws().fault(Match::next("ListGroupsForUser"), Fault::Stale);
    world.pass(HOUR + minutes(1)).await;
    world.aws().clear_faults();
    assert!(!ana.is_admin() && !ana.is_support() && !ana.is_in_iam_group());
    for request in [&admin, &support, &iam] {
        assert_eq!(world.word(request), "ended");
    }
    assert!(world.count("ListAccountAssignments") >= 4);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_read_that_lags_behind_the_grant_does_not_forget_it() {
    // Reads after the grant, and before the removal, are answered from before the grant.
    for flow in ["aws", "groups", "iam"] {
        let world = World::with(STORIES).await;
        let (ana, bo) = (world.person("ana"), world.person("bo"));
        let request = match flow {
            "aws" => ana.asks_to_be_admin(HOUR).await,
            "groups" => ana.asks_to_be_support().await,
            _ => ana.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await,
        };
        for read in ["ListAccountAssignments", "GetGroupMembershipId", "ListGroupsForUser"] {
            world.aws().fault(Match::nth(read, 2), Fault::Stale);
        }
        bo.approves(&request).await;
        world.settle().await;
        assert!(world.is_active(&request), "{flow}");
        ana.revokes(&request).await;
        world.settle().await;
        world.aws().clear_faults();
        assert_eq!(world.word(&request), "ended");
        assert_eq!(world.aws().holdings().len(), 0, "{flow}: it is called gone, and AWS holds it");
        world.ignore_messages();
        world.finish().await;
    }
}

#[tokio::test]
async fn group_memberships_that_aws_refuses_are_told() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.aws().fault(Match::every("CreateGroupMembership"), access_denied());
    world.aws().fault(Match::every("AddUserToGroup"), access_denied());
    let support = ana.asks_to_be_support().await;
    let iam = ana.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await;
    world.ignore_messages();
    bo.approves(&support).await;
    world.settle().await;
    assert_snapshot!(ana.next_dm(), @r"
    :warning: You did not get *Prod support*: AWS could not grant it.
    AWS said:
    > `identitystore:CreateGroupMembership` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: not today. The sso-connector module allows group memberships from version 2.0 on: update it, or allow `identitystore:Get*`, `List*`, `CreateGroupMembership` and `DeleteGroupMembership`.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request groups`.
    ");
    bo.approves(&iam).await;
    world.settle().await;
    assert_snapshot!(ana.next_dm(), @r"
    :warning: You did not get *CloudWatch read-only*: AWS could not grant it.
    AWS said:
    > `iam:AddUserToGroup` as role arn:aws:iam::111122223333:role/sym/SymIAMMain failed: AccessDeniedException: not today. The iam-connector module allows only groups under the path of its `group_config` (`/sym/` unless set otherwise): move the group there, or widen `group_config`.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request iam`.
    ");
    assert_eq!((world.word(&support), world.word(&iam)), ("ended".to_owned(), "ended".to_owned()));
    world.finish().await;
}

#[tokio::test]
async fn group_memberships_that_aws_will_not_take_back_come_with_the_way_to_do_it_by_hand() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let support = world.support("ana").await;
    let iam = ana.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await;
    world.person("bo").approves(&iam).await;
    world.settle().await;
    for operation in ["DeleteGroupMembership", "RemoveUserFromGroup"] {
        world.aws().fault(Match::every(operation), access_denied());
    }
    world.pass(HOUR + minutes(2)).await;
    let errors = world.channel_text("sym-errors").join("\n");
    assert!(errors.contains("aws identitystore delete-group-membership --identity-store-id d-"), "{errors}");
    assert!(errors.contains(&format!("--group-id {SUPPORT} --member-id UserId={}", ana.player.sso_user)));
    let command =
        format!("aws iam remove-user-from-group --group-name {CLOUDWATCH} --user-name ana@example.com");
    assert!(errors.contains(&command), "{errors}");
    // Somebody does; the bot sees it and is content.
    world.aws().leave_group(world.identity_store(), SUPPORT, &ana.player.sso_user);
    world.aws().clear_faults();
    world.pass(minutes(6)).await;
    assert_eq!((world.word(&support), world.word(&iam)), ("ended".to_owned(), "ended".to_owned()));
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn an_assignment_removed_by_hand_while_the_bot_is_refused_needs_a_read() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    for operation in ["DeleteAccountAssignment", "ListAccountAssignments"] {
        world.aws().fault(Match::every(operation), access_denied());
    }
    world.pass(HOUR + minutes(1)).await;
    world.aws().unassign(INSTANCE, ADMIN, PROD, &ana.player.sso_user);
    world.pass(Span::hours(24)).await;
    assert_eq!(world.word(&request), "ending", "it is gone, but nobody could see that");
    world.aws().clear_faults();
    world.pass(minutes(5)).await;
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}
