//! Products as the back office sends them, through the checks of a feed.

use crate::{
    lang::Language,
    shop::{
        feed::{FeedError, FeedReader, Severity},
        money::Currency,
    },
    sync::contract::RefusedRow,
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    io::Cursor,
};

/// So many rows are read as one feed: a feed's report tells its first thousand issues, and every
/// value that was refused must be known.
const AT_ONCE: usize = 30;

/// A row that is kept: its id and its columns, without the values that were refused.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRow {
    /// The product.
    pub id: String,
    /// Columns and their values, as text.
    pub row: Map<String, Value>,
}

/// What the checks made of rows.
#[derive(Debug, Default)]
pub struct Checked {
    /// The rows that are kept, in their order.
    pub kept: Vec<KeptRow>,
    /// What was refused, by line from 1.
    pub refused: Vec<RefusedRow>,
    /// The currency of all rows.
    pub currency: Option<Currency>,
}

/// Checks rows as a feed's are checked. A row that has a bad value where it must have a good
/// one is refused; a bad value elsewhere is left out of the row. Of two with one id the first
/// is kept.
///
/// # Errors
/// [`FeedError`] when no row has the columns that a feed must have.
pub fn check(
    rows: &[Map<String, Value>],
    language: Language,
    currency: Option<Currency>,
) -> Result<Checked, FeedError> {
    let cells: Vec<BTreeMap<String, String>> = rows.iter().map(cells).collect();
    let columns: BTreeSet<&str> = cells
        .iter()
        .flat_map(|r| r.keys())
        .map(String::as_str)
        .collect();
    let mut out = Checked {
        currency,
        ..Checked::default()
    };
    let mut seen = HashSet::new();
    for (n, some) in cells.chunks(AT_ONCE).enumerate() {
        read(some, n * AT_ONCE, &columns, language, &mut seen, &mut out)?;
    }
    out.refused.sort_by_key(|r| r.line);
    Ok(out)
}

/// Reads some of the rows, of which `before` others went before.
fn read(
    cells: &[BTreeMap<String, String>],
    before: usize,
    columns: &BTreeSet<&str>,
    language: Language,
    seen: &mut HashSet<String>,
    out: &mut Checked,
) -> Result<(), FeedError> {
    let text = feed_of(cells, columns);
    let mut feed = FeedReader::open("the request", language, out.currency, Cursor::new(text))?;
    let mut good = Vec::new();
    while let Some(row) = feed.next_row()? {
        good.push((row.line, row.id.0));
    }
    out.currency = feed.currency().or(out.currency);
    // The feed's first line is the header, so the first row's line is 2.
    let place = |line: u64| line.saturating_sub(1) + before as u64;
    let mut spoilt: HashMap<u64, HashSet<String>> = HashMap::new();
    for issue in feed.into_report().issues {
        if let (Severity::Warning, Some(column)) = (issue.severity, &issue.column) {
            spoilt.entry(issue.line).or_default().insert(column.clone());
        }
        let column = issue.column.map_or(String::new(), |c| format!("{c}: "));
        out.refused.push(RefusedRow {
            line: place(issue.line),
            why: format!("{column}expected {}, found {}", issue.expected, issue.found),
            severity: issue.severity,
        });
    }
    for (line, id) in good {
        if !seen.insert(id.clone()) {
            out.refused.push(RefusedRow {
                line: place(line),
                why: format!("id: expected an id that stands once, found `{id}` again"),
                severity: Severity::Refused,
            });
            continue;
        }
        let n = usize::try_from(line.saturating_sub(2)).ok();
        let Some(cells) = n.and_then(|n| cells.get(n)) else {
            continue;
        };
        let bad = spoilt.get(&line);
        let row = cells
            .iter()
            .filter(|(column, value)| {
                !value.is_empty() && !bad.is_some_and(|bad| bad.contains(*column))
            })
            .map(|(column, value)| (column.clone(), Value::String(value.clone())))
            .collect();
        out.kept.push(KeptRow { id, row });
    }
    Ok(())
}

/// Rows as a feed's text, one a line.
fn feed_of(cells: &[BTreeMap<String, String>], columns: &BTreeSet<&str>) -> String {
    let mut text = columns.iter().copied().collect::<Vec<_>>().join("\t");
    for row in cells {
        text.push('\n');
        for (n, column) in columns.iter().enumerate() {
            if n > 0 {
                text.push('\t');
            }
            quoted(row.get(*column).map_or("", String::as_str), &mut text);
        }
    }
    text
}

/// A row's columns by their plain names, and their values as a feed writes them.
fn cells(row: &Map<String, Value>) -> BTreeMap<String, String> {
    row.iter()
        .map(|(name, value)| {
            let name = clean(name).to_lowercase().replace([' ', '-'], "_");
            let name = name.strip_prefix("g:").map(str::to_owned).unwrap_or(name);
            let value = match value {
                Value::Null => String::new(),
                Value::String(text) => clean(text),
                other => clean(&other.to_string()),
            };
            (name, value)
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// Text on one line, without control characters.
fn clean(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A value in quotes, as CSV has it.
fn quoted(value: &str, out: &mut String) {
    out.push('"');
    out.push_str(&value.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn rows(value: Value) -> Vec<Map<String, Value>> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn rows_pass_the_checks_of_a_feed_and_are_told_by_their_place() {
        let rows = rows(json!([
            {"id": "milk", "title": "Oat milk, 24\" \"Barista\"", "price": "3.50 EUR",
             "availability": "in_stock", "quantity": 12, "gtin": "2034010001203"},
            {"id": "tea", "title": "Tea", "price": "free", "availability": "in_stock"},
            {},
            {"id": "milk", "title": "Milk", "price": "1.00 EUR", "availability": "in_stock"},
            {"id": "pie", "title": "A\nPie", "price": "1.00 GBP", "availability": "in_stock"},
            {"g:ID": "jam", "Title": "Jam\u{0}\tof plums", "price": "2.00 EUR", "availability": "out_of_stock"},
        ]));
        let checked = check(&rows, Language::En, None).unwrap();
        let ids: Vec<&str> = checked.kept.iter().map(|r| r.id.as_str()).collect();
        assert_eq!(ids, ["milk", "jam"]);
        let milk = &checked.kept[0].row;
        assert_eq!(milk["title"], "Oat milk, 24\" \"Barista\"");
        assert_eq!(milk["quantity"], "12");
        assert!(!milk.contains_key("gtin"), "its check digit is wrong");
        assert_eq!(checked.kept[1].row["title"], "Jam of plums");
        assert_eq!(checked.currency, Some(Currency::Eur));
        let told: Vec<(u64, Severity)> = checked
            .refused
            .iter()
            .map(|r| (r.line, r.severity))
            .collect();
        assert_eq!(
            told,
            [
                (1, Severity::Warning),
                (2, Severity::Refused),
                (3, Severity::Refused),
                (4, Severity::Refused),
                (5, Severity::Refused)
            ]
        );
        assert!(checked.refused[1].why.contains("free"));
        assert!(checked.refused[4].why.contains("EUR"));
    }

    #[test]
    fn rows_without_the_columns_are_no_feed() {
        let rows = rows(json!([{"id": "milk"}]));
        let e = check(&rows, Language::En, None).unwrap_err().to_string();
        assert!(e.contains("title") && e.contains("availability"), "{e}");
    }
}
