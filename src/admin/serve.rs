//! The answering side: a socket that only the bot's own user and root can use.

use super::answer::answer;
use super::{Ask, Line, socket};
use crate::engine::Engine;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

/// The longest question.
const LONGEST_ASK: u64 = 64 * 1024;

/// How long a question may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket that is open and not served yet.
pub struct Listener {
    listener: UnixListener,
    /// The user the bot runs as.
    owner: u32,
}

/// Opens the socket in the data folder. The books are locked by this process, so a socket that is
/// there is left over.
///
/// # Errors
/// The socket cannot be made; the path may be too long for one.
pub fn listen(data: &Path) -> io::Result<Listener> {
    let path = socket(data);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    // Whoever got in before the mode was set is turned away by name.
    let owner = fs::metadata(&path)?.uid();
    Ok(Listener { listener, owner })
}

impl Listener {
    /// Answers until the future is dropped.
    pub async fn serve(self, engine: Engine) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(meet(stream, self.owner, engine.clone()))),
                Err(error) => {
                    tracing::warn!(error = %error, "the operators' socket does not answer");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// The writing half of a connection, and who is at the other end.
pub(super) struct Asker {
    writer: OwnedWriteHalf,
    /// Their name on this machine: the system vouches for it.
    pub(super) operator: String,
}

impl Asker {
    pub(super) async fn hears(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.writer.write_all(&text).await
    }
}

async fn meet(stream: UnixStream, owner: u32, engine: Engine) {
    let Ok(who) = stream.peer_cred() else { return };
    if who.uid() != owner && who.uid() != 0 {
        tracing::warn!(uid = who.uid(), "somebody else's user was turned away at the operators' socket");
        return;
    }
    let (reader, writer) = stream.into_split();
    let mut asker = Asker { writer, operator: name_of(who.uid()) };
    let question = tokio::time::timeout(PATIENCE, read(reader)).await;
    let last = match question {
        Ok(Ok(ask)) => match answer(&engine, &ask, &mut asker).await {
            Ok(()) => Line::Done,
            Err(why) => Line::Failed(why),
        },
        Ok(Err(why)) => Line::Failed(format!("the question was not understood: {why}")),
        Err(_) => Line::Failed("no question was asked".to_owned()),
    };
    // Who has gone away has gone away.
    drop(asker.hears(&last).await);
}

async fn read(reader: OwnedReadHalf) -> Result<Ask, String> {
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LONGEST_ASK));
    reader.read_line(&mut line).await.map_err(|error| error.to_string())?;
    serde_json::from_str(&line).map_err(|error| error.to_string())
}

/// The user's name, where this machine knows it.
fn name_of(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}
