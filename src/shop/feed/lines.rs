//! Lines and records of a feed, in bounded memory whatever the file holds.

use super::clean::clean;
use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
};

/// A longer line is skipped, not read.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// A quoted value may hold so many line breaks.
const LINES_IN_QUOTES: usize = 20;

/// One record, or why a line is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Its values.
    Values(Vec<String>),
    /// Longer than [`LONGEST_LINE`]: so many bytes.
    TooLong(u64),
    /// Not UTF-8 from this byte of the line on.
    NotUtf8(usize),
    /// A value begins with a quote that is never closed.
    OpenQuote,
}

/// Reads records, one at a time.
pub(super) struct Records<R> {
    reader: R,
    delimiter: u8,
    /// The number of the last line that was read.
    line: u64,
    /// Lines that were read ahead for a quote that was not closed.
    ahead: VecDeque<(u64, Line)>,
}

/// A line without its end.
#[derive(Debug)]
pub(super) enum Line {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Longer than [`LONGEST_LINE`]: so many bytes.
    TooLong(u64),
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            delimiter: b'\t',
            line: 0,
            ahead: VecDeque::new(),
        }
    }

    /// The header: its bytes without BOM decide the delimiter (tab, else comma or semicolon).
    pub(super) fn header(&mut self) -> io::Result<Option<Record>> {
        let Some((_, line)) = self.next_line()? else {
            return Ok(None);
        };
        let bytes = match line {
            Line::TooLong(length) => return Ok(Some(Record::TooLong(length))),
            Line::Bytes(bytes) => bytes,
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let count = |c: u8| bytes.iter().filter(|b| **b == c).count();
        self.delimiter = if count(b'\t') > 0 {
            b'\t'
        } else if count(b';') > count(b',') {
            b';'
        } else {
            b','
        };
        Ok(Some(self.values(bytes, true)))
    }

    /// The next record that is no empty line, with the number of its first line.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Record)>> {
        loop {
            let Some((number, line)) = self.next_line()? else {
                return Ok(None);
            };
            let bytes = match line {
                Line::TooLong(length) => return Ok(Some((number, Record::TooLong(length)))),
                Line::Bytes(bytes) => bytes,
            };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let mut quotes = Quotes::default();
            quotes.read(&bytes, self.delimiter);
            let record = if quotes.open {
                self.joined(bytes, quotes)?
            } else {
                self.values(&bytes, !quotes.stray)
            };
            return Ok(Some((number, record)));
        }
    }

    /// Joins the lines of a quoted value. When no line closes it, the lines stay lines, and
    /// between tabs, where most shops do not quote, the quote is a character like another.
    fn joined(&mut self, first: Vec<u8>, mut quotes: Quotes) -> io::Result<Record> {
        let mut whole = first.clone();
        let mut read: Vec<(u64, Line)> = Vec::new();
        while read.len() < LINES_IN_QUOTES {
            let Some((number, line)) = self.next_line()? else {
                break;
            };
            let Line::Bytes(bytes) = &line else {
                read.push((number, line));
                break;
            };
            whole.push(b'\n');
            whole.extend_from_slice(bytes);
            quotes.read(b"\n", self.delimiter);
            quotes.read(bytes, self.delimiter);
            read.push((number, line));
            if quotes.stray || whole.len() > LONGEST_LINE {
                break;
            }
            if !quotes.open {
                return Ok(self.values(&whole, true));
            }
        }
        for line in read.into_iter().rev() {
            self.ahead.push_front(line);
        }
        if self.delimiter == b'\t' {
            return Ok(self.values(&first, false));
        }
        Ok(Record::OpenQuote)
    }

    /// The next line, whatever it holds, with its number.
    pub(super) fn next_line(&mut self) -> io::Result<Option<(u64, Line)>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        let limit = LONGEST_LINE as u64 + 1;
        let read = (&mut self.reader)
            .take(limit)
            .read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else if read as u64 == limit {
            let rest = self.reader.skip_until(b'\n')?;
            return Ok(Some((self.line, Line::TooLong((read + rest) as u64))));
        }
        Ok(Some((self.line, Line::Bytes(bytes))))
    }

    fn values(&self, line: &[u8], quoted: bool) -> Record {
        let text = match std::str::from_utf8(line) {
            Ok(text) => text,
            Err(e) => return Record::NotUtf8(e.valid_up_to()),
        };
        // A carriage return inside a line would end the record for the CSV reader.
        let text = text.replace('\r', " ");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .quoting(quoted)
            .delimiter(self.delimiter)
            .buffer_capacity(text.len().clamp(64, 8 << 10))
            .from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        match reader.read_record(&mut record) {
            Ok(true) => Record::Values(record.iter().map(clean).collect()),
            _ => Record::Values(Vec::new()),
        }
    }
}

/// Whether a quoted value is open, byte by byte. Quotes count only at the beginning of a value,
/// as the CSV reader has it.
#[derive(Clone, Copy, Debug)]
struct Quotes {
    open: bool,
    at_start: bool,
    /// A quote closed a value that went on: it was no quoting.
    stray: bool,
}

impl Default for Quotes {
    fn default() -> Self {
        Self {
            open: false,
            at_start: true,
            stray: false,
        }
    }
}

impl Quotes {
    fn read(&mut self, bytes: &[u8], delimiter: u8) {
        let mut bytes = bytes.iter().peekable();
        while let Some(&byte) = bytes.next() {
            if self.open {
                if byte == b'"' {
                    // A doubled quote is one of the value's own.
                    if bytes.peek() == Some(&&b'"') {
                        bytes.next();
                    } else {
                        self.open = false;
                        let ends = |next: &&u8| **next == delimiter || **next == b'\n';
                        self.stray |= !bytes.peek().is_none_or(ends);
                    }
                }
                self.at_start = false;
            } else if byte == b'"' && self.at_start {
                self.open = true;
            } else {
                self.at_start = byte == delimiter || byte == b'\n';
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, Record)> {
        let mut records = Records::new(text);
        records.header().unwrap().unwrap();
        std::iter::from_fn(|| records.next().unwrap()).collect()
    }

    fn values(values: &[&str]) -> Record {
        Record::Values(values.iter().map(|v| (*v).to_owned()).collect())
    }

    #[test]
    fn windows_and_unix_lines_are_alike_and_empty_ones_are_none() {
        assert_eq!(
            read(b"\xef\xbb\xbfid\ttitle\r\na\tMilk\r\n\r\n  \nb\tOat\tx"),
            [(2, values(&["a", "Milk"])), (5, values(&["b", "Oat", "x"]))]
        );
    }

    #[test]
    fn quoted_values_hold_delimiters_quotes_and_line_breaks() {
        assert_eq!(
            read(b"id,title\na,\"Milk, \"\"whole\"\"\nin glass\"\nb,Oat"),
            [
                (2, values(&["a", "Milk, \"whole\" in glass"])),
                (4, values(&["b", "Oat"]))
            ]
        );
        assert_eq!(
            read(b"id\ttitle\na\tScreen 24\"\nb\tOat"),
            [
                (2, values(&["a", "Screen 24\""])),
                (3, values(&["b", "Oat"]))
            ]
        );
    }

    #[test]
    fn between_tabs_a_quote_that_does_not_quote_is_a_character() {
        assert_eq!(
            read(b"id\ttitle\na\t\"Milk\nb\t\"Best\" tea\nc\t\"The \"\"best\"\" tea\""),
            [
                (2, values(&["a", "\"Milk"])),
                (3, values(&["b", "\"Best\" tea"])),
                (4, values(&["c", "The \"best\" tea"]))
            ]
        );
    }

    #[test]
    fn between_commas_a_quote_that_is_never_closed_costs_its_own_line_only() {
        assert_eq!(
            read(b"id,title\na,\"Milk\nb,Oat\nc,Soy"),
            [
                (2, Record::OpenQuote),
                (3, values(&["b", "Oat"])),
                (4, values(&["c", "Soy"]))
            ]
        );
    }

    #[test]
    fn invalid_utf8_and_endless_lines_cost_their_own_line_only() {
        let mut feed = b"id\ttitle\na\tCr\xe8me\nb\t".to_vec();
        feed.extend(std::iter::repeat_n(b'x', LONGEST_LINE + 5));
        feed.extend(b"\nc\tSoy");
        assert_eq!(
            read(&feed),
            [
                (2, Record::NotUtf8(4)),
                (3, Record::TooLong(LONGEST_LINE as u64 + 8)),
                (4, values(&["c", "Soy"]))
            ]
        );
    }
}
