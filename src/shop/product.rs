//! A product as the catalog holds it, in one language.

use super::{money::Money, words::fold};
use crate::lang::Language;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A product's identifier in the retailer's feed (`id`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProductId(pub String);

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether allergens are declared. Absence of a declaration is never "none".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allergens {
    /// Nothing was declared: the answer is "please ask the staff".
    #[default]
    Unknown,
    /// Declared free of the fourteen EU allergens.
    None,
    /// Contains these, named in the product's language.
    Contains(Vec<String>),
}

/// One choice in an option group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionChoice {
    /// Its name, as shown and spoken.
    pub name: String,
    /// Other words for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What it adds to the unit price (minor units of the product's currency; may be negative).
    #[serde(default)]
    pub price_delta: i64,
    /// Whether it is taken when nothing was said.
    #[serde(default)]
    pub default: bool,
}

/// A group of choices of a made-to-order product (size, milk).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionGroup {
    /// Its name, as asked ("which size?").
    pub name: String,
    /// How many choices must be made at least.
    pub min: u32,
    /// How many choices may be made at most.
    pub max: u32,
    /// The choices, in the feed's order.
    pub choices: Vec<OptionChoice>,
}

/// A product in one language, as read from the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// The feed's id.
    pub id: ProductId,
    /// The language of the texts.
    pub language: Language,
    /// The name.
    pub title: String,
    /// One or two sentences.
    pub description: String,
    /// The maker.
    pub brand: Option<String>,
    /// GTIN with a valid check digit.
    pub gtin: Option<String>,
    /// The path of `product_type`, from wide to narrow.
    pub category: Vec<String>,
    /// Colour, in the product's language.
    pub color: Option<String>,
    /// Size as a string ("42", "xl", "500 g").
    pub size: Option<String>,
    /// Material.
    pub material: Option<String>,
    /// The variants of one product share it.
    pub item_group_id: Option<String>,
    /// What is to be paid now, tax included.
    pub price: Money,
    /// The price before a promotion, where one runs.
    pub prior_price: Option<Money>,
    /// Price per base measure, with the measure's text ("1 kg").
    pub unit_price: Option<(Money, String)>,
    /// Tax rate in basis points (550 = 5.5 %).
    pub tax_rate_bp: u32,
    /// Pieces that can be sold: stock less what is reserved. `None` is not counted (made to order).
    pub stock: Option<u32>,
    /// Whether the feed says that it can be had.
    pub available: bool,
    /// Option groups of a made-to-order product.
    pub options: Vec<OptionGroup>,
    /// Allergens.
    pub allergens: Allergens,
    /// Ingredients.
    pub ingredients: Option<String>,
    /// The least age of a buyer, in years.
    pub min_age: Option<u8>,
    /// Where it stands in the shop.
    pub location: Option<String>,
    /// Warranty in months.
    pub warranty_months: Option<u32>,
    /// `product_detail` and `product_highlight` as name and value (the name may be empty).
    pub details: Vec<(String, String)>,
    /// Mean stars (1-5) and the number of reviews.
    pub rating: Option<(f32, u32)>,
    /// The page of the product.
    pub link: Option<String>,
}

/// A product that is made to order, with the other names it goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuRow {
    /// Its row.
    pub product: Product,
    /// The row's synonyms.
    pub synonyms: Vec<String>,
}

/// What one buyer wrote about a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The product.
    pub product: ProductId,
    /// The language of the text.
    pub language: Language,
    /// 1 to 5.
    pub stars: u8,
    /// One or two sentences.
    pub text: String,
    /// When it was written.
    pub day: jiff::civil::Date,
}

impl Product {
    /// The unit price with these choices (by name, case and accents aside): a group in which
    /// nothing was chosen counts with its defaults. `None` when a choice is not this product's.
    #[must_use]
    pub fn price_with(&self, chosen: &[String]) -> Option<Money> {
        let chosen: Vec<String> = chosen.iter().map(|name| fold(name)).collect();
        let mut minor = self.price.minor;
        let mut found = 0;
        for group in &self.options {
            let delta = |choice: &OptionChoice| {
                let times = chosen.iter().filter(|c| **c == fold(&choice.name)).count();
                (times, choice.price_delta.saturating_mul(times as i64))
            };
            let (times, sum) = group
                .choices
                .iter()
                .map(delta)
                .fold((0, 0i64), |a, b| (a.0 + b.0, a.1.saturating_add(b.1)));
            let added = if times > 0 {
                sum
            } else {
                let defaults = group.choices.iter().filter(|c| c.default);
                defaults.fold(0i64, |sum, c| sum.saturating_add(c.price_delta))
            };
            found += times;
            minor = minor.saturating_add(added);
        }
        (found == chosen.len()).then_some(Money::new(minor, self.price.currency))
    }

    /// Whether at least `n` can be sold now.
    #[must_use]
    pub fn can_sell(&self, n: u32) -> bool {
        self.available && self.stock.is_none_or(|s| s >= n)
    }
}
