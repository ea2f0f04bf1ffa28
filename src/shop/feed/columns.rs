//! From named columns to a row.

use super::{
    options,
    report::{FeedReport, Issue, Severity, shown},
    row::{FeedRow, Sale},
    value,
};
use crate::shop::{
    money::{Currency, Money},
    product::{Allergens, ProductId},
};

/// The columns that are read; the first four must be there.
const NAMES: &[&str] = &[
    "id",
    "title",
    "price",
    "availability",
    "description",
    "sale_price",
    "sale_price_effective_date",
    "brand",
    "gtin",
    "product_type",
    "color",
    "size",
    "material",
    "item_group_id",
    "unit_pricing_measure",
    "unit_pricing_base_measure",
    "product_highlight",
    "product_detail",
    "quantity",
    "tax_rate",
    "options",
    "allergens",
    "ingredients",
    "min_age",
    "location",
    "warranty_months",
    "synonyms",
    "link",
];

/// How many of [`NAMES`] must be there.
const REQUIRED: usize = 4;

/// Attributes of Google's that say nothing to a shopper here: no note is due.
const PASSED_OVER: &[&str] = &[
    "image_link",
    "additional_image_link",
    "mpn",
    "identifier_exists",
    "condition",
    "google_product_category",
    "gender",
    "age_group",
];

const LONGEST_ID: usize = 50;
const LONGEST_TITLE: usize = 150;
const LONGEST_TEXT: usize = 5_000;
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
        let names: Vec<String> = header
            .iter()
            .map(|name| {
                let name = name.to_lowercase().replace([' ', '-'], "_");
                name.strip_prefix("g:").map(str::to_owned).unwrap_or(name)
            })
            .collect();
        let positions: Vec<Option<usize>> = NAMES
            .iter()
            .map(|known| names.iter().position(|name| name == known))
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
        let unknown: Vec<String> = names
            .iter()
            .filter(|n| !NAMES.contains(&n.as_str()) && !PASSED_OVER.contains(&n.as_str()))
            .map(|n| shown(n))
            .take(30)
            .collect();
        if !unknown.is_empty() {
            report.notes.push(format!(
                "these columns are not known and not read: {}",
                unknown.join(", ")
            ));
        }
        Ok(Self {
            positions,
            width: header.len(),
        })
    }

    /// Reads a row. Warnings go to the report; the error is why the row is left out.
    pub(super) fn row(
        &self,
        line: u64,
        values: &[String],
        currency: Option<Currency>,
        report: &mut FeedReport,
    ) -> Result<FeedRow, Issue> {
        if values.iter().skip(self.width).any(|v| !v.is_empty()) {
            return Err(Issue {
                line,
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
            report,
        };
        cells.read(currency)
    }
}

/// One row's cells, by name.
struct Cells<'a> {
    columns: &'a Columns,
    values: &'a [String],
    line: u64,
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
        let text = self.get(column);
        (!text.is_empty()).then(|| text.chars().take(LONGEST_TEXT).collect())
    }

    fn issue(&self, column: &str, expected: String, severity: Severity) -> Issue {
        Issue {
            line: self.line,
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
        let title = self.must("title", |title| match title.chars().count() {
            1..=LONGEST_TITLE => Ok(title.to_owned()),
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
            id,
            title,
            description: self.text("description").unwrap_or_default(),
            available,
            price,
            sale: self.sale(price),
            brand: self.text("brand"),
            gtin: self.may("gtin", value::gtin),
            category: self.list("product_type", '>'),
            color: self.text("color"),
            size: self.text("size"),
            material: self.text("material"),
            item_group_id: self.text("item_group_id"),
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
            location: self.text("location"),
            warranty_months: self.may("warranty_months", |m| value::whole(m, 1_200)),
            details: self.details(),
            synonyms: {
                let mut synonyms = self.list("synonyms", '|');
                synonyms.truncate(SYNONYMS);
                synonyms
            },
            link: self.text("link"),
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
        self.get(column)
            .split(separator)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
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
