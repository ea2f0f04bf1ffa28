//! What a new catalog takes from the one before.

use super::{
    super::{StoreError, catalog::json},
    CatalogBuilder,
    text::{TextWords, name_of},
};
use crate::lang::Language;
use rusqlite::{Connection, OptionalExtension, params};

impl CatalogBuilder {
    /// Takes from the live catalog what was not given anew.
    pub(super) fn carry_over(&mut self) -> Result<(), StoreError> {
        let Some(old) = self.live() else {
            return Ok(());
        };
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
            let synonyms: Vec<String> = json("synonyms", &row.get::<_, String>(12)?)?;
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
