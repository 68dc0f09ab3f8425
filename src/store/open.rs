//! Opening the books, suspiciously: a store that lost something is refused, because a bot that forgets
//! grants never revokes them.

use super::survey::Survey;
use super::witness::Witness;
use super::{
    Books, Head, Prover, Store, StoreError, committer::Committer, committer::Disk, index, keys, read, row,
    write,
};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How much memory sled may fill with pages it could read again. It is little, because sled exceeds it
/// by far (see `Scan::that_is_long`), and the system's page cache stands behind it.
const CACHE: u64 = 4 * 1024 * 1024;

/// How many times a locked store is tried again.
const PATIENCE: u32 = 20;

/// Why the books could not be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or read.
    #[error(
        "the data folder {folder} cannot be used: {why}. Check that it exists, that this user may write to it, and that the disk is not full or read-only"
    )]
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
    /// sled cannot make sense of its files, or its rows do not add up.
    #[error(
        "the store in {folder} is damaged and is not used: {why}. Restore your last backup of the folder, and do not start on it again before: its engine cuts off what it cannot read. The access it held is listed in AWS CloudTrail under the sessions of this bot"
    )]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What sled said.
        why: String,
    },
    /// It came back with less than it had.
    #[error(
        "the store in {folder} has lost {lost} of {had} commits, so it may have forgotten access that it owes to remove. Restore a backup; or, if you accept the loss, delete {witness} and start again"
    )]
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
    /// The witness file is no witness.
    #[error(
        "the witness file {witness} cannot be read: {why}. It tells how far the store beside it had come. If you are sure that the store is whole, delete the file and start again"
    )]
    Witness {
        /// The witness file.
        witness: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It is of a newer version.
    #[error(
        "the store in {folder} was written by a newer version of sym (format {found}, this program reads {known}). Run that version, or restore a backup made before the upgrade"
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: u8,
        /// The newest format this program knows.
        known: u8,
    },
}

/// Rows that are read before the books are open; a fraction of a second's worth.
pub(super) const ROWS: usize = 100_000;

/// Opens the books when so many rows have been read, or all of them.
pub(super) fn open(folder: &Path, rows: usize) -> Result<Store, OpenError> {
    let unusable =
        |error: std::io::Error| OpenError::Folder { folder: folder.to_owned(), why: error.to_string() };
    let damaged =
        |error: StoreError| OpenError::Damaged { folder: folder.to_owned(), why: error.to_string() };
    let place = folder.join("store");
    let (db, lock) = bare(folder)?;
    let (name, head, survey) = match examine(folder, &db, rows)? {
        Some(known) => known,
        None => christen(&db).map(|(name, head)| (name, head, None)).map_err(damaged)?,
    };
    let mut disk = Disk::new(db.clone(), &place).map_err(unusable)?;
    disk.flush().map_err(|why| OpenError::Folder { folder: folder.to_owned(), why })?;
    sync_folders(folder, &place).map_err(unusable)?;
    // Only now: a witness must never be ahead of what is on disk.
    let witness = Witness::begin(witness_path(folder), name, head.commits).map_err(unusable)?;
    let committer = Committer::start(disk, witness, head.commits).map_err(unusable)?;
    let is_proven = survey.is_none();
    let is_marked = AtomicBool::new(version(&db).map_err(damaged)? == Some(row::VERSION));
    let books = Arc::new(Books { head: Mutex::new(head), survey: Mutex::new(survey), is_marked });
    let prover = if is_proven {
        Prover::none()
    } else {
        let (doom, folder) = (committer.doom(), folder.to_owned());
        let doom = move |error: &StoreError| {
            let error = OpenError::Damaged { folder, why: error.to_string() };
            tracing::error!(error = %error, "the books are damaged, so nothing is given and nothing is taken any more");
            doom(&error.to_string());
        };
        Prover::start(db.clone(), Arc::clone(&books), doom).map_err(unusable)?
    };
    Ok(Store { prover, db, books, committer, folder: folder.to_owned(), _lock: lock })
}

/// sled alone, and the lock that goes with it: nothing has been looked at yet.
pub(super) fn bare(folder: &Path) -> Result<(sled::Db, File), OpenError> {
    let unusable =
        |error: std::io::Error| OpenError::Folder { folder: folder.to_owned(), why: error.to_string() };
    let place = folder.join("store");
    fs::create_dir_all(&place).map_err(unusable)?;
    // Before anything is touched: a second bot must not disturb the first by trying.
    let lock = patiently(|| lock(folder))?;
    remove_half_snapshots(&place).map_err(unusable)?;
    Ok((patiently(|| open_sled(folder, &place))?, lock))
}

fn witness_path(folder: &Path) -> PathBuf {
    folder.join("witness")
}

/// A store that was closed a moment ago, by a process that is ending or by this one, can still be
/// locked: sled's threads and children between fork and exec hold its file a little longer.
fn patiently<T>(attempt: impl Fn() -> Result<T, OpenError>) -> Result<T, OpenError> {
    for _ in 0..PATIENCE {
        match attempt() {
            Err(OpenError::InUse { .. }) => std::thread::sleep(Duration::from_millis(50)),
            outcome => return outcome,
        }
    }
    attempt()
}

/// sled locks its file too, but only after it has begun to write beside it.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let unusable =
        |error: std::io::Error| OpenError::Folder { folder: folder.to_owned(), why: error.to_string() };
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock"));
    let file = file.map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
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
        .cache_capacity(CACHE)
        .flush_every_ms(None);
    let damaged = |why: String| OpenError::Damaged { folder: folder.to_owned(), why };
    // sled asserts on some damage instead of returning an error.
    match catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
            Err(OpenError::InUse { folder: folder.to_owned() })
        }
        Ok(Err(sled::Error::Io(error))) => match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData => Err(damaged(error.to_string())),
            _ => Err(OpenError::Folder { folder: folder.to_owned(), why: error.to_string() }),
        },
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_) => Err(damaged("sled stopped at a broken invariant while recovering".to_owned())),
    }
}

/// The name and head of the books; `None` when they are new. They are compared with the witness, what
/// the rows add up to with what was written down, and the index of what is due with the rows. When
/// there are more rows than that, the rest is still to be read.
fn examine(
    folder: &Path,
    db: &sled::Db,
    rows: usize,
) -> Result<Option<(String, Head, Option<Survey>)>, OpenError> {
    let damaged =
        |error: StoreError| OpenError::Damaged { folder: folder.to_owned(), why: error.to_string() };
    if let Some(found) = version(db).map_err(damaged)?.filter(|found| *found > row::VERSION) {
        return Err(OpenError::Newer { folder: folder.to_owned(), found, known: row::VERSION });
    }
    let identity = identity(db).map_err(damaged)?;
    match_witness(folder, identity.as_ref())?;
    let Some((name, head)) = identity else { return Ok(None) };
    let mut survey = Survey::begin();
    survey.advance(db, rows).map_err(damaged)?;
    if !survey.is_over() {
        return Ok(Some((name, head, Some(survey))));
    }
    survey.compare(head.sum).map_err(damaged)?;
    if survey.is_index_right() {
        return Ok(Some((name, head, None)));
    }
    let wrong = index::wrong(db).map_err(damaged)?;
    let head = index::mend(db, head, &wrong).map_err(damaged)?;
    Ok(Some((name, head, None)))
}

/// The newest version of rows that there may be.
fn version(db: &sled::Db) -> Result<Option<u8>, StoreError> {
    Ok(read::get(db, keys::VERSION)?.map(|found| found.first().copied().unwrap_or_default()))
}

fn identity(db: &sled::Db) -> Result<Option<(String, Head)>, StoreError> {
    let name = read::get(db, keys::NAME)?;
    let head = read::get(db, keys::HEAD)?;
    match (name, head.as_deref().and_then(keys::read_head)) {
        (Some(name), Some(head)) => Ok(Some((String::from_utf8_lossy(&name).into_owned(), head))),
        (None, None) if read::Scan::range(db, &[], &[u8::MAX]).next().transpose()?.is_none() => Ok(None),
        _ => Err(StoreError::Sled("its head is missing or makes no sense, though it holds rows".to_owned())),
    }
}

/// The witness is written after the store is on disk, so a whole store is never behind it.
fn match_witness(folder: &Path, identity: Option<&(String, Head)>) -> Result<(), OpenError> {
    let path = witness_path(folder);
    let seen = Witness::read(&path).map_err(|why| OpenError::Witness { witness: path.clone(), why })?;
    match seen {
        Some((witnessed, had)) => {
            let found = identity.filter(|(name, _)| *name == witnessed).map_or(0, |(_, head)| head.commits);
            if found < had {
                let folder = folder.to_owned();
                return Err(OpenError::Rolledback { folder, witness: path, had, lost: had - found });
            }
        }
        None => {
            if let Some((_, head)) = identity.filter(|(_, head)| head.commits > 0) {
                tracing::warn!(
                    witness = %path.display(),
                    commits = head.commits,
                    "the witness file is missing: the store is taken as it is, and a new one is written"
                );
            }
        }
    }
    Ok(())
}

/// Gives a new store its name.
fn christen(db: &sled::Db) -> Result<(String, Head), StoreError> {
    let name = format!("{:032x}", rand::random::<u128>());
    let rows = [(keys::NAME, name.as_bytes()), (keys::VERSION, &[row::VERSION])];
    let sum = rows.iter().fold(0_u128, |sum, (key, value)| sum.wrapping_add(write::weight(key, value)));
    let head = Head { commits: 0, next: 0, chain: [0; 32], sum, single: 0 };
    let mut batch = sled::Batch::default();
    for (key, value) in rows {
        batch.insert(key, value);
    }
    batch.insert(keys::HEAD, keys::head(&head));
    #[expect(clippy::disallowed_methods, reason = "a new store is named before its first commit")]
    read::guarded(|| db.apply_batch(batch))?;
    Ok((name, head))
}

/// Makes the names of new files as durable as their contents.
fn sync_folders(folder: &Path, place: &Path) -> std::io::Result<()> {
    File::open(place)?.sync_all()?;
    File::open(folder)?.sync_all()?;
    // The folder's own name; its parent may belong to somebody else, who has made it durable then.
    if let Some(parent) = folder.canonicalize()?.parent() {
        drop(File::open(parent).and_then(|parent| parent.sync_all()));
    }
    Ok(())
}

/// The size of sled's files.
pub(super) fn bytes(folder: &Path) -> u64 {
    let size = |place: PathBuf| -> u64 {
        let entries = fs::read_dir(place).into_iter().flatten().filter_map(Result::ok);
        entries
            .filter_map(|entry| entry.metadata().ok())
            .filter(fs::Metadata::is_file)
            .map(|file| file.len())
            .sum()
    };
    size(folder.join("store")) + size(folder.join("store/blobs"))
}
