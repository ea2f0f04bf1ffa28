//! Why the store could not do what was asked.

use crate::dialogue::event::WriteRefusal;
use rusqlite::ErrorCode;
use std::path::PathBuf;

/// Why the store could not do what was asked. After any of these nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Written by a newer Comptoir.
    #[error(
        "expected {database} to have schema version {known} at most, found {found}: \
         it was written by a newer comptoir; update this one, or use another data folder"
    )]
    Newer {
        /// The file.
        database: String,
        /// Its schema version.
        found: usize,
        /// The newest that this program knows.
        known: usize,
    },
    /// The file is damaged or is no database.
    #[error(
        "expected {database} to be a Comptoir database, found a damaged or foreign file: move it away and load the shop again"
    )]
    Damaged {
        /// The file.
        database: String,
    },
    /// No room left.
    #[error(
        "expected room to write to the data folder, found the disk full; nothing was changed: free some space and try again"
    )]
    Full,
    /// Another process kept the database locked.
    #[error(
        "expected to write within 5 s, found the data folder busy with another comptoir; try again"
    )]
    Busy,
    /// A rule said no.
    #[error("the request was refused: {0:?}")]
    Refused(WriteRefusal),
    /// Another import is running.
    #[error("expected no other import on {}, found one running; wait for it to end", .0.display())]
    ImportRunning(PathBuf),
    /// A file could not be read or written.
    #[error("expected to use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// What a column holds is not what was written there.
    #[error("expected {what} in the database, found `{found}`: load the shop again")]
    Content {
        /// What it should be.
        what: &'static str,
        /// What it is.
        found: String,
    },
    /// Anything else that SQLite says.
    #[error("the database failed: {0}")]
    Sqlite(rusqlite::Error),
}

impl StoreError {
    /// What the shopper's dialogue is told of it.
    #[must_use]
    pub fn refusal(&self) -> WriteRefusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
            _ => WriteRefusal::Failed,
        }
    }

    /// An error about a file.
    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            return Self::Full;
        }
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            // Room for the shared-memory file is what a full disk lacks first.
            Some(ErrorCode::SystemIoFailure)
                if error
                    .sqlite_error()
                    .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE) =>
            {
                Self::Full
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged {
                database: "the database".to_owned(),
            },
            _ => Self::Sqlite(error),
        }
    }
}
