//! What an operator does at the machine the bot runs on, over a socket in its data folder: with or
//! without Slack. One JSON line asks, JSON lines answer, and the last one says how it went.

mod answer;
mod call;
mod compare;
mod drift;
mod serve;

pub use answer::line_of;
pub use call::{CallError, call};
pub use compare::{Compared, compare};
pub use serve::{Listener, listen};

use crate::access::{RequestId, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where the socket is, for a data folder.
pub fn socket(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// The open requests and live claims.
    List {
        /// Those that are over, too.
        all: bool,
    },
    /// Everything about one request.
    Show {
        /// The request.
        request: RequestId,
    },
    /// End one claim now, or close a request that waits.
    Revoke {
        /// The request.
        request: RequestId,
        /// Why; people read it.
        because: String,
    },
    /// End every claim now.
    RevokeAll {
        /// Why; people read it.
        because: String,
    },
    /// The audit trail.
    Audit {
        /// From this moment on.
        since: Option<Timestamp>,
        /// Before this moment.
        until: Option<Timestamp>,
    },
    /// What the last comparison of AWS with the books has shown.
    Drift {
        /// Compare them first.
        now: bool,
    },
    /// A copy of the books.
    Backup {
        /// Where to, absolute.
        file: PathBuf,
    },
}

/// One line of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A thing that was asked for.
    Item(serde_json::Value),
    /// How it goes, in words.
    Said(String),
    /// It is done; nothing follows.
    Done,
    /// It could not be done; nothing follows.
    Failed(String),
}
