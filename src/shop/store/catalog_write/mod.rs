//! Building a catalog beside the live one and swapping it in.

mod carry;
mod finish;
pub(super) mod patch;
mod text;

use super::{CATALOG_FILE, StoreError, migrate, order_write::to_json};
use crate::{
    lang::Language,
    shop::{feed::FeedRow, product::Review},
};
pub use finish::Removals;
pub use patch::{CatalogPatch, PatchIssue, PatchReport};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::{
    fs::File,
    path::{Path, PathBuf},
};
use text::{TextWords, facets_of, name_of};

/// How much of a catalog that is being built is held in memory.
const CACHE_KIB: i64 = 32 << 10;

/// A catalog that is being built. Dropped without [`CatalogBuilder::finish`], it leaves the
/// live one as it was.
pub struct CatalogBuilder {
    folder: PathBuf,
    building: PathBuf,
    db: Connection,
    languages: Vec<Language>,
    documents: bool,
    reviews: bool,
    finished: bool,
    /// Where it is from: `feed`, or nothing (a sample).
    origin: &'static str,
    /// When the figures of the rows that are added now are from, where that is not now.
    figures_at: Option<Timestamp>,
    /// Held as long as this import runs.
    _lock: File,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is in.
    Kept,
    /// It is in, but these columns differ from what another language's feed said of the same
    /// product; the first feed's values hold.
    Differs(Vec<&'static str>),
    /// The same id stood in this line (or item) before; this row is not in.
    Duplicate(u64),
    /// It is in without its GTIN: the product of this id has it.
    GtinTaken(String),
}

impl CatalogBuilder {
    /// Begins a catalog in a data folder.
    ///
    /// # Errors
    /// [`StoreError::ImportRunning`] when another process builds one; others when nothing can
    /// be written.
    pub fn begin(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|e| StoreError::file(folder, e))?;
        let lock_path = folder.join("import.lock");
        let lock = File::create(&lock_path).map_err(|e| StoreError::file(&lock_path, e))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| StoreError::ImportRunning(folder.to_owned()))?;
        let building = folder.join(format!("{CATALOG_FILE}.building"));
        let live = folder.join(CATALOG_FILE);
        if live.exists() {
            // Of an older schema, it is brought to this one: the new catalog takes from it. What
            // is damaged will be replaced.
            let _lock = patch::LiveLock::take(folder)?;
            let _ = patch::open(&live);
        }
        remove(&building)?;
        remove(&folder.join(format!("{CATALOG_FILE}.building-journal")))?;
        let mut db = Connection::open(&building)?;
        // Nobody reads it before it is whole: no need to be safe from a crash until then.
        db.pragma_update(None, "journal_mode", "MEMORY")?;
        db.pragma_update(None, "synchronous", "OFF")?;
        // Its indexes grow in no order: what is at hand is not written and read again.
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        migrate::migrate(&mut db, CATALOG_FILE, migrate::CATALOG)?;
        db.execute_batch("BEGIN")?;
        Ok(Self {
            folder: folder.to_owned(),
            building,
            db,
            languages: Vec::new(),
            documents: false,
            reviews: false,
            finished: false,
            origin: "",
            figures_at: None,
            _lock: lock,
        })
    }

    /// Says when the figures of the rows to come are from, where that is another time than the
    /// one that [`CatalogBuilder::finish`] is told.
    pub fn figures_at(&mut self, at: Option<Timestamp>) {
        self.figures_at = at;
    }

    /// Adds one row of a feed in a language.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; the whole catalog is to be given up then.
    pub fn add(&mut self, row: &FeedRow, language: Language) -> Result<Added, StoreError> {
        if !self.languages.contains(&language) {
            self.languages.push(language);
        }
        let there: Option<(i64, Option<i64>)> = self
            .db
            .prepare_cached(
                "SELECT p.key, (SELECT t.feed_line FROM product_text t
                     WHERE t.product = p.key AND t.language = ?2)
                 FROM product p WHERE p.id = ?1",
            )?
            .query_row(params![row.id.0, language.code()], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .optional()?;
        match there {
            Some((_, Some(line))) => Ok(Added::Duplicate(line.unsigned_abs())),
            Some((key, None)) => {
                let differing = self.differing(key, row)?;
                self.add_text(key, row, language)?;
                Ok(if differing.is_empty() {
                    Added::Kept
                } else {
                    Added::Differs(differing)
                })
            }
            None => {
                let taken = self.gtin_taken(row)?;
                let key = self.add_product(row, taken.is_some())?;
                self.add_text(key, row, language)?;
                Ok(taken.map_or(Added::Kept, Added::GtinTaken))
            }
        }
    }

    /// Keeps a file of the shop folder (`shop.toml`, `faq.toml`) beside the products.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn document(&mut self, name: &str, text: &str) -> Result<(), StoreError> {
        self.documents = true;
        self.db.execute(
            "INSERT INTO document (name, text) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET text = ?2",
            params![name, text],
        )?;
        Ok(())
    }

    /// Adds reviews; products that are not in the catalog are passed over. Returns how many
    /// were added.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be written.
    pub fn reviews(&mut self, reviews: &[Review]) -> Result<usize, StoreError> {
        self.reviews = true;
        let mut added = 0;
        for r in reviews {
            added += self
                .db
                .prepare_cached(
                    "INSERT INTO review (product, language, stars, text, day)
                     SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM product WHERE id = ?1)",
                )?
                .execute(params![
                    r.product.0,
                    r.language.code(),
                    r.stars,
                    r.text,
                    r.day.to_string()
                ])?;
        }
        Ok(added)
    }

    /// How many products are in.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be counted.
    pub fn products(&self) -> Result<u64, StoreError> {
        let n: i64 = self
            .db
            .query_row("SELECT count(*) FROM product", [], |row| row.get(0))?;
        Ok(n.unsigned_abs())
    }

    /// The product that has this row's GTIN already. A bar code that stands twice would let one
    /// row answer for another.
    fn gtin_taken(&self, row: &FeedRow) -> Result<Option<String>, StoreError> {
        let Some(gtin) = &row.gtin else {
            return Ok(None);
        };
        Ok(self
            .db
            .prepare_cached("SELECT id FROM product WHERE gtin14 = ?1 LIMIT 1")?
            .query_row([format!("{gtin:0>14}")], |row| row.get(0))
            .optional()?)
    }

    fn add_product(&self, row: &FeedRow, without_gtin: bool) -> Result<i64, StoreError> {
        let gtin = row.gtin.as_ref().filter(|_| !without_gtin);
        let figures_at = self.figures_at.map(Timestamp::as_millisecond);
        let ms = |t: Option<Timestamp>| t.map(Timestamp::as_millisecond);
        self.db
            .prepare_cached(
                "INSERT INTO product (id, gtin, gtin14, brand, item_group_id, currency,
                     price, sale_price, sale_from, sale_until, unit_numerator, unit_denominator,
                     unit_label, tax_rate_bp, stock, available, min_age, warranty_months, link,
                     price_at, stock_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                     ?17, ?18, ?19, ?20, ?20)",
            )?
            .execute(params![
                row.id.0,
                gtin,
                gtin.map(|gtin| format!("{gtin:0>14}")),
                row.brand,
                row.item_group_id,
                row.price.currency.code(),
                row.price.minor,
                row.sale.map(|sale| sale.price.minor),
                ms(row.sale.and_then(|sale| sale.from)),
                ms(row.sale.and_then(|sale| sale.until)),
                row.unit.as_ref().map(|unit| unit.numerator),
                row.unit.as_ref().map(|unit| unit.denominator),
                row.unit.as_ref().map(|unit| &unit.label),
                row.tax_rate_bp,
                row.stock,
                row.available,
                row.min_age,
                row.warranty_months,
                row.link,
                figures_at,
            ])?;
        Ok(self.db.last_insert_rowid())
    }

    /// The columns in which a row differs from the product's facts.
    fn differing(&self, key: i64, row: &FeedRow) -> Result<Vec<&'static str>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT price IS NOT ?2, sale_price IS NOT ?3, stock IS NOT ?4, available IS NOT ?5,
                 gtin IS NOT ?6, tax_rate_bp IS NOT ?7, min_age IS NOT ?8, currency IS NOT ?9
             FROM product WHERE key = ?1",
        )?;
        let columns = [
            "price",
            "sale_price",
            "quantity",
            "availability",
            "gtin",
            "tax_rate",
            "min_age",
            "price",
        ];
        let differs = statement.query_row(
            params![
                key,
                row.price.minor,
                row.sale.map(|sale| sale.price.minor),
                row.stock,
                row.available,
                row.gtin,
                row.tax_rate_bp,
                row.min_age,
                row.price.currency.code()
            ],
            |r| {
                (0..columns.len())
                    .map(|i| r.get::<_, bool>(i))
                    .collect::<Result<Vec<_>, _>>()
            },
        )?;
        Ok(columns
            .into_iter()
            .zip(differs)
            .filter_map(|(column, differs)| differs.then_some(column))
            .collect())
    }

    fn add_text(&self, product: i64, row: &FeedRow, language: Language) -> Result<(), StoreError> {
        let words = TextWords::of(row, language);
        self.db
            .prepare_cached(
                "INSERT INTO product_text (product, language, feed_line, title, description, category,
                     color, size, material, options, allergens, ingredients, location, details, synonyms,
                     title_words, synonym_words, attribute_words, body_words)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                     ?17, ?18, ?19)",
            )?
            .execute(params![
                product,
                language.code(),
                i64::try_from(row.item.unwrap_or(row.line)).unwrap_or(i64::MAX),
                row.title,
                row.description,
                to_json(&row.category)?,
                row.color,
                row.size,
                row.material,
                to_json(&row.options)?,
                to_json(&row.allergens)?,
                row.ingredients,
                row.location,
                to_json(&row.details)?,
                to_json(&row.synonyms)?,
                words.title,
                words.synonyms,
                words.attributes,
                words.body,
            ])?;
        let key = self.db.last_insert_rowid();
        self.index(key, language, &words, &name_of(&row.title, &row.synonyms))?;
        let mut facet = self.db.prepare_cached(
            "INSERT OR IGNORE INTO facet (kind, value, text) VALUES (?1, ?2, ?3)",
        )?;
        for (kind, value) in facets_of(row, language) {
            facet.execute(params![kind, value, key])?;
        }
        Ok(())
    }

    fn index(
        &self,
        key: i64,
        language: Language,
        words: &TextWords,
        name: &str,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(&format!(
                "INSERT INTO words_{language} (rowid, title, synonyms, attributes, body)
                 VALUES (?1, ?2, ?3, ?4, ?5)"
            ))?
            .execute(params![
                key,
                words.title,
                words.synonyms,
                words.attributes,
                words.body
            ])?;
        self.db
            .prepare_cached(&format!(
                "INSERT INTO trigrams_{language} (rowid, name) VALUES (?1, ?2)"
            ))?
            .execute(params![key, name])?;
        Ok(())
    }
}

impl Drop for CatalogBuilder {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: the next import removes it too.
            let _ = std::fs::remove_file(&self.building);
        }
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(StoreError::file(path, e)),
        _ => Ok(()),
    }
}
