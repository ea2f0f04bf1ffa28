//! What is asked of the catalog and what comes back. Plain types; the SQL is in `store`.

use super::product::{Product, ProductId};
use crate::{
    lang::Language,
    nlu::slot::{Price, Sort},
};
use serde::{Deserialize, Serialize};

/// A search, as the dialogue asks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchQuery {
    /// The language of the words and of what is shown.
    pub language: Language,
    /// The shopper's words; may be empty when filters say enough.
    pub text: String,
    /// Colour, in the shopper's words.
    pub color: Option<String>,
    /// Size, in the shopper's words.
    pub size: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// Material.
    pub material: Option<String>,
    /// A word of the category path.
    pub category: Option<String>,
    /// The least price.
    pub min_price: Option<Price>,
    /// The highest price.
    pub max_price: Option<Price>,
    /// Occasion or recipient: extra words that raise a product, and never exclude one.
    pub hints: Vec<String>,
    /// Words that must not be in it (allergens, ingredients, title).
    pub exclude: Option<String>,
    /// The order; `None` is by relevance.
    pub sort: Option<Sort>,
    /// Whether products that cannot be had now are left out. They are ranked last otherwise.
    pub in_stock_only: bool,
    /// Only these products (for details and refinement within what was shown).
    pub among: Vec<ProductId>,
    /// Only the variants that share this `item_group_id` ("in which colours?").
    pub item_group: Option<String>,
    /// Only products with a price before a promotion.
    pub promoted_only: bool,
    /// Skip so many.
    pub offset: usize,
    /// At most so many (1 to 100).
    pub limit: usize,
}

impl SearchQuery {
    /// A plain search for words.
    #[must_use]
    pub fn words(language: Language, text: impl Into<String>, limit: usize) -> Self {
        Self {
            language,
            text: text.into(),
            color: None,
            size: None,
            brand: None,
            material: None,
            category: None,
            min_price: None,
            max_price: None,
            hints: Vec::new(),
            exclude: None,
            sort: None,
            in_stock_only: false,
            among: Vec::new(),
            item_group: None,
            promoted_only: false,
            offset: 0,
            limit,
        }
    }
}

/// What a search may go by, beyond the words as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// Words by a spelling near theirs, and names by their trigrams.
    pub spelling: bool,
    /// Words by their sound.
    pub sound: bool,
}

impl Tiers {
    /// Everything there is.
    pub const ALL: Self = Self {
        spelling: true,
        sound: true,
    };
    /// Words as they are written.
    pub const LEXICAL: Self = Self {
        spelling: false,
        sound: false,
    };
}

/// How a product was found, from the surest to the vaguest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchKind {
    /// By its id or GTIN.
    Exact,
    /// Every word is in its texts.
    Words,
    /// Words by their beginnings.
    Prefix,
    /// Some of the words.
    SomeWords,
    /// By trigrams or spelling distance: the words as heard are not in the catalog.
    Similar,
    /// No words were given; filters only.
    Filter,
}

/// One product found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The product.
    pub product: Product,
    /// 0 to 1; comparable within one search and, roughly, between searches.
    pub score: f32,
    /// How it was found.
    pub matched: MatchKind,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// How many there are in all, beyond `limit` (exact up to 1,000).
    pub total: usize,
    /// A filter that had to be dropped to find anything ("color"), if so.
    pub relaxed: Option<String>,
}
