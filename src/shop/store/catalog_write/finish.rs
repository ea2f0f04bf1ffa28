//! Completing a catalog and swapping it in.

use super::{
    super::{CATALOG_FILE, StoreError, catalog, migrate},
    CatalogBuilder,
    patch::{LiveLock, open},
    remove,
};
use crate::lang::Language;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::{fs::File, path::Path};

/// What of the live catalog a new one no longer has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removals {
    /// Products that are sold now.
    pub before: u64,
    /// Of these, not in the new catalog.
    pub gone: u64,
    /// The ids of some of them.
    pub some: Vec<String>,
}

/// So many ids of products that would go are named.
const NAMED: usize = 10;

impl CatalogBuilder {
    /// Completes the catalog and swaps it in. From the catalog before, it takes what was not
    /// given anew: texts in languages that no feed brought (of products that are still sold),
    /// documents, reviews; and the changes of prices and stock that are newer than its own
    /// figures.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; the live catalog is as it was then.
    pub fn finish(mut self, now: Timestamp) -> Result<(), StoreError> {
        self.carry_over()?;
        self.db.execute_batch(
            "UPDATE product SET (stars, reviews) =
                 (SELECT avg(stars), count(*) FROM review WHERE review.product = product.id)
             WHERE id IN (SELECT product FROM review)",
        )?;
        for (key, value) in [
            ("built_at", now.as_millisecond().to_string()),
            ("origin", self.origin.to_owned()),
        ] {
            self.db.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
                params![key, value],
            )?;
        }
        for language in Language::ALL {
            for table in ["words", "trigrams"] {
                let table = format!("{table}_{language}");
                self.db.execute_batch(&format!(
                    "INSERT INTO {table} ({table}) VALUES ('optimize')"
                ))?;
            }
        }
        self.db.execute_batch("COMMIT; ANALYZE")?;
        let live = self.folder.join(CATALOG_FILE);
        let synced = |path: &Path| File::open(path).and_then(|file| file.sync_all());
        // The most of it before the lock: changes wait for no disk.
        synced(&self.building).map_err(|e| StoreError::file(&self.building, e))?;
        let _lock = LiveLock::take(&self.folder)?;
        if live.exists() {
            // A journal that a crash left would be taken for the new file's: it is played back
            // first, by opening.
            let old = open(&live).and_then(|db| {
                Ok(db
                    .query_row("SELECT count(*) FROM meta", [], |r| r.get::<_, i64>(0))
                    .map(|_| db)?)
            });
            // A damaged catalog has nothing to give: it is replaced.
            if let Ok(old) = old {
                self.carry_changes(&old, now.as_millisecond())?;
            }
            remove(&self.folder.join(format!("{CATALOG_FILE}-journal")))?;
        }
        self.db.pragma_update(None, "journal_mode", "DELETE")?;
        let swap = || -> std::io::Result<()> {
            synced(&self.building)?;
            std::fs::rename(&self.building, &live)?;
            // The rename itself must survive a power cut.
            synced(&self.folder)
        };
        swap().map_err(|e| StoreError::file(&live, e))?;
        self.finished = true;
        Ok(())
    }

    /// Marks where the catalog is from: `feed`, unless it is a sample.
    pub fn origin(&mut self, origin: &'static str) {
        self.origin = origin;
    }

    /// What of the live catalog would go. A live catalog that is only a sample has nothing to
    /// lose.
    ///
    /// # Errors
    /// [`StoreError`] when the new one cannot be read.
    pub fn removals(&self) -> Result<Removals, StoreError> {
        let mut removals = Removals::default();
        let Some(old) = self.live() else {
            return Ok(removals);
        };
        if catalog::meta(&old, "origin")?.as_deref() != Some("feed") {
            return Ok(removals);
        }
        let mut ids = old.prepare("SELECT id FROM product ORDER BY id")?;
        let mut rows = ids.query([])?;
        let mut there = self.db.prepare("SELECT 1 FROM product WHERE id = ?1")?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            removals.before += 1;
            if !there.exists([&id])? {
                removals.gone += 1;
                if removals.some.len() < NAMED {
                    removals.some.push(id);
                }
            }
        }
        Ok(removals)
    }

    /// The live catalog, for reading; `None` where there is none that can be read.
    pub(super) fn live(&self) -> Option<Connection> {
        let live = self.folder.join(CATALOG_FILE);
        if !live.exists() {
            return None;
        }
        let old = Connection::open_with_flags(&live, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        // One that is damaged, or of another schema, has nothing to give.
        matches!(migrate::version(&old), Ok(v) if v == migrate::CATALOG.len()).then_some(old)
    }

    /// Takes the changes of prices and stock that are newer than this catalog's own figures.
    fn carry_changes(&self, old: &Connection, built_at: i64) -> Result<(), StoreError> {
        let mut changed = old.prepare(
            "SELECT id, price_at, price, sale_price, sale_from, sale_until, stock_at, stock,
                 available, currency
             FROM product WHERE price_at IS NOT NULL OR stock_at IS NOT NULL",
        )?;
        let mut rows = changed.query([])?;
        self.db.execute_batch("BEGIN")?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let own: Option<(i64, i64, i64, String)> = self
                .db
                .prepare_cached(
                    "SELECT key, coalesce(price_at, ?2), coalesce(stock_at, ?2), currency
                     FROM product WHERE id = ?1",
                )?
                .query_row(params![id, built_at], |r| {
                    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
                })
                .optional()?;
            let Some((key, price_at, stock_at, currency)) = own else {
                continue;
            };
            let value = |i| row.get::<_, rusqlite::types::Value>(i);
            let newer = |at: Option<i64>, own: i64| at.is_some_and(|at| at > own);
            if newer(row.get(1)?, price_at) && row.get::<_, String>(9)? == currency {
                self.db
                    .prepare_cached(
                        "UPDATE product SET price_at = ?2, price = ?3, sale_price = ?4,
                             sale_from = ?5, sale_until = ?6 WHERE key = ?1",
                    )?
                    .execute(params![
                        key,
                        value(1)?,
                        value(2)?,
                        value(3)?,
                        value(4)?,
                        value(5)?
                    ])?;
            }
            if newer(row.get(6)?, stock_at) {
                self.db
                    .prepare_cached(
                        "UPDATE product SET stock_at = ?2, stock = ?3, available = ?4
                         WHERE key = ?1",
                    )?
                    .execute(params![key, value(6)?, value(7)?, value(8)?])?;
            }
        }
        self.db.execute_batch("COMMIT")?;
        Ok(())
    }
}
