//! `products.jsonl`: one JSON object a line, its members are columns (the product feed of the
//! Agentic Commerce Protocol, UCP, and our own hub's hand-out). A product with nested variants
//! goes through the `acp` mapping.

use super::{
    input::Input,
    json::{self, Node},
    lines::{LONGEST_LINE, Line, Records},
    mapping::Mapping,
    named::{Named, normal},
    parsed::{NoRow, Parsed, counted, priced},
};
use std::{
    collections::{BTreeSet, VecDeque},
    io::{self, BufRead},
};

/// So many unknown names are kept for the account.
const NAMES: usize = 100;

/// Reads the rows of a feed of JSON lines.
pub(super) struct Lines<R: BufRead> {
    records: Records<Input<R>>,
    nested: Option<Mapping>,
    currency: Option<&'static str>,
    rows: VecDeque<Parsed>,
    pub(super) unknown: BTreeSet<String>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: Input<R>, currency: Option<&'static str>) -> Self {
        Self {
            records: Records::new(input),
            nested: Mapping::built_in("acp"),
            currency,
            rows: VecDeque::new(),
            unknown: BTreeSet::new(),
        }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Parsed>> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Ok(Some(row));
            }
            let Some((number, line)) = self.records.next_line()? else {
                return Ok(None);
            };
            let place = (number, None);
            let refused = |expected: &str, found: String| {
                let expected = expected.to_owned();
                Ok(Some(Parsed::Refused(
                    place,
                    NoRow::formless(expected, found),
                )))
            };
            let bytes = match line {
                Line::TooLong(length) => {
                    let expected = format!("a line of at most {LONGEST_LINE} bytes");
                    return refused(&expected, format!("{length} bytes"));
                }
                Line::Bytes(bytes) => bytes,
            };
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let product = match json::parse(bytes) {
                Ok(product @ Node::Map(_)) => product,
                Ok(_) => return refused("an object in JSON", "another value".to_owned()),
                Err(e) => return refused("an object in JSON", e.to_string()),
            };
            // The first line of some feeds is about the feed.
            if product.get("feed_id").is_some() && product.get("title").is_none() {
                continue;
            }
            let is_nested = matches!(product.get("variants"), Some(Node::List(v)) if !v.is_empty());
            match self.nested.as_ref().filter(|_| is_nested) {
                Some(mapping) => {
                    let rows = mapping.rows(&product, place, self.currency);
                    self.rows.extend(rows.unwrap_or_default());
                }
                None => {
                    let row = flat(&product, self.currency, &mut self.unknown);
                    return Ok(Some(Parsed::Row(place, row)));
                }
            }
        }
    }
}

/// The members of an object as a row's values.
fn flat(product: &Node, currency: Option<&str>, unknown: &mut BTreeSet<String>) -> Vec<String> {
    let mut named = Named::default();
    let Node::Map(members) = product else {
        return named.into_values();
    };
    let beside = product
        .get("currency")
        .and_then(Node::text)
        .map(str::to_uppercase)
        .or(currency.map(str::to_owned));
    for (name, value) in members {
        let column = normal(name);
        let known = match (column.as_str(), value) {
            ("price" | "sale_price", value) => {
                let price = price(value, beside.as_deref());
                named.set(&column, &price, 0)
            }
            ("product_detail", Node::List(details)) => {
                for detail in details {
                    let part = |name: &str| {
                        let text = detail.get(name).and_then(Node::text).unwrap_or_default();
                        text.replace([':', '|'], " ")
                    };
                    let text = match detail.text() {
                        Some(text) => text.to_owned(),
                        None => [
                            part("section_name"),
                            part("attribute_name"),
                            part("attribute_value"),
                        ]
                        .join(":"),
                    };
                    named.add(&column, &text, 0);
                }
                true
            }
            (_, Node::List(values)) => {
                let mut known = named.set(&column, "", 0);
                for text in values.iter().filter_map(Node::text) {
                    known = named.add(&column, text, 0);
                }
                known
            }
            ("availability", Node::Bool(there)) => {
                let text = if *there { "in_stock" } else { "out_of_stock" };
                named.set(&column, text, 0)
            }
            ("quantity" | "inventory_quantity", value) => {
                named.set(&column, counted(value.text().unwrap_or_default()), 0)
            }
            ("currency", _) => true,
            (_, value) => named.set(&column, value.text().unwrap_or_default(), 0),
        };
        if !known && unknown.len() < NAMES {
            unknown.insert(column);
        }
    }
    named.into_values()
}

/// A price in one of its notations: `"19.90 EUR"`, a number beside a currency,
/// `{"amount": 1990, "currency": "EUR"}` in minor units, `{"value": "19.90", "currency": "EUR"}`,
/// `{"amountMicros": "19900000", "currencyCode": "EUR"}`.
fn price(value: &Node, currency: Option<&str>) -> String {
    let member = |name: &str| value.get(name).and_then(Node::text);
    if let Some(text) = value.text() {
        let bare = text.trim().bytes().all(|b| b.is_ascii_digit() || b == b'.');
        return match currency.filter(|_| bare && !text.trim().is_empty()) {
            Some(currency) => priced(text, currency, false),
            None => text.to_owned(),
        };
    }
    let code = member("currency").or(member("currencyCode")).or(currency);
    let code = code.unwrap_or_default().to_uppercase();
    if let Some(amount) = member("amount") {
        return priced(amount, &code, true);
    }
    if let Some(amount) = member("value") {
        return priced(amount, &code, false);
    }
    match member("amountMicros").map(str::parse::<i64>) {
        Some(Ok(micros)) if micros % 10_000 == 0 => {
            priced(&(micros / 10_000).to_string(), &code, true)
        }
        _ => String::new(),
    }
}
