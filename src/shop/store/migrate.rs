//! Migrations: append-only `.sql` files, applied on `user_version` in one transaction.

use super::StoreError;
use rusqlite::{Connection, TransactionBehavior};

/// The catalog's schema, oldest first. Never edit one that was released: append.
pub(super) const CATALOG: &[&str] = &[
    include_str!("migrations/catalog/001_catalog.sql"),
    include_str!("migrations/catalog/002_changes.sql"),
];

/// The orders' schema, oldest first. Never edit one that was released: append.
pub(super) const ORDERS: &[&str] = &[
    include_str!("migrations/orders/001_orders.sql"),
    include_str!("migrations/orders/002_service.sql"),
    include_str!("migrations/orders/003_backend.sql"),
];

/// Brings a database to the newest schema, or refuses one that is newer than this program.
/// All steps happen in one transaction: after a crash the old schema is still there.
pub(super) fn migrate(db: &mut Connection, name: &str, steps: &[&str]) -> Result<(), StoreError> {
    let known = steps.len();
    if version(db)? == known {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the write lock: another process may just have migrated it.
    let found = version(&tx)?;
    if found > known {
        return Err(StoreError::Newer {
            database: name.to_owned(),
            found,
            known,
        });
    }
    for step in &steps[found..] {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "user_version", known as i64)?;
    tx.commit()?;
    Ok(())
}

/// The schema version of a database; 0 for a new one.
pub(super) fn version(db: &Connection) -> Result<usize, StoreError> {
    let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A negative number was not written by us; treat it as newer than anything known.
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}
