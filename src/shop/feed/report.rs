//! What became of a feed: the account that a shopkeeper reads.

use crate::lang::Language;
use serde::{Deserialize, Serialize};
use std::fmt;

/// So many issues are told one by one; the rest is counted.
const TOLD: usize = 1_000;

/// How much of a bad value is shown, in characters.
const SHOWN: usize = 60;

/// What an issue meant for its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The row is left out.
    Refused,
    /// The row is in; the value is not.
    Warning,
}

/// Something in a feed that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// The line, from 1 (the header).
    pub line: u64,
    /// The item, from 1, where the feed's items are no lines (XML, JSON documents).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<u64>,
    /// The column; `None` when it is about the line.
    pub column: Option<String>,
    /// What was expected there.
    pub expected: String,
    /// What was found there, shortened.
    pub found: String,
    /// What it meant for the row.
    pub severity: Severity,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item {
            Some(item) => write!(f, "item {item} (line {})", self.line)?,
            None => write!(f, "line {}", self.line)?,
        }
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)?;
        f.write_str(match self.severity {
            Severity::Refused => "; left out",
            Severity::Warning => "; value not used",
        })
    }
}

/// What became of one feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedReport {
    /// The file's name.
    pub feed: String,
    /// The language of its texts.
    pub language: Language,
    /// Lines read, the header and empty lines aside; in XML and JSON, items and their variants.
    pub lines: u64,
    /// Rows that are in the catalog.
    pub kept: u64,
    /// Rows that are not.
    pub refused: u64,
    /// Values that are not, in rows that are.
    pub warnings: u64,
    /// The first of what was not as it should be, by line.
    pub issues: Vec<Issue>,
    /// How many more issues there were.
    pub issues_left_out: u64,
    /// What holds for the whole feed.
    pub notes: Vec<String>,
}

impl FeedReport {
    /// An empty account.
    #[must_use]
    pub fn new(feed: impl Into<String>, language: Language) -> Self {
        Self {
            feed: feed.into(),
            language,
            lines: 0,
            kept: 0,
            refused: 0,
            warnings: 0,
            issues: Vec::new(),
            issues_left_out: 0,
            notes: Vec::new(),
        }
    }

    /// Notes an issue; a refused row is to be noted once.
    pub fn add(&mut self, issue: Issue) {
        match issue.severity {
            Severity::Refused => self.refused += 1,
            Severity::Warning => self.warnings += 1,
        }
        if self.issues.len() < TOLD {
            self.issues.push(issue);
        } else {
            self.issues_left_out += 1;
        }
    }
}

impl fmt::Display for FeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {} lines read, {} kept, {} refused, {} warnings",
            self.feed, self.language, self.lines, self.kept, self.refused, self.warnings
        )?;
        for issue in &self.issues {
            write!(f, "\n  {issue}")?;
        }
        if self.issues_left_out > 0 {
            write!(f, "\n  and {} more", self.issues_left_out)?;
        }
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        Ok(())
    }
}

/// A value in quotes, shortened; an empty one is "nothing".
#[must_use]
pub(super) fn shown(value: &str) -> String {
    if value.trim().is_empty() {
        return "nothing".to_owned();
    }
    let mut text: String = value
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN)
        .collect();
    if value.chars().count() > SHOWN {
        text.push('…');
    }
    format!("`{text}`")
}
