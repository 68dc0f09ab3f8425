//! What the flows can give, and where that is read.

use crate::access::{
    Answer, AnswerValue, Connection, Flow, FlowName, IntegrationName, Resource, Target, TargetKind,
};
use crate::engine::inventory::Listing;
use crate::manifest::Catalog;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that the flows can give.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// By instance and permission set.
    pub(super) sets: BTreeMap<(String, String), Set>,
    pub(super) groups: BTreeMap<Resource, Way>,
    /// Targets for which people name freely what they want: flow and label.
    pub(super) open: BTreeSet<(FlowName, String)>,
}

/// How something is reached, and what it is called.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) connection: Connection,
    pub(super) flow: FlowName,
    pub(super) label: String,
}

/// A permission set that flows give.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) way: Way,
    pub(super) accounts: Accounts,
}

/// The accounts in which a permission set is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Accounts {
    These(BTreeSet<String>),
    /// People may name any, and nobody knows which there are.
    Any,
}

impl Accounts {
    pub(super) fn has(&self, account: &str) -> bool {
        match self {
            Self::These(accounts) => accounts.contains(account),
            Self::Any => true,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::These(mut all), Self::These(more)) => {
                all.extend(more);
                Self::These(all)
            }
            (Self::Any, _) | (_, Self::Any) => Self::Any,
        }
    }
}

impl Plan {
    /// What the flows give in the accounts that are known.
    pub(super) fn of(catalog: &Catalog, listing: impl Fn(&IntegrationName) -> Option<Arc<Listing>>) -> Self {
        let mut plan = Self::default();
        for flow in catalog.flows.iter().map(|entry| &entry.flow) {
            for target in &flow.targets {
                let listing = listing(&target.connection.integration);
                plan.add(flow, target, listing.as_deref());
            }
        }
        plan
    }

    fn add(&mut self, flow: &Flow, target: &Target, listing: Option<&Listing>) {
        let way = Way {
            connection: target.connection.clone(),
            flow: flow.name.clone(),
            label: target.label.clone(),
        };
        let main = match target.kind {
            TargetKind::AwsSsoPermissionSet => "permission_set_arn",
            TargetKind::AwsSsoGroup => "group_id",
            TargetKind::AwsIamGroup => "iam_group",
        };
        let Some(values) = values(flow, target, main) else {
            self.open.insert((way.flow, way.label));
            return;
        };
        for value in values {
            if target.kind == TargetKind::AwsSsoPermissionSet {
                self.add_set(&way, target, value, accounts(flow, target, listing));
            } else {
                let answer =
                    Answer { name: main.to_owned(), label: String::new(), value: AnswerValue::Text(value) };
                if let Ok(resource) = target.resource(&[answer]) {
                    self.add_group(resource, way.clone());
                }
            }
        }
    }

    fn add_set(&mut self, way: &Way, target: &Target, set: String, accounts: Accounts) {
        let key = (target.instance_arn.clone(), set);
        let set = match self.sets.remove(&key) {
            Some(known) => Set { accounts: known.accounts.and(accounts), ..known },
            None => Set { way: way.clone(), accounts },
        };
        self.sets.insert(key, set);
    }

    /// IAM does not tell capitals apart.
    fn add_group(&mut self, resource: Resource, way: Way) {
        let is_known = match &resource {
            Resource::IamGroup { account_id, group_name } => self.groups.keys().any(|known| {
                matches!(known, Resource::IamGroup { account_id: account, group_name: name }
                    if account == account_id && name.eq_ignore_ascii_case(group_name))
            }),
            Resource::SsoPermissionSet { .. } | Resource::SsoGroup { .. } => {
                self.groups.contains_key(&resource)
            }
        };
        if !is_known {
            self.groups.insert(resource, way);
        }
    }
}

/// Every value that a setting of the target can have; `None` when people write what they like.
fn values(flow: &Flow, target: &Target, setting: &str) -> Option<Vec<String>> {
    if !target.bindings.iter().any(|binding| binding == setting) {
        return Some(target.settings.get(setting).map(|value| value.trim().to_owned()).into_iter().collect());
    }
    let field = flow.field(setting)?;
    if !field.allowed_values.is_empty() {
        return Some(field.allowed_values.iter().map(|value| value.trim().to_owned()).collect());
    }
    // A hidden field says what its default says.
    (!field.visible).then(|| field.default.iter().map(|value| value.trim().to_owned()).collect())
}

fn accounts(flow: &Flow, target: &Target, listing: Option<&Listing>) -> Accounts {
    match (values(flow, target, "account_id"), listing) {
        (Some(accounts), _) => Accounts::These(accounts.into_iter().collect()),
        (None, Some(listing)) => {
            Accounts::These(listing.accounts.iter().map(|account| account.id.clone()).collect())
        }
        (None, None) => Accounts::Any,
    }
}
