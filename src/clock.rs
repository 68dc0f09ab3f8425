//! Tells the time, or the time a test has set. The only place that asks the system.

use crate::access::{Span, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's wall clock.
    System,
    /// A time that stands still until it is moved.
    Manual(Arc<AtomicI64>),
    /// The system's clock, ahead by so many milliseconds: in the demo, people skip the waiting.
    Ahead(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.millis())))
    }

    /// The system's clock, which can be put ahead.
    pub fn ahead() -> Self {
        Self::Ahead(Arc::default())
    }

    /// Moves a clock that can be moved; the system's own goes its way.
    pub fn advance(&self, span: Span) {
        match self {
            Self::System => {}
            Self::Manual(millis) | Self::Ahead(millis) => {
                millis.fetch_add(span.as_millis(), Ordering::SeqCst);
            }
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_millis(system_millis()),
            Self::Manual(millis) => Timestamp::from_millis(millis.load(Ordering::SeqCst)),
            Self::Ahead(millis) => {
                Timestamp::from_millis(system_millis().saturating_add(millis.load(Ordering::SeqCst)))
            }
        }
    }

    /// The time as a function of milliseconds, for rooms that do not know this type.
    pub fn as_function(&self) -> Arc<dyn Fn() -> i64 + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now().millis())
    }
}

fn system_millis() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
