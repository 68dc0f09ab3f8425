//! Copies of the books: one file, whole or refused.
//!
//! ```text
//! sym-backup 1\n                                 what this is, and its version
//! (length of key, length of value, key, value)…  every row, in the order of keys
//! 0xffffffff, number of rows, sha-256 of everything before it
//! ```

use super::{OpenError, Store, StoreError, keys, open, read, row};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"sym-backup ";
const VERSION: u8 = b'1';
const END: u32 = u32::MAX;
/// No row is that long; a length beyond it is damage.
const LONGEST: u32 = 64 * 1024 * 1024;
/// Rows of one batch when they are put back.
const BATCH: usize = 1000;

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// Rows of the books.
    pub rows: u64,
    /// Commits they had seen.
    pub commits: u64,
}

/// Why a backup could not be made or put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is there already, or cannot be read or written.
    #[error("the backup {file} cannot be used: {why}")]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It is not a whole backup.
    #[error("{file} is not a whole backup: {why}. Nothing was restored; take another copy")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The folder holds something.
    #[error(
        "{folder} is not empty: a backup is restored only into an empty folder, so that it never \
             replaces books that may know more"
    )]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// The books cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The restored books cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Store {
    /// Writes a copy of the books as they are at one moment: nothing is committed while the rows are
    /// read. The file is new, readable by its owner only, and on disk when this returns.
    ///
    /// # Errors
    /// The file exists or cannot be written, or the store cannot be read. No half file is left.
    pub fn backup(&self, file: &Path) -> Result<Saved, BackupError> {
        let unusable = |error: io::Error| BackupError::File { file: file.to_owned(), why: error.to_string() };
        let new = File::options().write(true).create_new(true).mode(0o600).open(file).map_err(unusable)?;
        let saved = self.copy(new).and_then(|saved| {
            File::open(folder_of(file))?.sync_all()?;
            Ok(saved)
        });
        saved.map_err(|trouble| {
            // Ours, made a moment ago.
            drop(fs::remove_file(file));
            match trouble {
                Trouble::File(error) => unusable(error),
                Trouble::Store(error) => error.into(),
            }
        })
    }

    fn copy(&self, file: File) -> Result<Saved, Trouble> {
        let mut writer = Summing { inner: BufWriter::new(file), hash: Sha256::new() };
        writer.write_all(&[MAGIC, &[VERSION], b"\n"].concat())?;
        let mut saved = Saved { rows: 0, commits: 0 };
        {
            // Held to the end of the scan: a commit in between would tear the copy.
            let head = self.lock();
            saved.commits = head.commits;
            for entry in read::Scan::range(&self.db, &[], &[u8::MAX]).that_is_long() {
                let (key, value) = entry?;
                for part in [&key, &value] {
                    writer.write_all(&length(part)?.to_be_bytes())?;
                }
                writer.write_all(&key)?;
                writer.write_all(&value)?;
                saved.rows += 1;
            }
        }
        writer.write_all(&END.to_be_bytes())?;
        writer.write_all(&saved.rows.to_be_bytes())?;
        let Summing { mut inner, hash } = writer;
        inner.write_all(&hash.finalize())?;
        let file = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(saved)
    }

    /// Puts a backup into an empty folder and opens it. The whole file is checked before the first row
    /// is written, and the head of the books is written last: half a restore never opens.
    ///
    /// # Errors
    /// The file is not a whole backup or of a newer version, or the folder is not empty or cannot be
    /// written.
    pub fn restore(file: &Path, folder: &Path) -> Result<(Self, Saved), BackupError> {
        let unusable = |why: io::Error| OpenError::Folder { folder: folder.to_owned(), why: why.to_string() };
        let damaged = |why: String| BackupError::Damaged { file: file.to_owned(), why };
        let reader = || {
            let opened = File::open(file);
            opened
                .map(BufReader::new)
                .map_err(|error| BackupError::File { file: file.to_owned(), why: error.to_string() })
        };
        let saved = check(reader()?).map_err(damaged)?;
        fs::create_dir_all(folder).map_err(unusable)?;
        if fs::read_dir(folder).map_err(unusable)?.next().is_some() {
            return Err(BackupError::NotEmpty { folder: folder.to_owned() });
        }
        let (db, lock) = open::bare(folder)?;
        let mut rows = Vec::new();
        let mut head = None;
        read_rows(&mut reader()?, &mut |key, value| {
            if key == keys::HEAD {
                head = Some((key, value));
                return Ok(());
            }
            rows.push((key, value));
            if rows.len() == BATCH { put(&db, &mut rows) } else { Ok(()) }
        })
        .map_err(damaged)?;
        put(&db, &mut rows).map_err(damaged)?;
        rows.extend(head);
        put(&db, &mut rows).map_err(damaged)?;
        drop(db);
        drop(lock);
        // A copy is used only when all of it is right.
        Ok((Self::open_whole(folder)?, saved))
    }
}

/// Writes rows and makes them durable, so that the head can only follow them.
fn put(db: &sled::Db, rows: &mut Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), String> {
    let mut batch = sled::Batch::default();
    for (key, value) in rows.drain(..) {
        batch.insert(key, value);
    }
    #[expect(clippy::disallowed_methods, reason = "these books are not open yet; `open` syncs them")]
    let written = read::guarded(|| {
        db.apply_batch(batch)?;
        db.flush()
    });
    written.map(drop).map_err(|error| error.to_string())
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn length(part: &[u8]) -> io::Result<u32> {
    u32::try_from(part.len())
        .ok()
        .filter(|length| *length <= LONGEST)
        .ok_or_else(|| io::Error::other("a row is too long"))
}

/// Reads a backup to its end, so that nothing of a broken one is used.
fn check(inner: impl Read) -> Result<Saved, String> {
    let mut reader = Summing { inner, hash: Sha256::new() };
    let mut commits = None;
    let rows = read_rows(&mut reader, &mut |key, value| {
        if key == keys::HEAD {
            commits = keys::read_head(&value).map(|head| head.commits);
        }
        match value.first() {
            Some(found) if key == keys::VERSION && *found > row::VERSION => {
                Err(format!("its books have format {found}, and this program reads {}", row::VERSION))
            }
            _ => Ok(()),
        }
    })?;
    let Summing { mut inner, hash } = reader;
    let mut sum = Vec::new();
    inner.read_to_end(&mut sum).map_err(|error| error.to_string())?;
    if sum != hash.finalize().as_slice() {
        return Err("its checksum is wrong".to_owned());
    }
    let commits = commits.ok_or("the head of the books is missing")?;
    Ok(Saved { rows, commits })
}

type Take<'a> = dyn FnMut(Vec<u8>, Vec<u8>) -> Result<(), String> + 'a;

/// Hands every row over, up to the end mark and the count behind it.
fn read_rows(reader: &mut impl Read, take: &mut Take<'_>) -> Result<u64, String> {
    let torn = |error: io::Error| format!("it is torn: {error}");
    let first = bytes(reader, MAGIC.len() + 2).map_err(torn)?;
    match first.strip_prefix(MAGIC) {
        Some([VERSION, b'\n']) => {}
        Some([version, b'\n']) => {
            return Err(format!("it has version {}, and this program reads 1", version.escape_ascii()));
        }
        _ => return Err("it was not written by `sym backup`".to_owned()),
    }
    let mut rows = 0_u64;
    loop {
        let key = number(reader).map_err(torn)?;
        if key == END {
            let counted = bytes(reader, 8).map_err(torn)?;
            return if counted == rows.to_be_bytes() { Ok(rows) } else { Err("rows are missing".to_owned()) };
        }
        let value = number(reader).map_err(torn)?;
        if key > LONGEST || value > LONGEST {
            return Err("a row is too long".to_owned());
        }
        let key = bytes(reader, key as usize).map_err(torn)?;
        let value = bytes(reader, value as usize).map_err(torn)?;
        take(key, value)?;
        rows += 1;
    }
}

fn number(reader: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

/// Grows as bytes arrive, so that a wrong length cannot ask for memory.
fn bytes(reader: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Adds up everything that passes.
struct Summing<T> {
    inner: T,
    hash: Sha256,
}

impl<T: Write> Write for Summing<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Summing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// What can go wrong while a copy is written.
enum Trouble {
    File(io::Error),
    Store(StoreError),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
