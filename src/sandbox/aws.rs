//! A simulated AWS on loopback: strict, stateful, scriptable.
//!
//! It speaks the wire protocols of IAM Identity Center, the identity store, Organizations, IAM and
//! STS to the real SDK clients. Nothing exists in it unless it was added, nothing is
//! allowed unless a key or role says so, and what it does not know it refuses and remembers
//! (`Aws::unexpected`). Time is whatever the clock says that it was started with.
//!
//! Ids have to look like AWS's, or the operations refuse them as AWS does: accounts `444455556666`,
//! instances `arn:aws:sso:::instance/ssoins-` and 16 characters, permission sets
//! `arn:aws:sso:::permissionSet/ssoins-…/ps-` and 16 characters, identity stores `d-1234567890`,
//! users and groups a UUID, roots `r-abcd`, organizational units `ou-abcd-11111111`. Clients take
//! any secret, the region of the instance, and `Aws::endpoint` as endpoint URL.
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

mod access;
mod assignments;
mod by_hand;
mod catalog;
mod dispatch;
mod iam;
mod identity_store;
mod log;
mod model;
mod operations;
mod organizations;
mod page;
mod reading;
mod reply;
mod script;
mod server;
mod settings;
mod setup;
mod shape;
mod sso;
mod stale;
mod sts;
#[cfg(test)]
mod tests;
mod wire;

pub use log::{Call, Outcome};
pub use model::{Assignment, PrincipalKind, Role};
pub use operations::OperationTime;
pub use reading::Holding;
pub use script::{CutSide, Fault, Gatekeeper, Match};
pub use wire::Service;

use model::World;

/// The clock: milliseconds since the epoch, real or turned by hand.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A running simulation. Clones are handles on the same one; it stops listening with the last.
#[derive(Clone)]
pub struct Aws {
    shared: Arc<Shared>,
    listener: Arc<Listener>,
}

struct Shared {
    world: Mutex<World>,
    now: Now,
}

/// Stops listening when it goes.
struct Listener {
    address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// The world as it is now: what was due on the clock has happened.
    fn world(&self) -> MutexGuard<'_, World> {
        let now = (self.now)();
        // A panic elsewhere leaves plain data behind, which is as good as it was.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.now = now;
        operations::settle(&mut world);
        world
    }
}

impl Aws {
    /// Starts an empty AWS on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(now: Now) -> std::io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), now).await
    }

    /// Starts an empty AWS on this address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start_on(address: SocketAddr, now: Now) -> std::io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared { world: Mutex::default(), now });
        let task = tokio::spawn(server::serve(socket, Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, listener: Arc::new(Listener { address, task }) })
    }

    /// The endpoint URL for the clients of all services.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listener.address)
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}
