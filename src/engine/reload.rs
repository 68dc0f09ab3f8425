//! Changing the flows while the bot runs.

use super::Engine;
use crate::manifest::Catalog;
use crate::slack::message::{self, Message};
use crate::telemetry::without_addresses;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

impl Engine {
    /// Puts other flows in force. Requests keep the rules they were made under; those that still wait
    /// for people and that a rule now denies are closed, and live access is not touched.
    pub async fn replace_catalog(&self, catalog: Catalog) {
        {
            // No decision sees half of the one and half of the other.
            let _one_at_a_time = self.gate();
            *self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        }
        self.shared.reachability.is_outdated();
        self.shared.people.forget_standings();
        let is_unsure = self.close_denied().await;
        // What fails is in the log, and tried again.
        drop(self.read_inventory().await);
        if is_unsure {
            self.close_denied().await;
        }
        self.wake();
    }

    /// Other flows were offered and do not load: those in force stay, and the people who look after
    /// them hear of it. `complaints` are for them; addresses do not reach the log.
    pub async fn keep_catalog(&self, complaints: &str) {
        let why = without_addresses(complaints);
        tracing::error!(%why, "the manifests do not load, so the flows stay as they were");
        self.shared.is_behind.store(true, Ordering::SeqCst);
        self.tell_error_channels(&message::manifests_broken(complaints)).await;
    }

    /// The manifests load. Whoever has heard that they do not is told.
    pub async fn is_up_to_date(&self) {
        if self.shared.is_behind.swap(false, Ordering::SeqCst) {
            self.tell_error_channels(&message::manifests_reloaded("")).await;
        }
    }

    /// At most once: nobody waits for it. Whether anybody could be told.
    pub(super) async fn tell_error_channels(&self, shown: &Message) -> bool {
        let mut is_told = false;
        for channel in self.error_channels() {
            match self.post(&channel, shown).await {
                Ok(()) => is_told = true,
                Err(error) => tracing::warn!(error = %error, "an error channel could not be told"),
            }
        }
        is_told
    }

    /// Where errors of any flow go, each once.
    fn error_channels(&self) -> BTreeSet<String> {
        self.catalog().flows.iter().filter_map(|entry| entry.flow.error_channel.clone()).collect()
    }
}
