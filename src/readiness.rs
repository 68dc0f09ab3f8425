//! Whether the bot can do its work, as the health page tells it.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What must be there before the bot is ready. Cheap to clone: all clones are the same.
#[derive(Debug, Clone)]
pub struct Readiness {
    parts: Arc<Mutex<Parts>>,
    changed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Parts {
    has_manifests: bool,
    has_store: bool,
    socket: Socket,
    ill: Option<String>,
    shortage: Option<String>,
}

#[derive(Debug, Default)]
enum Socket {
    #[default]
    Connecting,
    Live,
    Down(String),
}

impl Default for Readiness {
    fn default() -> Self {
        Self { parts: Arc::default(), changed: watch::Sender::new(false) }
    }
}

impl Readiness {
    /// The manifests are loaded.
    pub fn has_manifests(&self) {
        self.change(|parts| parts.has_manifests = true);
    }

    /// The store is open.
    pub fn has_store(&self) {
        self.change(|parts| parts.has_store = true);
    }

    /// Slack has said hello on the socket.
    pub fn socket_is_live(&self) {
        self.change(|parts| parts.socket = Socket::Live);
    }

    /// The socket is not to be relied on.
    pub fn socket_is_down(&self, why: impl Into<String>) {
        let why = why.into();
        self.change(|parts| parts.socket = Socket::Down(why));
    }

    /// Something is wrong that only a person can mend, such as a disk that takes no writes.
    pub fn is_ill(&self, why: impl Into<String>) {
        let why = why.into();
        self.change(|parts| parts.ill = Some(why));
    }

    /// Something has run short, which restarting does not help; `None` when there is enough again.
    pub fn is_short(&self, of: Option<String>) {
        self.change(|parts| parts.shortage = of);
    }

    /// What is wrong for good; empty when nothing is.
    pub fn ills(&self) -> Vec<String> {
        self.lock().ill.iter().cloned().collect()
    }

    /// What is missing before the bot is ready; empty when it is.
    pub fn missing(&self) -> Vec<String> {
        let parts = self.lock();
        let mut missing: Vec<String> = parts.ill.iter().chain(&parts.shortage).cloned().collect();
        if !parts.has_manifests {
            missing.push("the manifests are not loaded yet".to_owned());
        }
        if !parts.has_store {
            missing.push("the store is not open yet".to_owned());
        }
        match &parts.socket {
            Socket::Live => {}
            Socket::Connecting => missing.push("Slack has not said hello yet".to_owned()),
            Socket::Down(why) => missing.push(format!("the connection to Slack is down: {why}")),
        }
        missing
    }

    /// Returns when the bot is ready.
    pub async fn ready(&self) {
        let mut changed = self.changed.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        drop(changed.wait_for(|is_ready| *is_ready).await);
    }

    fn change(&self, change: impl FnOnce(&mut Parts)) {
        change(&mut self.lock());
        let is_ready = self.missing().is_empty();
        self.changed.send_replace(is_ready);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
