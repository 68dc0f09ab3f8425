//! Who is who: own requests, capitals, people who have left.

use super::{DEV, PROD, asks, asks_in, ends, is_active, is_pending, world};
use crate::world::values;
use sym::access::{Span, Status};

/// Rule “a” lets Ana and Bo decide on their own requests everywhere, rule “b” lets nobody do so in
/// production and is about Bo and Cy.
#[tokio::test]
async fn every_rule_that_binds_has_its_own_word_on_own_requests() {
    // Who asks, where, and whether their own word is enough.
    let table = [
        ("ana", PROD, Some(true)),
        ("ana", DEV, Some(true)),
        ("bo", PROD, Some(false)),
        ("bo", DEV, Some(true)),
        ("cy", PROD, Some(false)),
        ("cy", DEV, None),
        ("dee", PROD, None),
    ];
    for (who, account, is_enough) in table {
        let world = world().await;
        let person = world.person(who);
        let Some(is_enough) = is_enough else {
            let form = values([("Reason", "INC-42"), ("Account", account), ("Duration", "1 hour")]);
            assert_eq!(super::errors_of(&person, "own", form).await.len(), 1);
            person.closes_form().await;
            ends(world).await;
            continue;
        };
        let asked = asks_in(&person, "own", account).await;
        person.approves(&asked).await;
        world.settle().await;
        assert_eq!(is_active(&world, &asked), is_enough, "{who} in {account}");
        if !is_enough {
            // Bo's own word satisfies rule “a”; for “b” it takes somebody else.
            person.approves(&asked).await;
            assert!(is_pending(&world, &asked), "{who} in {account}");
            world.ignore_messages();
            person.approves(&asked).await;
            if who == "bo" {
                insta::assert_snapshot!(person.next_whisper(), @"You have already approved the request for *Read only*. It still waits for others.");
            } else {
                insta::assert_snapshot!(person.next_whisper(), @"This is your own request: somebody else has to decide on it. It stays open until they do.");
            }
            let other = world.person("ana");
            other.approves(&asked).await;
            world.settle().await;
            assert!(is_active(&world, &asked), "{who} in {account}");
        }
        ends(world).await;
    }
}

#[tokio::test]
async fn a_second_account_with_the_same_address_in_other_capitals_is_the_same_person() {
    let world = world().await;
    let (bo, dee) = (world.person("bo"), world.person("dee"));
    world.slack().change_person(dee.user(), |dee| dee.email = Some("BO@EXAMPLE.COM".into()));
    let asked = asks(&bo, "places").await;
    dee.approves(&asked).await;
    insta::assert_snapshot!(dee.next_dm(), @"This is your own request: somebody else has to decide on it. It stays open until they do.");
    assert!(is_pending(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn capitals_in_addresses_do_not_matter_anywhere() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    for (person, email) in [(&ana, "aNA@example.COM"), (&bo, "Bo@exAMPle.com")] {
        world.slack().change_person(person.user(), |person| person.email = Some(email.into()));
    }
    let asked = asks(&ana, "capitals").await;
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn the_same_name_at_another_domain_is_somebody_else() {
    let world = world().await;
    let (ana, dee) = (world.person("ana"), world.person("dee"));
    world.slack().change_person(dee.user(), |dee| dee.email = Some("bo@other.example".into()));
    let asked = asks(&ana, "alone").await;
    dee.approves(&asked).await;
    insta::assert_snapshot!(dee.next_dm(), @"You are not among those who decide on the request for *Prod admin*. bo@example.com can.");
    assert!(is_pending(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn an_approver_who_has_left_decides_nothing() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "alone").await;
    let card = world.card_message(&asked);
    world.slack().change_person(bo.user(), |bo| bo.deleted = true);
    // Slack's own client lets them do nothing; an envelope that comes all the same is checked.
    assert!(world.slack().click(bo.user(), &card.channel, &card.ts, "sym_approve", "").await.is_err());
    let envelope = serde_json::json!({
        "envelope_id": "late", "type": "interactive", "accepts_response_payload": false,
        "payload": {
            "type": "block_actions",
            "team": { "id": world.slack().team_id(), "domain": "sandbox" },
            "user": { "id": bo.user(), "team_id": world.slack().team_id() },
            "container": { "type": "message", "channel_id": card.channel, "message_ts": card.ts },
            "trigger_id": "1.2.x",
            "actions": [{ "type": "button", "action_id": "sym_approve", "block_id": "b", "value": asked.id.as_str() }],
        },
    });
    world.slack().send_envelope(&envelope);
    let heard = world.slack().event(serde_json::json!({ "type": "app_home_opened" })).await;
    assert!(heard.acked);
    world.engine().settle().await;
    assert!(is_pending(&world, &asked));
    world.pass(Span::hours(2)).await;
    assert!(matches!(world.status(&asked), Status::Lapsed { .. }));
    ends(world).await;
}
