//! One product's price or stock, between two whole catalogs.

use super::{Applied, BUSY, CATALOG_FILE, Store, StoreError};
use crate::shop::{money::Money, product::ProductId};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

/// A change of one product between two whole catalogs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogPatch {
    /// Which.
    pub product: ProductId,
    /// The regular price, and a promotion's.
    pub price: Option<(Money, Option<Money>)>,
    /// Pieces (`None`: not counted), and whether it is sold.
    pub stock: Option<(Option<u32>, bool)>,
    /// When it was so.
    pub at: Timestamp,
}

impl Store {
    /// Writes a patch into the live catalog.
    pub(super) fn patch(&self, patch: &CatalogPatch) -> Result<Applied, StoreError> {
        let path = self.folder.join(CATALOG_FILE);
        if !path.exists() {
            return Ok(Applied::NotOurs);
        }
        let mut db = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        db.busy_timeout(BUSY)?;
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let currency: Option<String> = tx
            .query_row(
                "SELECT currency FROM product WHERE id = ?1",
                [&patch.product.0],
                |row| row.get(0),
            )
            .optional()?;
        let Some(currency) = currency else {
            return Ok(Applied::NotOurs);
        };
        if let Some((price, sale)) = patch.price {
            if price.minor <= 0 || price.currency.code() != currency {
                return Ok(Applied::Wrong);
            }
            let sale = sale
                .filter(|s| s.minor > 0 && s.minor < price.minor && s.currency == price.currency);
            tx.execute(
                "UPDATE product SET price = ?2, sale_price = ?3, sale_from = NULL,
                     sale_until = NULL
                 WHERE id = ?1",
                params![patch.product.0, price.minor, sale.map(|s| s.minor)],
            )?;
        }
        if let Some((stock, available)) = patch.stock {
            tx.execute(
                "UPDATE product SET stock = ?2, available = ?3 WHERE id = ?1",
                params![patch.product.0, stock, available],
            )?;
        }
        tx.commit()?;
        Ok(Applied::New)
    }
}
