//! Integrations, environments, runtimes and error loggers.

use super::Head;
use crate::manifest::arn;
use crate::manifest::bag::{Item, Text};
use crate::manifest::nearest::did_you_mean;
use crate::manifest::reader::{Got, Reader, Settings};
use crate::manifest::source::Fault;

/// A `sym_integration`.
#[derive(Debug)]
pub(in crate::manifest) struct IntegrationRecord {
    pub(in crate::manifest) head: Head,
    pub(in crate::manifest) kind: Option<Text>,
    /// The tenant's key: an account id, an instance ARN, a workspace.
    pub(in crate::manifest) external_id: Got<Text>,
    /// `external_id` in here is another thing: what a role's trust policy asks for.
    pub(in crate::manifest) settings: Settings,
}

const SETTINGS: [&str; 8] = [
    "cloud",
    "region",
    "role_arn",
    "account_id",
    "external_id",
    "instance_arn",
    "source_identity",
    "portal_url",
];

impl IntegrationRecord {
    pub(super) fn read(id: String, reader: &Reader<'_>) -> Self {
        let record = Self {
            head: Head::read(id, reader),
            kind: reader.need_text("type").given(),
            external_id: reader.text("external_id"),
            settings: reader.settings("settings"),
        };
        if record.is_aws() {
            record.check(reader);
        }
        record
    }

    /// Whether it leads to AWS.
    pub(in crate::manifest) fn is_aws(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| kind.text == "permission_context")
    }

    fn check(&self, reader: &Reader<'_>) {
        // Terraform's modules put more into their outputs than anybody needs; only what was written
        // here by hand can be a typing mistake.
        let by_hand = reader.entry("settings").is_some_and(|entry| match &entry.node.item {
            Item::Map(entries) => entries.iter().all(|inside| inside.key_place != entry.node.place),
            _ => false,
        });
        for (name, setting) in &self.settings.items {
            if by_hand && !SETTINGS.contains(&name.as_str()) {
                let message = format!("a `permission_context` has no setting `{name}`");
                let fault = Fault::new(setting.key_place, message);
                reader.complain(fault.maybe_hint(did_you_mean(name, SETTINGS)));
            }
            if let Some(wanted) = wrong_setting(name, &setting.value.text) {
                let message = format!("`{name}` has to be {wanted}");
                reader.complain(Fault::new(setting.value.place, message));
            }
        }
    }
}

/// What a setting should have been.
fn wrong_setting(name: &str, text: &str) -> Option<&'static str> {
    let (ok, wanted) = match name {
        "cloud" => (text == "aws", "`aws`"),
        "role_arn" => (
            arn::account_of_role(text).is_some(),
            "a role's ARN, as in `arn:aws:iam::111122223333:role/sym/Main`",
        ),
        "account_id" => (arn::is_account_id(text), "twelve digits, in quotes"),
        "instance_arn" => {
            (arn::is_instance(text), "an ARN as in `arn:aws:sso:::instance/ssoins-1111111111111111`")
        }
        "source_identity" => (text == "true" || text == "false", "true or false"),
        "portal_url" => (text.starts_with("https://"), "an address that begins with `https://`"),
        "region" => (
            text.contains('-')
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "a region's code, as in `us-east-1`",
        ),
        _ => (true, ""),
    };
    (!ok).then_some(wanted)
}

/// A `sym_environment`.
#[derive(Debug)]
pub(in crate::manifest) struct EnvironmentRecord {
    pub(in crate::manifest) head: Head,
    pub(in crate::manifest) runtime: Got<Text>,
    pub(in crate::manifest) error_logger: Got<Text>,
    pub(in crate::manifest) channel: Got<Text>,
}

impl EnvironmentRecord {
    pub(super) fn read(id: String, reader: &Reader<'_>) -> Self {
        Self {
            head: Head::read(id, reader),
            runtime: reader.id("runtime_id"),
            error_logger: reader.id("error_logger_id"),
            channel: channel(reader, "channel"),
        }
    }
}

/// A `sym_runtime`.
#[derive(Debug)]
pub(in crate::manifest) struct RuntimeRecord {
    pub(in crate::manifest) head: Head,
    pub(in crate::manifest) context: Got<Text>,
}

impl RuntimeRecord {
    pub(super) fn read(id: String, reader: &Reader<'_>) -> Self {
        Self { head: Head::read(id, reader), context: reader.id("context_id") }
    }
}

/// A `sym_error_logger`.
#[derive(Debug)]
pub(in crate::manifest) struct LoggerRecord {
    pub(in crate::manifest) id: String,
    pub(in crate::manifest) destination: Option<Text>,
}

impl LoggerRecord {
    pub(super) fn read(id: String, reader: &Reader<'_>) -> Self {
        reader.need_text("destination");
        Self { id, destination: channel(reader, "destination").given() }
    }
}

/// The name or id of a Slack channel.
pub(super) fn channel(reader: &Reader<'_>, name: &str) -> Got<Text> {
    let text = match reader.text(name) {
        Got::Given(text) if is_channel(&text.text) => return Got::Given(text),
        Got::Given(text) => text,
        other => return other,
    };
    let fault = Fault::new(text.place, format!("`{name}` has to be a Slack channel: `#name` or its id"));
    let bare = text.text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    reader.complain(fault.maybe_hint(bare.then(|| format!("did you mean `#{}`?", text.text))));
    Got::Broken
}

/// Whether a text can be a Slack channel: `#name`, or an id.
pub(in crate::manifest) fn is_channel(text: &str) -> bool {
    if let Some(name) = text.strip_prefix('#') {
        let ok = |c: char| c.is_alphanumeric() && !c.is_uppercase() || c == '-' || c == '_';
        return !name.is_empty() && name.chars().count() <= 80 && name.chars().all(ok);
    }
    text.len() >= 9
        && text.starts_with(['C', 'G', 'D'])
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Resources of Sym that load and do nothing here.
pub(super) fn ignored(reader: &Reader<'_>) {
    let kind = reader.bag.kind.as_str();
    let fault = Fault::warning(reader.bag.place, format!("a `{kind}` does nothing here"));
    reader.complain(fault.hint(if kind == "sym_flows_filter" {
        "who sees a flow follows from the `requesters` of its rules"
    } else {
        "audit records are kept by the bot itself"
    }));
}
