//! From named columns to a row.

use super::{
    clean::plain,
    named::{ALIASES, NAMES, is_known, normal, note_unknown},
    options,
    report::{FeedReport, Issue, Severity, shown},
    row::{FeedRow, Sale},
    value,
};
use crate::shop::{
    money::{Currency, Money},
    product::{Allergens, ProductId},
};

/// How many of [`NAMES`] must be there.
const REQUIRED: usize = 4;

const LONGEST_ID: usize = 50;
const LONGEST_TITLE: usize = 150;
const LONGEST_TEXT: usize = 5_000;
/// Brand, colour, place: what is said in passing.
const LONGEST_LABEL: usize = 200;
/// Parts of a list (categories, details), and one of them.
const LONGEST_LIST: usize = 64;
const LONGEST_PART: usize = 1_000;
const SYNONYMS: usize = 32;

/// Where each known column stands.
pub(super) struct Columns {
    /// By the order of [`NAMES`].
    positions: Vec<Option<usize>>,
    width: usize,
}

impl Columns {
    /// Reads the header; the error names what is missing.
    pub(super) fn of(
        header: &[String],
        report: &mut FeedReport,
    ) -> Result<Self, Vec<&'static str>> {
        let names: Vec<String> = header.iter().map(|name| normal(name)).collect();
        let at = |wanted: &str| names.iter().position(|name| name == wanted);
        let positions: Vec<Option<usize>> = NAMES
            .iter()
            .map(|known| {
                let alias = ALIASES.iter().find(|(_, ours)| ours == known);
                at(known).or_else(|| at(alias?.0))
            })
            .collect();
        let missing: Vec<&'static str> = NAMES
            .iter()
            .zip(&positions)
            .take(REQUIRED)
            .filter_map(|(name, at)| at.is_none().then_some(*name))
            .collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let twice: Vec<&str> = NAMES
            .iter()
            .filter(|known| names.iter().filter(|name| name == known).count() > 1)
            .copied()
            .collect();
        if !twice.is_empty() {
            report.notes.push(format!(
                "these columns stand twice, the first of each is read: {}",
                twice.join(", ")
            ));
        }
        let unknown: Vec<String> = names.iter().filter(|n| !is_known(n)).cloned().collect();
        note_unknown(&unknown, report);
        Ok(Self {
            positions,
            width: header.len(),
        })
    }

    /// For values that come by name: see [`Named`].
    pub(super) fn by_name() -> Self {
        Self {
            positions: (0..NAMES.len()).map(Some).collect(),
            width: NAMES.len(),
        }
    }

    /// How many there are.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Reads a row. Warnings go to the report; the error is why the row is left out.
    pub(super) fn row(
        &self,
        (line, item): Place,
        values: &[String],
        currency: Option<Currency>,
        report: &mut FeedReport,
    ) -> Result<FeedRow, Issue> {
        if values.iter().skip(self.width).any(|v| !v.is_empty()) {
            return Err(Issue {
                line,
                item,
                column: None,
                expected: format!("{} values", self.width),
                found: format!("{}", values.len()),
                severity: Severity::Refused,
            });
        }
        let mut cells = Cells {
            columns: self,
            values,
            line,
            item,
            report,
        };
        cells.read(currency)
    }
}

/// The line, and the item where items are no lines.
pub(super) type Place = (u64, Option<u64>);

/// One row's cells, by name.
struct Cells<'a> {
    columns: &'a Columns,
    values: &'a [String],
    line: u64,
    item: Option<u64>,
    report: &'a mut FeedReport,
}

impl<'a> Cells<'a> {
    /// A cell; empty when the column or the value is missing.
    fn get(&self, column: &str) -> &'a str {
        NAMES
            .iter()
            .position(|name| *name == column)
            .and_then(|i| self.columns.positions.get(i).copied().flatten())
            .and_then(|at| self.values.get(at))
            .map_or("", String::as_str)
    }

    fn text(&self, column: &str) -> Option<String> {
        self.cut(column, LONGEST_TEXT)
    }

    fn label(&self, column: &str) -> Option<String> {
        self.cut(column, LONGEST_LABEL)
    }

    /// A text without markup, no longer than `most` characters.
    fn cut(&self, column: &str, most: usize) -> Option<String> {
        let text = plain(self.get(column));
        (!text.is_empty()).then(|| text.chars().take(most).collect())
    }

    fn issue(&self, column: &str, expected: String, severity: Severity) -> Issue {
        Issue {
            line: self.line,
            item: self.item,
            column: Some(column.to_owned()),
            expected,
            found: shown(self.get(column)),
            severity,
        }
    }

    /// A value without which the row is left out.
    fn must<T>(
        &self,
        column: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Issue> {
        read(self.get(column)).map_err(|e| self.issue(column, e, Severity::Refused))
    }

    /// A value that is left empty when it is bad.
    fn may<T>(&mut self, column: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.get(column);
        if text.is_empty() {
            return None;
        }
        match read(text) {
            Ok(value) => Some(value),
            Err(expected) => {
                let issue = self.issue(column, expected, Severity::Warning);
                self.report.add(issue);
                None
            }
        }
    }

    fn read(&mut self, currency: Option<Currency>) -> Result<FeedRow, Issue> {
        let id = self.must("id", |id| match id.chars().count() {
            1..=LONGEST_ID => Ok(ProductId(id.to_owned())),
            _ => Err(format!("an id of 1 to {LONGEST_ID} characters")),
        })?;
        let title = self.must("title", |title| match plain(title) {
            title if (1..=LONGEST_TITLE).contains(&title.chars().count()) => Ok(title.into_owned()),
            _ => Err(format!("a title of 1 to {LONGEST_TITLE} characters")),
        })?;
        let price = self.must("price", value::price)?;
        if let Some(currency) = currency.filter(|c| *c != price.currency) {
            let expected = format!("the shop's currency, {}", currency.code());
            return Err(self.issue("price", expected, Severity::Refused));
        }
        let available = self.must("availability", value::availability)?;
        // Without its options a product would be sold as something else.
        let options = self.must("options", options::parse)?;
        Ok(FeedRow {
            line: self.line,
            item: self.item,
            id,
            title,
            description: self.text("description").unwrap_or_default(),
            available,
            price,
            sale: self.sale(price),
            brand: self.label("brand"),
            gtin: self.may("gtin", value::gtin),
            category: self.list("product_type", '>'),
            color: self.label("color"),
            size: self.label("size"),
            material: self.label("material"),
            item_group_id: self.label("item_group_id"),
            unit: {
                let base = self.get("unit_pricing_base_measure");
                self.may("unit_pricing_measure", |m| value::unit_pricing(m, base))
            },
            tax_rate_bp: self.may("tax_rate", value::tax_rate).unwrap_or(0),
            stock: self.may("quantity", |q| value::whole(q, 10_000_000)),
            options,
            allergens: self.allergens(),
            ingredients: self.text("ingredients"),
            min_age: self
                .may("min_age", |age| value::whole(age, 120))
                .and_then(|age| u8::try_from(age).ok()),
            location: self.label("location"),
            warranty_months: self.may("warranty_months", |m| value::whole(m, 1_200)),
            details: self.details(),
            synonyms: {
                let mut synonyms = self.list("synonyms", '|');
                synonyms.truncate(SYNONYMS);
                synonyms
            },
            // Not a text: an address keeps its signs.
            link: Some(self.get("link"))
                .filter(|link| (1..=LONGEST_TEXT).contains(&link.len()))
                .map(str::to_owned),
        })
    }

    fn sale(&mut self, price: Money) -> Option<Sale> {
        let sale = self.may("sale_price", |text| {
            let sale = value::price(text)?;
            if sale.currency == price.currency && sale.minor < price.minor {
                Ok(sale)
            } else {
                Err(format!("less than the price, {price}"))
            }
        })?;
        let dates = "sale_price_effective_date";
        if self.get(dates).is_empty() {
            return Some(Sale {
                price: sale,
                from: None,
                until: None,
            });
        }
        // A promotion whose dates cannot be read does not run.
        let (from, until) = self.may(dates, value::interval)?;
        Some(Sale {
            price: sale,
            from: Some(from),
            until: Some(until),
        })
    }

    fn list(&self, column: &str, separator: char) -> Vec<String> {
        plain(self.get(column))
            .split(separator)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .take(LONGEST_LIST)
            .map(|part| part.chars().take(LONGEST_PART).collect())
            .collect()
    }

    fn allergens(&self) -> Allergens {
        let list = self.list("allergens", ',');
        match list.as_slice() {
            [] => Allergens::Unknown,
            [one] if one.eq_ignore_ascii_case("none") => Allergens::None,
            // "none" beside an allergen is a contradiction: what is declared counts.
            _ => Allergens::Contains(
                list.into_iter()
                    .filter(|name| !name.eq_ignore_ascii_case("none"))
                    .collect(),
            ),
        }
    }

    /// `section:name:value` separated by `|` (or, as Google has it, by commas), and highlights.
    fn details(&self) -> Vec<(String, String)> {
        let text = self.get("product_detail");
        let separator = if text.contains('|') || text.matches(':').count() <= 2 {
            '|'
        } else {
            ','
        };
        let mut details: Vec<(String, String)> = self
            .list("product_detail", separator)
            .into_iter()
            .map(|detail| {
                let mut parts = detail.rsplitn(2, ':');
                let value = parts.next().unwrap_or_default().trim().to_owned();
                let name = parts.next().unwrap_or_default();
                let name = name
                    .rsplit(':')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
                (name, value)
            })
            .collect();
        let highlights = self.list("product_highlight", '|');
        details.extend(highlights.into_iter().map(|text| (String::new(), text)));
        details
    }
}
