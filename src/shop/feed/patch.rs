//! Files of price and stock changes: `id`, `price`, `sale_price`, `quantity`, `availability`.

use super::{
    FeedError, Issue, Severity,
    input::Input,
    json::{self, Node},
    lines::{LONGEST_LINE, Line, Record, Records},
    named::normal,
    parsed::{counted, priced},
    report::shown,
    value,
};
use crate::shop::{
    money::{Currency, Money},
    product::ProductId,
    store::CatalogPatch,
};
use jiff::Timestamp;
use std::io::BufRead;

/// At most so many changes at once.
const MOST: usize = 1_000_000;

/// So many issues are kept.
const TOLD: usize = 1_000;

/// What a file of changes holds.
#[derive(Debug, Default)]
pub struct PatchFile {
    /// The changes, in their order.
    pub patches: Vec<CatalogPatch>,
    /// Lines read.
    pub lines: u64,
    /// Lines that are no change.
    pub refused: u64,
    /// The first of them, and why.
    pub issues: Vec<Issue>,
}

/// Columns of a change.
const COLUMNS: [&str; 6] = [
    "id",
    "price",
    "sale_price",
    "quantity",
    "availability",
    "at",
];

/// Reads changes, as a table with a header or as one JSON object a line. Prices without a
/// currency are in `currency`; changes without a time (`at`) are of now.
///
/// # Errors
/// [`FeedError`] when it cannot be read at all.
pub fn read_patches(
    name: &str,
    reader: impl BufRead,
    currency: Option<Currency>,
    now: Timestamp,
) -> Result<PatchFile, FeedError> {
    let io = |source| FeedError::Io {
        feed: name.to_owned(),
        source,
    };
    let format = |found: String| FeedError::Format {
        feed: name.to_owned(),
        found,
    };
    let (input, head) = Input::open(reader, u64::MAX).map_err(io)?;
    let mut file = PatchFile::default();
    let mut records = Records::new(input);
    let is_json = head.trim_ascii_start().first() == Some(&b'{');
    let mut at: Vec<Option<usize>> = Vec::new();
    if !is_json {
        let Some(Record::Values(header)) = records.header().map_err(io)? else {
            return Err(format("no header line".to_owned()));
        };
        let names: Vec<String> = header.iter().map(|name| normal(name)).collect();
        at = COLUMNS
            .iter()
            .map(|column| names.iter().position(|name| name == column))
            .collect();
        if at.first() == Some(&None) || at.iter().skip(1).take(4).all(Option::is_none) {
            return Err(format(format!(
                "the columns {} (expected id and some of price, sale_price, quantity, availability)",
                shown(&names.join(", "))
            )));
        }
    }
    loop {
        let next = if is_json {
            let line = records.next_line().map_err(io)?;
            line.map(|(line, read)| (line, json_values(read)))
        } else {
            let record = records.next().map_err(io)?;
            record.map(|(line, record)| (line, table_values(record, &at).map(Some)))
        };
        let Some((line, values)) = next else {
            return Ok(file);
        };
        let values = match values {
            Ok(None) => continue,
            Ok(Some(values)) => Ok(values),
            Err(e) => Err(e),
        };
        file.lines += 1;
        if file.patches.len() >= MOST {
            return Err(format(format!(
                "more than {MOST} changes; give a feed instead"
            )));
        }
        match values.and_then(|values| patch(&values, currency, now)) {
            Ok(patch) => file.patches.push(patch),
            Err((column, expected, found)) => {
                file.refused += 1;
                if file.issues.len() < TOLD {
                    file.issues.push(Issue {
                        line,
                        item: None,
                        column: column.map(str::to_owned),
                        expected,
                        found,
                        severity: Severity::Refused,
                    });
                }
            }
        }
    }
}

type Values = [String; COLUMNS.len()];
type Wrong = (Option<&'static str>, String, String);

fn table_values(record: Record, at: &[Option<usize>]) -> Result<Values, Wrong> {
    let formless = |found: String| (None, "a line of values".to_owned(), found);
    let values = match record {
        Record::Values(values) => values,
        Record::TooLong(length) => return Err(formless(format!("{length} bytes"))),
        Record::NotUtf8(_) => return Err(formless("bytes that are no UTF-8".to_owned())),
        Record::OpenQuote => return Err(formless("a quote that is never closed".to_owned())),
    };
    let mut out = Values::default();
    for (to, at) in out.iter_mut().zip(at) {
        if let Some(value) = at.and_then(|at| values.get(at)) {
            to.clone_from(value);
        }
    }
    Ok(out)
}

fn json_values(line: Line) -> Result<Option<Values>, Wrong> {
    let formless = |found: String| {
        let expected = format!("an object in JSON of at most {LONGEST_LINE} bytes");
        (None, expected, found)
    };
    let bytes = match line {
        Line::TooLong(length) => return Err(formless(format!("{length} bytes"))),
        Line::Bytes(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => return Ok(None),
        Line::Bytes(bytes) => bytes,
    };
    let node = match json::parse(&bytes) {
        Ok(node @ Node::Map(_)) => node,
        Ok(_) => return Err(formless("another value".to_owned())),
        Err(e) => return Err(formless(e.to_string())),
    };
    let mut out = Values::default();
    for (to, column) in out.iter_mut().zip(COLUMNS) {
        if let Some(text) = node.get(column).and_then(Node::text) {
            text.clone_into(to);
        }
    }
    Ok(Some(out))
}

fn patch(
    values: &Values,
    currency: Option<Currency>,
    now: Timestamp,
) -> Result<CatalogPatch, Wrong> {
    let [id, price, sale, quantity, availability, at] = values;
    let wrong = |column: &'static str, expected: String, found: &str| {
        (Some(column), expected, shown(found))
    };
    if id.is_empty() {
        return Err(wrong("id", "the id of a product".to_owned(), id));
    }
    let money = |column: &'static str, text: &str| -> Result<Option<Money>, Wrong> {
        if text.is_empty() {
            return Ok(None);
        }
        let bare = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let whole = match currency.filter(|_| bare) {
            Some(currency) => priced(text, currency.code(), false),
            None => text.to_owned(),
        };
        let money = value::price(&whole).map_err(|e| wrong(column, e, text))?;
        Ok(Some(money))
    };
    let price = match (money("price", price)?, money("sale_price", sale)?) {
        (None, Some(_)) => {
            return Err(wrong(
                "price",
                "a price beside the sale price".to_owned(),
                price,
            ));
        }
        (price, sale) => price.map(|price| (price, sale)),
    };
    let count = match counted(quantity) {
        "" => None,
        text => Some(value::whole(text, 10_000_000).map_err(|e| wrong("quantity", e, quantity))?),
    };
    let stock = match (count, availability.as_str()) {
        (None, "") => None,
        (count, "") => Some((count, count.is_some_and(|n| n > 0))),
        (count, text) => {
            let text = match text {
                "true" => "in_stock",
                "false" => "out_of_stock",
                text => text,
            };
            let available =
                value::availability(text).map_err(|e| wrong("availability", e, text))?;
            Some((count, available))
        }
    };
    if price.is_none() && stock.is_none() {
        return Err(wrong(
            "price",
            "a price, quantity or availability".to_owned(),
            "",
        ));
    }
    let at = match at.as_str() {
        "" => now,
        text => text
            .parse()
            .map_err(|_| wrong("at", "a time such as 2026-11-20T11:00:00Z".to_owned(), text))?,
    };
    Ok(CatalogPatch {
        product: ProductId(id.clone()),
        price,
        stock,
        at,
    })
}
