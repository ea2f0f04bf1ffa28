//! Building a catalog beside the live one and swapping it in.

use super::{CATALOG_FILE, StoreError, migrate, order_write::to_json, search::HEAD};
use crate::{
    lang::Language,
    shop::{facets, feed::FeedRow, product::Review, words},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

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
    /// The same id stood in this line before; this row is not in.
    Duplicate(u64),
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
        remove(&building)?;
        remove(&folder.join(format!("{CATALOG_FILE}.building-journal")))?;
        let mut db = Connection::open(&building)?;
        // Nobody reads it before it is whole: no need to be safe from a crash until then.
        db.pragma_update(None, "journal_mode", "MEMORY")?;
        db.pragma_update(None, "synchronous", "OFF")?;
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
            _lock: lock,
        })
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
                let key = self.add_product(row)?;
                self.add_text(key, row, language)?;
                Ok(Added::Kept)
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

    /// Completes the catalog and swaps it in. From the catalog before, it takes what was not
    /// given anew: texts in languages that no feed brought (of products that are still sold),
    /// documents, reviews.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; the live catalog is as it was then.
    pub fn finish(mut self, now: Timestamp) -> Result<(), StoreError> {
        self.carry_over()?;
        self.db.execute_batch(
            "UPDATE product SET (stars, reviews) =
                 (SELECT avg(stars), count(*) FROM review WHERE review.product = product.id)",
        )?;
        self.db.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('built_at', ?1)",
            [now.as_millisecond().to_string()],
        )?;
        for language in Language::ALL {
            for table in ["words", "trigrams"] {
                let table = format!("{table}_{language}");
                self.db.execute_batch(&format!(
                    "INSERT INTO {table} ({table}) VALUES ('optimize')"
                ))?;
            }
        }
        self.db.execute_batch("COMMIT; ANALYZE")?;
        self.db.pragma_update(None, "journal_mode", "DELETE")?;
        let live = self.folder.join(CATALOG_FILE);
        let sync = || -> std::io::Result<()> {
            File::open(&self.building)?.sync_all()?;
            std::fs::rename(&self.building, &live)?;
            // The rename itself must survive a power cut.
            File::open(&self.folder)?.sync_all()
        };
        sync().map_err(|e| StoreError::file(&live, e))?;
        self.finished = true;
        Ok(())
    }

    fn add_product(&self, row: &FeedRow) -> Result<i64, StoreError> {
        let ms = |t: Option<Timestamp>| t.map(Timestamp::as_millisecond);
        self.db
            .prepare_cached(
                "INSERT INTO product (id, gtin, gtin14, brand, item_group_id, currency,
                     price, sale_price, sale_from, sale_until, unit_numerator, unit_denominator,
                     unit_label, tax_rate_bp, stock, available, min_age, warranty_months, link)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                     ?17, ?18, ?19)",
            )?
            .execute(params![
                row.id.0,
                row.gtin,
                row.gtin.as_ref().map(|gtin| format!("{gtin:0>14}")),
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
                i64::try_from(row.line).unwrap_or(i64::MAX),
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

    /// Takes from the live catalog what was not given anew.
    fn carry_over(&mut self) -> Result<(), StoreError> {
        let live = self.folder.join(CATALOG_FILE);
        if !live.exists() {
            return Ok(());
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(old) = Connection::open_with_flags(&live, flags) else {
            return Ok(());
        };
        // A damaged catalog, or one of another schema, has nothing to give: it is replaced.
        if !matches!(migrate::version(&old), Ok(v) if v == migrate::CATALOG.len()) {
            return Ok(());
        }
        if !self.documents {
            let mut statement = old.prepare("SELECT name, text FROM document")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                self.db.execute(
                    "INSERT INTO document (name, text) VALUES (?1, ?2)",
                    params![row.get::<_, String>(0)?, row.get::<_, String>(1)?],
                )?;
            }
        }
        if !self.reviews {
            let mut statement =
                old.prepare("SELECT product, language, stars, text, day FROM review ORDER BY key")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let value = |i| row.get::<_, rusqlite::types::Value>(i);
                self.db.execute(
                    "INSERT INTO review (product, language, stars, text, day)
                     SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM product WHERE id = ?1)",
                    params![value(0)?, value(1)?, value(2)?, value(3)?, value(4)?],
                )?;
            }
        }
        for language in Language::ALL {
            if !self.languages.contains(&language) {
                self.carry_texts(&old, language)?;
            }
        }
        Ok(())
    }

    fn carry_texts(&self, old: &Connection, language: Language) -> Result<(), StoreError> {
        let mut statement = old.prepare(
            "SELECT p.id, t.title, t.description, t.category, t.color, t.size, t.material,
                 t.options, t.allergens, t.ingredients, t.location, t.details, t.synonyms,
                 t.title_words, t.synonym_words, t.attribute_words, t.body_words, t.key, t.feed_line
             FROM product_text t JOIN product p ON p.key = t.product
             WHERE t.language = ?1 ORDER BY t.key",
        )?;
        let mut facets = old.prepare("SELECT kind, value FROM facet WHERE text = ?1")?;
        let mut rows = statement.query([language.code()])?;
        while let Some(row) = rows.next()? {
            let values = (1..17)
                .map(|i| row.get::<_, rusqlite::types::Value>(i))
                .collect::<Result<Vec<_>, _>>()?;
            let product: Option<i64> = self
                .db
                .prepare_cached("SELECT key FROM product WHERE id = ?1")?
                .query_row([row.get::<_, String>(0)?], |r| r.get(0))
                .optional()?;
            let Some(product) = product else { continue };
            let head = [
                rusqlite::types::Value::Integer(product),
                rusqlite::types::Value::Text(language.code().to_owned()),
                row.get(18)?,
            ];
            self.db
                .prepare_cached(
                    "INSERT INTO product_text (product, language, feed_line, title, description, category,
                         color, size, material, options, allergens, ingredients, location, details,
                         synonyms, title_words, synonym_words, attribute_words, body_words)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                         ?16, ?17, ?18, ?19)",
                )?
                .execute(rusqlite::params_from_iter(head.iter().chain(&values)))?;
            let key = self.db.last_insert_rowid();
            let words = TextWords {
                title: row.get(13)?,
                synonyms: row.get(14)?,
                attributes: row.get(15)?,
                body: row.get(16)?,
            };
            let synonyms: Vec<String> =
                super::catalog::json("synonyms", &row.get::<_, String>(12)?)?;
            self.index(
                key,
                language,
                &words,
                &name_of(&row.get::<_, String>(1)?, &synonyms),
            )?;
            let mut found = facets.query([row.get::<_, i64>(17)?])?;
            while let Some(facet) = found.next()? {
                self.db.execute(
                    "INSERT OR IGNORE INTO facet (kind, value, text) VALUES (?1, ?2, ?3)",
                    params![facet.get::<_, String>(0)?, facet.get::<_, String>(1)?, key],
                )?;
            }
        }
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

/// The words of a product's texts, as they are indexed and ranked by.
struct TextWords {
    /// The title's stems; `|` ends its name, before what tells variants apart.
    title: String,
    /// One synonym's stems a line.
    synonyms: String,
    attributes: String,
    body: String,
}

impl TextWords {
    fn of(row: &FeedRow, language: Language) -> Self {
        let stems = |text: &str| words::stems(text, language).join(" ");
        // "Trench, navy, size M": the name is what stands before the first comma.
        let (name, rest) = row.title.split_once(',').unwrap_or((&row.title, ""));
        let rest = match rest.trim() {
            "" => String::new(),
            rest => stems(rest),
        };
        let mut attributes: Vec<String> = Vec::new();
        attributes.extend(row.brand.as_deref().map(stems));
        attributes.extend(row.category.iter().map(|c| stems(c)));
        if let Some(color) = &row.color {
            attributes.push(stems(color));
            attributes.extend(
                facets::color_words(color, language)
                    .into_iter()
                    .map(|word| words::stem(word, language)),
            );
        }
        if let Some(size) = &row.size {
            attributes.push(stems(size));
            attributes.push(stems(&facets::size_value(size)));
        }
        attributes.extend(row.material.as_deref().map(stems));
        attributes.extend(row.unit.as_ref().map(|unit| stems(&unit.measure)));
        let mut body = vec![stems(&row.description)];
        body.extend(row.ingredients.as_deref().map(stems));
        body.extend(
            row.details
                .iter()
                .map(|(name, value)| stems(&format!("{name} {value}"))),
        );
        let head = words::head(name, language).map_or_else(String::new, |h| format!("{HEAD}{h} "));
        Self {
            title: format!("{head}{} | {rest}", stems(name)).trim().to_owned(),
            synonyms: row
                .synonyms
                .iter()
                .map(|s| stems(s))
                .collect::<Vec<_>>()
                .join("\n"),
            attributes: attributes.join(" "),
            body: body.join(" "),
        }
    }
}

/// The text whose trigrams are indexed.
fn name_of(title: &str, synonyms: &[String]) -> String {
    let mut name = words::fold(title);
    for synonym in synonyms {
        name.push(' ');
        name.push_str(&words::fold(synonym));
    }
    name
}

/// The values by which a row is filtered.
fn facets_of(row: &FeedRow, language: Language) -> Vec<(&'static str, String)> {
    let stems = |text: &str| words::stems(text, language);
    let mut values = Vec::new();
    if let Some(color) = &row.color {
        values.extend(
            facets::color_values(color)
                .into_iter()
                .map(|v| ("color", v)),
        );
    }
    if let Some(size) = &row.size {
        values.push(("size", facets::size_value(size)));
    }
    if let Some(unit) = &row.unit {
        values.push(("size", facets::size_value(&unit.measure)));
    }
    for (kind, text) in [("brand", &row.brand), ("material", &row.material)] {
        if let Some(text) = text {
            values.extend(stems(text).into_iter().map(|v| (kind, v)));
        }
    }
    for part in &row.category {
        values.extend(stems(part).into_iter().map(|v| ("category", v)));
    }
    values
}
