//! Opening the books, suspiciously: a store that lost something is refused, because a bot that forgets
//! grants never revokes them.

use super::{Head, Store, committer::Committer, keys, row};
use std::fs::{self, File};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Why the books could not be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or read.
    #[error("the data folder {folder} cannot be used: {why}. Check that it exists, that this user may write to it, and that the disk is not full or read-only")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Another process has them open.
    #[error("another bot is using {folder}. Two bots on one store would both act: stop the other one first")]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// sled cannot make sense of its files.
    #[error("the store in {folder} is damaged and was left as it is: {why}. Keep a copy of the folder, then restore your last backup; the access it held is listed in AWS CloudTrail under the sessions of this bot")]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What sled said.
        why: String,
    },
    /// It came back with less than it had.
    #[error("the store in {folder} has lost {lost} of {had} commits, so it may have forgotten access that it owes to remove. Restore a backup; or, if you accept the loss, delete {witness} and start again")]
    Rolledback {
        /// The folder.
        folder: PathBuf,
        /// The witness file.
        witness: PathBuf,
        /// Commits the witness has seen.
        had: u64,
        /// How many of them are missing.
        lost: u64,
    },
    /// It is of a newer version.
    #[error("the store in {folder} was written by a newer version of sym (format {found}, this program reads {known}). Run that version, or restore a backup made before the upgrade")]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: u8,
        /// The newest format this program knows.
        known: u8,
    },
}

pub(super) fn open(folder: &Path) -> Result<Store, OpenError> {
    let unusable = |error: std::io::Error| OpenError::Folder { folder: folder.to_owned(), why: error.to_string() };
    let place = folder.join("store");
    fs::create_dir_all(&place).map_err(unusable)?;
    remove_half_snapshots(&place).map_err(unusable)?;
    let db = open_sled(folder, &place)?;
    let witness = check(folder, &db)?;
    let head = head(&db).map_err(|why| OpenError::Damaged { folder: folder.to_owned(), why })?;
    let commits = head.commits;
    let file = File::open(place.join("db")).map_err(unusable)?;
    file.sync_all().map_err(unusable)?;
    File::open(&place).and_then(|folder| folder.sync_all()).map_err(unusable)?;
    let committer = Committer::start(db.clone(), file, witness, commits).map_err(unusable)?;
    Ok(Store { db, head: Mutex::new(head), committer })
}

/// sled renames a snapshot into place when it is whole; a left-over one is never needed, and would
/// make it refuse to open.
fn remove_half_snapshots(place: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn open_sled(folder: &Path, place: &Path) -> Result<sled::Db, OpenError> {
    let config = sled::Config::new()
        .path(place)
        .mode(sled::Mode::HighThroughput)
        .cache_capacity(16 * 1024 * 1024)
        .flush_every_ms(None);
    // sled asserts on some damage instead of returning an error.
    let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
    match opened {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
            Err(OpenError::InUse { folder: folder.to_owned() })
        }
        Ok(Err(sled::Error::Io(error))) => {
            Err(OpenError::Folder { folder: folder.to_owned(), why: error.to_string() })
        }
        Ok(Err(error)) => Err(OpenError::Damaged { folder: folder.to_owned(), why: error.to_string() }),
        Err(_) => Err(OpenError::Damaged {
            folder: folder.to_owned(),
            why: "sled stopped at a broken invariant while recovering".to_owned(),
        }),
    }
}

/// Compares the store with its witness, and gives a new store its name.
fn check(folder: &Path, db: &sled::Db) -> Result<Witness, OpenError> {
    let damaged = |why: String| OpenError::Damaged { folder: folder.to_owned(), why };
    let path = folder.join("witness");
    let seen = Witness::read(&path).map_err(damaged)?;
    let name = db.get(keys::NAME).map_err(|error| damaged(error.to_string()))?;
    let stored = db.get(keys::HEAD).map_err(|error| damaged(error.to_string()))?;
    let (commits, _) = keys::read_head(stored.as_deref());
    if let Some((witnessed, had)) = &seen {
        let same = name.as_deref() == Some(witnessed.as_bytes());
        let found = if same { commits } else { 0 };
        if found < *had {
            return Err(OpenError::Rolledback {
                folder: folder.to_owned(),
                witness: path,
                had: *had,
                lost: had - found,
            });
        }
    }
    if let Some(found) = db.get(keys::VERSION).map_err(|error| damaged(error.to_string()))? {
        let found = found.first().copied().unwrap_or_default();
        if found > row::VERSION {
            return Err(OpenError::Newer { folder: folder.to_owned(), found, known: row::VERSION });
        }
    }
    let name = match name {
        Some(name) => String::from_utf8_lossy(&name).into_owned(),
        None => christen(db).map_err(|error| damaged(error.to_string()))?,
    };
    let mut witness = Witness { path, name, written: None };
    witness.write(commits).map_err(|error| OpenError::Folder { folder: folder.to_owned(), why: error.to_string() })?;
    Ok(witness)
}

fn christen(db: &sled::Db) -> sled::Result<String> {
    let name = format!("{:032x}", rand::random::<u128>());
    let mut batch = sled::Batch::default();
    batch.insert(keys::NAME, name.as_bytes());
    batch.insert(keys::VERSION, &[row::VERSION]);
    #[expect(clippy::disallowed_methods, reason = "a new store is named before its first commit")]
    db.apply_batch(batch)?;
    #[expect(clippy::disallowed_methods, reason = "the committer, which flushes, does not run yet")]
    db.flush()?;
    Ok(name)
}

fn head(db: &sled::Db) -> Result<Head, String> {
    let stored = db.get(keys::HEAD).map_err(|error| error.to_string())?;
    let (commits, next) = keys::read_head(stored.as_deref());
    let last = db.scan_prefix(keys::AUDIT).next_back().transpose().map_err(|error| error.to_string())?;
    let chain = match last {
        Some((_, value)) => {
            value.get(..32).and_then(|hash| hash.try_into().ok()).ok_or("the last audit record is torn")?
        }
        None => [0; 32],
    };
    Ok(Head { next, commits, chain })
}

/// A small file beside the store that remembers how far it had come: sled can come back empty without
/// any error, and this is how that is noticed.
#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
    name: String,
    /// The number last written.
    written: Option<u64>,
}

/// The witness may lag behind by this many commits: it bounds its cost, and the `fdatasync` of the
/// store itself guards the last ones.
const LAG: u64 = 64;

impl Witness {
    fn read(path: &Path) -> Result<Option<(String, u64)>, String> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("the witness file cannot be read: {error}")),
        };
        let mut words = text.split_whitespace();
        match (words.next(), words.next().and_then(|number| number.parse().ok())) {
            (Some(name), Some(commits)) => Ok(Some((name.to_owned(), commits))),
            _ => Err(format!("the witness file {} makes no sense", path.display())),
        }
    }

    /// Called after each flush.
    pub(super) fn follow(&mut self, commits: u64) -> std::io::Result<()> {
        if self.written.is_some_and(|written| written > 0 && commits < written + LAG) {
            return Ok(());
        }
        self.write(commits)
    }

    /// Replaces the file whole: written beside it, synced, renamed.
    pub(super) fn write(&mut self, commits: u64) -> std::io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        writeln!(file, "{} {commits}", self.name)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.written = Some(commits);
        Ok(())
    }
}
