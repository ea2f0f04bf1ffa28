//! `catalog show` and `catalog stats`.

use super::{
    CatalogError, Show, Stats,
    answer::{stock, write_json},
};
use crate::shop::{
    money::Money,
    product::{Allergens, ProductId},
    store::Store,
};
use comfy_table::{Table, presets};
use jiff::Timestamp;
use std::io::Write;

pub(super) fn show(
    args: &Show,
    store: &Store,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    let id = ProductId(args.id.clone());
    let product = match store.product(&id, args.lang, now)? {
        Some(product) => Some(product),
        None => store.product_by_gtin(&args.id, args.lang, now)?,
    };
    let product = product.ok_or_else(|| CatalogError::NoSuchProduct(args.id.clone()))?;
    if args.json {
        write_json(out, &product)?;
        return Ok(true);
    }
    let prior = product.prior_price.map(|p| format!(" (before: {p})"));
    let unit = product
        .unit_price
        .as_ref()
        .map(|(price, per)| format!("{price} / {per}"));
    let allergens = match &product.allergens {
        Allergens::Unknown => "not declared".to_owned(),
        Allergens::None => "none".to_owned(),
        Allergens::Contains(list) => list.join(", "),
    };
    let options: Vec<String> = product
        .options
        .iter()
        .map(|group| {
            let names: Vec<String> = group
                .choices
                .iter()
                .map(|c| match c.price_delta {
                    0 => c.name.clone(),
                    delta => {
                        let delta = Money::new(delta, product.price.currency);
                        format!("{} ({delta})", c.name)
                    }
                })
                .collect();
            format!("{}: {}", group.name, names.join(", "))
        })
        .collect();
    let rows: Vec<(&str, Option<String>)> = vec![
        ("id", Some(product.id.to_string())),
        ("title", Some(product.title.clone())),
        ("description", Some(product.description.clone())),
        ("brand", product.brand.clone()),
        ("category", Some(product.category.join(" > "))),
        (
            "price",
            Some(format!("{}{}", product.price, prior.unwrap_or_default())),
        ),
        ("unit price", unit),
        (
            "tax",
            Some(format!("{} %", f64::from(product.tax_rate_bp) / 100.0)),
        ),
        ("stock", Some(stock(&product))),
        ("color", product.color.clone()),
        ("size", product.size.clone()),
        ("material", product.material.clone()),
        ("gtin", product.gtin.clone()),
        ("allergens", Some(allergens)),
        ("ingredients", product.ingredients.clone()),
        ("least age", product.min_age.map(|age| age.to_string())),
        ("location", product.location.clone()),
        (
            "warranty",
            product.warranty_months.map(|m| format!("{m} months")),
        ),
        (
            "rating",
            product
                .rating
                .map(|(stars, n)| format!("{stars:.1} of 5 ({n})")),
        ),
        ("options", (!options.is_empty()).then(|| options.join("\n"))),
    ];
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (name, value) in rows {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            table.add_row([name.to_owned(), value]);
        }
    }
    writeln!(out, "{table}")?;
    Ok(true)
}

pub(super) fn stats(
    args: &Stats,
    store: &Store,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    let stats = store.stats(now)?;
    if args.json {
        write_json(out, &stats)?;
        return Ok(true);
    }
    let built = stats
        .built_at
        .map_or_else(|| "never".to_owned(), |at| at.to_string());
    writeln!(out, "{} products, built {built}", stats.products)?;
    for (language, texts) in &stats.texts {
        writeln!(out, "  {language}: {texts} texts")?;
    }
    writeln!(out, "  out of stock: {}", stats.out_of_stock)?;
    writeln!(out, "  on promotion: {}", stats.on_promotion)?;
    for (category, n) in &stats.categories {
        writeln!(out, "  {category}: {n}")?;
    }
    Ok(true)
}
