//! What a decider adds to a decision, and what the requester takes back.

use super::{ADMIN, asks, comments, ends, is_active, is_pending, presses_in_dm, shortens, shown, world};
use sym::access::{Span, Status};

#[tokio::test]
async fn an_approver_can_give_it_for_a_shorter_time() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana.asks_for("").flow("alone").for_(Span::hours(4)).because("INC-42").send().await;
    ana.next_dm();
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 4 hours
    (Account *prod* (111122223333)  ·  Flow *One person*  ·  Request `id`)
    · *Reason* INC-42
    bo@example.com can approve or deny (rule *alone*).
    (Answer by today at 12:00 PM, or the request lapses. Access ends 4 hours after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 4 hours›] of 30 minutes | 1 hour | as asked: 4 hours
    [Approve] [Deny]
    ");
    shortens(&world, &bo, &asked, "1 hour").await;
    assert!(is_pending(&world, &asked), "a choice decides nothing");
    bo.approves(&asked).await;
    world.settle().await;
    insta::assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod admin* until today at 11:00 AM.
    An approver shortened it from 4 hours to 1 hour.
    In the browser: open the access portal, https://example.awsapps.com/start, and choose account *prod* (111122223333).
    On the command line: `aws configure sso --profile prod-admin` once (SSO region `us-east-1`), then `aws sso login --profile prod-admin`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :white_check_mark: @ana has *Prod admin* until today at 11:00 AM
    (Account *prod* (111122223333)  ·  Flow *One person*  ·  Request `id`)
    · *Reason* INC-42
    Approved by @bo.
    An approver shortened it from 4 hours to 1 hour.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    world.pass(Span::minutes(59)).await;
    assert!(ana.holds(ADMIN.0, ADMIN.1));
    world.pass(Span::minutes(1)).await;
    world.settle().await;
    assert!(!ana.holds(ADMIN.0, ADMIN.1));
    ends(world).await;
}

#[tokio::test]
async fn what_somebody_else_has_chosen_shortens_nothing() {
    let world = world().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let asked = ana.asks_for("").flow("alone").for_(Span::hours(4)).because("INC-42").send().await;
    shortens(&world, &cy, &asked, "30 minutes").await;
    cy.approves(&asked).await;
    insta::assert_snapshot!(cy.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. bo@example.com can.");
    bo.approves(&asked).await;
    assert_eq!(world.request(&asked).duration, Some(Span::hours(4)));
    ends(world).await;
}

#[tokio::test]
async fn of_two_approvers_the_shorter_choice_holds_whoever_comes_first() {
    for (first, second, last) in
        [("1 hour", "30 minutes", 30), ("30 minutes", "as it is now: 30 minutes", 30)]
    {
        let world = world().await;
        let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
        let asked = ana.asks_for("").flow("two").for_(Span::hours(4)).because("INC-42").send().await;
        // Chosen before the other has made it shorter, too.
        shortens(&world, &cy, &asked, "1 hour").await;
        shortens(&world, &bo, &asked, first).await;
        bo.approves(&asked).await;
        if second != "as it is now: 30 minutes" {
            shortens(&world, &cy, &asked, second).await;
        }
        cy.approves(&asked).await;
        world.settle().await;
        assert!(is_active(&world, &asked));
        let request = world.request(&asked);
        assert_eq!(
            (request.duration, request.asked_duration),
            (Some(Span::minutes(last)), Some(Span::hours(4)))
        );
        ends(world).await;
    }
}

#[tokio::test]
async fn comments_of_approvers_are_on_the_card_and_told() {
    let world = world().await;
    let (ana, bo, dee) = (world.person("ana"), world.person("bo"), world.person("dee"));
    let asked = asks(&ana, "two").await;
    ana.next_dm();
    comments(&world, &bo, &asked, "Only the <staging> *tables*, please");
    bo.approves(&asked).await;
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *Two rules*  ·  Request `id`)
    · *Reason* INC-42
    Each of these rules must be satisfied:
    • *security*: 0 of 1 approvals so far. cy@example.com or dee@example.com can approve or deny.
    • *owner*: satisfied by @bo
    @bo:
    > Only the <staging> *tables*, please
    (Answer by today at 6:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Comment for the requester (optional): []
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    dee.approves(&asked).await;
    world.settle().await;
    insta::assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod admin* until today at 11:00 AM.
    @bo:
    > Only the <staging> *tables*, please
    In the browser: open the access portal, https://example.awsapps.com/start, and choose account *prod* (111122223333).
    On the command line: `aws configure sso --profile prod-admin` once (SSO region `us-east-1`), then `aws sso login --profile prod-admin`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    ends(world).await;
}

#[tokio::test]
async fn a_comment_on_a_denial_reaches_the_requester_and_one_where_none_is_asked_for_does_not_exist() {
    let world = world().await;
    let (ana, cy) = (world.person("ana"), world.person("cy"));
    let asked = asks(&ana, "two").await;
    ana.next_dm();
    comments(&world, &cy, &asked, "Not on a Friday");
    cy.denies(&asked).await;
    insta::assert_snapshot!(ana.next_dm(), @r"
    :no_entry: @cy denied your request for *Prod admin*.
    > Not on a Friday
    ");
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :no_entry: @cy denied @ana's request for *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *Two rules*  ·  Request `id`)
    · *Reason* INC-42
    > Not on a Friday
    (Denied today at 10:00 AM)
    ");
    let asked = asks(&ana, "pair").await;
    let card = world.card_message(&asked);
    let typed = world.slack().type_in_message(cy.user(), &card.channel, &card.ts, "sym_comment", "x");
    assert!(typed.is_err());
    ends(world).await;
}

#[tokio::test]
async fn what_one_of_two_has_approved_can_still_be_taken_back() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "two").await;
    bo.approves(&asked).await;
    presses_in_dm(&world, &ana, "sym_withdraw").await;
    assert!(matches!(world.status(&asked), Status::Withdrawn { .. }));
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :lock: @ana took the request for *Prod admin* back
    (Account *prod* (111122223333)  ·  Flow *Two rules*  ·  Request `id`)
    · *Reason* INC-42
    (Withdrawn today at 10:00 AM)
    ");
    ana.next_dm();
    insta::assert_snapshot!(ana.next_dm(), @"You took your request for *Prod admin* back. Nobody can approve it any more.");
    assert!(!world.card_message(&asked).blocks.to_string().contains("sym_approve"));
    world.settle().await;
    assert!(!ana.holds(ADMIN.0, ADMIN.1));
    world.finish().await;
}
