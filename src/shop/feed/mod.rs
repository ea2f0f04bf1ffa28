//! Product feeds: from a retailer's file to checked rows.
//!
//! Google Merchant Center's feed as TSV, CSV, RSS or Atom, with our own columns beside it;
//! `products.jsonl`; and the JSON of shop systems through mappings (`docs/feed.md`). Whatever the
//! format, a row whose id, title, price, availability or options cannot be read is left out and
//! told by its place; a bad value elsewhere is told and left empty. A GTIN with a wrong check
//! digit costs the row its GTIN, not its place: the product can be sold, only not scanned.
//!
//! Feeds are read in bounded memory whatever they hold, and what they hold is data: texts lose
//! markup, control characters and marks that turn or hide text.

mod clean;
mod columns;
mod format;
mod import;
mod input;
mod json;
mod jsonl;
mod lines;
mod mapped;
mod mapping;
mod named;
mod options;
mod parsed;
mod patch;
mod reader;
mod report;
mod row;
mod source;
mod value;
mod xml;

pub use format::{Format, UnknownFormat};
pub(crate) use import::finish;
pub(super) use import::read_into;
pub use import::{FeedFile, ImportError, import, language_of, read_file};
pub use mapping::{Mapping, MappingError, Pages};
pub use patch::{PatchFile, read_patches};
pub(crate) use reader::count_items;
pub use reader::{FeedReader, Opening};
pub use report::{FeedReport, Issue, Severity};
pub use row::{FeedRow, Sale, UnitPricing};

use std::io;

/// Why a feed cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Columns that a feed must have are not there.
    #[error(
        "expected the columns id, title, price and availability in {feed}, found no {}: \
         the columns are {found}",
        missing.join(", no ")
    )]
    Columns {
        /// The feed.
        feed: String,
        /// What is missing.
        missing: Vec<&'static str>,
        /// What is there.
        found: String,
    },
    /// It is something else than a feed.
    #[error(
        "expected a product feed in {feed} (tab- or comma-separated text with a header line, RSS, \
         JSON lines, or a shop system's JSON), found {found}"
    )]
    Format {
        /// The feed.
        feed: String,
        /// What it seems to be.
        found: String,
    },
    /// It turns to something else on the way.
    #[error(
        "expected {feed} to be a product feed to its end, found at {place}: {found}; nothing of it \
         is used"
    )]
    Broken {
        /// The feed.
        feed: String,
        /// Where.
        place: String,
        /// What was found there.
        found: String,
    },
    /// It cannot be read on.
    #[error("expected to read {feed}: {source}")]
    Io {
        /// The feed.
        feed: String,
        /// What went wrong.
        source: io::Error,
    },
}
