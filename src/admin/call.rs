//! The asking side.

use super::{Ask, Line, socket};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens.
    #[error("no bot runs on {data}: {why}. Name the folder of a running bot with --data or SYM_DATA")]
    NoBot {
        /// The data folder.
        data: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The socket belongs to somebody else.
    #[error("{socket} may be used only by the user the bot runs as, and by root")]
    NotAllowed {
        /// The socket.
        socket: PathBuf,
    },
    /// The bot went away in the middle.
    #[error("the bot did not finish its answer: {0}. Ask again; what it has begun it goes on with")]
    Broken(String),
    /// The bot says why not.
    #[error("{0}")]
    Failed(String),
}

/// Asks the bot that runs on `data`; `take` sees the answer line by line.
///
/// # Errors
/// No bot runs there, or it could not do it.
pub async fn call(data: &Path, ask: &Ask, take: &mut (dyn FnMut(Line) + Send)) -> Result<(), CallError> {
    let path = socket(data);
    let stream = UnixStream::connect(&path).await.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => CallError::NotAllowed { socket: path.clone() },
        _ => CallError::NoBot { data: data.to_owned(), why: error.to_string() },
    })?;
    let broken = |error: std::io::Error| CallError::Broken(error.to_string());
    let (reader, mut writer) = stream.into_split();
    let asked = serde_json::to_string(ask).map_err(|error| CallError::Failed(error.to_string()))?;
    writer.write_all(format!("{asked}\n").as_bytes()).await.map_err(broken)?;
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await.map_err(broken)? {
        match serde_json::from_str(&line) {
            Ok(Line::Done) => return Ok(()),
            Ok(Line::Failed(why)) => return Err(CallError::Failed(why)),
            Ok(line) => take(line),
            Err(error) => return Err(CallError::Broken(error.to_string())),
        }
    }
    Err(CallError::Broken("it ended early".to_owned()))
}
