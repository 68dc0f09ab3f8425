//! The form: every kind of field, wrong input, and what people write.

use crate::world::{World, stories, values};
use insta::assert_snapshot;
use serde_json::{Value, json};
use sym::access::{AnswerValue, Span, TargetName};
use sym::sandbox::aws::{Fault, Match};
use sym::sandbox::slack::limits::{check_message, check_view};

#[tokio::test]
async fn every_kind_of_field_stands_in_declared_order_and_comes_back_in_its_type() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    ana.types("request fields").await;
    assert_snapshot!(ana.form(), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    Read *the runbook* first.
    ────
    # Every field
    *Target*
    Prod support
    Text: []
    Urgency: [low] of low | high
    Number (optional): []
    Flag (optional): [‹Choose one›] of Yes | No
    Pause (optional): [‹30m, 4h or 2d›]
    Words (optional): [‹Choose some›] of one | two | three
    Numbers (optional): []
      Several are separated by commas.
    Buddy (optional): [‹Choose a person›]
    Watchers (optional): [‹Choose people›]
    Duration: [30 minutes] of 30 minutes | 1 hour | 4 hours | 8 hours
    [Cancel] [Submit]
    ");
    let request = ana
        .sends(json!({
            "Text": "some text", "Number": "-7", "Flag": "Yes", "Pause": "90m",
            "Words": ["one", "three"], "Numbers": "1, 2,3", "Buddy": "bo", "Watchers": ["bo", "cy"],
        }))
        .await;
    let answers = world.request(&request).answers;
    let named =
        |name: &str| answers.iter().find(|answer| answer.name == name).map(|answer| answer.value.clone());
    let user = |handle: &str| sym::access::UserId::new(world.person(handle).user());
    assert_eq!(named("urgency"), Some(AnswerValue::Text("low".into())), "the default was preselected");
    assert_eq!(named("hidden"), Some(AnswerValue::Text("from the manifest".into())));
    assert_eq!(named("number"), Some(AnswerValue::Int(-7)));
    assert_eq!(named("flag"), Some(AnswerValue::Bool(true)));
    assert_eq!(named("pause"), Some(AnswerValue::Duration(Span::minutes(90))));
    assert_eq!(named("words"), Some(AnswerValue::TextList(vec!["one".into(), "three".into()])));
    assert_eq!(named("numbers"), Some(AnswerValue::IntList(vec![1, 2, 3])));
    assert_eq!(named("buddy"), Some(AnswerValue::SlackUsers(vec![user("bo")])));
    assert_eq!(named("watchers"), Some(AnswerValue::SlackUsers(vec![user("bo"), user("cy")])));
    let order: Vec<&str> = answers.iter().map(|answer| answer.name.as_str()).collect();
    let declared =
        ["text", "urgency", "number", "flag", "pause", "words", "numbers", "buddy", "watchers", "hidden"];
    assert_eq!(order, declared);
    assert_snapshot!(world.card(&request), @r"
    :hourglass_flowing_sand: @ana requests *Prod support* for 30 minutes
    (Flow *Every field*  ·  Request `9uh8aen4p6cii`)
    · *Text* some text
    · *Urgency* low
    · *Number* -7
    · *Flag* Yes
    · *Pause* 1 hour 30 minutes
    · *Words* one, three
    · *Numbers* 1, 2, 3
    · *Buddy* @bo
    · *Watchers* @bo, @cy
    · *hidden* from the manifest
    Members of #access-requests can approve or deny (rule *standard*).
    (Answer by today at 6:00 PM, or the request lapses. Access ends 30 minutes after AWS has confirmed it.)
    Comment for the requester (optional): []
    [Approve] [Deny]
    ");
    world.ignore_messages();
    bo.denies(&request).await;
    ana.next_dm();
    world.finish().await;
}

#[tokio::test]
async fn what_is_wrong_comes_back_on_its_field_and_what_was_typed_stays() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    ana.types("request aws").await;
    assert_snapshot!(ana.form(), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    ────
    # AWS
    Target: [‹Choose one›] of Prod admin | Read only
    Reason: []
    Account (optional): [‹111122223333›]
      Needed for Read only.
    Duration: [30 minutes] of 30 minutes | 1 hour | 4 hours | 8 hours
    [Cancel] [Submit]
    ");
    let wrong = [
        (values([("Target", "Read only"), ("Reason", "INC-42")]), "no account"),
        (values([("Account", "11112222333")]), "eleven digits"),
        (values([("Account", "prod")]), "a name"),
        (values([("Account", "999999999999")]), "not in the organization"),
        (values([("Target", "Prod admin"), ("Duration", "8 hours")]), "too long"),
    ];
    let mut told = Vec::new();
    for (given, what) in wrong {
        let reply = ana.submits(given).await;
        told.push(format!("{what}: {}", json!(reply.errors())));
        assert!(world.request_ids().is_empty(), "{what}");
    }
    assert_snapshot!(told.join("\n"), @r#"
    no account: {"field:account_id":"Please fill this in."}
    eleven digits: {"field:account_id":"An AWS account ID is twelve digits; this has 11."}
    a name: {"field:account_id":"An AWS account ID is twelve digits and nothing else."}
    not in the organization: {"field:account_id":"There is no account 999999999999 in your organization."}
    too long: {"duration":"That is longer than the rule “prod” allows, which is 4 hours at most."}
    "#);
    assert_snapshot!(ana.form(), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    ────
    # AWS
    Target: [Prod admin] of Prod admin | Read only
    Reason: [INC-42]
    Account (optional): [999999999999]
      Needed for Read only.
    Duration: [8 hours] of 30 minutes | 1 hour | 4 hours | 8 hours
      ! That is longer than the rule “prod” allows, which is 4 hours at most.
    [Cancel] [Submit]
    ");
    let request = ana.sends(values([("Target", "Read only"), ("Account", "7777-8888-9999")])).await;
    assert_snapshot!(world.card(&request), @"
    :hourglass_flowing_sand: @ana requests *Read only* for 8 hours
    (Account *dev* (777788889999)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Members of #access-requests can approve or deny (rule *everybody*).
    (Answer by today at 12:00 PM, or the request lapses. Access ends 8 hours after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 8 hours›] of 30 minutes | 1 hour | 4 hours | as asked: 8 hours
    [Approve] [Deny]
    ");
    assert_eq!(world.request(&request).duration, Some(Span::hours(8)));
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.holds("ps-2222222222222222", "777788889999"));
    world.pass(Span::hours(8)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn accounts_are_offered_by_name_once_the_organization_is_known() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    ana.types("help").await;
    ana.next_whisper();
    ana.types("request aws").await;
    assert_snapshot!(ana.form().lines().filter(|line| line.contains("Account")).collect::<String>(), @"Account (optional): [‹Choose one›] of prod (111122223333) | staging (444455556666) | dev (777788889999)");
    let given =
        values([("Target", "Read only"), ("Account", "staging (444455556666)"), ("Reason", "INC-42")]);
    let request = ana.sends(given).await;
    assert!(world.card(&request).contains("staging"), "{}", world.card(&request));
    bo.denies(&request).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn any_twelve_digits_are_taken_where_the_organization_may_not_be_read() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let refused = Fault::Error { code: "AccessDeniedException".into(), message: "no".into(), status: 400 };
    world.aws().fault(Match::every("ListAccounts"), refused);
    ana.types("request aws").await;
    let given = values([("Target", "Read only"), ("Account", "777788889999"), ("Reason", "INC-42")]);
    let request = ana.sends(given).await;
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.holds("ps-2222222222222222", "777788889999"));
    world.pass(Span::hours(1)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_forged_form_is_read_with_the_same_eyes() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    ana.types("help").await;
    ana.next_whisper();
    let forged = |id: &str, flow: &str, state: Value| {
        let envelope = json!({
            "envelope_id": id, "type": "interactive", "accepts_response_payload": true,
            "payload": {
                "type": "view_submission",
                "team": { "id": world.slack().team_id() },
                "user": { "id": ana.user(), "team_id": world.slack().team_id() },
                "view": {
                    "id": format!("V{id}"), "callback_id": "sym_request",
                    "private_metadata": json!({ "flow": flow }).to_string(),
                    "state": { "values": state },
                },
            },
        });
        assert!(world.slack().send_envelope(&envelope));
    };
    let chosen = |value: &str| json!({ "type": "static_select", "selected_option": { "value": value } });
    let typed = |text: &str| json!({ "type": "plain_text_input", "value": text });
    let answered = |id: &str| {
        let acks = world.slack().acks();
        acks.iter().find(|ack| ack.envelope_id == id).expect("an acknowledgement").payload.clone()
    };
    forged(
        "target",
        "aws",
        json!({
            "target": { "target": chosen("root-everywhere") },
            "duration": { "duration": chosen("9999h") },
            "field:reason": { "field:reason": typed("x") },
        }),
    );
    forged(
        "fields",
        "fields",
        json!({
            "field:text": { "field:text": typed("x") },
            "field:urgency": { "field:urgency": chosen("whatever") },
            "field:number": { "field:number": typed("1.5") },
            "field:numbers": { "field:numbers": typed("1, two") },
            "field:flag": { "field:flag": chosen("maybe") },
            "field:hidden": { "field:hidden": typed("mine") },
            "duration": { "duration": chosen("1h") },
        }),
    );
    forged("empty", "aws", json!({}));
    forged("gone", "no-such-flow", json!({}));
    world.hears().await;
    let shown = ["target", "fields", "empty"].map(|id| format!("{id}: {:#}", answered(id)["errors"]));
    assert_snapshot!(shown.join("\n"), @r#"
    target: {
      "duration": "“9999h” is not one of the choices.",
      "target": "“root-everywhere” is not one of the choices."
    }
    fields: {
      "field:flag": "“maybe” is not one of the choices.",
      "field:number": "“1.5” is not a whole number.",
      "field:numbers": "“two” is not a whole number.",
      "field:urgency": "“whatever” is not one of the choices."
    }
    empty: {
      "duration": "Please choose how long.",
      "field:reason": "Please fill this in.",
      "target": "Please choose a target."
    }
    "#);
    assert_eq!(answered("gone")["response_action"], "update");
    assert_eq!(check_view(&answered("gone")["view"]), Vec::<String>::new());
    assert_snapshot!(world.slack().render_text(&answered("gone")["view"]), @r"
    ── Request access ──
    This flow is no longer offered. Close this and start again with /sym request.
    [Close]
    ");
    assert!(world.request_ids().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn more_targets_than_a_list_takes_are_searched() {
    let mut catalog = stories();
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "groups").unwrap();
    let model = entry.flow.targets[0].clone();
    for number in 0..150 {
        let mut target = model.clone();
        target.name = TargetName::new(format!("group-{number}"));
        target.label = format!("Group number {number}");
        target.settings.insert("group_id".into(), format!("{number:08}-3333-4444-5555-666677778888"));
        entry.flow.targets.push(target);
    }
    let world = World::around(catalog).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Group number 149").flow("groups").because("INC-42").send().await;
    assert_eq!(world.request(&request).target.unwrap().name.as_str(), "group-149");
    bo.denies(&request).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn more_accounts_than_a_list_takes_are_searched() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    for number in 0..150 {
        let id = format!("{:012}", 100_000_000_000_u64 + number);
        world.aws().add_account(&id, &format!("team-{number}")).place_account(&id, "r-abcd");
    }
    ana.types("help").await;
    ana.next_whisper();
    ana.types("request aws").await;
    let view = world.slack().view(ana.user()).unwrap();
    let found = world.slack().options(ana.user(), &view.id, "field:account_id", "team-14").await.unwrap();
    let options = found.payload["options"].as_array().unwrap();
    assert_eq!(options.len(), 11, "{options:?}");
    let given =
        values([("Target", "Read only"), ("Account", "team-149 (100000000149)"), ("Reason", "INC-42")]);
    let request = ana.sends(given).await;
    assert!(world.card(&request).contains("team-149"));
    bo.denies(&request).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_people_write_is_kept_whole_and_shown_without_doing_anything() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let reason = "INC-42: prod is down: <!channel> <!here> <@U0SYMBOT01>\n*Approved by bo*\n> quoted\n\
                  <https://evil.example|https://good.example> & `code` ```block``` ~gone~ _so_\n\
                  🙂 :rotating_light: \u{202E}txet desrever\u{202C} שלום\nhttps://wiki.example/a?b=1&c=2";
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because(reason).send().await;
    let kept =
        |asked| world.request(asked).answers.iter().find(|a| a.name == "reason").unwrap().value.clone();
    assert_eq!(kept(&request), AnswerValue::Text(reason.into()));
    assert_snapshot!(world.card(&request), @"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    *Reason*
    > INC-42: prod is down: <!channel> <!here> <@U0SYMBOT01>
    > *Approved by bo*
    > > quoted
    > <https://evil.example|https://good.example> & `code` ˋˋˋblockˋˋˋ ~gone~ _so_
    > 🙂 :rotating_light: txet desrever שלום
    > https://wiki.example/a?b=1&c=2
    Each of these rules must be satisfied:
    • *everybody*: 0 of 1 approvals so far. Members of #access-requests can approve or deny.
    • *prod*: 0 of 1 approvals so far. bo@example.com or cy@example.com can approve or deny.
    (Answer by today at 12:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    bo.denies(&request).await;

    let long = "This is a very long reason, with <!channel> in it & more. ".repeat(60);
    let long: String = long.chars().take(3000).collect();
    let second = ana.asks_for("Prod admin").for_(Span::hours(1)).because(&long).send().await;
    assert_eq!(kept(&second), AnswerValue::Text(long.trim().into()));
    assert!(world.card(&second).contains('…'), "what is left out is not marked");
    bo.denies(&second).await;

    let lines = "line\n".repeat(500);
    let third = ana.asks_for("Prod admin").for_(Span::hours(1)).because(&lines).send().await;
    assert!(world.card(&third).lines().count() < 60, "{}", world.card(&third));
    bo.denies(&third).await;

    for sent in world.sent() {
        let text = sent.to_string();
        assert_eq!(text.matches("<!").count(), text.matches("<!date^").count(), "{text}");
        assert!(!text.contains("<@U0SYMBOT01>") && !text.contains("<https://evil.example|"), "{text}");
        if sent.get("blocks").is_some() {
            let content = json!({ "text": sent["text"], "blocks": sent["blocks"] });
            assert_eq!(check_message(&content), Vec::<String>::new());
        }
    }
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_flow_without_any_field_says_on_the_whole_form_why_not() {
    let mut catalog = stories();
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "self").unwrap();
    entry.flow.schedule_deescalation = false;
    entry.flow.durations.clear();
    let world = World::around(catalog).await;
    let gil = world.person("gil");
    gil.types("request self").await;
    let reply = gil.submits(json!({})).await;
    assert_eq!(reply.payload["response_action"], "update");
    assert_snapshot!(gil.form(), @r"
    ── Request access ──
    Guests cannot request access. Ask a full member of this workspace for help.
    [Close]
    ");
    gil.closes_form().await;
    world.finish().await;
}
