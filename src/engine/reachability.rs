//! Can the people whom a rule asks be reached at all? Looked at before anybody needs them: at the
//! start, whenever the flows change, and once a day.

mod scout;

use super::Engine;
use crate::access::{FlowName, Span, Timestamp};
use crate::slack::message;
use crate::telemetry::without_addresses;
use scout::Scout;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often it is looked at.
const DAILY: Span = Span::days(1);
/// How soon again when Slack could not say, or could not be told.
const RETRY: Span = Span::minutes(15);
/// How often the same is said again.
const WEEKLY: Span = Span::days(7);

/// Somebody or some place that a rule counts on and that cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The flow.
    pub flow: FlowName,
    /// The rule.
    pub rule: String,
    /// Where the rule stands: `manifests/prod.hcl:12`.
    pub place: String,
    /// What is wrong, without a full stop. May name people by address.
    pub sentence: String,
}

/// One line for an operator.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flow “{}”, rule “{}” ({}): {}.", self.flow, self.rule, self.place, self.sentence)
    }
}

/// When it is looked at again, and what was told.
#[derive(Default)]
pub(super) struct Reachability {
    next: Mutex<Option<Timestamp>>,
    told: Mutex<BTreeMap<String, Told>>,
}

/// What an error channel has been told.
#[derive(Default)]
struct Told {
    /// Flow, rule and sentence; a rule that moves to another line is no news.
    findings: BTreeSet<(FlowName, String, String)>,
    at: Timestamp,
}

impl Reachability {
    /// The flows have changed: it is looked at at once.
    pub(super) fn is_outdated(&self) {
        *self.next() = None;
    }

    fn next(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the channel must hear of these: something is new, or it was told a week ago. `is_complete`
    /// says that what is not among them is well again.
    fn is_news(&self, channel: &str, findings: &[Finding], now: Timestamp, is_complete: bool) -> bool {
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let told = all.entry(channel.to_owned()).or_default();
        let current = keys(findings);
        if is_complete {
            told.findings.retain(|key| current.contains(key));
        }
        !current.is_subset(&told.findings) || (!current.is_empty() && now.since(told.at) >= WEEKLY)
    }

    fn was_told(&self, channel: &str, findings: &[Finding], now: Timestamp) {
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let told = all.entry(channel.to_owned()).or_default();
        told.findings.extend(keys(findings));
        told.at = now;
    }

    /// Nothing is wrong any more: what comes back is news.
    fn all_is_well_but(&self, channels: &BTreeMap<String, Vec<Finding>>) {
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|channel, _| channels.contains_key(channel));
    }
}

fn keys(findings: &[Finding]) -> BTreeSet<(FlowName, String, String)> {
    let key = |finding: &Finding| (finding.flow.clone(), finding.rule.clone(), finding.sentence.clone());
    findings.iter().map(key).collect()
}

impl Engine {
    /// Looks now whether everybody whom the rules ask can be reached. What Slack or AWS cannot say is
    /// not a finding.
    pub async fn check_reachability(&self) -> Vec<Finding> {
        self.look_around().await.0
    }

    /// The findings, and whether Slack could say everything.
    async fn look_around(&self) -> (Vec<Finding>, bool) {
        let catalog = self.catalog();
        let mut scout = Scout::new(self);
        let mut findings = Vec::new();
        for entry in &catalog.flows {
            for rule in &entry.rules {
                let sentences = scout.look_at(entry, rule).await;
                findings.extend(sentences.into_iter().map(|sentence| Finding {
                    flow: entry.flow.name.clone(),
                    rule: rule.name.clone(),
                    place: rule.place.clone(),
                    sentence,
                }));
            }
        }
        (findings, scout.is_complete)
    }

    /// Starts looking around and telling, when it is time and Slack has been reached.
    pub(super) fn report_reachability(&self) {
        let now = self.now();
        if self.shared.home.get().is_none() {
            return;
        }
        {
            let mut next = self.shared.reachability.next();
            // A clock that was set back must not put it off for ever.
            if next.is_some_and(|next| next > now && next <= now + DAILY) {
                return;
            }
            *next = Some(now + DAILY);
        }
        let engine = self.clone();
        self.spawn(async move {
            let (findings, is_complete) = engine.look_around().await;
            if !engine.tell(findings, is_complete).await || !is_complete {
                let soon = engine.now() + RETRY;
                let mut next = engine.shared.reachability.next();
                *next = next.map(|next| next.min(soon));
            }
        });
    }

    /// Tells the error channels what they have not heard. False when one of them should be told again.
    async fn tell(&self, findings: Vec<Finding>, is_complete: bool) -> bool {
        let now = self.now();
        let catalog = self.catalog();
        let mut by_channel: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
        for finding in findings {
            let sentence = without_addresses(&finding.sentence);
            tracing::warn!(
                flow = %finding.flow, rule = finding.rule, place = finding.place,
                "somebody cannot be reached: {sentence}"
            );
            let channel = catalog.flow(&finding.flow).and_then(|entry| entry.flow.error_channel.clone());
            if let Some(channel) = channel {
                by_channel.entry(channel).or_default().push(finding);
            }
        }
        if is_complete {
            self.shared.reachability.all_is_well_but(&by_channel);
        }
        let mut is_done = true;
        for (channel, findings) in &by_channel {
            if self.shared.reachability.is_news(channel, findings, now, is_complete) {
                is_done &= self.tell_channel(channel, findings, now).await;
            }
        }
        is_done
    }

    async fn tell_channel(&self, channel: &str, findings: &[Finding], now: Timestamp) -> bool {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        match self.post(channel, &message::unreachable(&lines)).await {
            Ok(()) => {
                self.shared.reachability.was_told(channel, findings, now);
                true
            }
            Err(error) if error.is_transient() => false,
            // Refused for good, as it seems: whoever mends the channel hears it at the next look.
            Err(error) => {
                tracing::warn!(error = %error, "an error channel could not be told");
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_a_week_and_news_at_once() {
        let at = Timestamp::from_millis(0);
        let finding = |sentence: &str, place: &str| Finding {
            flow: "aws".into(),
            rule: "prod".into(),
            place: place.into(),
            sentence: sentence.into(),
        };
        let (a, b) = (finding("a", "x:1"), finding("b", "x:1"));
        let books = Reachability::default();
        assert!(books.is_news("#e", std::slice::from_ref(&a), at, true));
        books.was_told("#e", std::slice::from_ref(&a), at);
        assert!(!books.is_news("#e", &[finding("a", "x:9")], at + DAILY, true));
        assert!(books.is_news("#e", &[a.clone(), b.clone()], at + DAILY, true));
        books.was_told("#e", &[a.clone(), b.clone()], at + DAILY);
        // Slack could not say everything: what is missing may still be so.
        assert!(!books.is_news("#e", std::slice::from_ref(&a), at + DAILY, false));
        assert!(!books.is_news("#e", &[a.clone(), b.clone()], at + DAILY, true));
        // It went away and came back.
        assert!(!books.is_news("#e", std::slice::from_ref(&a), at + DAILY, true));
        assert!(books.is_news("#e", &[a.clone(), b], at + DAILY, true));
        assert!(books.is_news("#e", &[a], at + DAILY + WEEKLY, true));
    }
}
