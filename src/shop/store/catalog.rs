//! Reading products, reviews and the shop's own texts from the catalog.

use super::{Store, StoreError};
use crate::{
    lang::Language,
    shop::{
        money::{Currency, Money},
        product::{MenuRow, Product, ProductId, Review},
    },
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// The columns that [`product_from`] reads, of `product p` and `product_text t`.
pub(super) const COLUMNS: &str = "p.id, t.language, t.title, t.description, p.brand, p.gtin, \
     t.category, t.color, t.size, t.material, p.item_group_id, p.currency, p.price, \
     p.sale_price, p.sale_from, p.sale_until, p.unit_numerator, p.unit_denominator, \
     p.unit_label, p.tax_rate_bp, p.stock, p.available, t.options, t.allergens, t.ingredients, \
     p.min_age, t.location, p.warranty_months, t.details, p.stars, p.reviews, p.link";

/// What the catalog holds, in figures.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct CatalogStats {
    /// Products.
    pub products: u64,
    /// Texts by language code.
    pub texts: Vec<(String, u64)>,
    /// Products that cannot be had now.
    pub out_of_stock: u64,
    /// Products by the widest category, in the first language that has it.
    pub categories: Vec<(String, u64)>,
    /// Products on promotion now.
    pub on_promotion: u64,
    /// When the catalog was built; `None` when there is none.
    pub built_at: Option<Timestamp>,
}

/// When this catalog was built, ms since 1970; 0 when it is empty.
pub(super) fn built_at(db: &Connection) -> Result<i64, StoreError> {
    Ok(meta(db, "built_at")?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0))
}

/// When the oldest figures of the catalog are from, ms since 1970.
pub(super) fn oldest_figures(db: &Connection, built_at: i64) -> Result<i64, StoreError> {
    let least: Option<i64> = db.query_row(
        "SELECT min(stock_at) FROM product WHERE stock_at IS NOT NULL",
        [],
        |row| row.get(0),
    )?;
    Ok(least.map_or(built_at, |least| least.min(built_at)))
}

/// One fact about the catalog's file.
pub(super) fn meta(db: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    Ok(db
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?)
}

impl Store {
    /// A product by its id, in the wanted language or, where it has no text in it, in another.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn product(
        &self,
        id: &ProductId,
        language: Language,
        now: Timestamp,
    ) -> Result<Option<Product>, StoreError> {
        self.one_product("p.id = ?1", &id.0, language, now)
    }

    /// A product by its GTIN (as scanned), leading zeros aside.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn product_by_gtin(
        &self,
        gtin: &str,
        language: Language,
        now: Timestamp,
    ) -> Result<Option<Product>, StoreError> {
        let gtin = format!("{:0>14}", gtin.trim());
        self.one_product("p.gtin14 = ?1", &gtin, language, now)
    }

    /// A product by its exact title, case and accents aside, in the wanted language first.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn product_by_title(
        &self,
        title: &str,
        language: Language,
        now: Timestamp,
    ) -> Result<Option<Product>, StoreError> {
        let query = crate::shop::search::SearchQuery::words(language, title, 5);
        let found = self.search(&query, now)?;
        let wanted = crate::shop::words::fold(title);
        Ok(found
            .hits
            .into_iter()
            .map(|hit| hit.product)
            .find(|p| crate::shop::words::fold(&p.title) == wanted))
    }

    /// The variants of one product: those with the same `item_group_id`, itself included, by
    /// id. A product without a group is its only variant.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn variants(
        &self,
        id: &ProductId,
        language: Language,
        now: Timestamp,
    ) -> Result<Vec<Product>, StoreError> {
        let keys: Vec<i64> = {
            let catalog = self.catalog()?;
            let mut statement = catalog.db.prepare_cached(
                "SELECT v.key FROM product p JOIN product v
                 ON v.key = p.key OR v.item_group_id = p.item_group_id
                 WHERE p.id = ?1 ORDER BY v.key LIMIT 200",
            )?;
            let keys = statement.query_map([&id.0], |row| row.get(0))?;
            keys.collect::<Result<_, _>>()?
        };
        self.products_by_key(&keys, language, now)
    }

    /// Reviews of a product, in the wanted language first, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn reviews(
        &self,
        id: &ProductId,
        language: Language,
        limit: usize,
    ) -> Result<Vec<Review>, StoreError> {
        let catalog = self.catalog()?;
        let mut statement = catalog.db.prepare_cached(
            "SELECT language, stars, text, day FROM review WHERE product = ?1
             ORDER BY language = ?2 DESC, day DESC, key LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![id.0, language.code(), limit])?;
        let mut reviews = Vec::new();
        while let Some(row) = rows.next()? {
            reviews.push(Review {
                product: id.clone(),
                language: language_from(&row.get::<_, String>(0)?)?,
                stars: row.get(1)?,
                text: row.get(2)?,
                day: parse("a day", &row.get::<_, String>(3)?)?,
            });
        }
        Ok(reviews)
    }

    /// A file of the shop folder as it was loaded (`shop.toml`, `faq.toml`).
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn document(&self, name: &str) -> Result<Option<String>, StoreError> {
        let catalog = self.catalog()?;
        Ok(catalog
            .db
            .prepare_cached("SELECT text FROM document WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?)
    }

    /// The currency of the catalog's prices; `None` when it is empty.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn currency(&self) -> Result<Option<Currency>, StoreError> {
        let code: Option<String> = self
            .catalog()?
            .db
            .prepare_cached("SELECT currency FROM product LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        code.map(|code| parse("a currency", &code)).transpose()
    }

    /// When the catalog was built; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn built_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let built_at = self.catalog()?.built_at;
        (built_at > 0).then(|| time(built_at)).transpose()
    }

    /// How many products the catalog has.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn products(&self) -> Result<u64, StoreError> {
        let catalog = self.catalog()?;
        let n: i64 = catalog
            .db
            .query_row("SELECT count(*) FROM product", [], |row| row.get(0))?;
        Ok(n.unsigned_abs())
    }

    /// Figures about the catalog.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn stats(&self, now: Timestamp) -> Result<CatalogStats, StoreError> {
        let catalog = self.catalog()?;
        let db = &catalog.db;
        let count = |sql: &str| -> Result<u64, StoreError> {
            Ok(db
                .query_row(sql, [], |row| row.get::<_, i64>(0))?
                .unsigned_abs())
        };
        let pairs = |sql: &str| -> Result<Vec<(String, u64)>, StoreError> {
            let mut statement = db.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        let on_promotion = db.query_row(
            "SELECT count(*) FROM product WHERE sale_price IS NOT NULL
             AND (sale_from IS NULL OR sale_from <= ?1)
             AND (sale_until IS NULL OR sale_until > ?1)",
            [now.as_millisecond()],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(CatalogStats {
            products: count("SELECT count(*) FROM product")?,
            texts: pairs("SELECT language, count(*) FROM product_text GROUP BY 1 ORDER BY 1")?,
            out_of_stock: count("SELECT count(*) FROM product WHERE NOT available OR stock = 0")?,
            categories: pairs(
                "SELECT coalesce(json_extract(category, '$[0]'), ''), count(*) FROM product_text
                 WHERE language = (SELECT min(language) FROM product_text)
                 GROUP BY 1 ORDER BY 2 DESC, 1",
            )?,
            on_promotion: on_promotion.unsigned_abs(),
            built_at: (catalog.built_at > 0)
                .then(|| time(catalog.built_at))
                .transpose()?,
        })
    }

    fn one_product(
        &self,
        condition: &str,
        value: &str,
        language: Language,
        now: Timestamp,
    ) -> Result<Option<Product>, StoreError> {
        let key: Option<i64> = self
            .catalog()?
            .db
            .prepare_cached(&format!(
                "SELECT p.key FROM product p WHERE {condition} LIMIT 1"
            ))?
            .query_row([value], |row| row.get(0))
            .optional()?;
        let Some(key) = key else { return Ok(None) };
        Ok(self.products_by_key(&[key], language, now)?.pop())
    }

    /// Products by their keys, in the keys' order, each in the best language it has.
    /// What is made to order, in a language: the rows with options, at most 500 of them.
    ///
    /// # Errors
    /// [`StoreError`] when the catalog cannot be read.
    pub fn menu(&self, language: Language, now: Timestamp) -> Result<Vec<MenuRow>, StoreError> {
        let (keys, synonyms): (Vec<i64>, Vec<Vec<String>>) = {
            let catalog = self.catalog()?;
            let mut statement = catalog.db.prepare_cached(
                "SELECT product, synonyms FROM product_text
                 WHERE language = ?1 AND options <> '[]' ORDER BY product LIMIT 500",
            )?;
            let mut rows = statement.query([language.code()])?;
            let mut found = (Vec::new(), Vec::new());
            while let Some(row) = rows.next()? {
                found.0.push(row.get(0)?);
                found.1.push(json("synonyms", &row.get::<_, String>(1)?)?);
            }
            found
        };
        let products = self.products_by_key(&keys, language, now)?;
        let rows = products.into_iter().zip(synonyms);
        Ok(rows
            .map(|(product, synonyms)| MenuRow { product, synonyms })
            .collect())
    }

    pub(super) fn products_by_key(
        &self,
        keys: &[i64],
        language: Language,
        now: Timestamp,
    ) -> Result<Vec<Product>, StoreError> {
        let catalog = self.catalog()?;
        let spoken_for = self.spoken_for(&catalog, now, None)?;
        let mut statement = catalog.db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM product p JOIN product_text t ON t.product = p.key
             WHERE p.key = ?1 ORDER BY t.language = ?2 DESC LIMIT 1"
        ))?;
        let mut products = Vec::with_capacity(keys.len());
        for key in keys {
            let mut rows = statement.query(params![key, language.code()])?;
            if let Some(row) = rows.next()? {
                products.push(product_from(row, now, &spoken_for)?);
            }
        }
        Ok(products)
    }
}

/// Reads a product from [`COLUMNS`]: the price of this moment, the stock less what is spoken
/// for.
pub(super) fn product_from(
    row: &Row<'_>,
    now: Timestamp,
    spoken_for: &HashMap<String, u32>,
) -> Result<Product, StoreError> {
    let currency: Currency = parse("a currency", &row.get::<_, String>("currency")?)?;
    let money = |minor: i64| Money::new(minor, currency);
    let regular: i64 = row.get("price")?;
    let sale: Option<i64> = row.get("sale_price")?;
    let now = now.as_millisecond();
    let on_sale = row
        .get::<_, Option<i64>>("sale_from")?
        .is_none_or(|t| t <= now)
        && row
            .get::<_, Option<i64>>("sale_until")?
            .is_none_or(|t| now < t);
    let (price, prior) = match sale {
        Some(sale) if on_sale => (sale, Some(regular)),
        _ => (regular, None),
    };
    let unit_price = match (
        row.get::<_, Option<i64>>("unit_numerator")?,
        row.get::<_, Option<i64>>("unit_denominator")?,
        row.get::<_, Option<String>>("unit_label")?,
    ) {
        (Some(n), Some(d), Some(label)) if d > 0 => Some((money(rounded(price, n, d)), label)),
        _ => None,
    };
    let id: String = row.get("id")?;
    let stock = row
        .get::<_, Option<u32>>("stock")?
        .map(|stock| stock.saturating_sub(spoken_for.get(&id).copied().unwrap_or(0)));
    let reviews: u32 = row.get("reviews")?;
    let rating = row
        .get::<_, Option<f32>>("stars")?
        .map(|stars| (stars, reviews));
    Ok(Product {
        id: ProductId(id),
        language: language_from(&row.get::<_, String>("language")?)?,
        title: row.get("title")?,
        description: row.get("description")?,
        brand: row.get("brand")?,
        gtin: row.get("gtin")?,
        category: json("categories", &row.get::<_, String>("category")?)?,
        color: row.get("color")?,
        size: row.get("size")?,
        material: row.get("material")?,
        item_group_id: row.get("item_group_id")?,
        price: money(price),
        prior_price: prior.map(money),
        unit_price,
        tax_rate_bp: row.get("tax_rate_bp")?,
        stock,
        available: row.get("available")?,
        options: json("options", &row.get::<_, String>("options")?)?,
        allergens: json("allergens", &row.get::<_, String>("allergens")?)?,
        ingredients: row.get("ingredients")?,
        min_age: row.get("min_age")?,
        location: row.get("location")?,
        warranty_months: row.get("warranty_months")?,
        details: json("details", &row.get::<_, String>("details")?)?,
        rating,
        link: row.get("link")?,
    })
}

/// `price * n / d`, rounded half up.
fn rounded(price: i64, n: i64, d: i64) -> i64 {
    let (price, n, d) = (i128::from(price), i128::from(n), i128::from(d));
    i64::try_from((2 * price * n + d).div_euclid(2 * d)).unwrap_or(i64::MAX)
}

pub(super) fn json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| content(what, text))
}

pub(super) fn parse<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| content(what, text))
}

pub(super) fn language_from(text: &str) -> Result<Language, StoreError> {
    parse("a language", text)
}

/// A moment from ms since 1970.
pub(super) fn time(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|_| content("a time", &ms.to_string()))
}

fn content(what: &'static str, found: &str) -> StoreError {
    StoreError::Content {
        what,
        found: found.chars().take(60).collect(),
    }
}
