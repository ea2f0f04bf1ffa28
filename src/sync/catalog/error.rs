//! Why a sync did not bring a new catalog.

use crate::shop::{
    feed::{FeedError, ImportError, UnknownFormat},
    load::LoadError,
    store::{Removals, StoreError},
};
use jiff::{SignedDuration, Timestamp};
use std::{fmt, io, path::PathBuf};

/// Why a sync did not bring a new catalog. The one before stays.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Nothing to sync from.
    #[error(
        "expected feeds in the settings ([[catalog.sources]]), found none; comptoir.example.toml \
         shows one"
    )]
    NoSources,
    /// No source of that name.
    #[error("expected a source of the settings ({known}), found `{found}`")]
    NoSuchSource {
        /// What was said.
        found: String,
        /// Those that are.
        known: String,
    },
    /// Another process syncs this folder.
    #[error("expected no other sync on {}, found one running; wait for it to end", .0.display())]
    Running(PathBuf),
    /// A source could not be fetched and there is no copy of it.
    #[error("source `{name}`: {why}")]
    Fetch {
        /// Its name.
        name: String,
        /// What went wrong.
        why: Box<FetchError>,
    },
    /// A source's format.
    #[error("source `{name}`: {why}")]
    Format {
        /// Its name.
        name: String,
        /// What is wrong.
        why: Box<UnknownFormat>,
    },
    /// A feed cannot be read, or not one row kept.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Too much would go.
    #[error(
        "expected to lose at most {percent} % of the products, found that {} of {} would go ({}); \
         look whether the feed is whole, and sync with --allow-removals if it is",
        removals.gone, removals.before, removals.some.join(", ")
    )]
    Removals {
        /// What would go.
        removals: Removals,
        /// How much may.
        percent: u8,
    },
    /// The data folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The shop's facts.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file of the data folder.
    #[error("expected to use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

impl From<FeedError> for SyncError {
    fn from(error: FeedError) -> Self {
        Self::Import(ImportError::Feed(error))
    }
}

/// Why a source could not be fetched. Addresses are told without what may be secret.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection, or no answer.
    #[error("expected an answer from {url}, found: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// Another status.
    #[error("expected the feed from {url}, found HTTP status {status}")]
    Status {
        /// Where.
        url: String,
        /// Which.
        status: u16,
        /// When it may be better, s.
        after_s: Option<u64>,
    },
    /// It ended early.
    #[error("expected all of {url}, found it cut after {have} bytes: {why}; the next sync goes on")]
    Cut {
        /// Where.
        url: String,
        /// So far.
        have: u64,
        /// What went wrong.
        why: String,
    },
    /// It takes too long.
    #[error(
        "expected {url} within {deadline_s} s, found {have} bytes by then; the next sync goes on"
    )]
    Deadline {
        /// Where.
        url: String,
        /// So far.
        have: u64,
        /// How long it may take.
        deadline_s: u64,
    },
    /// It is too long.
    #[error("expected at most {limit} bytes from {url}, found more; raise max_mb if that is right")]
    TooLong {
        /// Where.
        url: String,
        /// How long it may be.
        limit: u64,
    },
    /// It is something else.
    #[error("expected a feed from {url}, found {found}")]
    Other {
        /// Where.
        url: String,
        /// What it is.
        found: String,
    },
    /// A header's secret is not there, or is none.
    #[error("{0}")]
    Header(String),
    /// A file, of the source or of the data folder.
    #[error("expected to use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

impl FetchError {
    /// Whether another try may go well.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Cut { .. } => true,
            Self::Status { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
            }
            _ => false,
        }
    }

    pub(super) fn file(path: &std::path::Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// A sync that failed, and what stays in use.
#[derive(Debug)]
pub struct SyncFailed {
    /// Why.
    pub why: Box<SyncError>,
    /// When the catalog that stays was built, and how old it is.
    pub stays: Option<(Timestamp, SignedDuration)>,
}

impl fmt::Display for SyncFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.why)?;
        match self.stays {
            Some((at, age)) => write!(
                f,
                "\nthe catalog of {at} stays in use; it is {} old",
                age_of(age)
            ),
            None => f.write_str("\nthere is no catalog yet"),
        }
    }
}

impl std::error::Error for SyncFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.why.as_ref())
    }
}

/// An age as people say it.
#[must_use]
pub fn age_of(age: SignedDuration) -> String {
    let minutes = age.as_mins().max(0);
    match minutes {
        0 => "less than a minute".to_owned(),
        1..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}
