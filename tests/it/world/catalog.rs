use std::path::Path;
use std::collections::BTreeMap;
use sym::manifest::*;
use sym::access::*;
use sym::policy::Rule;

pub(crate) fn load(_path: &Path) -> Catalog {
    let connection = Connection { integration: "sso".into(), region: Some("us-east-1".into()), hops: vec![], source_identity: false };
    let target = |name: &str, label: &str, ps: &str, account: Option<&str>| {
        let mut settings = BTreeMap::from([("permission_set_arn".to_owned(), format!("arn:aws:sso:::permissionSet/ssoins-1111111111111111/{ps}"))]);
        if let Some(a) = account { settings.insert("account_id".into(), a.into()); }
        Target { name: name.into(), label: label.into(), kind: TargetKind::AwsSsoPermissionSet, settings, bindings: if account.is_none() { vec!["account_id".into()] } else { vec![] },
            instance_arn: "arn:aws:sso:::instance/ssoins-1111111111111111".into(), iam_account_id: String::new(), connection: connection.clone() }
    };
    let field = |name: &str, label: &str, required: bool| PromptField { name: name.into(), field_type: FieldType::Text, label: label.into(), required, visible: true, default: None, allowed_values: vec![] };
    let flow = Flow { name: "aws".into(), label: "AWS".into(), additional_header_text: None,
        fields: vec![field("reason", "Reason", true), field("account_id", "Account", true)],
        targets: vec![target("prod-admin", "Prod admin", "ps-1111111111111111", Some("111122223333")), target("dynamic", "Read only", "ps-2222222222222222", None)],
        durations: vec![Span::minutes(30), Span::hours(1), Span::hours(4)], channel: Some("#access-requests".into()), error_channel: None,
        allow_revoke: true, schedule_deescalation: true, allowed_sources: vec![Source::Slack], include_decision_message: false, allow_guest_interaction: false };
    Catalog { flows: vec![FlowEntry { flow, rules: vec![Rule::standard("x")] }], integrations: BTreeMap::from([("sso".into(), Integration { connection, portal_url: None })]) }
}
