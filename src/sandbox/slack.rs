//! A simulated Slack workspace on loopback: Web API, socket mode, and a web page for people.
//!
//! It is strict where Slack is strict (scopes, Block Kit limits, trigger ids, membership), keeps
//! state, can be told to misbehave, and knows nothing of the bot: whoever speaks Slack's wire format
//! can talk to it. Time comes from the closure given to [`Slack::start`], so a test may use a manual
//! clock; only the three seconds for an acknowledgement are measured in real time.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, watch};

mod acting;
mod api;
mod faults;
mod feed;
mod forms;
mod ids;
pub mod limits;
mod model;
mod page;
mod payload;
mod reading;
pub mod render;
mod server;
mod setup;
mod socket;
#[cfg(test)]
mod tests;
mod views;
mod zone;

pub use acting::{Refused, Reply};
pub use faults::{Cut, Fault, Gate, When};
pub use feed::{Change, News};
pub use model::{Ack, Call, Channel, Message, Person, Usergroup, View};
pub use page::Control;

/// Milliseconds since the epoch, real or manual.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A running workspace. Cheap to clone; it stops when the last clone is dropped.
#[derive(Clone)]
pub struct Slack {
    hub: Arc<Hub>,
    /// Absent in the handles the server itself uses, so that they do not keep it running.
    #[expect(dead_code, reason = "held for its drop: closing the channel stops the server")]
    alive: Option<Arc<watch::Sender<()>>>,
}

/// What all handles share. The locks are never held across an await.
struct Hub {
    now: Now,
    addr: SocketAddr,
    state: Mutex<model::State>,
    wires: Mutex<socket::Wires>,
    faults: Mutex<faults::Faults>,
    page: Mutex<page::Slots>,
    feed: Mutex<Option<mpsc::UnboundedSender<News>>>,
    /// Wakes calls that a `Fault::Hang` holds.
    released: Notify,
    /// Counts changes; the page waits on it.
    version: watch::Sender<u64>,
    stop: watch::Receiver<()>,
}

impl Slack {
    /// Starts a workspace on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(now: Now) -> std::io::Result<Slack> {
        Slack::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), now).await
    }

    /// Starts a workspace on a given address.
    ///
    /// # Errors
    /// When the address cannot be opened.
    pub async fn start_on(addr: SocketAddr, now: Now) -> std::io::Result<Slack> {
        let listener = tokio::net::TcpListener::bind(addr).await?;
        let (alive, stop) = watch::channel(());
        let hub = Arc::new(Hub {
            addr: listener.local_addr()?,
            state: Mutex::new(model::State::new(now())),
            now,
            wires: Mutex::default(),
            faults: Mutex::default(),
            page: Mutex::default(),
            feed: Mutex::default(),
            released: Notify::new(),
            version: watch::channel(0).0,
            stop,
        });
        let server = Slack { hub: Arc::clone(&hub), alive: None };
        tokio::spawn(server::accept(server, listener));
        Ok(Slack { hub, alive: Some(Arc::new(alive)) })
    }

    /// Where the Web API lives: `http://127.0.0.1:PORT/api`.
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.hub.addr)
    }

    /// The page where people act.
    pub fn page_url(&self) -> String {
        format!("http://{}/", self.hub.addr)
    }

    /// The app-level token, for `apps.connections.open`.
    pub fn app_token(&self) -> String {
        ids::APP_TOKEN.to_owned()
    }

    /// The bot token, for everything else.
    pub fn bot_token(&self) -> String {
        ids::BOT_TOKEN.to_owned()
    }

    /// The id of the workspace.
    pub fn team_id(&self) -> String {
        ids::TEAM.to_owned()
    }

    /// The id of the bot's own user.
    pub fn bot_user(&self) -> String {
        ids::BOT_USER.to_owned()
    }

    fn now(&self) -> i64 {
        (self.hub.now)()
    }

    fn state(&self) -> MutexGuard<'_, model::State> {
        lock(&self.hub.state)
    }

    fn wires(&self) -> MutexGuard<'_, socket::Wires> {
        lock(&self.hub.wires)
    }

    fn faults(&self) -> MutexGuard<'_, faults::Faults> {
        lock(&self.hub.faults)
    }

    /// Tells the page that something changed.
    fn touch(&self) {
        self.hub.version.send_modify(|version| *version += 1);
    }
}

/// A panic while holding a lock is a failed test already; the others should still be able to look.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
