//! Room on the disk. A disk that is full takes no commits, and without commits no access can be ended:
//! so new requests stop long before, and some room is held back for ending what was given.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

const MIB: u64 = 1024 * 1024;
/// How much is held back: room for some ten thousand commits.
const RESERVE: u64 = 32 * MIB;
/// With less than this the reserve is given up.
const NOTHING: u64 = RESERVE / 4;
/// Where new requests stop at the latest.
const LEAST: u64 = NOTHING + RESERVE;

/// Watches the disk that holds the books, and holds room on it.
#[derive(Debug)]
pub struct Room {
    folder: PathBuf,
    /// In this file, which holds nothing.
    reserve: PathBuf,
    wanted: u64,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// More than is wanted.
    Enough,
    /// Less.
    Short {
        /// What is left, in MiB.
        left: u64,
    },
}

/// What to do with the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Hold,
    Leave,
    GiveUp,
}

impl Room {
    /// Wants at least so many MiB free in the folder with the books.
    pub fn new(folder: &Path, wanted_mib: u64) -> Self {
        let wanted = wanted_mib.saturating_mul(MIB);
        Self { folder: folder.to_owned(), reserve: folder.join("reserve"), wanted }
    }

    /// Looks how much room there is, holds some back where there is enough, and gives it up where there
    /// is next to none.
    ///
    /// # Errors
    /// The disk cannot be asked.
    pub fn look(&self) -> io::Result<Outlook> {
        Ok(self.look_with(free(&self.folder)?))
    }

    fn look_with(&self, free: u64) -> Outlook {
        let held = fs::metadata(&self.reserve).map(|reserve| reserve.len()).unwrap_or_default();
        let (outlook, act) = judge(free, held, self.wanted);
        match act {
            Act::Leave => {}
            // Without a reserve the bot is as good as others are.
            Act::Hold => {
                if let Err(error) = hold(&self.reserve) {
                    tracing::warn!(error = %error, "no room could be held back on the disk");
                    drop(fs::remove_file(&self.reserve));
                }
            }
            Act::GiveUp => match fs::remove_file(&self.reserve) {
                Ok(()) => tracing::error!("the disk is full: what was held back goes to ending access"),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => tracing::error!(error = %error, "what was held back cannot be given up"),
            },
        }
        outlook
    }
}

fn judge(free: u64, held: u64, wanted: u64) -> (Outlook, Act) {
    // Less is no choice: requests must stop before the reserve is touched, and before it is given up.
    let wanted = wanted.max(LEAST);
    if free < wanted {
        let act = if free < NOTHING && held > 0 { Act::GiveUp } else { Act::Leave };
        return (Outlook::Short { left: free / MIB }, act);
    }
    // Holding it back must not be what makes room scarce.
    let act = if held < RESERVE && free >= wanted + RESERVE { Act::Hold } else { Act::Leave };
    (Outlook::Enough, act)
}

fn free(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Written out, since a file with holes holds nothing; file systems that can do it at once do.
fn hold(path: &Path) -> io::Result<()> {
    let mut file: File = OpenOptions::new().create(true).write(true).truncate(true).open(path)?;
    if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, RESERVE).is_ok() {
        return Ok(());
    }
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..RESERVE / MIB {
        file.write_all(&zeros)?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_judged_by_what_is_free_and_held() {
        let short = |left| Outlook::Short { left };
        // Free, held and wanted in MiB.
        let table = [
            (1000, 0, 64, Outlook::Enough, Act::Hold),
            (1000, 32, 64, Outlook::Enough, Act::Leave),
            (1000, 7, 64, Outlook::Enough, Act::Hold),
            (95, 0, 64, Outlook::Enough, Act::Leave),
            (96, 0, 64, Outlook::Enough, Act::Hold),
            (64, 32, 64, Outlook::Enough, Act::Leave),
            (63, 32, 64, short(63), Act::Leave),
            (8, 32, 64, short(8), Act::Leave),
            (7, 32, 64, short(7), Act::GiveUp),
            (7, 0, 64, short(7), Act::Leave),
            (0, 32, 64, short(0), Act::GiveUp),
            // No less than 40 are wanted.
            (71, 0, 0, Outlook::Enough, Act::Leave),
            (72, 0, 0, Outlook::Enough, Act::Hold),
            (40, 32, 0, Outlook::Enough, Act::Leave),
            (39, 32, 0, short(39), Act::Leave),
            (39, 32, 39, short(39), Act::Leave),
            (7, 32, 0, short(7), Act::GiveUp),
            (0, 32, 1, short(0), Act::GiveUp),
        ];
        for (free, held, wanted, outlook, act) in table {
            let judged = judge(free * MIB, held * MIB, wanted * MIB);
            assert_eq!(judged, (outlook, act), "{free} {held} {wanted}");
        }
    }

    #[test]
    fn room_is_held_back_and_given_up_on_a_real_disk() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = folder.path().join("reserve");
        assert_eq!(Room::new(folder.path(), 1).look().unwrap(), Outlook::Enough);
        assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE);
        // More than any disk has.
        let greedy = Room::new(folder.path(), u64::MAX / MIB);
        assert!(matches!(greedy.look().unwrap(), Outlook::Short { left } if left > 0));
        assert!(reserve.exists(), "there is room yet");
        for wanted_mib in [0, 1, 64] {
            let room = Room::new(folder.path(), wanted_mib);
            assert_eq!(room.look_with(200 * MIB), Outlook::Enough);
            assert_eq!(room.look_with(8 * MIB), Outlook::Short { left: 8 });
            assert!(reserve.exists(), "{wanted_mib}: it is for when there is next to nothing");
            assert_eq!(room.look_with(8 * MIB - 1), Outlook::Short { left: 7 });
            assert!(!reserve.exists(), "{wanted_mib}: it goes to ending access");
            assert_eq!(room.look_with(39 * MIB), Outlook::Short { left: 39 });
            assert!(!reserve.exists(), "{wanted_mib}: it is not taken back at once");
        }
        assert!(Room::new(&folder.path().join("nowhere"), 1).look().is_err());
    }
}
