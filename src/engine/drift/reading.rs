//! Reads what the plan says, one call after the other, and what else claims hold.

use super::plan::{Accounts, Plan, Set, Way};
use super::session;
use crate::access::{Connection, Reading, Resource, Scope};
use crate::engine::Engine;
use std::collections::{BTreeMap, BTreeSet};

/// So few accounts are read without asking first where the permission set is used.
const FEW: usize = 2;

impl Engine {
    /// Every scope once: what flows give, and what claims hold that no flow gives any more.
    pub(super) async fn read_all(
        &self,
        plan: Plan,
        mut held: BTreeMap<Resource, Connection>,
    ) -> Vec<Reading> {
        let mut readings = Vec::new();
        for (flow, label) in plan.open {
            let scope = Scope::Target { flow: flow.clone(), label: label.clone() };
            let why =
                "the form lets people name freely what they want, so that it cannot be listed".to_owned();
            readings.push(Reading { scope, what: label, flow: Some(flow), holders: Err(why) });
        }
        for ((instance, set), wanted) in plan.sets {
            self.read_set(&instance, &set, &wanted, &mut held, &mut readings).await;
        }
        for (resource, way) in plan.groups {
            held.retain(|other, _| !is_same_group(other, &resource));
            readings.push(self.read(resource, &way.connection, way.label.clone(), Some(&way)).await);
        }
        for (resource, connection) in held {
            let what = in_words(&resource);
            let today =
                self.catalog().integrations.get(&connection.integration).map(|it| it.connection.clone());
            readings.push(self.read(resource, &today.unwrap_or(connection), what, None).await);
        }
        readings
    }

    async fn read_set(
        &self,
        instance: &str,
        set: &str,
        wanted: &Set,
        held: &mut BTreeMap<Resource, Connection>,
        readings: &mut Vec<Reading>,
    ) {
        let resource = |account: &str| Resource::SsoPermissionSet {
            instance_arn: instance.to_owned(),
            permission_set_arn: set.to_owned(),
            account_id: account.to_owned(),
        };
        let claimed: BTreeSet<String> = held
            .keys()
            .filter(|held| held.account_id().is_some_and(|account| **held == resource(account)))
            .filter_map(|held| held.account_id().map(str::to_owned))
            .collect();
        held.retain(|other, _| other.account_id().is_none_or(|account| *other != resource(account)));
        let way = &wanted.way;
        let what = |account: &str| format!("{} in account {account}", way.label);
        let of_flow = |account: &str| wanted.accounts.has(account).then_some(way);
        let all = match &wanted.accounts {
            Accounts::These(accounts) if accounts.union(&claimed).count() <= FEW => {
                Ok(accounts.union(&claimed).cloned().collect::<Vec<_>>())
            }
            Accounts::These(_) | Accounts::Any => {
                self.shared.aws.accounts_with(&session(&way.connection), instance, set).await
            }
        };
        let accounts = match all {
            Ok(accounts) => accounts,
            Err(error) => {
                let scope = Scope::PermissionSet {
                    instance_arn: instance.to_owned(),
                    permission_set_arn: set.to_owned(),
                };
                let what = format!("{} in every account", way.label);
                let holders = Err(error.to_string());
                return readings.push(Reading { scope, what, flow: Some(way.flow.clone()), holders });
            }
        };
        // Where it is not in use, nobody has it; the look at the entitlement itself has the last word.
        for account in claimed.iter().filter(|account| !accounts.contains(account)) {
            readings.push(Reading {
                scope: Scope::Resource(resource(account)),
                what: what(account),
                flow: of_flow(account).map(|way| way.flow.clone()),
                holders: Ok(BTreeMap::new()),
            });
        }
        for account in &accounts {
            if wanted.accounts.has(account) || claimed.contains(account) {
                let (what, flow) = (what(account), of_flow(account));
                readings.push(self.read(resource(account), &way.connection, what, flow).await);
            }
        }
    }

    async fn read(
        &self,
        resource: Resource,
        connection: &Connection,
        what: String,
        way: Option<&Way>,
    ) -> Reading {
        let holders = self.shared.aws.holders(&session(connection), &resource).await;
        let holders = holders
            .map(|all| all.into_iter().map(|holder| (holder.principal, holder.membership_id)).collect())
            .map_err(|error| error.to_string());
        Reading { scope: Scope::Resource(resource), what, flow: way.map(|way| way.flow.clone()), holders }
    }
}

fn is_same_group(one: &Resource, other: &Resource) -> bool {
    match (one, other) {
        (
            Resource::IamGroup { account_id, group_name },
            Resource::IamGroup { account_id: account, group_name: name },
        ) => account_id == account && group_name.eq_ignore_ascii_case(name),
        (one, other) => one == other,
    }
}

/// What no flow has a label for.
fn in_words(resource: &Resource) -> String {
    match resource {
        Resource::SsoPermissionSet { permission_set_arn, account_id, .. } => {
            format!("permission set {permission_set_arn} in account {account_id}")
        }
        Resource::SsoGroup { group_id, .. } => format!("Identity Center group {group_id}"),
        Resource::IamGroup { account_id, group_name } => {
            format!("IAM group {group_name} in account {account_id}")
        }
    }
}
