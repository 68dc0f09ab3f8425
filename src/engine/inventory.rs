//! The AWS accounts people can name in a form: refreshed in the background, used when stale, never
//! fetched on a click.

use super::Engine;
use crate::access::{Connection, IntegrationName, RequestId, Span, Timestamp};
use crate::aws::{AwsError, Session};
use crate::manifest::Catalog;
use crate::policy::{AccountFacts, AccountSelector, Rule};
use crate::slack::form::Account;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often the list is read again.
const REFRESH: Span = Span::minutes(15);
/// How soon after a failure, or when a rule asks about an account that is not in the list.
const RETRY: Span = Span::minutes(1);

/// What is known about the accounts an integration reaches.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Those in use, for forms and messages.
    pub(super) accounts: Vec<Account>,
    /// Where each belongs and how it is tagged, as far as any rule asks.
    facts: BTreeMap<String, AccountFacts>,
    /// Whether the tags were read: no tags are not the same as tags that nobody read.
    has_tags: bool,
}

/// The accounts by integration. An integration that may not list accounts has none, and any account
/// id of twelve digits goes to AWS, which has the last word.
#[derive(Default)]
pub(super) struct Inventory {
    lists: Mutex<BTreeMap<IntegrationName, (Timestamp, Arc<Listing>)>>,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    /// When the accounts are read again.
    next: Option<Timestamp>,
    /// When they were last read, or tried to.
    tried: Option<Timestamp>,
}

impl Inventory {
    /// The accounts and when they were listed.
    pub(super) fn listing(&self, integration: &IntegrationName) -> Option<(Timestamp, Arc<Listing>)> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.get(integration).map(|(at, listing)| (*at, Arc::clone(listing)))
    }

    /// Something is missing in it: it is read again soon, but not again and again.
    fn lacks_something(&self, now: Timestamp) {
        let mut times = self.times();
        let soon = times.tried.map_or(now, |tried| (tried + RETRY).max(now));
        times.next = Some(times.next.map_or(soon, |next| next.min(soon)));
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// What is known about the account a request names, as far as these rules ask. What is missing is
    /// read again soon: the account may be new.
    pub(super) fn account_facts(
        &self,
        integration: &IntegrationName,
        id: &str,
        rules: &[Rule],
    ) -> Option<AccountFacts> {
        let asks = Asks::of(rules);
        if !asks.units && !asks.tags {
            return None;
        }
        let listed = self.shared.inventory.listing(integration);
        let known = listed.as_ref().and_then(|(_, listing)| {
            listing.facts.get(id).filter(|_| listing.has_tags || !asks.tags).cloned()
        });
        if known.is_none() {
            self.shared.inventory.lacks_something(self.now());
        }
        known
    }

    /// Starts reading the accounts of every integration whose flows let people name one, if the last
    /// reading is old.
    pub(super) fn refresh_inventory(&self) {
        let now = self.now();
        {
            let mut times = self.shared.inventory.times();
            // A clock that was set back must not put it off for ever.
            if times.next.is_some_and(|next| next > now && next <= now + REFRESH) {
                return;
            }
            *times = Times { next: Some(now + REFRESH), tried: Some(now) };
        }
        for wanted in wanted(&self.catalog()) {
            let engine = self.clone();
            self.spawn(async move { drop(engine.read_accounts(wanted).await) });
        }
    }

    /// Reads all of them now, and returns when that is done: what failed, a sentence each.
    pub(super) async fn read_inventory(&self) -> Vec<String> {
        let now = self.now();
        *self.shared.inventory.times() = Times { next: Some(now + REFRESH), tried: Some(now) };
        let mut failures = Vec::new();
        for wanted in wanted(&self.catalog()) {
            failures.extend(self.read_accounts(wanted).await);
        }
        failures
    }

    /// Whether rules ask where an account belongs or how it is tagged.
    pub(super) fn asks_about_accounts(rules: &[Rule]) -> bool {
        let asks = Asks::of(rules);
        asks.units || asks.tags
    }

    /// Reads them; says what failed.
    async fn read_accounts(&self, wanted: Wanted) -> Option<String> {
        let inventory = &self.shared.inventory;
        match self.list(&wanted).await {
            Ok(listing) => {
                let mut lists = inventory.lists.lock().unwrap_or_else(PoisonError::into_inner);
                lists.insert(wanted.connection.integration, (self.now(), Arc::new(listing)));
                None
            }
            // The last good list stays in use.
            Err(error) => {
                let integration = &wanted.connection.integration;
                tracing::warn!(%integration, error = %error, "the accounts could not be listed");
                if error.is_transient() {
                    inventory.lacks_something(self.now());
                }
                Some(format!("the accounts of the integration {integration}: {error}"))
            }
        }
    }

    async fn list(&self, wanted: &Wanted) -> Result<Listing, AwsError> {
        let name = RequestId::new("sym-inventory");
        let session = Session { connection: &wanted.connection, name: &name, source_identity: None };
        let all = self.shared.aws.accounts(&session).await?;
        let asks = &wanted.asks;
        let facts = if asks.units || asks.tags {
            let placed = self.shared.aws.placed_accounts(&session, &all, asks.tags).await?;
            placed
                .into_iter()
                .map(|placed| {
                    (
                        placed.id.clone(),
                        AccountFacts { id: placed.id, units: placed.units, tags: placed.tags },
                    )
                })
                .collect()
        } else {
            BTreeMap::new()
        };
        let accounts = all
            .into_iter()
            .filter(|account| account.is_active)
            .map(|account| Account { id: account.id, name: account.name })
            .collect();
        Ok(Listing { accounts, facts, has_tags: asks.tags })
    }
}

/// An integration whose accounts matter.
struct Wanted {
    connection: Connection,
    asks: Asks,
}

/// What rules ask about accounts.
#[derive(Debug, Clone, Copy, Default)]
struct Asks {
    /// Some rule names an organizational unit.
    units: bool,
    /// Some rule names a tag, which costs a call for every account.
    tags: bool,
}

impl Asks {
    fn of(rules: &[Rule]) -> Self {
        let mut asks = Self::default();
        for selector in rules.iter().flat_map(|rule| &rule.accounts) {
            match selector {
                AccountSelector::Id(_) => {}
                AccountSelector::Ou(_) => asks.units = true,
                AccountSelector::Tag { .. } => asks.tags = true,
            }
        }
        asks
    }
}

fn wanted(catalog: &Catalog) -> Vec<Wanted> {
    let mut all: BTreeMap<IntegrationName, Wanted> = BTreeMap::new();
    for entry in &catalog.flows {
        let asks = Asks::of(&entry.rules);
        for target in &entry.flow.targets {
            let names_one = target.bindings.iter().any(|binding| binding == "account_id");
            if !names_one && !asks.tags && !asks.units {
                continue;
            }
            let wanted = all
                .entry(target.connection.integration.clone())
                .or_insert_with(|| Wanted { connection: target.connection.clone(), asks: Asks::default() });
            wanted.asks.units |= asks.units;
            wanted.asks.tags |= asks.tags;
        }
    }
    all.into_values().collect()
}
