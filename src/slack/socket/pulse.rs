//! Whether a connection still lives, judged by what was heard on it and when.

use std::time::Duration;
use tokio::time::Instant;

/// How long a connection may be silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Nothing at all, not even an answer to our pings: the other side, or the way to it, is gone.
    pub(super) deaf: Duration,
    /// Nothing that Slack says of its own accord. It pings every ten seconds: a connection that answers
    /// our pings but has stopped its own leads to a machine that delivers nothing any more.
    pub(super) quiet: Duration,
}

/// What was last heard on one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    limits: Limits,
    heard: Instant,
    spoke: Instant,
}

impl Pulse {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self { limits, heard: now, spoke: now }
    }

    /// Slack answered our ping.
    pub(super) fn answered(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Slack said something that nobody had asked for.
    pub(super) fn spoke(&mut self, now: Instant) {
        self.heard = now;
        self.spoke = now;
    }

    /// Why the connection is to be given up, when it is. `pings` tells whether Slack is known to send
    /// pings of its own: where something between swallows them, their absence means nothing.
    pub(super) fn judge(&self, now: Instant, pings: bool) -> Option<String> {
        if now.duration_since(self.heard) >= self.limits.deaf {
            return Some(format!("nothing was heard on it for {} s", self.limits.deaf.as_secs()));
        }
        let is_quiet = pings && now.duration_since(self.spoke) >= self.limits.quiet;
        is_quiet.then(|| {
            format!(
                "Slack has sent nothing on it for {} s, not even its pings, though it still answers ours",
                self.limits.quiet.as_secs()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { deaf: Duration::from_secs(15), quiet: Duration::from_secs(40) };

    #[test]
    fn silence_is_judged_by_who_is_silent() {
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        // Last answer, last word, now, Slack pings: given up?
        let table = [
            (0, 0, 14, true, None),
            (0, 0, 15, true, Some("nothing was heard")),
            (0, 0, 15, false, Some("nothing was heard")),
            (10, 0, 24, true, None),
            (35, 0, 39, true, None),
            (39, 0, 40, true, Some("though it still answers")),
            (39, 0, 4000, false, Some("nothing was heard")),
            (3990, 0, 4000, false, None),
            (39, 30, 60, true, Some("nothing was heard")),
            (60, 30, 69, true, None),
            (60, 30, 70, true, Some("though it still answers")),
        ];
        for (answered, spoke, now, pings, wanted) in table {
            let mut pulse = Pulse::new(LIMITS, start);
            pulse.spoke(at(spoke));
            if answered > spoke {
                pulse.answered(at(answered));
            }
            let said = pulse.judge(at(now), pings);
            let fits = match wanted {
                None => said.is_none(),
                Some(words) => said.as_ref().is_some_and(|said| said.contains(words)),
            };
            assert!(fits, "{answered} {spoke} {now} {pings}: {said:?}");
        }
    }
}
