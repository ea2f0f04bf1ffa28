//! Changes of prices and stock in the live catalog, between two feeds.

use super::super::{BUSY, CATALOG_FILE, Store, StoreError, migrate};
use crate::shop::{money::Money, product::ProductId};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;
use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A change of a product's price or stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogPatch {
    /// Which product.
    pub product: ProductId,
    /// The regular price, tax included, and the promotion's.
    pub price: Option<(Money, Option<Money>)>,
    /// Pieces (`None`: not counted), and whether it is sold at all.
    pub stock: Option<(Option<u32>, bool)>,
    /// When it was so. What is older than the figure that is known changes nothing.
    pub at: Timestamp,
}

/// What became of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PatchReport {
    /// Changes that are in, or were already.
    pub applied: u64,
    /// Changes that are older than what is known.
    pub outdated: u64,
    /// Changes of products that are not in the catalog.
    pub unknown: u64,
    /// Changes that cannot be: a sale price above the price, another currency.
    pub refused: u64,
    /// The first of the unknown and refused, and why.
    pub issues: Vec<PatchIssue>,
}

/// A change that is not in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatchIssue {
    /// Of which product.
    pub product: ProductId,
    /// What was expected and found.
    pub why: String,
}

/// So many issues are kept.
const TOLD: usize = 1_000;

/// Most of a price, in minor units: as in feeds.
const HIGHEST_PRICE: i64 = 999_999_999;

impl Store {
    /// Changes prices and stock in the live catalog, all in one transaction. Safe to repeat and
    /// to get out of order: each figure holds from its time on. A change from the future counts
    /// as of now.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; nothing is changed then.
    pub fn patch_catalog(
        &mut self,
        patches: &[CatalogPatch],
        now: Timestamp,
    ) -> Result<PatchReport, StoreError> {
        let mut report = PatchReport::default();
        if patches.is_empty() {
            return Ok(report);
        }
        let _lock = LiveLock::take(self.folder())?;
        let path = self.folder().join(CATALOG_FILE);
        if !path.exists() {
            for patch in patches {
                report.unknown(patch);
            }
            return Ok(report);
        }
        let mut db = open(&path)?;
        let built_at = super::super::catalog::built_at(&db)?;
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for patch in patches {
            apply(&tx, patch, built_at, now, &mut report)?;
        }
        tx.commit()?;
        Ok(report)
    }
}

impl PatchReport {
    fn unknown(&mut self, patch: &CatalogPatch) {
        self.unknown += 1;
        self.issue(
            patch,
            "expected a product of the catalog, found none".to_owned(),
        );
    }

    fn refused(&mut self, patch: &CatalogPatch, why: String) {
        self.refused += 1;
        self.issue(patch, why);
    }

    fn issue(&mut self, patch: &CatalogPatch, why: String) {
        if self.issues.len() < TOLD {
            self.issues.push(PatchIssue {
                product: patch.product.clone(),
                why,
            });
        }
    }
}

fn apply(
    db: &Connection,
    patch: &CatalogPatch,
    built_at: i64,
    now: Timestamp,
    report: &mut PatchReport,
) -> Result<(), StoreError> {
    let known: Option<(i64, String, i64, i64)> = db
        .prepare_cached(
            "SELECT key, currency, coalesce(price_at, ?2), coalesce(stock_at, ?2)
             FROM product WHERE id = ?1",
        )?
        .query_row(params![patch.product.0, built_at], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((key, currency, price_at, stock_at)) = known else {
        report.unknown(patch);
        return Ok(());
    };
    if let Some(why) = impossible(patch, &currency) {
        report.refused(patch, why);
        return Ok(());
    }
    let at = patch.at.min(now).as_millisecond();
    let (mut changed, mut late) = (false, false);
    if let Some((price, sale)) = patch.price {
        if at >= price_at {
            db.prepare_cached(
                "UPDATE product SET price = ?2, sale_price = ?3, sale_from = NULL,
                     sale_until = NULL, price_at = ?4 WHERE key = ?1",
            )?
            .execute(params![key, price.minor, sale.map(|sale| sale.minor), at])?;
            changed = true;
        } else {
            late = true;
        }
    }
    if let Some((stock, available)) = patch.stock {
        if at >= stock_at {
            db.prepare_cached(
                "UPDATE product SET stock = ?2, available = ?3, stock_at = ?4 WHERE key = ?1",
            )?
            .execute(params![key, stock, available, at])?;
            changed = true;
        } else {
            late = true;
        }
    }
    if changed || !late {
        report.applied += 1;
    } else {
        report.outdated += 1;
    }
    Ok(())
}

fn impossible(patch: &CatalogPatch, currency: &str) -> Option<String> {
    let (price, sale) = patch.price?;
    let all = [Some(price), sale];
    if let Some(other) = all.iter().flatten().find(|m| m.currency.code() != currency) {
        return Some(format!("expected a price in {currency}, found {other}"));
    }
    if let Some(wrong) = all
        .iter()
        .flatten()
        .find(|m| !(1..=HIGHEST_PRICE).contains(&m.minor))
    {
        return Some(format!(
            "expected a price above 0 and below 10 million, found {wrong}"
        ));
    }
    match sale {
        Some(sale) if sale.minor >= price.minor => Some(format!(
            "expected a sale price below the price, {price}, found {sale}"
        )),
        _ => None,
    }
}

/// Opens the live catalog for writing, at the newest schema. What a crash left half written is
/// undone by this.
pub(in crate::shop::store) fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    migrate::migrate(&mut db, CATALOG_FILE, migrate::CATALOG)?;
    Ok(db)
}

/// Held while the live catalog's file is changed or swapped: never both at once.
pub(in crate::shop::store) struct LiveLock {
    _file: File,
}

impl LiveLock {
    /// Waits for it, as long as for a database's lock.
    pub(in crate::shop::store) fn take(folder: &Path) -> Result<Self, StoreError> {
        let path: PathBuf = folder.join("catalog.lock");
        let file = File::create(&path).map_err(|e| StoreError::file(&path, e))?;
        let until = Instant::now() + BUSY;
        loop {
            match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(_) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(_) => return Err(StoreError::Busy),
            }
        }
    }
}
