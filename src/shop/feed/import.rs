//! From feed files to a catalog that is swapped in whole.

use super::{FeedError, FeedReader, FeedReport, Issue, Severity};
use crate::{
    lang::Language,
    shop::{
        money::Currency,
        store::{Added, CatalogBuilder, StoreError},
    },
};
use jiff::Timestamp;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

/// A feed to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The language of its texts.
    pub language: Language,
}

/// Why nothing was imported. The catalog is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A feed cannot be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The catalog cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not one row can be kept.
    #[error(
        "expected products in {feeds}, found none that can be kept; the catalog is as it was\n{account}"
    )]
    NothingKept {
        /// The feeds.
        feeds: String,
        /// Why not.
        account: String,
    },
}

/// Imports feeds as the catalog of a data folder: all of them, whole, or nothing. Rows that
/// cannot be kept are in the reports; the rest is in the catalog.
///
/// A feed says what is sold: a product that is in none of them is gone. Texts in languages that
/// no feed brings are kept for the products that stay, so that feeds of single languages can be
/// imported one after the other.
///
/// # Errors
/// [`ImportError`]; the catalog is as it was then.
pub fn import(
    folder: &Path,
    feeds: &[FeedFile],
    currency: Option<Currency>,
    now: Timestamp,
) -> Result<Vec<FeedReport>, ImportError> {
    let mut builder = CatalogBuilder::begin(folder)?;
    let mut reports = Vec::new();
    let mut currency = currency;
    for feed in feeds {
        let name = feed.path.display().to_string();
        let file = File::open(&feed.path).map_err(|source| FeedError::Io {
            feed: name.clone(),
            source,
        })?;
        let reader = BufReader::with_capacity(64 << 10, file);
        reports.push(read_into(
            &mut builder,
            &name,
            feed.language,
            &mut currency,
            reader,
        )?);
    }
    finish(builder, &reports, now)?;
    Ok(reports)
}

/// Completes a catalog, unless nothing is in it.
pub(in crate::shop) fn finish(
    builder: CatalogBuilder,
    reports: &[FeedReport],
    now: Timestamp,
) -> Result<(), ImportError> {
    if builder.products()? == 0 {
        let all = |part: fn(&FeedReport) -> String, between: &str| {
            reports.iter().map(part).collect::<Vec<_>>().join(between)
        };
        return Err(ImportError::NothingKept {
            feeds: all(|r| r.feed.clone(), ", "),
            account: all(ToString::to_string, "\n"),
        });
    }
    Ok(builder.finish(now)?)
}

/// Reads one feed into a catalog that is being built.
pub(in crate::shop) fn read_into<R: BufRead>(
    builder: &mut CatalogBuilder,
    name: &str,
    language: Language,
    currency: &mut Option<Currency>,
    reader: R,
) -> Result<FeedReport, ImportError> {
    let mut feed = FeedReader::open(name, language, *currency, reader)?;
    while let Some(row) = feed.next_row()? {
        let added = builder.add(&row, language)?;
        let report = feed.report();
        let mut issue = |column: &str, expected: String, found: String, severity| {
            report.add(Issue {
                line: row.line,
                column: Some(column.to_owned()),
                expected,
                found,
                severity,
            });
        };
        let id = super::report::shown(&row.id.0);
        match added {
            Added::Kept => {}
            Added::Differs(columns) => {
                for column in columns {
                    issue(
                        column,
                        format!("the same value for {id} as in the feed before"),
                        "another".to_owned(),
                        Severity::Warning,
                    );
                }
            }
            Added::Duplicate(line) => {
                issue(
                    "id",
                    "an id that stands once".to_owned(),
                    format!("{id}, which stands in line {line} too"),
                    Severity::Refused,
                );
                continue;
            }
        }
        feed.report().kept += 1;
    }
    *currency = feed.currency().or(*currency);
    Ok(feed.into_report())
}

/// The language that a feed's name says: `products.fr.tsv` is French.
#[must_use]
pub fn language_of(path: &Path) -> Option<Language> {
    let stem = path.file_stem()?.to_str()?;
    let (_, last) = stem.rsplit_once(['.', '_', '-'])?;
    last.parse().ok()
}
