//! The witness: notices when the store comes back empty or older than it was.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A small file beside the store that remembers how far it had come: sled can come back empty without
/// any error, and this is how that is noticed.
#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
    name: String,
    /// The number last written.
    written: u64,
}

/// The witness may lag behind by this many commits while the store is busy, which bounds its cost: the
/// `fdatasync` of the store itself guards the last ones. When the store rests it catches up.
const LAG: u64 = 512;

impl Witness {
    /// The name and number in it; `None` when there is none.
    pub(super) fn read(path: &Path) -> Result<Option<(String, u64)>, String> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let mut words = text.split_whitespace();
        // Without its line end it may be the front half of a longer number.
        let is_whole = text.ends_with('\n');
        match (words.next(), words.next().and_then(|number| number.parse().ok())) {
            (Some(name), Some(commits)) if is_whole => Ok(Some((name.to_owned(), commits))),
            _ => Err("it is not a name and a number".to_owned()),
        }
    }

    /// A witness of a store that is on disk up to `commits`.
    pub(super) fn begin(path: PathBuf, name: String, commits: u64) -> std::io::Result<Self> {
        let mut witness = Self { path, name, written: 0 };
        witness.write(commits)?;
        Ok(witness)
    }

    /// Whether it says less than it could.
    pub(super) fn lags(&self, commits: u64) -> bool {
        self.written < commits
    }

    /// Called after each flush.
    pub(super) fn follow(&mut self, commits: u64) -> std::io::Result<()> {
        if self.written > 0 && commits < self.written + LAG {
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
        self.written = commits;
        Ok(())
    }
}
