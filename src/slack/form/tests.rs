use super::*;
use crate::access::{
    AnswerValue, Connection, FieldType, PromptField, Resource, Source, Target, TargetKind, TargetName,
};
use crate::slack::message::checks::{shown, shown_view, suggested};
use insta::assert_snapshot;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn field(name: &str, field_type: FieldType) -> PromptField {
    PromptField {
        name: name.into(),
        field_type,
        label: name.into(),
        required: true,
        visible: true,
        default: None,
        allowed_values: vec![],
    }
}

fn offering(name: &str, field_type: FieldType, allowed: &[&str]) -> PromptField {
    let allowed_values = allowed.iter().map(ToString::to_string).collect();
    PromptField { allowed_values, ..field(name, field_type) }
}

/// A permission set; in one account, or in the account the request names.
fn target(name: &str, label: &str, account: Option<&str>) -> Target {
    let mut settings = BTreeMap::from([(
        "permission_set_arn".to_owned(),
        format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{name}"),
    )]);
    settings.extend(account.map(|id| ("account_id".to_owned(), id.to_owned())));
    Target {
        name: name.into(),
        label: label.into(),
        kind: TargetKind::AwsSsoPermissionSet,
        settings,
        bindings: if account.is_none() { vec!["account_id".into()] } else { vec![] },
        instance_arn: "arn:aws:sso:::instance/ssoins-1".into(),
        iam_account_id: String::new(),
        connection: Connection {
            integration: "sso".into(),
            region: Some("eu-west-1".into()),
            hops: vec![],
            source_identity: true,
        },
    }
}

fn flow(targets: Vec<Target>, fields: Vec<PromptField>) -> Flow {
    Flow {
        name: "sso-access".into(),
        label: "AWS SSO access".into(),
        additional_header_text: None,
        fields,
        targets,
        durations: vec![Span::minutes(30), Span::hours(1), Span::hours(4)],
        channel: Some("#prod".into()),
        error_channel: None,
        allow_revoke: true,
        schedule_deescalation: true,
        allowed_sources: vec![Source::Slack],
        include_decision_message: false,
        allow_guest_interaction: false,
        restores: false,
        has_emergency: false,
    }
}

/// One target for a fixed account and one for any.
fn mixed() -> Flow {
    let targets = vec![
        target("prod-admin", "Prod admin", Some("111122223333")),
        target("read-only", "Read only", None),
    ];
    flow(targets, vec![field("account_id", FieldType::Text), field("reason", FieldType::Text)])
}

fn accounts(count: usize) -> Vec<Account> {
    (0..count)
        .map(|n| Account { id: format!("{:012}", 100_000_000_000 + n), name: format!("account-{n}") })
        .collect()
}

/// Reads a form filled in like this.
fn filled(
    flow: &Flow,
    context: &FormContext<'_>,
    blocks: &[(&str, &[&str])],
) -> Result<Submission, BTreeMap<String, String>> {
    let texts = |block: &str| {
        let found = blocks.iter().find(|(id, _)| *id == block);
        found.map(|(_, texts)| texts.iter().map(ToString::to_string).collect()).unwrap_or_default()
    };
    read(flow, &texts, context)
}

fn wrong(result: Result<Submission, BTreeMap<String, String>>) -> String {
    let errors = result.expect_err("errors");
    errors.iter().map(|(block, text)| format!("{block}: {text}")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_form_with_fixed_and_free_targets() {
    let mut flow = mixed();
    flow.additional_header_text = Some("Read the <https://example.com|rules> first.".into());
    assert_snapshot!(shown_view(&form(&flow, &FormContext::default())), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    Read the rules (https://example.com) first.
    ────
    # AWS SSO access
    Target: [‹Choose one›] of Prod admin | Read only
    account_id (optional): [‹111122223333›]
      Needed for Read only.
    reason: []
    Duration: [30 minutes] of 30 minutes | 1 hour | 4 hours
    [Cancel] [Submit]
    ");
    let accounts = accounts(3);
    let context = FormContext { accounts: &accounts, accounts_age: Some(Span::hours(5)) };
    assert_snapshot!(shown_view(&form(&flow, &context)), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    Read the rules (https://example.com) first.
    ────
    # AWS SSO access
    Target: [‹Choose one›] of Prod admin | Read only
    account_id (optional): [‹Choose one›] of account-0 (100000000000) | account-1 (100000000001) | account-2 (100000000002)
      Needed for Read only.
    reason: []
    Duration: [30 minutes] of 30 minutes | 1 hour | 4 hours
    (The list of accounts is 5 hours old; newer ones are missing.)
    [Cancel] [Submit]
    ");
}

#[test]
fn a_form_with_one_target_tells_it() {
    let flow = flow(vec![target("prod-admin", "Prod admin", Some("111122223333"))], vec![]);
    assert_snapshot!(shown_view(&form(&flow, &FormContext::default())), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    ────
    # AWS SSO access
    *Target*
    Prod admin
    Duration: [30 minutes] of 30 minutes | 1 hour | 4 hours
    [Cancel] [Submit]
    ");
    let read = filled(&flow, &FormContext::default(), &[(TARGET, &["evil"]), (DURATION, &["1h"])]).unwrap();
    assert_eq!(read.target, Some(TargetName::new("prod-admin")));
    assert_eq!(read.duration, Some(Span::hours(1)));
    assert_eq!(read.resource.as_ref().and_then(Resource::account_id), Some("111122223333"));
}

/// A field of each type, with values on offer and without.
fn every_type() -> Flow {
    let mut fields = vec![
        field("ticket", FieldType::Text),
        field("count", FieldType::Int),
        field("urgent", FieldType::Bool),
        field("wait", FieldType::Duration),
        field("tables", FieldType::TextList),
        field("ports", FieldType::IntList),
        field("buddy", FieldType::SlackUser),
        field("team", FieldType::SlackUserList),
        offering("env", FieldType::Text, &["dev", "prod"]),
        offering("size", FieldType::Int, &["1", "2"]),
        offering("window", FieldType::Duration, &["30m", "1h"]),
        offering("regions", FieldType::TextList, &["eu-west-1", "us-east-1"]),
        offering("tiers", FieldType::IntList, &["1", "2", "3"]),
    ];
    fields[0].default = Some("INC-".into());
    fields[0].required = false;
    fields[1].default = Some("3".into());
    fields[2].default = Some("false".into());
    fields[8].default = Some("dev".into());
    let mut hidden = field("source", FieldType::Text);
    hidden.visible = false;
    hidden.default = Some("slack".into());
    fields.push(hidden);
    Flow { label: "Freeze exception".into(), ..flow(vec![], fields) }
}

#[test]
fn every_type_of_field() {
    let flow = every_type();
    assert_snapshot!(shown_view(&form(&flow, &FormContext::default())), @r"
    ── Request access ──
    A request for people to decide on. It changes nothing in AWS.
    ────
    # Freeze exception
    ticket (optional): [INC-]
    count: [3]
    urgent: [No] of Yes | No
    wait: [‹30m, 4h or 2d›]
    tables: []
      Several are separated by commas.
    ports: []
      Several are separated by commas.
    buddy: [‹Choose a person›]
    team: [‹Choose people›]
    env: [dev] of dev | prod
    size: [‹Choose one›] of 1 | 2
    window: [‹Choose one›] of 30 minutes | 1 hour
    regions: [‹Choose some›] of eu-west-1 | us-east-1
    tiers: [‹Choose some›] of 1 | 2 | 3
    [Cancel] [Submit]
    ");
    let view = form(&flow, &FormContext::default());
    assert_snapshot!("every_type", serde_json::to_string_pretty(&view).unwrap());
}

#[test]
fn every_type_is_read() {
    let read = filled(
        &every_type(),
        &FormContext::default(),
        &[
            ("field:count", &["7"]),
            ("field:urgent", &["true"]),
            ("field:wait", &["90m"]),
            ("field:tables", &["orders, items,,\nusers"]),
            ("field:ports", &["443, 8443"]),
            ("field:buddy", &["UBO"]),
            ("field:team", &["UBO", "UCY"]),
            ("field:env", &["prod"]),
            ("field:size", &["2"]),
            ("field:window", &["30m"]),
            ("field:regions", &["us-east-1", "eu-west-1"]),
            ("field:tiers", &["3", "1"]),
            ("field:source", &["forged"]),
        ],
    );
    let read = read.unwrap();
    assert_eq!((read.target, read.resource, read.duration), (None, None, None));
    let lines: Vec<String> =
        read.answers.iter().map(|answer| format!("{} = {}", answer.name, answer.value.plain())).collect();
    assert_snapshot!(lines.join("\n"), @r"
    ticket = INC-
    count = 7
    urgent = true
    wait = 90m
    tables = orders, items, users
    ports = 443, 8443
    buddy = UBO
    team = UBO, UCY
    env = prod
    size = 2
    window = 30m
    regions = us-east-1, eu-west-1
    tiers = 3, 1
    source = slack
    ");
}

#[test]
fn every_type_is_checked() {
    let given: &[(&str, &[&str])] = &[
        ("field:ticket", &["x"]),
        ("field:count", &["7.5"]),
        ("field:urgent", &["maybe"]),
        ("field:wait", &["soon"]),
        ("field:tables", &[" , "]),
        ("field:ports", &["443, x"]),
        ("field:buddy", &["!channel"]),
        ("field:team", &["UBO", "evil"]),
        ("field:env", &["staging"]),
        ("field:size", &["3"]),
        ("field:window", &["2h"]),
        ("field:regions", &["eu-west-1", "mars"]),
        ("field:tiers", &[]),
    ];
    assert_snapshot!(wrong(filled(&every_type(), &FormContext::default(), given)), @r"
    field:buddy: “!channel” is not a person in Slack.
    field:count: “7.5” is not a whole number.
    field:env: “staging” is not one of the choices.
    field:ports: “x” is not a whole number.
    field:regions: “mars” is not one of the choices.
    field:size: “3” is not one of the choices.
    field:tables: Please fill this in.
    field:team: “evil” is not a person in Slack.
    field:tiers: Please fill this in.
    field:urgent: “maybe” is not one of the choices.
    field:wait: `soon` is not a duration: write a whole number and one of s, m, h, d, mo, such as `30m` or `4h`.
    field:window: “2h” is not one of the choices.
    ");
    let long = "x".repeat(256);
    let mut given = given.to_vec();
    let texts = [long.as_str()];
    given[0] = ("field:ticket", &texts);
    let told = wrong(filled(&every_type(), &FormContext::default(), &given));
    assert!(told.contains("field:ticket: This is too long: 255 characters at most."), "{told}");
}

#[test]
fn a_fixed_target_needs_no_account_and_takes_none() {
    let answers: &[(&str, &[&str])] = &[
        (TARGET, &["prod-admin"]),
        (DURATION, &["1h"]),
        ("field:account_id", &["999988887777"]),
        ("field:reason", &["INC-42"]),
    ];
    let read = filled(&mixed(), &FormContext::default(), answers).unwrap();
    assert_eq!(read.resource.as_ref().and_then(Resource::account_id), Some("111122223333"));
    let names: Vec<&str> = read.answers.iter().map(|answer| answer.name.as_str()).collect();
    assert_eq!(names, ["reason"]);
}

#[test]
fn a_free_target_needs_an_account_that_exists() {
    let accounts = [Account { id: "111122223333".into(), name: "prod".into() }];
    let unknown = FormContext::default();
    let known = FormContext { accounts: &accounts, accounts_age: Some(Span::minutes(3)) };
    let asked = |context: &FormContext<'_>, account: &[&str]| {
        let given: &[(&str, &[&str])] = &[
            (TARGET, &["read-only"]),
            (DURATION, &["4h"]),
            ("field:reason", &["INC-42"]),
            ("field:account_id", account),
        ];
        filled(&mixed(), context, given)
    };
    for text in ["111122223333", " 1111-2222-3333 "] {
        let read = asked(&known, &[text]).unwrap();
        assert_eq!(read.resource.as_ref().and_then(Resource::account_id), Some("111122223333"));
        assert_eq!(read.answers[0].value, AnswerValue::Text("111122223333".into()));
    }
    assert_snapshot!(wrong(asked(&unknown, &[])), @"field:account_id: Please fill this in.");
    assert_snapshot!(wrong(asked(&unknown, &["11112222333"])), @"field:account_id: An AWS account ID is twelve digits; this has 11.");
    assert_snapshot!(wrong(asked(&unknown, &["11112222333x"])), @"field:account_id: An AWS account ID is twelve digits and nothing else.");
    assert_snapshot!(wrong(asked(&unknown, &["１１１１２２２２３３３３"])), @"field:account_id: An AWS account ID is twelve digits and nothing else.");
    assert_snapshot!(wrong(asked(&known, &["123456789012"])), @"field:account_id: There is no account 123456789012 in your organization (as of 3 minutes ago).");
    assert!(asked(&unknown, &["123456789012"]).is_ok());
}

#[test]
fn targets_and_durations_are_only_those_on_offer() {
    let given: &[(&str, &[&str])] = &[(TARGET, &["root"]), (DURATION, &["400h"]), ("field:reason", &["x"])];
    assert_snapshot!(wrong(filled(&mixed(), &FormContext::default(), given)), @r"
    duration: “400h” is not one of the choices.
    target: “root” is not one of the choices.
    ");
    assert_snapshot!(wrong(filled(&mixed(), &FormContext::default(), &[])), @r"
    duration: Please choose how long.
    field:reason: Please fill this in.
    target: Please choose a target.
    ");
}

#[test]
fn other_settings_have_the_shape_aws_gives_them() {
    let mut iam = target("group", "IAM group", None);
    iam.kind = TargetKind::AwsIamGroup;
    iam.settings.clear();
    iam.bindings = vec!["iam_group".into()];
    let flow = flow(vec![iam], vec![field("iam_group", FieldType::Text)]);
    let asked = |name: &str| {
        filled(&flow, &FormContext::default(), &[(DURATION, &["1h"]), ("field:iam_group", &[name])])
    };
    assert!(asked("Admins_2+x").is_ok());
    assert_snapshot!(wrong(asked("a|b")), @"field:iam_group: An IAM group's name has letters, digits and _+=,.@- only.");
}

#[test]
fn declared_fields_place_and_label_the_built_in_ones() {
    let mut flow = mixed();
    let mut duration = offering("duration", FieldType::Duration, &["30m", "1h", "4h"]);
    duration.label = "How long".into();
    duration.default = Some("60m".into());
    let mut which = field("target_id", FieldType::Text);
    which.label = "Which role".into();
    flow.fields.insert(0, duration);
    flow.fields.push(which);
    let view = form(&flow, &FormContext::default());
    shown_view(&view);
    let blocks: Vec<&str> =
        view["blocks"].as_array().unwrap().iter().filter_map(|block| block["block_id"].as_str()).collect();
    assert_eq!(blocks, [DURATION, "field:account_id", "field:reason", TARGET]);
    assert_eq!(view["blocks"][3]["label"]["text"], "How long");
    assert_eq!(view["blocks"][3]["element"]["initial_option"]["value"], "1h");
    assert_eq!(block_of("target_id"), TARGET);
    assert_eq!(block_of("duration"), DURATION);
    assert_eq!(block_of("reason"), "field:reason");
}

#[test]
fn long_lists_are_searched_while_typing() {
    let accounts = accounts(250);
    let context = FormContext { accounts: &accounts, accounts_age: None };
    let flow = mixed();
    let view = form(&flow, &context);
    shown_view(&view);
    let account =
        view["blocks"].as_array().unwrap().iter().find(|block| block["block_id"] == "field:account_id");
    assert_eq!(account.unwrap()["element"]["type"], "external_select");
    let found = |query| suggested(&options(&flow, "field:account_id", query, &context));
    assert_eq!(found("").len(), 100);
    assert_eq!(
        found("ACCOUNT-24 "),
        [("100000000024".to_owned(), "account-24 (100000000024)".to_owned())]
            .into_iter()
            .chain((240..250).map(|n| (format!("100000000{n}"), format!("account-{n} (100000000{n})"))))
            .collect::<Vec<_>>()
    );
    assert_eq!(found("100000000007").len(), 1);
    assert_eq!(suggested(&options(&flow, "nonsense", "", &context)), []);
    assert_eq!(suggested(&options(&flow, TARGET, "prod", &context)).len(), 1);
}

#[test]
fn the_picker() {
    let (one, two) = (mixed(), Flow { name: "freeze".into(), ..every_type() });
    let view = picker(&[&one, &two], "Hello, ana.");
    assert_snapshot!(shown_view(&view), @r"
    ── Request access ──
    Hello, ana.
    *What do you need?*
    [‹Choose one›] of AWS SSO access | Freeze exception
    [Cancel]
    ");
    assert_eq!(picked(&[&one, &two], &["freeze".into()]), Some("freeze".into()));
    assert!(picked(&[&one], &["freeze".into()]).is_none());
    assert_snapshot!(shown_view(&picker(&[], "Hello, ana.")), @r"
    ── Request access ──
    There is nothing to request from Slack here yet.
    [Close]
    ");
    let many: Vec<Flow> =
        (0..150).map(|n| Flow { name: format!("flow-{n}").as_str().into(), ..mixed() }).collect();
    let many: Vec<&Flow> = many.iter().collect();
    assert_eq!(picker(&many, "")["blocks"][1]["accessory"]["type"], "external_select");
    shown_view(&picker(&many, ""));
    assert_eq!(suggested(&picker_options(&many, "flow-14")).len(), 11);
}

#[test]
fn help_and_unknown_flows() {
    let (one, two) = (mixed(), Flow { name: "freeze".into(), ..every_type() });
    let flows = [&one, &two];
    assert_snapshot!(shown(&help(&flows)), @r"
    *Sym* gives access in AWS for a limited time, after people have approved it.
    • `/sym request` asks what you need
    • `/sym request FLOW` opens that form at once
    • `/sym help` shows this
    You can request:
    • `sso-access` AWS SSO access
    • `freeze` Freeze exception
    ");
    assert_snapshot!(shown(&unknown("sso-acess", &flows)), @r"
    There is no flow named `sso-acess`. Did you mean `/sym request sso-access`?
    You can request:
    • `sso-access` AWS SSO access
    • `freeze` Freeze exception
    ");
    let near = |name: &str| unknown(name, &flows).text.contains("Did you mean");
    assert!(near("FREZE") && near("sso") && near("access"));
    assert!(!near("xyz") && !near("") && !near(&"a".repeat(5000)));
}

#[test]
fn an_emergency_is_a_box_to_tick() {
    let one = target("prod-admin", "Prod admin", Some("111122223333"));
    let plain = flow(vec![one.clone()], vec![field("emergency", FieldType::Text)]);
    let flow = Flow { has_emergency: true, ..flow(vec![one], vec![]) };
    let view = form(&flow, &FormContext::default());
    assert_snapshot!(shown_view(&view), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    ────
    # AWS SSO access
    *Target*
    Prod admin
    Duration: [30 minutes] of 30 minutes | 1 hour | 4 hours
    Emergency (optional): [] of This is an emergency
      You get access at once, without asking anybody first. Everybody who was passed over is told, and somebody else must acknowledge it afterwards.
    [Cancel] [Submit]
    ");
    let asked = |flow: &Flow, box_says: &[&str]| {
        let given: &[(&str, &[&str])] =
            &[(DURATION, &["1h"]), (EMERGENCY, box_says), ("field:emergency", &["x"])];
        filled(flow, &FormContext::default(), given)
    };
    assert!(!asked(&flow, &[]).unwrap().is_emergency);
    assert!(asked(&flow, &["yes"]).unwrap().is_emergency);
    assert!(!asked(&plain, &[]).unwrap().is_emergency);
    let told: Vec<String> =
        [asked(&flow, &["Yes"]), asked(&flow, &["yes", "yes"]), asked(&flow, &[""]), asked(&plain, &["yes"])]
            .map(wrong)
            .to_vec();
    assert_snapshot!(told.join("\n"), @r"
    emergency: “Yes” is not one of the choices.
    emergency: “yes” is not one of the choices.
    emergency: “” is not one of the choices.
    field:emergency: This flow has no emergency access any more. Close this and start again.
    ");

    let refused = || [("emergency".to_owned(), "No rule gives access in an emergency here.".to_owned())];
    assert!(errors(&flow, refused()).contains_key(EMERGENCY));
    assert!(errors(&plain, refused()).contains_key("field:emergency"));
    let bare = Flow { schedule_deescalation: false, ..flow };
    assert!(takes_errors(&bare));
    assert!(errors(&bare, [("target_id".to_owned(), "No.".to_owned())]).contains_key(EMERGENCY));
}

#[test]
fn errors_are_only_put_on_inputs() {
    let flow = flow(vec![target("prod-admin", "Prod admin", Some("111122223333"))], vec![]);
    let told = errors(&flow, [("target_id".to_owned(), "No rule lets you ask for this.".to_owned())]);
    assert_eq!(told, BTreeMap::from([(DURATION.to_owned(), "No rule lets you ask for this.".to_owned())]));
    shown_view(&sorry("No rule lets <you> ask for this."));
    assert!(takes_errors(&flow));
    assert!(!takes_errors(&Flow { schedule_deescalation: false, ..flow }));
}

#[test]
fn the_flow_travels_with_the_form() {
    let view = form(&mixed(), &FormContext::default());
    assert_eq!(flow_of(view["private_metadata"].as_str().unwrap()), Some("sso-access".into()));
    for text in ["", "{}", "[]", "{\"flow\":1}", "sso-access"] {
        assert_eq!(flow_of(text), None, "{text}");
    }
}

#[test]
fn nothing_in_a_manifest_or_an_inventory_breaks_a_form() {
    let long = "x".repeat(2100);
    let faces = "👩‍👩‍👧‍👦".repeat(300);
    for text in ["<!channel> & `*~", "\u{202E}desrever", long.as_str(), faces.as_str(), " ", ""] {
        for count in [1, 2, 120] {
            let mut targets: Vec<Target> =
                (0..count).map(|n| target(&format!("{text}{n}"), text, None)).collect();
            targets[0].bindings.clear();
            let fields = (0..120).map(|n| {
                let field_type = FieldType::ALL[n % 8];
                let allowed = (0..if n % 16 == 0 { n } else { 3 }).map(|k| format!("{text}{k}")).collect();
                let allowed_values = if n % 2 == 0 { allowed } else { vec![] };
                let default = Some(text.to_owned());
                PromptField {
                    label: text.into(),
                    allowed_values,
                    default,
                    ..field(&format!("{text}{n}"), field_type)
                }
            });
            let mut flow = flow(targets, fields.collect());
            flow.fields.insert(0, field("account_id", FieldType::Text));
            flow.has_emergency = count == 2;
            flow.label = text.to_owned();
            flow.name = text.into();
            flow.additional_header_text = Some(text.to_owned());
            let accounts: Vec<Account> =
                (0..count).map(|n| Account { id: format!("{n:012}"), name: text.to_owned() }).collect();
            let context = FormContext { accounts: &accounts, accounts_age: Some(Span::days(4)) };
            let view = form(&flow, &context);
            shown_view(&view);
            shown_view(&picker(&[&flow], text));
            shown_view(&sorry(text));
            shown(&help(&[&flow]));
            shown(&unknown(text, &[&flow]));
            let chosen = view["blocks"].as_array().unwrap().iter().find(|block| block["block_id"] == TARGET);
            if let Some(option) = chosen.and_then(|block| block["element"]["options"].as_array()?.last()) {
                let value = option["value"].as_str().unwrap();
                let told = wrong(filled(&flow, &context, &[(TARGET, &[value])]));
                assert!(!told.contains("choose a target"), "{told}");
            }
        }
    }
}

/// Texts as somebody would send them who does not use the form: on offer, near it, or anything.
fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("read-only".to_owned()),
        Just("prod-admin".to_owned()),
        Just("1h".to_owned()),
        "[0-9 -]{10,14}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn what_is_read_was_on_offer(texts in proptest::collection::vec(proptest::collection::vec(anything(), 0..3), 4)) {
        let flow = mixed();
        let accounts = accounts(3);
        for known in [&accounts[..], &[]] {
            let context = FormContext { accounts: known, accounts_age: None };
            let blocks = [TARGET, DURATION, "field:account_id", "field:reason"];
            let given = |block: &str| {
                let place = blocks.iter().position(|id| *id == block);
                place.map(|place| texts[place].clone()).unwrap_or_default()
            };
            match read(&flow, &given, &context) {
                Ok(read) => {
                    let target = flow.target(read.target.as_ref().unwrap()).unwrap();
                    prop_assert!(flow.durations.contains(&read.duration.unwrap()));
                    let resource = read.resource.unwrap();
                    let id = resource.account_id().unwrap();
                    prop_assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()));
                    let is_free = target.settings.get("account_id").is_none();
                    prop_assert!(!is_free || known.is_empty() || known.iter().any(|account| account.id == id));
                }
                Err(errors) => {
                    prop_assert!(!errors.is_empty());
                    for (block, text) in errors {
                        prop_assert!(blocks.contains(&block.as_str()) && !text.is_empty());
                    }
                }
            }
        }
    }
}
