//! What happens in the workspace, told as it happens to somebody who acts for many people at once:
//! looking again after every change, as [`Slack::until`] does, costs too much there.
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Slack;

/// Something happened.
#[derive(Clone, Debug)]
pub struct News {
    /// When, in real time.
    pub at: Instant,
    /// What.
    pub change: Change,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Change {
    /// A connection was greeted: the bot can hear from now on.
    Hello,
    /// A modal was opened on somebody's screen.
    Opened {
        /// Whose.
        user: String,
        /// Its id.
        view: String,
    },
    /// A message was posted, or edited.
    Shown {
        /// Where.
        channel: String,
        /// Which.
        ts: String,
        /// Its text, without blocks.
        text: String,
    },
}

impl Slack {
    /// Tells everything from now on, to one listener: the last who asked.
    pub fn feed(&self) -> mpsc::UnboundedReceiver<News> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *super::lock(&self.hub.feed) = Some(sender);
        receiver
    }

    /// Tells the listener, if there is one.
    pub(super) fn tell(&self, change: impl FnOnce() -> Change) {
        let mut feed = super::lock(&self.hub.feed);
        let at = Instant::now();
        if feed.as_ref().is_some_and(|listener| listener.send(News { at, change: change() }).is_err()) {
            *feed = None;
        }
    }
}
