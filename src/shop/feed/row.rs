//! One product as a line of a feed says it, checked.

use crate::shop::{
    money::Money,
    product::{Allergens, OptionGroup, ProductId},
};
use jiff::Timestamp;

/// One product in one language, as a line of a feed says it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedRow {
    /// The line in the feed, from 1 (the header).
    pub line: u64,
    /// The item in the feed, from 1, where items are no lines.
    pub item: Option<u64>,
    /// `id`.
    pub id: ProductId,
    /// `title`.
    pub title: String,
    /// `description`; may be empty.
    pub description: String,
    /// `availability` is `in_stock`.
    pub available: bool,
    /// `price`, tax included.
    pub price: Money,
    /// `sale_price` and its dates.
    pub sale: Option<Sale>,
    /// `brand`.
    pub brand: Option<String>,
    /// `gtin` as written, its check digit right.
    pub gtin: Option<String>,
    /// `product_type`, from wide to narrow.
    pub category: Vec<String>,
    /// `color`.
    pub color: Option<String>,
    /// `size`.
    pub size: Option<String>,
    /// `material`.
    pub material: Option<String>,
    /// `item_group_id`.
    pub item_group_id: Option<String>,
    /// `unit_pricing_measure` with `unit_pricing_base_measure`.
    pub unit: Option<UnitPricing>,
    /// `tax_rate` in basis points.
    pub tax_rate_bp: u32,
    /// `quantity`; `None` is not counted.
    pub stock: Option<u32>,
    /// `options`.
    pub options: Vec<OptionGroup>,
    /// `allergens`.
    pub allergens: Allergens,
    /// `ingredients`.
    pub ingredients: Option<String>,
    /// `min_age` in years.
    pub min_age: Option<u8>,
    /// `location`.
    pub location: Option<String>,
    /// `warranty_months`.
    pub warranty_months: Option<u32>,
    /// `product_detail` and `product_highlight` (with an empty name).
    pub details: Vec<(String, String)>,
    /// `synonyms`.
    pub synonyms: Vec<String>,
    /// `link`.
    pub link: Option<String>,
}

/// A promotion's price and when it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The price, tax included; lower than the regular one.
    pub price: Money,
    /// From then on; `None` is always.
    pub from: Option<Timestamp>,
    /// Until then; `None` is always.
    pub until: Option<Timestamp>,
}

/// How a unit price follows from a price: `price * numerator / denominator`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPricing {
    /// The base measure, in thousandths of the smallest unit of its kind.
    pub numerator: i64,
    /// The product's measure, in the same unit.
    pub denominator: i64,
    /// The base measure as written: "1 kg".
    pub label: String,
    /// The product's measure as written: "500 g".
    pub measure: String,
}
