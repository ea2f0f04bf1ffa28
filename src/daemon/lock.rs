//! One daemon a data folder.

use rustix::fs::{FlockOperation, flock};
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

/// A data folder is in use by this process while this lives. The kernel gives it back when the
/// process ends, however it ends: there are no stale locks.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a data folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon has it.
    #[error(
        "expected the data folder {folder} to be free, found that process {pid} uses it: end that one, or choose another folder with --data"
    )]
    Taken {
        /// The folder.
        folder: PathBuf,
        /// Who says to have it.
        pid: String,
    },
    /// It cannot be written.
    #[error("cannot lock the data folder {folder}: {source}")]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the data folder.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        Self::named(folder, "daemon.lock")
    }

    /// Takes the data folder's outbox: one courier sends at a time.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn courier(folder: &Path) -> Result<Self, LockError> {
        Self::named(folder, "courier.lock")
    }

    fn named(folder: &Path, name: &str) -> Result<Self, LockError> {
        let unwritable = |source| LockError::Unwritable {
            folder: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.join(name))
            .map_err(unwritable)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(LockError::Taken {
                folder: folder.to_owned(),
                pid: pid.trim().to_owned(),
            });
        }
        file.set_len(0).map_err(unwritable)?;
        file.rewind().map_err(unwritable)?;
        writeln!(file, "{}", std::process::id()).map_err(unwritable)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_is_had_once_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let refused = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(
            refused.contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(first);
        Lock::take(folder.path()).unwrap();
        // What a killed process left behind holds nobody up.
        std::fs::write(folder.path().join("daemon.lock"), "99999999\n").unwrap();
        Lock::take(folder.path()).unwrap();
    }
}
