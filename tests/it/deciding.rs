//! Deciding in Slack: approving, denying, taking back, and being too late.

use crate::world::{Asked, Someone, World};
use insta::assert_snapshot;
use serde_json::json;
use sym::access::{Span, Status};
use sym::sandbox::aws::{Fault, Match};
use sym::sandbox::slack::Person;

async fn support(ana: &Someone<'_>) -> Asked {
    ana.asks_for("").flow("groups").because("INC-42").send().await
}

#[tokio::test]
async fn a_denial_is_on_the_card_and_told_and_final() {
    let world = World::of_stories().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let request = support(&ana).await;
    ana.next_dm();
    bo.denies(&request).await;
    assert_snapshot!(world.card(&request), @r"
    :no_entry: @bo denied @ana's request for *Prod support*
    (Flow *Support group*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    (Denied today at 10:00 AM)
    ");
    assert_snapshot!(ana.next_dm(), @":no_entry: @bo denied your request for *Prod support*.");
    for action in ["sym_approve", "sym_deny"] {
        world.slack().send_envelope(&world.envelope(action, &cy, action, request.id.as_str()));
        world.hears().await;
    }
    assert_snapshot!(cy.next_whisper(), @"@bo has already denied the request for *Prod support*.");
    assert_snapshot!(cy.next_whisper(), @"@bo has already denied the request for *Prod support*.");
    assert!(matches!(world.status(&request), Status::Denied { .. }));
    assert!(world.aws_writes().is_empty());
    assert_eq!(world.posts(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_request_nobody_answers_lapses_and_cannot_be_revived() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    ana.next_dm();
    world.pass(Span::minutes(119)).await;
    assert!(matches!(world.status(&request), Status::Pending { .. }));
    for approver in [&bo, &world.person("cy")] {
        let reminder = approver.next_dm();
        assert!(reminder.contains("@ana") && reminder.contains("Prod admin"), "{reminder}");
    }
    world.pass(Span::minutes(1)).await;
    assert_snapshot!(world.card(&request), @r"
    :lock: Nobody answered when @ana requested *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    The request has lapsed and can no longer be approved.
    (Lapsed today at 12:00 PM)
    ");
    assert_snapshot!(ana.next_dm(), @"Nobody answered your request for *Prod admin* in time, so it has lapsed. Ask again with `/sym request aws`.");
    world.slack().send_envelope(&world.envelope("late", &bo, "sym_approve", request.id.as_str()));
    world.hears().await;
    assert_snapshot!(bo.next_whisper(), @"Nobody answered the request for *Prod admin* in time: it lapsed today at 12:00 PM. The requester can ask again.");
    assert!(world.aws_writes().is_empty());
    // The card, and the reminder after half of the time.
    assert_eq!(world.posts(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_click_at_the_deadline_itself_is_too_late() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    world.ignore_messages();
    world.jump(world.now() + Span::hours(2));
    bo.clicks("sym_approve", &request).await;
    world.engine().settle().await;
    assert!(matches!(world.status(&request), Status::Lapsed { .. }));
    assert!(bo.next_whisper().contains("it lapsed"));
    ana.next_dm();
    assert!(world.aws_writes().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn whoever_asked_can_take_it_back_and_nobody_else() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = support(&ana).await;
    ana.next_dm();
    world.slack().send_envelope(&world.envelope("not-bo", &bo, "sym_withdraw", request.id.as_str()));
    world.hears().await;
    assert_snapshot!(bo.next_whisper(), @"Only the requester can take a request back. You can deny it, if you may decide on it.");
    assert!(matches!(world.status(&request), Status::Pending { .. }));

    ana.presses_in_dm("sym_withdraw").await;
    assert_snapshot!(ana.next_dm(), @"You took your request for *Prod support* back. Nobody can approve it any more.");
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana took the request for *Prod support* back
    (Flow *Support group*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    (Withdrawn today at 10:00 AM)
    ");
    world.slack().send_envelope(&world.envelope("late", &bo, "sym_approve", request.id.as_str()));
    world.hears().await;
    assert_snapshot!(bo.next_whisper(), @"The request for *Prod support* was taken back, so there is nothing to decide.");
    ana.presses_in_dm("sym_withdraw").await;
    assert_snapshot!(ana.next_whisper(), @"The request for *Prod support* was taken back, so there is nothing to decide.");
    assert!(world.aws_writes().is_empty());
    assert_eq!(world.posts(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_second_click_on_approve_is_told_who_was_first() {
    let world = World::of_stories().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let request = support(&ana).await;
    let (first, second) =
        tokio::join!(bo.clicks("sym_approve", &request), bo.clicks("sym_approve", &request));
    assert_ne!(first.envelope_id, second.envelope_id);
    world.settle().await;
    assert!(ana.is_in_group());
    assert_snapshot!(bo.next_whisper(), @"@bo has already approved the request for *Prod support*.");
    for action in ["sym_approve", "sym_deny", "sym_withdraw"] {
        world.slack().send_envelope(&world.envelope(action, &cy, action, request.id.as_str()));
        world.hears().await;
    }
    assert_snapshot!(cy.next_whisper(), @"@bo has already approved the request for *Prod support*.");
    assert_snapshot!(cy.next_whisper(), @"@bo has already approved the request for *Prod support*.");
    assert!(cy.next_whisper().contains("Only the requester"));
    assert_eq!(world.aws_writes(), ["CreateGroupMembership"]);
    world.pass(Span::hours(8)).await;
    world.slack().send_envelope(&world.envelope("after", &cy, "sym_approve", request.id.as_str()));
    world.slack().send_envelope(&world.envelope("again", &cy, "sym_revoke", request.id.as_str()));
    world.hears().await;
    let mut said = [cy.next_whisper(), cy.next_whisper()];
    said.sort();
    assert_snapshot!(said.join("\n"), @r"
    @bo has already approved the request for *Prod support*.
    Nothing was done: the request for *Prod support* is over.
    ");
    assert!(!ana.is_in_group());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn two_approvers_at_once_make_one_claim() {
    let world = World::of_stories().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    tokio::join!(bo.clicks("sym_approve", &request), cy.clicks("sym_approve", &request));
    world.settle().await;
    assert!(ana.holds("ps-1111111111111111", "111122223333"));
    assert_eq!(world.aws_writes(), ["CreateAccountAssignment"]);
    assert_eq!(world.request(&request).approvals.len(), 1);
    let late = if bo.has_nothing_new() { &cy } else { &bo };
    assert!(late.next_whisper().contains("has already approved the request"));
    assert_eq!(world.posts(), 1);
    world.pass(Span::hours(1)).await;
    world.settle().await;
    ana.next_dm();
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn of_an_approval_and_a_denial_at_once_the_first_counts() {
    let world = World::of_stories().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let request = support(&ana).await;
    tokio::join!(cy.clicks("sym_deny", &request), bo.clicks("sym_approve", &request));
    world.settle().await;
    let was_denied = matches!(world.status(&request), Status::Denied { .. });
    let late = if was_denied { &bo } else { &cy };
    assert!(late.next_whisper().contains("has already"));
    assert_eq!(ana.is_in_group(), !was_denied);
    assert_eq!(world.aws_writes().len(), usize::from(!was_denied));
    world.pass(Span::hours(8)).await;
    ana.next_dm();
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn every_rule_that_matches_must_be_satisfied_by_its_own_people() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let (eve, fay) = (world.newcomer(Person::new("eve")), world.newcomer(Person::new("fay")));
    for someone in [&eve, &fay] {
        world.slack().add_member(world.channel(), someone.user());
    }
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    ana.next_dm();
    eve.approves(&request).await;
    assert!(matches!(world.status(&request), Status::Pending { .. }));
    assert_snapshot!(world.card(&request), @"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Each of these rules must be satisfied:
    • *prod*: 0 of 1 approvals so far. bo@example.com or cy@example.com can approve or deny.
    • *everybody*: satisfied by @eve
    (Answer by today at 12:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    assert!(world.aws_writes().is_empty());
    eve.approves(&request).await;
    assert_snapshot!(eve.next_whisper(), @"You have already approved the request for *Prod admin*. It still waits for others.");
    fay.approves(&request).await;
    assert_snapshot!(fay.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. bo@example.com or cy@example.com can.");
    assert!(matches!(world.status(&request), Status::Pending { .. }));

    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.holds("ps-1111111111111111", "111122223333"));
    assert_snapshot!(world.card(&request), @r"
    :white_check_mark: @ana has *Prod admin* until today at 11:00 AM
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Approved by @eve and @bo.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    world.pass(Span::hours(1)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn one_click_of_somebody_both_rules_name_is_enough() {
    let world = World::of_stories().await;
    let (ana, cy) = (world.person("ana"), world.person("cy"));
    let request = ana.asks_for("Prod admin").for_(Span::minutes(30)).because("INC-42").send().await;
    cy.approves(&request).await;
    world.settle().await;
    assert_eq!(world.request(&request).approvals[0].rules, ["everybody", "prod"]);
    world.pass(Span::minutes(30)).await;
    world.settle().await;
    ana.next_dm();
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_flow_can_let_people_decide_on_their_own_request_in_writing() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let request = ana.asks_for("").flow("self").send().await;
    ana.next_dm();
    ana.approves(&request).await;
    world.settle().await;
    assert!(ana.is_in_group());
    assert_snapshot!(world.card(&request), @r"
    :white_check_mark: @ana has *Prod support* until today at 10:30 AM
    (Flow *Own decision*  ·  Request `9uh8aen4p6cii`)
    Approved by @ana.
    (A session that is open at the end can go on until it expires by itself.)
    ");
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod support* until today at 10:30 AM.
    What the group gives appears when you reload the access portal, https://example.awsapps.com/start. On the command line, log in again with `aws sso login`.
    (A session that is open at the end can go on until it expires by itself.)
    ");
    world.pass(Span::hours(8)).await;
    world.settle().await;
    assert!(!ana.is_in_group());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_a_decider_comments_reaches_the_requester() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let says = |id: &str, action: &str, request: &Asked, comment: &str| {
        let mut envelope = world.envelope(id, &bo, action, request.id.as_str());
        envelope["payload"]["state"] = json!({ "values": { "sym_comment": { "sym_comment": {
            "type": "plain_text_input", "value": comment,
        } } } });
        world.slack().send_envelope(&envelope);
    };
    let denied = ana.asks_for("").flow("fields").with("Text", "one").send().await;
    ana.next_dm();
    says("no", "sym_deny", &denied, "Not on a <!channel> Friday: *sorry*");
    world.hears().await;
    assert_snapshot!(ana.next_dm(), @r"
    :no_entry: @bo denied your request for *Prod support*.
    > Not on a <!channel> Friday: *sorry*
    ");
    assert_snapshot!(world.card(&denied), @r"
    :no_entry: @bo denied @ana's request for *Prod support*
    (Flow *Every field*  ·  Request `9uh8aen4p6cii`)
    · *Text* one
    · *Urgency* low
    · *hidden* from the manifest
    > Not on a <!channel> Friday: *sorry*
    (Denied today at 10:00 AM)
    ");

    let approved = ana.asks_for("").flow("fields").with("Text", "two").send().await;
    ana.next_dm();
    says("yes", "sym_approve", &approved, "Mind the\nreplicas");
    world.hears().await;
    world.settle().await;
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod support* until today at 10:30 AM.
    @bo:
    > Mind the
    > replicas
    What the group gives appears when you reload the access portal, https://example.awsapps.com/start. On the command line, log in again with `aws sso login`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    assert_snapshot!(world.card(&approved), @r"
    :white_check_mark: @ana has *Prod support* until today at 10:30 AM
    (Flow *Every field*  ·  Request `3ayw7fcdcq3uy`)
    · *Text* two
    · *Urgency* low
    · *hidden* from the manifest
    Approved by @bo.
    @bo:
    > Mind the
    > replicas
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    world.pass(Span::hours(8)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_aws_refuses_is_on_the_card_and_told_in_words() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = support(&ana).await;
    ana.next_dm();
    let refused = Fault::Error {
        code: "AccessDeniedException".into(),
        message: "User is not authorized to perform: identitystore:CreateGroupMembership".into(),
        status: 400,
    };
    world.aws().fault(Match::every("CreateGroupMembership"), refused);
    bo.approves(&request).await;
    world.settle().await;
    assert!(!ana.is_in_group());
    assert_snapshot!(world.card(&request), @r"
    :warning: @ana did not get *Prod support*
    (Flow *Support group*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: AWS could not grant it. AWS was read afterwards: nothing is left.
    > `identitystore:CreateGroupMembership` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: User is not authorized to perform: identitystore:CreateGroupMembership. The sso-connector module allows group memberships from version 2.0 on: update it, or allow `identitystore:Get*`, `List*`, `CreateGroupMembership` and `DeleteGroupMembership`.
    Approved by @bo.
    (Ended today at 10:00 AM)
    ");
    assert_snapshot!(ana.next_dm(), @r"
    :warning: You did not get *Prod support*: AWS could not grant it.
    AWS said:
    > `identitystore:CreateGroupMembership` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: User is not authorized to perform: identitystore:CreateGroupMembership. The sso-connector module allows group memberships from version 2.0 on: update it, or allow `identitystore:Get*`, `List*`, `CreateGroupMembership` and `DeleteGroupMembership`.
    The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, or ask again with `/sym request groups`.
    ");
    assert_snapshot!(world.channel_text("sym-errors").join("\n---\n"), @r"
    :warning: @ana did not get *Prod support*: AWS could not grant it.
    AWS said:
    > `identitystore:CreateGroupMembership` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: AccessDeniedException: User is not authorized to perform: identitystore:CreateGroupMembership. The sso-connector module allows group memberships from version 2.0 on: update it, or allow `identitystore:Get*`, `List*`, `CreateGroupMembership` and `DeleteGroupMembership`.
    The bot sees to it that nothing of this request stays in AWS. The request is `9uh8aen4p6cii`.
    ");
    assert_eq!(world.posts(), 1);
    world.finish().await;
}

#[tokio::test]
async fn whoever_one_of_the_rules_names_can_deny() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let eve = world.newcomer(Person::new("eve"));
    world.slack().add_member(world.channel(), eve.user());
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    ana.next_dm();
    eve.denies(&request).await;
    assert!(ana.next_dm().contains("@eve denied"));
    world.slack().send_envelope(&world.envelope("late", &bo, "sym_approve", request.id.as_str()));
    world.hears().await;
    assert!(bo.next_whisper().starts_with("@eve has already denied"));
    assert!(world.aws_writes().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn of_an_approval_and_a_change_of_mind_at_once_the_first_counts() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = support(&ana).await;
    ana.next_dm();
    let back = world.envelope("back", &ana, "sym_withdraw", request.id.as_str());
    let yes = world.envelope("yes", &bo, "sym_approve", request.id.as_str());
    assert!(world.slack().send_envelope(&back) && world.slack().send_envelope(&yes));
    world.hears().await;
    world.settle().await;
    let is_back = matches!(world.status(&request), Status::Withdrawn { .. });
    assert_eq!(ana.is_in_group(), !is_back);
    assert_eq!(world.aws_writes().len(), usize::from(!is_back));
    let late = if is_back { &bo } else { &ana };
    let said = late.next_whisper();
    assert!(said.contains("taken back") || said.contains("already approved"), "{said}");
    world.pass(Span::hours(1)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_request_for_two_approvals_waits_for_two_people() {
    let mut catalog = crate::world::stories();
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "groups").unwrap();
    entry.rules[0].min_approvals = 2;
    let world = World::around(catalog).await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let request = support(&ana).await;
    ana.next_dm();
    bo.approves(&request).await;
    assert_snapshot!(world.card(&request), @"
    :hourglass_flowing_sand: @ana requests *Prod support* for 30 minutes
    (Flow *Support group*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    1 of 2 approvals so far: @bo. Members of #access-requests can approve or deny (rule *standard*).
    (Answer by today at 6:00 PM, or the request lapses. Access ends 30 minutes after AWS has confirmed it.)
    [Approve] [Deny]
    ");
    bo.approves(&request).await;
    assert_snapshot!(bo.next_whisper(), @"You have already approved the request for *Prod support*. It still waits for others.");
    world.settle().await;
    assert!(!ana.is_in_group());
    cy.approves(&request).await;
    world.settle().await;
    assert!(ana.is_in_group());
    assert_eq!(world.aws_writes(), ["CreateGroupMembership"]);
    world.pass(Span::hours(1)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}
