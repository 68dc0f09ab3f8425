//! Targets and strategies.

use super::Head;
use crate::access::TargetKind;
use crate::manifest::arn;
use crate::manifest::bag::Text;
use crate::manifest::nearest::{did_you_mean, nearest};
use crate::manifest::reader::{Got, Reader, Settings, Texts};
use crate::manifest::source::Fault;

/// The longest text that Slack shows as a choice.
pub(in crate::manifest) const MAX_OPTION: usize = 75;

/// The two services that can be granted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::manifest) enum Service {
    Sso,
    Iam,
}

impl Service {
    pub(in crate::manifest) fn of(kind: TargetKind) -> Self {
        match kind {
            TargetKind::AwsSsoPermissionSet | TargetKind::AwsSsoGroup => Self::Sso,
            TargetKind::AwsIamGroup => Self::Iam,
        }
    }

    /// Sym's name for its strategy.
    pub(in crate::manifest) fn name(self) -> &'static str {
        match self {
            Self::Sso => "aws_sso",
            Self::Iam => "aws_iam",
        }
    }
}

const KINDS: [TargetKind; 3] =
    [TargetKind::AwsSsoPermissionSet, TargetKind::AwsSsoGroup, TargetKind::AwsIamGroup];

/// What else Sym could grant.
const OTHERS: [&str; 16] = [
    "aws_lambda",
    "aws_lambda_function",
    "okta",
    "okta_group",
    "github",
    "github_repo",
    "google_group",
    "onelogin",
    "onelogin_role",
    "tailscale",
    "tailscale_group",
    "aptible",
    "aptible_role",
    "custom",
    "http",
    "boundary",
];

/// A `sym_target`.
#[derive(Debug)]
pub(in crate::manifest) struct TargetRecord {
    pub(in crate::manifest) head: Head,
    pub(in crate::manifest) kind: Option<TargetKind>,
    pub(in crate::manifest) settings: Settings,
    pub(in crate::manifest) bindings: Texts,
}

impl TargetRecord {
    pub(super) fn read(id: String, reader: &Reader<'_>) -> Self {
        let head = Head::read(id, reader);
        for (what, text) in [("name", &head.name), ("label", &head.label)] {
            if let Some(text) = text {
                short(reader, what, text, MAX_OPTION);
            }
        }
        let kind = reader.need_text("type").given().and_then(|kind| {
            let found = KINDS.into_iter().find(|known| known.name() == kind.text);
            if found.is_none() {
                unknown_type(reader, &kind, &KINDS.map(TargetKind::name));
            }
            found
        });
        let bindings = match reader.texts("field_bindings") {
            Got::Given(texts) => texts,
            Got::Absent => Texts { complete: true, ..Texts::default() },
            Got::Broken => Texts::default(),
        };
        let record = Self { head, kind, settings: reader.settings("settings"), bindings };
        if let Some(kind) = kind {
            record.check(reader, kind);
        }
        record
    }

    fn check(&self, reader: &Reader<'_>, kind: TargetKind) {
        for (name, setting) in &self.settings.items {
            if !kind.settings().contains(&name.as_str()) {
                let fault = Fault::new(setting.key_place, format!("an `{kind}` has no setting `{name}`"));
                reader.complain(fault.maybe_hint(did_you_mean(name, kind.settings().iter().copied())));
            } else if let Some((wanted, hint)) = wrong_setting(name, &setting.value.text) {
                let fault = Fault::new(setting.value.place, format!("`{name}` has to be {wanted}"));
                reader.complain(fault.maybe_hint(hint));
            }
        }
        for (index, binding) in self.bindings.items.iter().enumerate() {
            let name = binding.text.as_str();
            if !kind.settings().contains(&name) {
                let message = format!("an `{kind}` has no setting `{name}` that could be bound");
                let hint = did_you_mean(name, kind.settings().iter().copied());
                reader.complain(Fault::new(binding.place, message).maybe_hint(hint));
            } else if let Some(setting) = self.settings.items.get(name) {
                let message = format!("`{name}` is both bound and set");
                let fault = Fault::new(binding.place, message).hint("leave one of them out");
                reader.complain(fault.also("set at", setting.key_place));
            }
            if self.bindings.items[..index].iter().any(|before| before.text == name) {
                reader.complain(Fault::new(binding.place, format!("`{name}` is bound twice")));
            }
        }
        if !self.settings.complete || !self.bindings.complete {
            return;
        }
        for needed in kind.settings() {
            let bound = self.bindings.items.iter().any(|binding| binding.text == *needed);
            let misspelt = self.settings.items.keys().any(|name| nearest(name, [*needed]).is_some());
            if !bound && !misspelt {
                let message = format!("an `{kind}` needs the setting `{needed}`");
                let fault = Fault::new(self.head.place, message);
                reader.complain(fault.hint(format!(
                    "set it in `settings`, or let the request fill it in with `field_bindings = [\"{needed}\"]`"
                )));
            }
        }
    }
}

/// What a setting should have been, and a hint.
fn wrong_setting(name: &str, text: &str) -> Option<(&'static str, Option<String>)> {
    match name {
        "account_id" if !arn::is_account_id(text) => {
            let short = text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_digit());
            let hint = short.then(|| "a number loses its leading zeros: write it in quotes".to_owned());
            Some(("twelve digits", hint))
        }
        "permission_set_arn" if arn::instance_of(text).is_none() => Some((
            "an ARN as in `arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111`",
            None,
        )),
        "group_id" if !arn::is_group_id(text) => Some((
            "the identity store's group id, as in `11112222-3333-4444-5555-666677778888`",
            Some("`aws identitystore list-groups` shows the ids of groups".to_owned()),
        )),
        "iam_group" if !arn::is_iam_name(text) => Some((
            "the name of an IAM group",
            text.rsplit_once('/').map(|(_, name)| format!("the name alone, without path or ARN: `{name}`")),
        )),
        _ => None,
    }
}

/// Complains about a text that Slack would not take.
pub(super) fn short(reader: &Reader<'_>, what: &str, text: &Text, most: usize) {
    let length = text.text.chars().count();
    if length > most {
        let message = format!("`{what}` has {length} characters, and Slack shows at most {most}");
        reader.complain(Fault::new(text.place, message));
    }
}

fn unknown_type(reader: &Reader<'_>, kind: &Text, known: &[&str]) {
    let all: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let all = all.join(", ");
    if OTHERS.contains(&kind.text.as_str()) {
        let message = format!("`{}` is not supported here", kind.text);
        reader.complain(Fault::new(kind.place, message).hint(format!("it knows {all}")));
        return;
    }
    let fault = Fault::new(kind.place, format!("unknown type `{}`", kind.text));
    let hint = did_you_mean(&kind.text, known.iter().copied()).unwrap_or(format!("there is {all}"));
    reader.complain(fault.hint(hint));
}

/// A `sym_strategy`.
#[derive(Debug)]
pub(in crate::manifest) struct StrategyRecord {
    pub(in crate::manifest) head: Head,
    pub(in crate::manifest) service: Option<Service>,
    pub(in crate::manifest) integration: Got<Text>,
    pub(in crate::manifest) targets: Got<Texts>,
    pub(in crate::manifest) instance_arn: Option<Text>,
    /// Whether `settings` could be read.
    pub(in crate::manifest) complete: bool,
}

impl StrategyRecord {
    pub(super) fn read(id: String, reader: &Reader<'_>) -> Self {
        let head = Head::read(id, reader);
        let services = [Service::Sso, Service::Iam];
        let service = reader.need_text("type").given().and_then(|kind| {
            let found = services.into_iter().find(|known| known.name() == kind.text);
            if found.is_none() {
                unknown_type(reader, &kind, &services.map(Service::name));
            }
            found
        });
        let integration = reader.id("integration_id");
        if integration.is_absent() && service.is_some() {
            let message = "a `sym_strategy` needs `integration_id`";
            reader.complain(Fault::new(head.place, message));
        }
        let targets = reader.ids("targets");
        match &targets {
            Got::Absent => reader.complain(Fault::new(head.place, "a `sym_strategy` needs `targets`")),
            Got::Given(texts) if texts.items.is_empty() && texts.complete => {
                let place = texts.place.unwrap_or(head.place);
                reader.complain(Fault::new(place, "a strategy without targets grants nothing"));
            }
            _ => {}
        }
        let settings = reader.settings("settings");
        for (name, setting) in &settings.items {
            if name != "instance_arn" || service != Some(Service::Sso) {
                let kind = service.map_or("sym_strategy", Service::name);
                let fault =
                    Fault::new(setting.key_place, format!("a strategy `{kind}` has no setting `{name}`"));
                reader.complain(fault.maybe_hint(did_you_mean(name, ["instance_arn"])));
            } else if !arn::is_instance(&setting.value.text) {
                let message =
                    "`instance_arn` has to be an ARN as in `arn:aws:sso:::instance/ssoins-1111111111111111`";
                reader.complain(Fault::new(setting.value.place, message));
            }
        }
        if let Some(entry) = reader.entry("implementation") {
            let message = "`implementation` is Python of Sym, which is not run";
            reader.complain(Fault::warning(entry.key_place, message));
        }
        let instance_arn = settings.get("instance_arn").cloned();
        Self { head, service, integration, targets, instance_arn, complete: settings.complete }
    }
}
