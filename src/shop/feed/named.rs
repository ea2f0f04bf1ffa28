//! The names of columns, and one item's values by them.

use super::{
    clean::clean,
    report::{FeedReport, shown},
};

/// The columns that are read; the first four must be there.
pub(super) const NAMES: &[&str] = &[
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
    "shipping",
    "tax",
];

/// What others call our columns (OpenAI's product feed), and ours.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("item_id", "id"),
    ("url", "link"),
    ("product_category", "product_type"),
    ("inventory_quantity", "quantity"),
    ("base_measure", "unit_pricing_base_measure"),
];

/// A column's name as it is compared.
pub(super) fn normal(name: &str) -> String {
    let name = name.to_lowercase().replace([' ', '-'], "_");
    name.strip_prefix("g:").map(str::to_owned).unwrap_or(name)
}

/// Whether somebody reads it, or knows why not.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
        || PASSED_OVER.contains(&name)
        || ALIASES.iter().any(|(alias, _)| *alias == name)
}

/// Notes columns that nobody reads.
pub(super) fn note_unknown(names: &[String], report: &mut FeedReport) {
    if names.is_empty() {
        return;
    }
    let names: Vec<String> = names.iter().take(NOTED).map(|n| shown(n)).collect();
    report.notes.push(format!(
        "these columns are not known and not read: {}",
        names.join(", ")
    ));
}

/// So many unknown columns are noted.
const NOTED: usize = 30;

/// The values of one item, by name, in the order of [`NAMES`].
pub(super) struct Named {
    values: Vec<String>,
    /// How far each value is to be trusted: a namespace's own before a format's.
    ranks: Vec<u8>,
}

impl Default for Named {
    fn default() -> Self {
        Self {
            values: vec![String::new(); NAMES.len()],
            ranks: vec![0; NAMES.len()],
        }
    }
}

impl Named {
    /// What separates several values of a column; `None`: the first is the value.
    pub(super) fn separator(column: &str) -> Option<&'static str> {
        match column {
            "product_type" => Some(" > "),
            "product_detail" | "product_highlight" | "synonyms" => Some("|"),
            "color" | "material" => Some("/"),
            "allergens" => Some(","),
            _ => None,
        }
    }

    /// Sets a value, cleaned, unless one of a higher rank is there. Of two values of one rank
    /// the first holds. `false` when there is no such column.
    pub(super) fn set(&mut self, column: &str, value: &str, rank: u8) -> bool {
        self.put(column, value, rank, false)
    }

    /// Adds a value to those of a column that may hold several.
    pub(super) fn add(&mut self, column: &str, value: &str, rank: u8) -> bool {
        self.put(column, value, rank, true)
    }

    fn put(&mut self, column: &str, value: &str, rank: u8, joined: bool) -> bool {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == column);
        let (name, rank) = match alias {
            Some((_, ours)) => (*ours, rank),
            None => (column, rank + 1),
        };
        let Some(at) = NAMES.iter().position(|known| *known == name) else {
            return PASSED_OVER.contains(&name);
        };
        let (Some(there), Some(ranked)) = (self.values.get_mut(at), self.ranks.get_mut(at)) else {
            return false;
        };
        let value = clean(value);
        if value.is_empty() {
            return true;
        }
        match Self::separator(name).filter(|_| joined) {
            Some(between) if !there.is_empty() && *ranked == rank => {
                there.push_str(between);
                there.push_str(&value);
            }
            _ if there.is_empty() || rank > *ranked => {
                *there = value;
                *ranked = rank;
            }
            _ => {}
        }
        true
    }

    /// The value of a column; empty when there is none.
    pub(super) fn get(&self, column: &str) -> &str {
        let at = NAMES.iter().position(|known| *known == column);
        at.and_then(|at| self.values.get(at))
            .map_or("", String::as_str)
    }

    /// The values, as [`super::columns::Columns::by_name`] reads them.
    pub(super) fn into_values(self) -> Vec<String> {
        self.values
    }
}
