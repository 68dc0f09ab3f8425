//! The AWS accounts people can name in a form: refreshed in the background, used when stale, never
//! fetched on a click.

use super::Engine;
use crate::access::{Connection, IntegrationName, RequestId, Span, Timestamp};
use crate::aws::{AwsError, Session};
use crate::manifest::Catalog;
use crate::policy::{AccountFacts, AccountSelector};
use crate::slack::form::Account;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How often the list is read again.
const REFRESH: Span = Span::minutes(15);

/// What is known about the accounts an integration reaches.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Those in use, for forms and messages.
    pub(super) accounts: Vec<Account>,
    /// Where each belongs and how it is tagged, as far as any rule asks.
    facts: BTreeMap<String, AccountFacts>,
}

/// The accounts by integration. An integration that may not list accounts has none, and any account
/// id of twelve digits goes to AWS, which has the last word.
#[derive(Default)]
pub(super) struct Inventory {
    lists: Mutex<BTreeMap<IntegrationName, (Timestamp, Arc<Listing>)>>,
    next: Mutex<Option<Timestamp>>,
}

impl Inventory {
    /// The accounts and when they were listed.
    pub(super) fn listing(&self, integration: &IntegrationName) -> Option<(Timestamp, Arc<Listing>)> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.get(integration).map(|(at, listing)| (*at, Arc::clone(listing)))
    }
}

impl Engine {
    /// What is known about the account a request names.
    pub(super) fn account_facts(&self, integration: &IntegrationName, id: &str) -> Option<AccountFacts> {
        let (_, listing) = self.shared.inventory.listing(integration)?;
        listing.facts.get(id).cloned()
    }

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
        for wanted in wanted(&self.catalog()) {
            let engine = self.clone();
            self.spawn(async move {
                match engine.list(&wanted).await {
                    Ok(listing) => {
                        let mut lists =
                            engine.shared.inventory.lists.lock().unwrap_or_else(PoisonError::into_inner);
                        lists.insert(wanted.connection.integration, (engine.now(), Arc::new(listing)));
                    }
                    // The last good list stays in use.
                    Err(error) => {
                        let integration = &wanted.connection.integration;
                        tracing::warn!(%integration, error = %error, "the accounts could not be listed");
                    }
                }
            });
        }
    }

    async fn list(&self, wanted: &Wanted) -> Result<Listing, AwsError> {
        let name = RequestId::new("sym-inventory");
        let session = Session { connection: &wanted.connection, name: &name, source_identity: None };
        let all = self.shared.aws.accounts(&session).await?;
        let facts = if wanted.asks_where {
            let placed = self.shared.aws.placed_accounts(&session, &all, wanted.asks_tags).await?;
            placed
                .into_iter()
                .map(|placed| (placed.id.clone(), AccountFacts { id: placed.id, units: placed.units, tags: placed.tags }))
                .collect()
        } else {
            BTreeMap::new()
        };
        let accounts = all
            .into_iter()
            .filter(|account| account.is_active)
            .map(|account| Account { id: account.id, name: account.name })
            .collect();
        Ok(Listing { accounts, facts })
    }
}

/// An integration whose accounts matter.
struct Wanted {
    connection: Connection,
    /// Some rule names an organizational unit or a tag.
    asks_where: bool,
    /// Some rule names a tag, which costs a call for every account.
    asks_tags: bool,
}

fn wanted(catalog: &Catalog) -> Vec<Wanted> {
    let mut all: BTreeMap<IntegrationName, Wanted> = BTreeMap::new();
    for entry in &catalog.flows {
        let selectors: Vec<&AccountSelector> = entry.rules.iter().flat_map(|rule| &rule.accounts).collect();
        let asks_tags = selectors.iter().any(|selector| matches!(selector, AccountSelector::Tag { .. }));
        let asks_units = selectors.iter().any(|selector| matches!(selector, AccountSelector::Ou(_)));
        for target in &entry.flow.targets {
            let names_one = target.bindings.iter().any(|binding| binding == "account_id");
            if !names_one && !asks_tags && !asks_units {
                continue;
            }
            let wanted = all.entry(target.connection.integration.clone()).or_insert_with(|| Wanted {
                connection: target.connection.clone(),
                asks_where: false,
                asks_tags: false,
            });
            wanted.asks_where |= asks_tags || asks_units;
            wanted.asks_tags |= asks_tags;
        }
    }
    all.into_values().collect()
}
