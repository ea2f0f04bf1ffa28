//! Product feeds: from a retailer's file to checked rows.
//!
//! Google Merchant Center's feed as TSV or CSV, with our own columns beside it
//! (`docs/feed.md`). A row whose id, title, price, availability or options cannot be read is
//! left out and told by line; a bad value elsewhere is told and left empty. A GTIN with a wrong
//! check digit costs the row its GTIN, not its place: the product can be sold, only not
//! scanned.

mod columns;
mod import;
mod lines;
mod options;
mod report;
mod row;
mod value;

pub use import::{FeedFile, ImportError, import, language_of};
pub(super) use import::{finish, read_into};
pub use report::{FeedReport, Issue, Severity};
pub use row::{FeedRow, Sale, UnitPricing};

use crate::{lang::Language, shop::money::Currency};
use columns::Columns;
use lines::{LONGEST_LINE, Record, Records};
use std::io::{self, BufRead};

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
        "expected a product feed as tab- or comma-separated text with a header line in {feed}, \
         found {found}"
    )]
    Format {
        /// The feed.
        feed: String,
        /// What it seems to be.
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

/// Reads the rows of one feed, one at a time, in bounded memory.
pub struct FeedReader<R> {
    records: Records<R>,
    columns: Columns,
    currency: Option<Currency>,
    report: FeedReport,
}

impl<R: BufRead> FeedReader<R> {
    /// Reads the header. `currency` is the shop's, where it is known; else the first row's.
    ///
    /// # Errors
    /// [`FeedError`] when it is no feed or lacks a column that it must have.
    pub fn open(
        name: &str,
        language: Language,
        currency: Option<Currency>,
        reader: R,
    ) -> Result<Self, FeedError> {
        let mut records = Records::new(reader);
        let format = |found: String| FeedError::Format {
            feed: name.to_owned(),
            found,
        };
        let header = records.header().map_err(|source| FeedError::Io {
            feed: name.to_owned(),
            source,
        })?;
        let names = match header {
            Some(Record::Values(names)) if names.iter().any(|n| !n.is_empty()) => names,
            Some(Record::TooLong(length)) => {
                return Err(format(format!(
                    "a first line of {length} bytes (at most {LONGEST_LINE})"
                )));
            }
            Some(Record::NotUtf8(at)) => {
                return Err(format(format!(
                    "a first line that is not UTF-8 from byte {at} on (compressed, or UTF-16?)"
                )));
            }
            _ => return Err(format("nothing".to_owned())),
        };
        if names
            .first()
            .is_some_and(|n| n.starts_with(['<', '{', '[']))
        {
            return Err(format("XML or JSON".to_owned()));
        }
        let mut report = FeedReport::new(name, language);
        let columns = Columns::of(&names, &mut report).map_err(|missing| FeedError::Columns {
            feed: name.to_owned(),
            missing,
            found: report::shown(&names.join(", ")),
        })?;
        Ok(Self {
            records,
            columns,
            currency,
            report,
        })
    }

    /// The next row that can be kept; what cannot is in the report.
    ///
    /// # Errors
    /// [`FeedError::Io`] when the file cannot be read on.
    pub fn next_row(&mut self) -> Result<Option<FeedRow>, FeedError> {
        loop {
            let next = self.records.next().map_err(|source| FeedError::Io {
                feed: self.report.feed.clone(),
                source,
            })?;
            let Some((line, record)) = next else {
                return Ok(None);
            };
            self.report.lines += 1;
            let issue = |expected: &str, found: String| Issue {
                line,
                column: None,
                expected: expected.to_owned(),
                found,
                severity: Severity::Refused,
            };
            let values = match record {
                Record::Values(values) => values,
                Record::TooLong(length) => {
                    let expected = format!("a line of at most {LONGEST_LINE} bytes");
                    self.report.add(issue(&expected, format!("{length} bytes")));
                    continue;
                }
                Record::NotUtf8(at) => {
                    let found = format!("other bytes from byte {} of the line on", at + 1);
                    self.report.add(issue("UTF-8 text", found));
                    continue;
                }
                Record::OpenQuote => {
                    let found = "one that is never closed".to_owned();
                    self.report.add(issue("a quoted value to end", found));
                    continue;
                }
            };
            match self
                .columns
                .row(line, &values, self.currency, &mut self.report)
            {
                Ok(row) => {
                    self.currency.get_or_insert(row.price.currency);
                    return Ok(Some(row));
                }
                Err(refused) => self.report.add(refused),
            }
        }
    }

    /// The account so far, to be added to by who stores the rows.
    pub fn report(&mut self) -> &mut FeedReport {
        &mut self.report
    }

    /// The feed's currency, once a row was read.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// The account, at the end.
    #[must_use]
    pub fn into_report(self) -> FeedReport {
        self.report
    }
}
