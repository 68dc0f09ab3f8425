//! Notices when the disk with the books runs out of room, and when there is enough again.

use crate::engine::Engine;
use crate::readiness::Readiness;
use crate::store::{Outlook, Room};
use std::time::Duration;

/// How often the disk is asked.
const EVERY: Duration = Duration::from_secs(2);

pub(super) struct Shortage {
    room: Room,
    readiness: Readiness,
    is_short: bool,
}

impl Shortage {
    pub(super) fn new(room: Room, readiness: Readiness) -> Self {
        Self { room, readiness, is_short: false }
    }

    /// Looks once; says so when it has changed.
    pub(super) fn look(&mut self) {
        // A folder that cannot be asked about makes its own trouble when the books are opened.
        let Ok(outlook) = self.room.look() else { return };
        match outlook {
            Outlook::Enough => {
                if std::mem::take(&mut self.is_short) {
                    tracing::info!("there is room on the disk again; new requests are taken");
                    self.readiness.is_short(None);
                }
            }
            Outlook::Short { left } => {
                let why = format!(
                    "the disk with the data folder has {left} MiB left, so no new requests are taken; make room on it"
                );
                if !std::mem::replace(&mut self.is_short, true) {
                    tracing::error!("{why}");
                }
                self.readiness.is_short(Some(why));
            }
        }
    }

    /// Looks from now on.
    pub(super) async fn keep_watch(mut self, engine: Engine) {
        loop {
            engine.is_short_of_room(self.is_short);
            tokio::time::sleep(EVERY).await;
            self.look();
        }
    }
}
