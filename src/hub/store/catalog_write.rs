//! Products as they are written. Who writes holds the lock of the language's catalog until the
//! commit, so that changes become visible in the order of their numbers.

use super::{Happening, HubStore, db, events, get, json};
use crate::{
    hub::{refusal::Refusal, rows::KeptRow},
    lang::Language,
    shop::money::Money,
    sync::contract::Happened,
};
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};
use tokio::sync::mpsc;
use uuid::Uuid;

/// A full feed that would take away more than this share of the catalog is refused, unless told.
const MOST_GONE: f64 = 0.3;
/// So many rows go to PostgreSQL at once.
const CHUNK: usize = 1_000;

/// What became of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// Rows that are in the catalog.
    pub kept: u64,
    /// Those of them that are new or changed.
    pub changed: u64,
    /// Products that are gone.
    pub removed: u64,
}

/// A change of stock or price, for all languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Change {
    /// The stock of a product; no quantity is not counted.
    Stock {
        /// Which product's.
        product: String,
        /// Pieces.
        #[serde(default)]
        quantity: Option<u32>,
        /// Whether it is sold at all.
        available: bool,
    },
    /// The price of a product.
    Price {
        /// Which product's.
        product: String,
        /// The regular price, tax included.
        price: Money,
        /// The promotion's, lower than that.
        #[serde(default)]
        sale_price: Option<Money>,
    },
}

impl Change {
    /// Which product's.
    #[must_use]
    pub fn product(&self) -> &str {
        match self {
            Self::Stock { product, .. } | Self::Price { product, .. } => product,
        }
    }

    /// Its columns in the feed; a null takes the column away.
    fn columns(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Stock {
                quantity,
                available,
                ..
            } => vec![
                (
                    "quantity",
                    quantity.map_or(Value::Null, |q| q.to_string().into()),
                ),
                (
                    "availability",
                    if *available {
                        "in_stock"
                    } else {
                        "out_of_stock"
                    }
                    .into(),
                ),
            ],
            Self::Price {
                price, sale_price, ..
            } => vec![
                ("price", price.to_string().into()),
                (
                    "sale_price",
                    sale_price.map_or(Value::Null, |p| p.to_string().into()),
                ),
                ("sale_price_effective_date", Value::Null),
            ],
        }
    }

    fn happened(&self) -> Happened {
        match self.clone() {
            Self::Stock {
                product,
                quantity,
                available,
            } => Happened::Stock {
                product,
                quantity,
                available,
            },
            Self::Price {
                product,
                price,
                sale_price,
            } => Happened::Price {
                product,
                price,
                sale_price,
            },
        }
    }
}

impl HubStore {
    /// Writes rows of a language; products that are in none of them stay.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was written then.
    pub async fn put_products(
        &self,
        language: Language,
        rows: &[KeptRow],
    ) -> Result<Loaded, Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        stage(&tx).await?;
        for chunk in rows.chunks(CHUNK) {
            stage_rows(&tx, chunk).await?;
        }
        let changes = lock(&tx, language).await?;
        let changed = merge(&tx, language, changes).await?;
        advance(&tx, language, changed).await?;
        tx.commit().await.map_err(db)?;
        Ok(Loaded {
            kept: rows.len() as u64,
            changed: changed.unsigned_abs(),
            removed: 0,
        })
    }

    /// Replaces a language's catalog by the rows that come: what is in none of them is gone. All
    /// or nothing. `whole` says at the end whether the rows came to their end.
    ///
    /// # Errors
    /// [`Refusal::State`] when more than 30 % would go and that is not `forced`;
    /// [`Refusal::Content`] when nothing came or it broke off; nothing was written then.
    pub async fn load_catalog(
        &self,
        language: Language,
        rows: &mut mpsc::Receiver<Vec<KeptRow>>,
        whole: impl AsyncFnOnce() -> Result<(), String>,
        forced: bool,
    ) -> Result<Loaded, Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        // A million rows take longer than a request may.
        tx.batch_execute(
            "SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '1min'; \
             SET LOCAL idle_in_transaction_session_timeout = '10min'",
        )
        .await
        .map_err(db)?;
        stage(&tx).await?;
        let mut kept = 0;
        while let Some(chunk) = rows.recv().await {
            kept += chunk.len() as u64;
            stage_rows(&tx, &chunk).await?;
        }
        whole().await.map_err(Refusal::Content)?;
        if kept == 0 {
            return Err(Refusal::Content(
                "expected products, found none that can be kept; the catalog is as it was".into(),
            ));
        }
        tx.batch_execute("ANALYZE incoming").await.map_err(db)?;
        let changes = lock(&tx, language).await?;
        let row = tx
            .query_one(
                "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS \
                     (SELECT 1 FROM incoming i WHERE i.id = p.id)) \
                 FROM hub.product p WHERE p.language = $1 AND NOT p.deleted",
                &[&language.code()],
            )
            .await
            .map_err(db)?;
        let (before, going): (i64, i64) = (get(&row, 0)?, get(&row, 1)?);
        if !forced && going as f64 > before as f64 * MOST_GONE {
            return Err(Refusal::State(format!(
                "expected a feed that takes away at most 30 % of {before} products, found {going} \
                 gone; the catalog is as it was (--force takes them away)"
            )));
        }
        let changed = merge(&tx, language, changes).await?;
        let removed = remove_missing(&tx, language, changes + changed).await?;
        advance(&tx, language, changed + removed).await?;
        tx.commit().await.map_err(db)?;
        Ok(Loaded {
            kept,
            changed: changed.unsigned_abs(),
            removed: removed.unsigned_abs(),
        })
    }

    /// Takes a product away in every language. Returns whether it was there.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was written then.
    pub async fn delete_product(&self, id: &str) -> Result<bool, Refusal> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        let mut gone = 0;
        for (language, changes) in lock_all(&tx).await? {
            let marked = tx
                .execute(
                    "UPDATE hub.product SET deleted = true, row = '{}', changed = $3::bigint + 1 \
                     WHERE language = $1 AND id = $2 AND NOT deleted",
                    &[&language.code(), &id, &changes],
                )
                .await
                .map_err(db)?;
            advance(&tx, language, marked as i64).await?;
            gone += marked;
        }
        tx.commit().await.map_err(db)?;
        Ok(gone > 0)
    }

    /// Changes stock and prices and tells every terminal. Returns the places (from 0) of changes
    /// whose product is in no catalog.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was written then.
    pub async fn change_products(
        &self,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<Vec<usize>, Refusal> {
        let mut patches: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for change in changes {
            let patch = patches.entry(change.product()).or_default();
            for (column, value) in change.columns() {
                patch.insert(column.to_owned(), value);
            }
        }
        let ids: Vec<&str> = patches.keys().copied().collect();
        let texts: Vec<String> = patches.values().map(json).collect::<Result<_, _>>()?;
        let mut client = self.client().await?;
        let tx = client.transaction().await.map_err(db)?;
        let mut known: HashSet<String> = HashSet::new();
        for (language, made) in lock_all(&tx).await? {
            let rows = tx
                .query(
                    "WITH c AS (SELECT u.id, u.patch::jsonb AS patch, \
                             row_number() OVER (ORDER BY u.id) AS n \
                         FROM unnest($3::text[], $4::text[]) AS u (id, patch) \
                         JOIN hub.product p ON p.language = $1 AND p.id = u.id AND NOT p.deleted) \
                     UPDATE hub.product p SET row = jsonb_strip_nulls(p.row || c.patch), \
                         changed = $2 + c.n \
                     FROM c WHERE p.language = $1 AND p.id = c.id RETURNING p.id",
                    &[&language.code(), &made, &ids, &texts],
                )
                .await
                .map_err(db)?;
            advance(&tx, language, rows.len() as i64).await?;
            for row in &rows {
                known.insert(get(row, 0)?);
            }
        }
        let (told, unknown): (Vec<_>, Vec<_>) = changes
            .iter()
            .enumerate()
            .partition(|(_, c)| known.contains(c.product()));
        let told: Vec<&Change> = told.into_iter().map(|(_, c)| c).collect();
        let happenings = numbered(&tx, &told, now).await?;
        events::tell_all(&tx, &happenings, now).await?;
        tx.commit().await.map_err(db)?;
        Ok(unknown.into_iter().map(|(n, _)| n).collect())
    }
}

/// The next versions of changes' products, in the order of the changes.
async fn numbered(
    tx: &Transaction<'_>,
    changes: &[&Change],
    now: Timestamp,
) -> Result<Vec<Happening>, Refusal> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for change in changes {
        *counts.entry(change.product()).or_default() += 1;
    }
    let ids: Vec<&str> = counts.keys().copied().collect();
    let counted: Vec<i64> = counts.values().copied().collect();
    let rows = tx
        .query(
            "INSERT INTO hub.product_version AS v (id, version) \
             SELECT id, n FROM unnest($1::text[], $2::bigint[]) AS u (id, n) ORDER BY id \
             ON CONFLICT (id) DO UPDATE SET version = v.version + excluded.version \
             RETURNING id, version",
            &[&ids, &counted],
        )
        .await
        .map_err(db)?;
    let mut next: BTreeMap<String, i64> = BTreeMap::new();
    for row in &rows {
        let (id, last): (String, i64) = (get(row, 0)?, get(row, 1)?);
        let count = counts.get(id.as_str()).copied().unwrap_or_default();
        next.insert(id, last - count);
    }
    Ok(changes
        .iter()
        .map(|change| {
            let version = next.entry(change.product().to_owned()).or_default();
            *version += 1;
            Happening {
                id: Uuid::now_v7(),
                version: *version,
                at: now,
                what: change.happened(),
            }
        })
        .collect())
}

/// Makes the table of incoming rows; it ends with the transaction.
async fn stage(tx: &Transaction<'_>) -> Result<(), Refusal> {
    tx.batch_execute(
        "CREATE TEMPORARY TABLE incoming (n bigint GENERATED ALWAYS AS IDENTITY, \
             id text PRIMARY KEY, row jsonb NOT NULL) ON COMMIT DROP",
    )
    .await
    .map_err(db)
}

async fn stage_rows(tx: &Transaction<'_>, rows: &[KeptRow]) -> Result<(), Refusal> {
    let ids: Vec<&str> = rows.iter().map(|r| r.id.as_str()).collect();
    let texts: Vec<String> = rows
        .iter()
        .map(|r| json(&r.row))
        .collect::<Result<_, _>>()?;
    // Of two with one id the first is kept, as in every feed.
    tx.execute(
        "INSERT INTO incoming (id, row) SELECT id, row::jsonb \
         FROM unnest($1::text[], $2::text[]) AS t (id, row) ON CONFLICT DO NOTHING",
        &[&ids, &texts],
    )
    .await
    .map_err(db)?;
    Ok(())
}

/// Locks a language's catalog until the transaction ends; the number of its changes.
async fn lock(tx: &Transaction<'_>, language: Language) -> Result<i64, Refusal> {
    tx.execute(
        "INSERT INTO hub.catalog (language, epoch) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        &[&language.code(), &Uuid::new_v4()],
    )
    .await
    .map_err(db)?;
    let row = tx
        .query_one(
            "SELECT changes FROM hub.catalog WHERE language = $1 FOR UPDATE",
            &[&language.code()],
        )
        .await
        .map_err(db)?;
    get(&row, 0)
}

/// Locks every language's, always in the same order.
async fn lock_all(tx: &Transaction<'_>) -> Result<Vec<(Language, i64)>, Refusal> {
    let rows = tx
        .query(
            "SELECT language, changes FROM hub.catalog ORDER BY language FOR UPDATE",
            &[],
        )
        .await
        .map_err(db)?;
    rows.iter()
        .map(|row| {
            let code: String = get(row, 0)?;
            let language = code
                .parse()
                .map_err(|e| Refusal::Failed(format!("a language of the database: {e}")))?;
            Ok((language, get(row, 1)?))
        })
        .collect()
}

/// Counts changes that were made under the lock.
async fn advance(tx: &Transaction<'_>, language: Language, by: i64) -> Result<(), Refusal> {
    if by == 0 {
        return Ok(());
    }
    tx.execute(
        "UPDATE hub.catalog SET changes = changes + $2 WHERE language = $1",
        &[&language.code(), &by],
    )
    .await
    .map_err(db)?;
    Ok(())
}

/// Writes the incoming rows that are new or differ; how many.
async fn merge(tx: &Transaction<'_>, language: Language, changes: i64) -> Result<i64, Refusal> {
    let row = tx
        .query_one(
            "WITH differing AS ( \
                 SELECT i.id, i.row, row_number() OVER (ORDER BY i.n) AS n FROM incoming i \
                 LEFT JOIN hub.product p ON p.language = $1 AND p.id = i.id \
                 WHERE p.id IS NULL OR p.deleted OR p.row <> i.row), \
             written AS (INSERT INTO hub.product (language, id, row, changed) \
                 SELECT $1, id, row, $2 + n FROM differing ORDER BY n \
                 ON CONFLICT (language, id) DO UPDATE \
                 SET row = excluded.row, changed = excluded.changed, deleted = false \
                 RETURNING 1) \
             SELECT count(*) FROM written",
            &[&language.code(), &changes],
        )
        .await
        .map_err(db)?;
    get(&row, 0)
}

/// Marks the products that are in no incoming row; how many.
async fn remove_missing(
    tx: &Transaction<'_>,
    language: Language,
    changes: i64,
) -> Result<i64, Refusal> {
    let marked = tx
        .execute(
            "WITH gone AS (SELECT p.id, row_number() OVER (ORDER BY p.id) AS n \
                 FROM hub.product p WHERE p.language = $1 AND NOT p.deleted \
                 AND NOT EXISTS (SELECT 1 FROM incoming i WHERE i.id = p.id)) \
             UPDATE hub.product p SET deleted = true, row = '{}', changed = $2 + gone.n \
             FROM gone WHERE p.language = $1 AND p.id = gone.id",
            &[&language.code(), &changes],
        )
        .await
        .map_err(db)?;
    Ok(marked as i64)
}
