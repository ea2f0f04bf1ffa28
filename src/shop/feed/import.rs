//! From feed files to a catalog that is swapped in whole.

use super::{FeedError, FeedReader, FeedReport, Format, Issue, Opening, Severity};
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
#[derive(Clone, Debug, PartialEq)]
pub struct FeedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The language of its texts.
    pub language: Language,
    /// Its format.
    pub format: Format,
    /// The currency of its amounts, where it says none; else the shop's.
    pub currency: Option<Currency>,
}

impl FeedFile {
    /// A feed whose format is seen from how it begins.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, language: Language) -> Self {
        Self {
            path: path.into(),
            language,
            format: Format::Auto,
            currency: None,
        }
    }
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
    builder.origin("feed");
    for feed in feeds {
        let name = feed.path.display().to_string();
        let (report, seen) =
            read_file(&mut builder, &name, feed, (currency, u64::MAX), &mut |_| {})?;
        currency = seen.or(currency);
        reports.push(report);
    }
    finish(builder, &reports, now)?;
    Ok(reports)
}

/// Completes a catalog, unless nothing is in it.
pub(crate) fn finish(
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

/// Reads a feed's file into a catalog that is being built. `name` is how it is called in the
/// account, `currency` the shop's where it is known, `limit` how many bytes are read at
/// most; `seen` is told every thousand rows how many there were. Gives the currency too.
///
/// # Errors
/// [`ImportError`]; the catalog that is being built is to be given up then.
pub fn read_file(
    builder: &mut CatalogBuilder,
    name: &str,
    feed: &FeedFile,
    (currency, limit): (Option<Currency>, u64),
    seen: &mut dyn FnMut(u64),
) -> Result<(FeedReport, Option<Currency>), ImportError> {
    let opening = Opening {
        format: feed.format.clone(),
        currency,
        amounts_in: feed.currency,
        limit,
    };
    let file = File::open(&feed.path).map_err(|source| FeedError::Io {
        feed: name.to_owned(),
        source,
    })?;
    let reader = BufReader::with_capacity(64 << 10, file);
    let reader = FeedReader::open_as(name, feed.language, opening, reader)?;
    rows_into(builder, feed.language, reader, seen)
}

/// Reads one feed into a catalog that is being built.
pub(in crate::shop) fn read_into<R: BufRead>(
    builder: &mut CatalogBuilder,
    name: &str,
    language: Language,
    currency: &mut Option<Currency>,
    reader: R,
) -> Result<FeedReport, ImportError> {
    let feed = FeedReader::open(name, language, *currency, reader)?;
    let (report, seen) = rows_into(builder, language, feed, &mut |_| {})?;
    *currency = seen.or(*currency);
    Ok(report)
}

fn rows_into<R: BufRead>(
    builder: &mut CatalogBuilder,
    language: Language,
    mut feed: FeedReader<R>,
    seen: &mut dyn FnMut(u64),
) -> Result<(FeedReport, Option<Currency>), ImportError> {
    while let Some(row) = feed.next_row()? {
        if feed.report().kept % 1_000 == 999 {
            seen(feed.report().lines);
        }
        let added = builder.add(&row, language)?;
        let report = feed.report();
        let mut issue = |column: &str, expected: String, found: String, severity| {
            report.add(Issue {
                line: row.line,
                item: row.item,
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
            Added::GtinTaken(owner) => {
                let owner = super::report::shown(&owner);
                issue(
                    "gtin",
                    "a GTIN of its own".to_owned(),
                    format!("that of {owner}, which keeps it"),
                    Severity::Warning,
                );
            }
            Added::Duplicate(at) => {
                let unit = if row.item.is_some() { "item" } else { "line" };
                issue(
                    "id",
                    "an id that stands once".to_owned(),
                    format!("{id}, which stands in {unit} {at} too"),
                    Severity::Refused,
                );
                continue;
            }
        }
        feed.report().kept += 1;
    }
    let currency = feed.currency();
    Ok((feed.into_report(), currency))
}

/// The language that a feed's name says: `products.fr.tsv` is French.
#[must_use]
pub fn language_of(path: &Path) -> Option<Language> {
    let stem = path.file_stem()?.to_str()?;
    let (_, last) = stem.rsplit_once(['.', '_', '-'])?;
    last.parse().ok()
}
