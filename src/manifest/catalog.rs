//! What a manifest offers, once everything in it is right.

use crate::access::{Connection, Email, Flow, FlowName, IntegrationName, TargetKind};
use crate::policy::Rule;
use std::collections::BTreeMap;

/// Everything that was declared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    /// The flows in the order of their files.
    pub flows: Vec<FlowEntry>,
    /// What people are called in AWS, where that cannot be found out from their address.
    pub identities: Vec<Identity>,
    /// The ways to AWS (`permission_context`) by name.
    pub integrations: BTreeMap<IntegrationName, Integration>,
}

/// A flow and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowEntry {
    /// What people may ask for.
    pub flow: Flow,
    /// Who may have it; never empty: [`Rule::standard`] when none was written.
    pub rules: Vec<Rule>,
    /// Where the flow stands: `manifests/prod.hcl:12`.
    pub place: String,
}

/// A `permission_context`: how an AWS account or an Identity Center instance is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// The roles to assume. When flows of several environments use it, this is the way of the first
    /// flow; each target carries its own.
    pub connection: Connection,
    /// The page where people find their access: the AWS access portal.
    pub portal_url: Option<String>,
    /// The account, when it is known.
    pub account_id: Option<String>,
    /// The Identity Center instance, when it is one and is known.
    pub instance_arn: Option<String>,
    /// Whether any flow grants something through it.
    pub in_use: bool,
    /// Where it stands: `manifests/prod.hcl:12`.
    pub place: String,
}

/// What one person is called in AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The person.
    pub email: Email,
    /// Their user name or user id in the identity store.
    pub aws_sso: Option<String>,
    /// Their IAM user's name.
    pub aws_iam: Option<String>,
    /// The integrations this holds for; empty means all.
    pub integrations: Vec<IntegrationName>,
}

impl Catalog {
    /// The flow of that name. Names differ in more than capitals, so capitals do not matter.
    pub fn flow(&self, name: &FlowName) -> Option<&FlowEntry> {
        self.flows.iter().find(|entry| entry.flow.name.as_str().eq_ignore_ascii_case(name.as_str()))
    }

    /// What the manifest says this person is called where targets of this kind live: a user name or
    /// user id of the identity store, or an IAM user's name. An entry for the integration goes before
    /// one for all of them.
    pub fn identity(&self, email: &Email, integration: &IntegrationName, kind: TargetKind) -> Option<&str> {
        let name = |identity: &'_ Identity| match kind {
            TargetKind::AwsSsoPermissionSet | TargetKind::AwsSsoGroup => identity.aws_sso.is_some(),
            TargetKind::AwsIamGroup => identity.aws_iam.is_some(),
        };
        let mut theirs: Vec<&Identity> = self
            .identities
            .iter()
            .filter(|identity| identity.email == *email && name(identity))
            .filter(|identity| {
                identity.integrations.is_empty() || identity.integrations.contains(integration)
            })
            .collect();
        theirs.sort_by_key(|identity| identity.integrations.is_empty());
        theirs.first().and_then(|identity| match kind {
            TargetKind::AwsSsoPermissionSet | TargetKind::AwsSsoGroup => identity.aws_sso.as_deref(),
            TargetKind::AwsIamGroup => identity.aws_iam.as_deref(),
        })
    }
}
