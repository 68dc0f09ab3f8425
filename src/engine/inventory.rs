//! The AWS accounts people can name in a form: refreshed in the background, used when stale, never
//! fetched on a click.

use super::Engine;
use crate::access::{IntegrationName, RequestId, Span, Timestamp};
use crate::aws::Session;
use crate::slack::form::Account;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How often the list is read again.
const REFRESH: Span = Span::minutes(15);

/// The accounts by integration. An integration that may not list accounts has none, and any account
/// id of twelve digits goes to AWS, which has the last word.
#[derive(Default)]
pub(super) struct Inventory {
    lists: Mutex<BTreeMap<IntegrationName, (Timestamp, Arc<Vec<Account>>)>>,
    next: Mutex<Option<Timestamp>>,
}

impl Inventory {
    /// The accounts and when they were listed.
    pub(super) fn accounts(&self, integration: &IntegrationName) -> Option<(Timestamp, Arc<Vec<Account>>)> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.get(integration).map(|(at, accounts)| (*at, Arc::clone(accounts)))
    }
}

impl Engine {
    /// Starts reading the accounts of every integration whose flows let people name one, if the last
    /// reading is old.
    pub(super) fn refresh_inventory(&self) {
        let now = self.now();
        let inventory = &self.shared.inventory;
        {
            let mut next = inventory.next.lock().unwrap_or_else(PoisonError::into_inner);
            if next.is_some_and(|next| next > now) {
                return;
            }
            *next = Some(now + REFRESH);
        }
        let catalog = self.catalog();
        let mut connections = BTreeMap::new();
        for target in catalog.flows.iter().flat_map(|entry| &entry.flow.targets) {
            if target.bindings.iter().any(|binding| binding == "account_id") {
                connections.insert(target.connection.integration.clone(), target.connection.clone());
            }
        }
        for (integration, connection) in connections {
            let engine = self.clone();
            self.spawn(async move {
                let name = RequestId::new("sym-inventory");
                let session = Session { connection: &connection, name: &name, source_identity: None };
                match engine.shared.aws.accounts(&session).await {
                    Ok(accounts) => {
                        let accounts = accounts
                            .into_iter()
                            .filter(|account| account.is_active)
                            .map(|account| Account { id: account.id, name: account.name })
                            .collect();
                        let mut lists =
                            engine.shared.inventory.lists.lock().unwrap_or_else(PoisonError::into_inner);
                        lists.insert(integration, (engine.now(), Arc::new(accounts)));
                    }
                    // The last good list stays in use.
                    Err(error) => {
                        tracing::warn!(integration = %integration, error = %error, "the accounts could not be listed");
                    }
                }
            });
        }
    }
}
