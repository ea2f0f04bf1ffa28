//! A feed's rows, one at a time.

use super::{
    FeedError,
    columns::Columns,
    format::Format,
    input::Input,
    json,
    jsonl::Lines,
    lines::{LONGEST_LINE, Record, Records},
    mapped::Mapped,
    parsed::Parsed,
    report::{self, FeedReport, Issue, Severity},
    row::FeedRow,
    source::{Source, json_error},
    xml::Items,
};
use crate::{lang::Language, shop::money::Currency};
use std::io::BufRead;

/// So many lines in a row that are none: the feed has turned to garbage.
const GARBAGE: u32 = 100;

/// How a feed is to be read.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its format.
    pub format: Format,
    /// The shop's currency, where it is known; else the first row's.
    pub currency: Option<Currency>,
    /// The currency of amounts that say none; else the shop's.
    pub amounts_in: Option<Currency>,
    /// At most so many bytes, unpacked.
    pub limit: u64,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            currency: None,
            amounts_in: None,
            limit: u64::MAX,
        }
    }
}

/// Reads the rows of one feed, one at a time, in bounded memory. Gzip is unpacked.
pub struct FeedReader<R: BufRead> {
    source: Source<R>,
    currency: Option<Currency>,
    report: FeedReport,
    /// The first of so many lines in a row that are none.
    garbage: (u64, u32),
}

impl<R: BufRead> FeedReader<R> {
    /// Opens a feed whose format is seen from how it begins. `currency` is the shop's, where it
    /// is known; else the first row's.
    ///
    /// # Errors
    /// [`FeedError`] when it is no feed or lacks a column that it must have.
    pub fn open(
        name: &str,
        language: Language,
        currency: Option<Currency>,
        reader: R,
    ) -> Result<Self, FeedError> {
        let opening = Opening {
            currency,
            ..Opening::default()
        };
        Self::open_as(name, language, opening, reader)
    }

    /// Opens a feed.
    ///
    /// # Errors
    /// [`FeedError`] when it is no feed or lacks a column that it must have.
    pub fn open_as(
        name: &str,
        language: Language,
        opening: Opening,
        reader: R,
    ) -> Result<Self, FeedError> {
        let io = |source| FeedError::Io {
            feed: name.to_owned(),
            source,
        };
        let (input, head) = Input::open(reader, opening.limit).map_err(io)?;
        let format = match opening.format {
            Format::Auto => Format::detected(&head).map_err(|found| FeedError::Format {
                feed: name.to_owned(),
                found,
            })?,
            told => told,
        };
        let mut report = FeedReport::new(name, language);
        let code = opening.amounts_in.or(opening.currency).map(Currency::code);
        let source = match format {
            Format::Auto | Format::Table => table(name, input, &mut report)?,
            Format::Xml => Source::Xml(Box::new(Items::new(input)), Columns::by_name()),
            Format::JsonLines => {
                Source::JsonLines(Box::new(Lines::new(input, code)), Columns::by_name())
            }
            Format::Mapped(mapping) => {
                if mapping.price.currency.is_none() && code.is_none() {
                    return Err(FeedError::Format {
                        feed: name.to_owned(),
                        found: format!(
                            "a feed of {} without a currency: say it (`--currency EUR`, `currency` \
                             of the source, or shop.toml)",
                            mapping.name
                        ),
                    });
                }
                let mapped = Mapped::new(json::reader(input), *mapping, code);
                Source::Mapped(Box::new(mapped), Columns::by_name())
            }
        };
        Ok(Self {
            source,
            currency: opening.currency,
            report,
            garbage: (0, 0),
        })
    }

    /// The next row that can be kept; what cannot is in the report.
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be read on, or turns to garbage: nothing of it is to be used
    /// then.
    pub fn next_row(&mut self) -> Result<Option<FeedRow>, FeedError> {
        loop {
            let Some(next) = self.source.next(&self.report.feed)? else {
                self.source.note(&mut self.report);
                return Ok(None);
            };
            self.report.lines += 1;
            match next {
                Parsed::Row(place, values) => {
                    self.garbage.1 = 0;
                    let columns = self.source.columns();
                    match columns.row(place, &values, self.currency, &mut self.report) {
                        Ok(row) => {
                            self.currency.get_or_insert(row.price.currency);
                            return Ok(Some(row));
                        }
                        Err(refused) => self.report.add(refused),
                    }
                }
                Parsed::Refused((line, item), why) => {
                    if why.formless {
                        if self.garbage.1 == 0 {
                            self.garbage.0 = line;
                        }
                        self.garbage.1 += 1;
                    } else {
                        self.garbage.1 = 0;
                    }
                    if self.garbage.1 >= GARBAGE {
                        return Err(FeedError::Broken {
                            feed: self.report.feed.clone(),
                            place: format!("line {}", self.garbage.0),
                            found: format!(
                                "{GARBAGE} lines in a row that are no products (the last: {})",
                                why.found
                            ),
                        });
                    }
                    self.report.add(Issue {
                        line,
                        item,
                        column: None,
                        expected: why.expected,
                        found: why.found,
                        severity: Severity::Refused,
                    });
                }
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

/// How many items a document of a mapped feed holds, for who asks for pages.
///
/// # Errors
/// [`FeedError`] when it is no such document.
pub(crate) fn count_items<R: BufRead>(
    name: &str,
    mapping: &super::Mapping,
    reader: R,
    limit: u64,
) -> Result<u64, FeedError> {
    let io = |source| FeedError::Io {
        feed: name.to_owned(),
        source,
    };
    let (input, _) = Input::open(reader, limit).map_err(io)?;
    let mut mapped = Mapped::new(json::reader(input), mapping.clone(), None);
    while mapped.skip_item().map_err(|e| json_error(name, e))? {}
    if !mapped.found {
        return Err(FeedError::Format {
            feed: name.to_owned(),
            found: format!("JSON without a list of products at {}", mapped.wanted()),
        });
    }
    Ok(mapped.items())
}

fn table<R: BufRead>(
    name: &str,
    input: Input<R>,
    report: &mut FeedReport,
) -> Result<Source<R>, FeedError> {
    let mut records = Records::new(input);
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
                "a first line that is not UTF-8 from byte {at} on (UTF-16, or packed?)"
            )));
        }
        _ => return Err(format("nothing".to_owned())),
    };
    let columns = Columns::of(&names, report).map_err(|missing| FeedError::Columns {
        feed: name.to_owned(),
        missing,
        found: report::shown(&names.join(", ")),
    })?;
    Ok(Source::Table(records, columns))
}
