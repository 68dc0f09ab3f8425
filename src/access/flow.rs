//! What may be asked for: flows, targets and the fields of the form. Filled by `manifest`, drawn by
//! `slack`.

use super::{Connection, FlowName, Resource, Span, TargetName, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One requestable workflow: a `sym_flow` with everything it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "Sym's own switches, and all combine")]
pub struct Flow {
    /// What people type after `/sym request`.
    pub name: FlowName,
    /// What people read; the name when no label was given.
    pub label: String,
    /// Markdown (Slack's dialect, written by the operator) below the form's header.
    pub additional_header_text: Option<String>,
    /// The form's own fields in declared order. A field named `target_id` or `duration` places and
    /// labels the built-in one.
    pub fields: Vec<PromptField>,
    /// What the strategy can grant; empty for an approval-only flow.
    pub targets: Vec<Target>,
    /// Durations on offer, shortest first; empty when the flow has no timed removal.
    pub durations: Vec<Span>,
    /// Where cards go when no rule says otherwise: `#name` or an id.
    pub channel: Option<String>,
    /// Where errors of this flow go: `#name` or an id.
    pub error_channel: Option<String>,
    /// Requester and approvers may end access early.
    pub allow_revoke: bool,
    /// Access ends by itself after its duration.
    pub schedule_deescalation: bool,
    /// From where the flow may be started.
    pub allowed_sources: Vec<Source>,
    /// Deciders may leave a comment.
    pub include_decision_message: bool,
    /// Guests may press buttons.
    pub allow_guest_interaction: bool,
    /// Access that somebody removes in AWS itself is given again.
    pub restores: bool,
    /// Some rule of the flow lets people take access in an emergency: the form asks whether it is one.
    pub has_emergency: bool,
}

impl Flow {
    /// The target of that name.
    pub fn target(&self, name: &TargetName) -> Option<&Target> {
        self.targets.iter().find(|target| &target.name == name)
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&PromptField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether the form asks for a duration.
    pub fn asks_duration(&self) -> bool {
        !self.targets.is_empty() && self.schedule_deescalation
    }
}

/// From where a request may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Slash command and shortcut.
    Slack,
    /// The HTTP API.
    Api,
}

/// What kind of thing a target grants; Sym's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// `aws_sso_permission_set`
    AwsSsoPermissionSet,
    /// `aws_sso_group`
    AwsSsoGroup,
    /// `aws_iam_group`
    AwsIamGroup,
}

impl TargetKind {
    /// Sym's name for it in `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsSsoPermissionSet => "aws_sso_permission_set",
            Self::AwsSsoGroup => "aws_sso_group",
            Self::AwsIamGroup => "aws_iam_group",
        }
    }

    /// The settings such a target needs, each static or bound.
    pub const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::AwsSsoPermissionSet => &["permission_set_arn", "account_id"],
            Self::AwsSsoGroup => &["group_id"],
            Self::AwsIamGroup => &["iam_group"],
        }
    }
}

/// One thing that can be granted: a `sym_target` seen through its strategy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name in the manifest.
    pub name: TargetName,
    /// What people read; the name when no label was given.
    pub label: String,
    /// What it grants.
    pub kind: TargetKind,
    /// The settings written in the manifest.
    pub settings: BTreeMap<String, String>,
    /// The settings the request fills in; each is the name of a required prompt field.
    pub bindings: Vec<String>,
    /// The Identity Center instance; empty for IAM.
    pub instance_arn: String,
    /// The account of the IAM groups; empty for Identity Center.
    pub iam_account_id: String,
    /// How AWS is reached.
    pub connection: Connection,
}

/// A setting that the target needs and the request did not give in a usable form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TargetSettingError {
    /// The setting, which is also the name of the prompt field.
    pub setting: String,
    /// A sentence for the person who filled in the form.
    pub message: String,
}

impl Target {
    /// The resource that a request for this target names, with the bound settings taken from
    /// `answers`.
    ///
    /// # Errors
    /// A setting is missing, or an account id is not twelve digits.
    pub fn resource(&self, answers: &[Answer]) -> Result<Resource, TargetSettingError> {
        let setting = |name: &str| -> Result<String, TargetSettingError> {
            let bound = self.bindings.iter().any(|binding| binding == name);
            let value = if bound {
                answers.iter().find(|answer| answer.name == name).map(|answer| answer.value.plain())
            } else {
                self.settings.get(name).cloned()
            };
            value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).ok_or_else(|| {
                TargetSettingError {
                    setting: name.to_owned(),
                    message: format!("“{}” needs a value for {name}.", self.label),
                }
            })
        };
        match self.kind {
            TargetKind::AwsSsoPermissionSet => Ok(Resource::SsoPermissionSet {
                instance_arn: self.instance_arn.clone(),
                permission_set_arn: setting("permission_set_arn")?,
                account_id: account_id(setting("account_id")?)?,
            }),
            TargetKind::AwsSsoGroup => Ok(Resource::SsoGroup {
                instance_arn: self.instance_arn.clone(),
                group_id: setting("group_id")?,
            }),
            TargetKind::AwsIamGroup => Ok(Resource::IamGroup {
                account_id: self.iam_account_id.clone(),
                group_name: setting("iam_group")?,
            }),
        }
    }
}

fn account_id(text: String) -> Result<String, TargetSettingError> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text);
    }
    Err(TargetSettingError {
        setting: "account_id".to_owned(),
        message: format!("An AWS account ID is twelve digits; this has {} characters.", text.chars().count()),
    })
}

/// The eight types a prompt field can have; Sym's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldType {
    /// `string`
    Text,
    /// `int`
    Int,
    /// `bool`
    Bool,
    /// `duration`
    Duration,
    /// `str_list`
    TextList,
    /// `int_list`
    IntList,
    /// `slack_user`
    SlackUser,
    /// `slack_user_list`
    SlackUserList,
}

impl FieldType {
    /// All of them, in the order of Sym's documentation.
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::Int,
        Self::Bool,
        Self::Duration,
        Self::TextList,
        Self::IntList,
        Self::SlackUser,
        Self::SlackUserList,
    ];

    /// Sym's name for it in `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Duration => "duration",
            Self::TextList => "str_list",
            Self::IntList => "int_list",
            Self::SlackUser => "slack_user",
            Self::SlackUserList => "slack_user_list",
        }
    }
}

/// One field of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptField {
    /// Unique within the flow.
    pub name: String,
    /// What it takes.
    pub field_type: FieldType,
    /// What people read; the name when no label was given.
    pub label: String,
    /// Whether it must be filled in while visible.
    pub required: bool,
    /// Whether it is shown at all; an invisible field carries its default.
    pub visible: bool,
    /// Used when the field is left empty.
    pub default: Option<String>,
    /// The values on offer; empty when anything of the type goes.
    pub allowed_values: Vec<String>,
}

impl PromptField {
    /// Reads what a person typed or chose (several texts for the list types) as this field's type.
    /// `Ok(None)` is a field left empty that may be empty.
    ///
    /// # Errors
    /// A sentence for the person, to be shown on the field.
    pub fn read(&self, given: &[String]) -> Result<Option<AnswerValue>, String> {
        let mut texts: Vec<String> =
            given.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
        if texts.is_empty() {
            texts.extend(self.default.clone().filter(|text| !text.trim().is_empty()));
        }
        if texts.is_empty() {
            return if self.required && self.visible {
                Err("Please fill this in.".to_owned())
            } else {
                Ok(None)
            };
        }
        if let Some(odd) =
            texts.iter().find(|text| !self.allowed_values.is_empty() && !self.allowed_values.contains(text))
        {
            return Err(format!("“{odd}” is not one of the choices."));
        }
        self.typed(texts).map(Some)
    }

    fn typed(&self, texts: Vec<String>) -> Result<AnswerValue, String> {
        let int = |text: &str| text.parse::<i64>().map_err(|_| format!("“{text}” is not a whole number."));
        let first = texts.first().cloned().unwrap_or_default();
        Ok(match self.field_type {
            FieldType::Text => AnswerValue::Text(first),
            FieldType::Int => AnswerValue::Int(int(&first)?),
            FieldType::Bool => AnswerValue::Bool(match first.as_str() {
                "true" => true,
                "false" => false,
                other => return Err(format!("“{other}” is neither true nor false.")),
            }),
            FieldType::Duration => {
                AnswerValue::Duration(Span::parse(&first).map_err(|error| format!("{error}."))?)
            }
            FieldType::TextList => AnswerValue::TextList(texts),
            FieldType::IntList => {
                AnswerValue::IntList(texts.iter().map(|text| int(text)).collect::<Result<_, _>>()?)
            }
            FieldType::SlackUser => AnswerValue::SlackUsers(vec![UserId::new(first)]),
            FieldType::SlackUserList => AnswerValue::SlackUsers(texts.into_iter().map(UserId::new).collect()),
        })
    }
}

/// What was answered to one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The field's name.
    pub name: String,
    /// The field's label when the question was asked.
    pub label: String,
    /// The answer.
    pub value: AnswerValue,
}

/// An answer in its field's type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerValue {
    /// `string`
    Text(String),
    /// `int`
    Int(i64),
    /// `bool`
    Bool(bool),
    /// `duration`
    Duration(Span),
    /// `str_list`
    TextList(Vec<String>),
    /// `int_list`
    IntList(Vec<i64>),
    /// `slack_user`, `slack_user_list`
    SlackUsers(Vec<UserId>),
}

impl AnswerValue {
    /// The answer as one plain text, as a bound setting takes it.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Duration(span) => span.short(),
            Self::TextList(texts) => texts.join(", "),
            Self::IntList(numbers) => numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Self::SlackUsers(users) => users.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        }
    }
}

/// For error texts: which person an explicit identity speaks of.
impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(field_type: FieldType) -> PromptField {
        PromptField {
            name: "x".into(),
            field_type,
            label: "X".into(),
            required: true,
            visible: true,
            default: None,
            allowed_values: vec![],
        }
    }

    #[test]
    fn answers_are_read_in_their_type() {
        let read = |field_type, texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            field(field_type).read(&texts)
        };
        use AnswerValue as A;
        assert_eq!(read(FieldType::Text, &[" a "]), Ok(Some(A::Text("a".into()))));
        assert_eq!(read(FieldType::Int, &["-7"]), Ok(Some(A::Int(-7))));
        assert_eq!(read(FieldType::Int, &["7.5"]), Err("“7.5” is not a whole number.".into()));
        assert_eq!(read(FieldType::Bool, &["true"]), Ok(Some(A::Bool(true))));
        assert!(read(FieldType::Bool, &["yes"]).is_err());
        assert_eq!(read(FieldType::Duration, &["1h"]), Ok(Some(A::Duration(Span::hours(1)))));
        assert_eq!(read(FieldType::IntList, &["1", "2"]), Ok(Some(A::IntList(vec![1, 2]))));
        assert_eq!(
            read(FieldType::SlackUserList, &["U1", "U2"]),
            Ok(Some(A::SlackUsers(vec!["U1".into(), "U2".into()])))
        );
        assert_eq!(read(FieldType::Text, &[""]), Err("Please fill this in.".into()));
    }

    fn target(kind: TargetKind, settings: &[(&str, &str)], bindings: &[&str]) -> Target {
        Target {
            name: "prod".into(),
            label: "Prod".into(),
            kind,
            settings: settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            bindings: bindings.iter().map(ToString::to_string).collect(),
            instance_arn: "arn:i".into(),
            iam_account_id: "999988887777".into(),
            connection: Connection {
                integration: "aws".into(),
                region: None,
                hops: vec![],
                source_identity: false,
            },
        }
    }

    fn answer(name: &str, value: &str) -> Answer {
        Answer { name: name.into(), label: name.into(), value: AnswerValue::Text(value.into()) }
    }

    #[test]
    fn a_target_takes_its_settings_from_the_manifest_and_bound_ones_from_the_answers() {
        let (kind, set) = (TargetKind::AwsSsoPermissionSet, ("permission_set_arn", "arn:p"));
        let bound = target(kind, &[set, ("account_id", "000000000000")], &["account_id"]);
        let answers = [answer("permission_set_arn", "arn:other"), answer("account_id", " 111122223333 ")];
        let expected = Resource::SsoPermissionSet {
            instance_arn: "arn:i".into(),
            permission_set_arn: "arn:p".into(),
            account_id: "111122223333".into(),
        };
        assert_eq!(bound.resource(&answers), Ok(expected));
        let complaint = |target: Target, answers: &[Answer]| {
            let error = target.resource(answers).unwrap_err();
            (error.setting, error.message)
        };
        let missing = ("account_id".to_owned(), "“Prod” needs a value for account_id.".to_owned());
        assert_eq!(complaint(bound.clone(), &answers[..1]), missing);
        assert_eq!(complaint(bound.clone(), &[answer("account_id", " ")]), missing);
        assert_eq!(complaint(target(kind, &[set], &[]), &answers), missing, "it is not bound");
        for odd in ["11112222333", "1111222233334", "11112222333x"] {
            let (_, message) = complaint(bound.clone(), &[answer("account_id", odd)]);
            let characters = odd.len();
            assert_eq!(
                message,
                format!("An AWS account ID is twelve digits; this has {characters} characters.")
            );
        }
        let group = target(TargetKind::AwsSsoGroup, &[("group_id", "g-1")], &[]).resource(&[]);
        assert_eq!(group, Ok(Resource::SsoGroup { instance_arn: "arn:i".into(), group_id: "g-1".into() }));
        let group = target(TargetKind::AwsIamGroup, &[("iam_group", "ops")], &[]).resource(&[]);
        let (account_id, group_name) = ("999988887777".into(), "ops".into());
        assert_eq!(group, Ok(Resource::IamGroup { account_id, group_name }));
    }

    #[test]
    fn kinds_and_types_are_named_as_sym_names_them() {
        use TargetKind as K;
        let kinds = [K::AwsSsoPermissionSet, K::AwsSsoGroup, K::AwsIamGroup];
        let names = ["aws_sso_permission_set", "aws_sso_group", "aws_iam_group"];
        assert_eq!(kinds.map(K::name), names);
        assert_eq!(kinds.map(|kind| kind.to_string()), names);
        let settings: [&[&str]; 3] = [&["permission_set_arn", "account_id"], &["group_id"], &["iam_group"]];
        assert_eq!(kinds.map(K::settings), settings);
        let types =
            ["string", "int", "bool", "duration", "str_list", "int_list", "slack_user", "slack_user_list"];
        assert_eq!(FieldType::ALL.map(FieldType::name), types);
    }

    #[test]
    fn an_answer_as_one_plain_text() {
        use AnswerValue as A;
        let table = [
            (A::Text("a".into()), "a"),
            (A::Int(-7), "-7"),
            (A::Bool(true), "true"),
            (A::Duration(Span::hours(1)), "1h"),
            (A::TextList(vec!["a".into(), "b".into()]), "a, b"),
            (A::IntList(vec![1, 2]), "1, 2"),
            (A::SlackUsers(vec!["U1".into(), "U2".into()]), "U1, U2"),
        ];
        for (value, expected) in table {
            assert_eq!(value.plain(), expected);
        }
    }

    #[test]
    fn a_flow_knows_its_targets_and_fields_and_asks_for_how_long_when_access_ends_by_itself() {
        let mut flow = Flow {
            name: "aws".into(),
            label: "AWS".into(),
            additional_header_text: None,
            fields: ["a", "b"]
                .map(|name| PromptField { name: name.into(), ..field(FieldType::Text) })
                .to_vec(),
            targets: ["x", "y"]
                .map(|name| Target { name: name.into(), ..target(TargetKind::AwsIamGroup, &[], &[]) })
                .to_vec(),
            durations: vec![],
            channel: None,
            error_channel: None,
            allow_revoke: true,
            schedule_deescalation: true,
            allowed_sources: vec![],
            include_decision_message: false,
            allow_guest_interaction: false,
            restores: false,
            has_emergency: false,
        };
        assert_eq!(flow.target(&"y".into()), Some(&flow.targets[1]));
        assert_eq!((flow.target(&"z".into()), flow.field("z")), (None, None));
        assert_eq!(flow.field("b"), Some(&flow.fields[1]));
        assert!(flow.asks_duration());
        flow.schedule_deescalation = false;
        assert!(!flow.asks_duration());
        flow.schedule_deescalation = true;
        flow.targets.clear();
        assert!(!flow.asks_duration(), "what grants nothing has no end");
    }

    #[test]
    fn an_empty_field_takes_its_default_and_only_the_choices_go() {
        let mut field = field(FieldType::Text);
        field.default = Some("low".into());
        field.allowed_values = vec!["low".into(), "high".into()];
        assert_eq!(field.read(&[]), Ok(Some(AnswerValue::Text("low".into()))));
        assert!(field.read(&["other".into()]).is_err());
        assert_eq!(field.read(&["high".into()]), Ok(Some(AnswerValue::Text("high".into()))));
        field.required = false;
        field.default = Some(" ".into());
        assert_eq!(field.read(&[]), Ok(None));
        field.required = true;
        assert!(field.read(&[]).is_err());
        field.visible = false;
        assert_eq!(field.read(&[" ".into()]), Ok(None), "nobody could fill it in");
    }
}
