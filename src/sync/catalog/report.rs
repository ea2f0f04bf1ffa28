//! What a sync is asked, how far it is, and what it did.

use super::Pace;
use crate::shop::feed::FeedReport;
use jiff::Timestamp;
use serde::Serialize;

/// Which sync.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only these sources are asked for; the others' copies stay. Empty: all.
    pub sources: Vec<String>,
    /// Products may go, however many.
    pub allow_removals: bool,
    /// How patient the fetches are.
    pub pace: Pace,
}

/// How far a sync is.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Bytes of a source.
    Fetching {
        /// Its name.
        source: &'a str,
        /// So far.
        have: u64,
        /// Of so many, where that is known.
        total: Option<u64>,
    },
    /// Rows of a source.
    Reading {
        /// Its name.
        source: &'a str,
        /// So far.
        rows: u64,
    },
    /// The indexes, and the swap.
    Finishing,
}

/// What a sync did.
#[derive(Clone, Debug, Serialize)]
pub struct SyncReport {
    /// Whether there is a new catalog; else nothing had changed.
    pub updated: bool,
    /// When the catalog in use was built.
    pub built_at: Option<Timestamp>,
    /// How many products it has.
    pub products: u64,
    /// How many products went.
    pub removed: u64,
    /// Each source.
    pub sources: Vec<SourceReport>,
}

impl SyncReport {
    /// Whether every source went well and every row was kept.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.sources.iter().all(|source| {
            source.error.is_none() && source.feed.as_ref().is_none_or(|feed| feed.refused == 0)
        })
    }
}

/// What became of one source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceReport {
    /// Its name.
    pub name: String,
    /// Whether a newer copy came.
    pub fetched: bool,
    /// Why not, where it failed; the copy before is used.
    pub error: Option<String>,
    /// What became of its rows, where a catalog was built.
    pub feed: Option<FeedReport>,
}
