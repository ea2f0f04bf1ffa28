//! One step of a feed, whatever its format.

use super::{
    FeedError,
    columns::Columns,
    input::Input,
    jsonl::Lines,
    lines::{LONGEST_LINE, Record, Records},
    mapped::Mapped,
    named::note_unknown,
    parsed::{NoRow, Parsed},
    report::FeedReport,
    xml::Items,
};
use std::io::{self, BufRead};
use struson::reader::{JsonReaderPosition, ReaderError};

/// Where rows come from.
pub(super) enum Source<R: BufRead> {
    Table(Records<Input<R>>, Columns),
    Xml(Box<Items<R>>, Columns),
    JsonLines(Box<Lines<R>>, Columns),
    Mapped(Box<Mapped<R>>, Columns),
}

impl<R: BufRead> Source<R> {
    /// How values become a row.
    pub(super) fn columns(&self) -> &Columns {
        match self {
            Self::Table(_, columns)
            | Self::Xml(_, columns)
            | Self::JsonLines(_, columns)
            | Self::Mapped(_, columns) => columns,
        }
    }

    /// The next step; the error says where the feed ends to be one.
    pub(super) fn next(&mut self, feed: &str) -> Result<Option<Parsed>, FeedError> {
        let io = |source| FeedError::Io {
            feed: feed.to_owned(),
            source,
        };
        match self {
            Self::Table(records, columns) => {
                let next = records.next().map_err(io)?;
                Ok(next.map(|(line, record)| table_row(line, record, columns)))
            }
            Self::Xml(items, _) => items.next().map_err(|broken| FeedError::Broken {
                feed: feed.to_owned(),
                place: format!("line {}", broken.line),
                found: broken.found,
            }),
            Self::JsonLines(lines, _) => lines.next().map_err(io),
            Self::Mapped(mapped, _) => {
                let next = mapped.next().map_err(|e| json_error(feed, e))?;
                if next.is_none() && !mapped.found {
                    return Err(FeedError::Format {
                        feed: feed.to_owned(),
                        found: format!("JSON without a list of products at {}", mapped.wanted()),
                    });
                }
                Ok(next)
            }
        }
    }

    /// What is to be said of the whole feed, at its end.
    pub(super) fn note(&mut self, report: &mut FeedReport) {
        let unknown = match self {
            Self::Table(..) => return,
            Self::Xml(items, _) => std::mem::take(&mut items.unknown),
            Self::JsonLines(lines, _) => std::mem::take(&mut lines.unknown),
            Self::Mapped(mapped, _) => {
                for (why, count) in mapped.passed_over() {
                    report
                        .notes
                        .push(format!("{count} items were passed over: {why}"));
                }
                return;
            }
        };
        note_unknown(&unknown.into_iter().collect::<Vec<_>>(), report);
    }
}

fn table_row(line: u64, record: Record, columns: &Columns) -> Parsed {
    let place = (line, None);
    let refused = match record {
        // A line without a separator is not a line of this table.
        Record::Values(values) if values.len() == 1 && columns.width() > 3 => NoRow::formless(
            format!("{} values", columns.width()),
            format!("one, {}", super::report::shown(&values.concat())),
        ),
        Record::Values(values) => return Parsed::Row(place, values),
        Record::TooLong(length) => NoRow::formless(
            format!("a line of at most {LONGEST_LINE} bytes"),
            format!("{length} bytes"),
        ),
        Record::NotUtf8(at) => NoRow::formless(
            "UTF-8 text",
            format!("other bytes from byte {} of the line on", at + 1),
        ),
        Record::OpenQuote => NoRow::formless("a quoted value to end", "one that is never closed"),
    };
    Parsed::Refused(place, refused)
}

/// A document that is no JSON (any more), with the place.
pub(super) fn json_error(feed: &str, error: ReaderError) -> FeedError {
    let place = |at: &JsonReaderPosition| match (&at.line_pos, at.data_pos) {
        (Some(line), _) => format!("line {}, column {}", line.line + 1, line.column + 1),
        (None, Some(byte)) => format!("byte {byte}"),
        (None, None) => "an unknown place".to_owned(),
    };
    let broken = |at: &JsonReaderPosition, found: String| FeedError::Broken {
        feed: feed.to_owned(),
        place: place(at),
        found,
    };
    match error {
        ReaderError::SyntaxError(e) => broken(&e.location, format!("no JSON ({})", e.kind)),
        ReaderError::UnexpectedValueType { location, .. }
        | ReaderError::UnexpectedStructure { location, .. } => {
            broken(&location, "JSON of another form".to_owned())
        }
        ReaderError::MaxNestingDepthExceeded {
            max_nesting_depth,
            location,
        } => broken(
            &location,
            format!("more than {max_nesting_depth} lists and objects in each other"),
        ),
        ReaderError::UnsupportedNumberValue { number, location } => {
            let number: String = number.chars().take(40).collect();
            broken(&location, format!("the number {number}"))
        }
        ReaderError::IoError { error, location } if error.kind() == io::ErrorKind::InvalidData => {
            broken(&location, "bytes that are no UTF-8".to_owned())
        }
        ReaderError::IoError { error, .. } => FeedError::Io {
            feed: feed.to_owned(),
            source: error,
        },
        other => FeedError::Format {
            feed: feed.to_owned(),
            found: other.to_string(),
        },
    }
}
