//! The only file of this room that touches the disk.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The longest file that is read: the parser's work grows with it, and no manifest is as long.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Where files come from.
#[derive(Debug, Clone)]
pub(crate) enum Files {
    /// The file system.
    Disk,
    /// Texts by path.
    Memory(BTreeMap<PathBuf, String>),
}

impl Files {
    /// The files (not folders) directly in a folder, sorted by name.
    ///
    /// # Errors
    /// The folder is not there or cannot be read.
    pub(super) fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = match self {
            Self::Disk => {
                let mut found = Vec::new();
                for entry in std::fs::read_dir(folder)? {
                    let entry = entry?;
                    if entry.path().is_file() {
                        found.push(folder.join(entry.file_name()));
                    }
                }
                found
            }
            Self::Memory(texts) => {
                let inside = texts.keys().filter(|path| path.parent() == Some(folder));
                let found: Vec<PathBuf> = inside.cloned().collect();
                if found.is_empty() {
                    return Err(io::Error::from(io::ErrorKind::NotFound));
                }
                found
            }
        };
        found.sort();
        Ok(found)
    }

    /// A file's text, without the byte order mark that some editors write.
    ///
    /// # Errors
    /// The file is not there, cannot be read, is not UTF-8 or is absurdly long.
    pub(super) fn read(&self, path: &Path) -> io::Result<String> {
        let text = match self {
            Self::Disk => {
                if std::fs::metadata(path)?.len() > MAX_BYTES {
                    return Err(io::Error::other("it is longer than 4 MiB"));
                }
                std::fs::read_to_string(path)?
            }
            Self::Memory(texts) => {
                texts.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?
            }
        };
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }
}

/// The path without `.` and with `..` taken back where that is possible, so that one folder has one
/// name however it was reached. Symbolic links are not looked at.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.last(), Some(Component::Normal(_))) => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let tidied: PathBuf = parts.iter().collect();
    if tidied.as_os_str().is_empty() { PathBuf::from(".") } else { tidied }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_has_one_name() {
        let table = [
            ("a/../b", "b"),
            ("./a/./b", "a/b"),
            ("../a", "../a"),
            ("a/..", "."),
            ("environments/prod/../../modules/x", "modules/x"),
            ("../../a/../b", "../../b"),
        ];
        for (path, expected) in table {
            assert_eq!(tidy(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
