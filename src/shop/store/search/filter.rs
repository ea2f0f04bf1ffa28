//! Filters: what must hold of a product, as SQL conditions; dropped one at a time when nothing
//! is found.

use crate::{
    lang::Language,
    shop::{facets, search::SearchQuery, words},
};
use rusqlite::types::Value;

/// A filter that can be dropped, by the name that the shopper is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Material,
    Size,
    Color,
    Brand,
    Category,
    MaxPrice,
    MinPrice,
    Stock,
}

impl Filter {
    /// In the order in which they are dropped: a price limit goes last but for the stock.
    pub(super) const ALL: [Filter; 8] = [
        Self::Material,
        Self::Size,
        Self::Color,
        Self::Brand,
        Self::Category,
        Self::MaxPrice,
        Self::MinPrice,
        Self::Stock,
    ];

    /// The name of the field in a query.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Material => "material",
            Self::Size => "size",
            Self::Color => "color",
            Self::Brand => "brand",
            Self::Category => "category",
            Self::MaxPrice => "max_price",
            Self::MinPrice => "min_price",
            Self::Stock => "stock",
        }
    }

    /// Whether a query has it.
    pub(super) fn is_in(self, query: &SearchQuery) -> bool {
        let some = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.trim().is_empty());
        match self {
            Self::Material => some(&query.material),
            Self::Size => some(&query.size),
            Self::Color => some(&query.color),
            Self::Brand => some(&query.brand),
            Self::Category => some(&query.category),
            Self::MaxPrice => query.max_price.is_some(),
            Self::MinPrice => query.min_price.is_some(),
            Self::Stock => query.in_stock_only,
        }
    }

    /// The query without it.
    pub(super) fn dropped_from(self, query: &SearchQuery) -> SearchQuery {
        let mut query = query.clone();
        match self {
            Self::Material => query.material = None,
            Self::Size => query.size = None,
            Self::Color => query.color = None,
            Self::Brand => query.brand = None,
            Self::Category => query.category = None,
            Self::MaxPrice => query.max_price = None,
            Self::MinPrice => query.min_price = None,
            Self::Stock => query.in_stock_only = false,
        }
        query
    }
}

/// Conditions that follow a `WHERE ...`, each with its values in order.
#[derive(Default)]
pub(super) struct Conditions {
    /// ` AND ...` for each.
    pub sql: String,
    /// The values of its `?`.
    pub values: Vec<Value>,
}

impl Conditions {
    /// The filters of a query that SQL can see, words read in `language`. The stock is left to
    /// the caller, who knows what is spoken for.
    pub(super) fn of(query: &SearchQuery, language: Language) -> Self {
        let mut conditions = Self::default();
        let stems = |text: &Option<String>| {
            let stems = text.as_deref().map(|t| words::stems(&cap(t), language));
            stems.unwrap_or_default()
        };
        for (kind, text) in [
            ("material", &query.material),
            ("brand", &query.brand),
            ("category", &query.category),
        ] {
            for stem in stems(text).into_iter().take(6) {
                conditions.facet(kind, stem);
            }
        }
        if let Some(color) = query.color.as_deref().filter(|c| !c.trim().is_empty()) {
            conditions.facet("color", facets::color_wanted(&cap(color)));
        }
        if let Some(size) = query.size.as_deref().filter(|s| !s.trim().is_empty()) {
            conditions.facet("size", facets::size_value(&cap(size)));
        }
        if let Some(min) = query.min_price {
            conditions.and("current >= ?", Value::Integer(min.minor()));
        }
        if let Some(max) = query.max_price {
            conditions.and("current <= ?", Value::Integer(max.minor()));
        }
        if let Some(group) = &query.item_group {
            conditions.and("p.item_group_id = ?", Value::Text(group.clone()));
        }
        if query.promoted_only {
            conditions.sql.push_str(" AND current < p.price");
        }
        if !query.among.is_empty() {
            let ids: Vec<&str> = query
                .among
                .iter()
                .take(200)
                .map(|id| id.0.as_str())
                .collect();
            let marks = vec!["?"; ids.len()].join(", ");
            conditions.sql.push_str(&format!(" AND p.id IN ({marks})"));
            let ids = ids.into_iter().map(|id| Value::Text(id.to_owned()));
            conditions.values.extend(ids);
        }
        conditions
    }

    fn facet(&mut self, kind: &str, value: String) {
        self.and(
            &format!(
                "EXISTS (SELECT 1 FROM facet f WHERE f.kind = '{kind}' AND f.value = ? \
                 AND f.text = t.key)"
            ),
            Value::Text(value),
        );
    }

    fn and(&mut self, condition: &str, value: Value) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.push(value);
    }
}

/// No colour or size is longer.
fn cap(text: &str) -> String {
    text.chars().take(80).collect()
}
