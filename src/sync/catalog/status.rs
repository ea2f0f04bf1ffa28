//! What is known of each source: kept in the data folder, shown by `comptoir catalog status`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io, path::Path};

/// What is known of the last sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The catalog that the last successful sync built, by its time.
    pub built_at: Option<Timestamp>,
    /// How many products it had.
    pub products: u64,
    /// How its sources were set: another setting builds anew.
    pub settings: String,
    /// Each source.
    pub sources: BTreeMap<String, SourceStatus>,
}

/// What is known of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceStatus {
    /// Where it is, without what may be secret.
    pub from: String,
    /// When it was last asked for.
    pub tried_at: Option<Timestamp>,
    /// When it last went well, with news or without.
    pub good_at: Option<Timestamp>,
    /// When the copy was fetched that the catalog is built from.
    pub fetched_at: Option<Timestamp>,
    /// The validator of that copy.
    pub etag: Option<String>,
    /// The other one.
    pub last_modified: Option<String>,
    /// Bytes of that copy.
    pub bytes: u64,
    /// SHA-256 of that copy.
    pub sha256: String,
    /// SHA-256 of where it came from: the address itself may hold a secret.
    pub address: String,
    /// Rows kept.
    pub kept: u64,
    /// Rows refused.
    pub refused: u64,
    /// Values not used.
    pub warnings: u64,
    /// The first of what was refused.
    pub issues: Vec<String>,
    /// What went wrong the last time; nothing when it went well.
    pub error: Option<String>,
    /// How often in a row.
    pub failures: u32,
}

const FILE: &str = "status.json";

impl Status {
    /// Reads it; what cannot be read is as if nothing were known.
    pub(super) fn read(feeds: &Path) -> Self {
        let text = std::fs::read(feeds.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, feeds: &Path) -> io::Result<()> {
        let new = feeds.join(format!("{FILE}.new"));
        std::fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&new, feeds.join(FILE))
    }
}
