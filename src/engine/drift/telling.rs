//! Tells the people who look after the bot what a comparison has shown, or that there has been none.

use super::{HOURLY, RETRY};
use crate::access::{FlowName, Principal, Span, Timestamp, Unclaimed};
use crate::engine::Engine;
use crate::slack::message;
use crate::store::{Commit, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// How long comparisons fail before people are told.
const PATIENCE: Span = Span::hours(3);
/// A comparison older than that says little about today.
const OLD: Span = Span::hours(2);

/// Comparisons that fail, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failing {
    since: Timestamp,
    why: String,
    is_told: bool,
}

impl Failing {
    /// Another one has failed.
    pub(super) fn again(before: Option<Self>, now: Timestamp, why: String) -> Self {
        let (since, is_told) = before.map_or((now, false), |before| (before.since, before.is_told));
        Self { since, why, is_told }
    }

    /// Whether it is time to tell people.
    fn is_news(&self, now: Timestamp) -> bool {
        !self.is_told && now.since(self.since) >= PATIENCE
    }
}

/// Why the last comparison, which began so long ago, may not show AWS as it is; `None` when it does.
pub(super) fn outdated(age: Option<Span>, failing: Option<&Failing>) -> Option<String> {
    match (failing, age) {
        (Some(failing), _) => Some(format!("the last try failed: {}", failing.why)),
        (None, Some(age)) if age > OLD => {
            Some(format!("there should be one every {} minutes", HOURLY.as_millis() / 60_000))
        }
        (None, _) => None,
    }
}

impl Engine {
    /// Tells the error channels when AWS could not be compared with the books for long.
    pub(super) async fn tell_of_failing(&self) {
        let now = self.now();
        let is_news = self.shared.drift.times().failing.as_ref().is_some_and(|it| it.is_news(now));
        if is_news && self.tell_error_channels(&message::not_compared(PATIENCE)).await {
            let mut times = self.shared.drift.times();
            if let Some(failing) = &mut times.failing {
                failing.is_told = true;
            }
        }
    }

    /// Tells each error channel once what is new. What Slack would not take is told later.
    pub(super) async fn tell_of_drift(&self) {
        let told = self.told_of_drift().await;
        match told {
            Ok(true) => {}
            Ok(false) => self.shared.drift.times().tell = Some(self.now() + RETRY),
            Err(error) => self.store_failed(&error),
        }
    }

    async fn told_of_drift(&self) -> Result<bool, StoreError> {
        let Some(mut sweep) = self.shared.store.sweep()? else { return Ok(true) };
        let mut flows: BTreeMap<Option<String>, BTreeSet<FlowName>> = BTreeMap::new();
        let catalog = self.catalog();
        for found in sweep.unclaimed.iter().filter(|found| !found.is_told) {
            let channel = catalog.flow(&found.flow).and_then(|entry| entry.flow.error_channel.clone());
            flows.entry(channel).or_default().insert(found.flow.clone());
        }
        let mut is_done = true;
        for (channel, flows) in flows {
            let is_meant = |found: &Unclaimed| !found.is_told && flows.contains(&found.flow);
            // Where there is no channel nobody is told, and whoever names one later hears of it.
            let Some(channel) = channel else { continue };
            let lines: Vec<String> =
                sweep.unclaimed.iter().filter(|found| is_meant(found)).map(line_of).collect();
            if let Err(error) = self.post(&channel, &message::unclaimed(&lines)).await {
                // What does not pass by itself is tried again after the next comparison.
                is_done &= !error.is_transient();
                tracing::warn!(error = %error, "an error channel could not be told what AWS holds and nobody claims");
                continue;
            }
            for found in &mut sweep.unclaimed {
                found.is_told |= flows.contains(&found.flow);
            }
            let told = Commit { at: self.now(), sweep: Some(sweep.clone()), ..Commit::default() };
            self.record(told).await?;
        }
        Ok(is_done)
    }
}

/// Who has what, for people.
fn line_of(found: &Unclaimed) -> String {
    let who = match (&found.name, &found.holding.principal) {
        (Some(name), _) | (None, Principal::IamUser { user_name: name }) => name.clone(),
        (None, Principal::SsoUser { user_id, .. }) => format!("user {user_id} (AWS gives no name)"),
    };
    format!("{who}: {}", found.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_that_fail_for_hours_are_told_once() {
        let at = |hours| Timestamp::from_millis(1_700_000_000_000) + Span::hours(hours);
        let first = Failing::again(None, at(0), "torn".into());
        assert!(!first.is_news(at(2)) && first.is_news(at(3)));
        let later = Failing::again(Some(first), at(3), "torn twice".into());
        assert!(later.is_news(at(3)));
        let told = Failing { is_told: true, ..later };
        assert!(!Failing::again(Some(told), at(9), "torn".into()).is_news(at(9)));
    }

    #[test]
    fn what_is_old_or_failed_is_not_the_truth_of_today() {
        let failing = Failing::again(None, Timestamp::from_millis(0), "torn".into());
        assert_eq!(outdated(Some(Span::minutes(119)), None), None);
        assert_eq!(outdated(None, None), None);
        insta::assert_snapshot!(outdated(Some(Span::minutes(121)), None).unwrap(), @"there should be one every 60 minutes");
        insta::assert_snapshot!(outdated(Some(Span::ZERO), Some(&failing)).unwrap(), @"the last try failed: torn");
    }
}
