//! What a search answers, as JSON and as a table.

use super::CatalogError;
use crate::shop::{
    product::Product,
    search::{Found, Hit, MatchKind},
};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{self, Write};

/// One answer.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<serde_json::Value>,
    results: Vec<Item<'a>>,
    total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    relaxed: Option<&'a str>,
    ms: f64,
}

/// One product of an answer. `price` is in major units.
#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    title: &'a str,
    price: f64,
    currency: &'static str,
    score: f64,
    matched: MatchKind,
    in_stock: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
    category: &'a [String],
}

impl<'a> Answer<'a> {
    pub(super) fn of(id: Option<serde_json::Value>, found: &'a Found, ms: f64) -> Self {
        Self {
            id,
            results: found.hits.iter().map(Item::of).collect(),
            total: found.total,
            relaxed: found.relaxed.as_deref(),
            ms: (ms * 1_000.0).round() / 1_000.0,
        }
    }
}

impl<'a> Item<'a> {
    fn of(hit: &'a Hit) -> Self {
        let p = &hit.product;
        Self {
            id: &p.id.0,
            title: &p.title,
            price: p.price.minor as f64 / 100.0,
            currency: p.price.currency.code(),
            score: (f64::from(hit.score) * 1_000.0).round() / 1_000.0,
            matched: hit.matched,
            in_stock: p.can_sell(1),
            brand: p.brand.as_deref(),
            color: p.color.as_deref(),
            size: p.size.as_deref(),
            category: &p.category,
        }
    }
}

pub(super) fn write_json<T: Serialize>(out: &mut dyn Write, value: &T) -> Result<(), CatalogError> {
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

pub(super) fn write_table(out: &mut dyn Write, found: &Found) -> Result<(), CatalogError> {
    if found.hits.is_empty() {
        writeln!(out, "Nothing found.")?;
        return Ok(());
    }
    if let Some(filter) = &found.relaxed {
        writeln!(
            out,
            "Nothing with this {}; without it:",
            filter.replace('_', " ")
        )?;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["score", "id", "title", "price", "stock"]);
    for hit in &found.hits {
        let p = &hit.product;
        table.add_row([
            format!("{:.2}", hit.score),
            p.id.to_string(),
            p.title.clone(),
            p.price.to_string(),
            stock(p),
        ]);
    }
    for column in [0, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(out, "{table}")?;
    if found.total > found.hits.len() {
        writeln!(out, "{} of {}", found.hits.len(), found.total)?;
    }
    Ok(())
}

pub(super) fn stock(p: &Product) -> String {
    match p.stock {
        _ if !p.can_sell(1) => "out".to_owned(),
        Some(n) => n.to_string(),
        None => "yes".to_owned(),
    }
}
