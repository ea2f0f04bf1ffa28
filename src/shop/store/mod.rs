//! The store: the only place with SQL.
//!
//! One data folder holds two databases. `catalog.db` is what is sold: read-only here, built
//! beside the live file by an import and swapped in by rename, so that a reader sees the old
//! catalog or the new one and never half of either. `orders.db` is what must never be lost:
//! write-ahead log, `synchronous = FULL`, every change in one transaction.
//!
//! Time comes in as an argument, randomness too. Calls block: they belong on a thread of
//! their own, never in an async task. A [`Store`] is `Send`; give each thread its own.

mod catalog;
mod catalog_write;
mod error;
mod identity;
mod inbound;
mod migrate;
mod order_read;
mod order_write;
mod outbox;
mod outbox_read;
mod requests;
mod reserve;
mod search;

pub use catalog::CatalogStats;
pub use catalog_write::{Added, CatalogBuilder, CatalogPatch, PatchIssue, PatchReport, Removals};
pub use error::StoreError;
pub use inbound::Applied;
pub use outbox::{Answer, LONGEST_WAIT, Message, MessageKind, MessageState};
pub use outbox_read::{OutboxEntry, OutboxSummary, Unsent};
pub use requests::{ReturnRequest, ReturnState, ReturnWish};
pub use reserve::RESERVATION;

use rusqlite::{Connection, OpenFlags};
use std::{
    cell::{Ref, RefCell},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// The catalog's file in the data folder.
pub const CATALOG_FILE: &str = "catalog.db";
/// The orders' file in the data folder.
pub const ORDERS_FILE: &str = "orders.db";

/// How long a write waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);

/// The shop's data: catalog and orders of one data folder.
pub struct Store {
    folder: PathBuf,
    orders: Connection,
    catalog: RefCell<Catalog>,
}

/// One generation of the catalog, open for reading.
pub(in crate::shop::store) struct Catalog {
    pub(in crate::shop::store) db: Connection,
    /// Device and inode of the file it was opened from; `None` when there is no catalog yet.
    /// Changes of prices and stock leave it the same file: SQLite sees those itself.
    identity: Option<(u64, u64)>,
    /// When the shop's own stock figures are from, in ms since 1970, where a product says no
    /// other time.
    pub(in crate::shop::store) built_at: i64,
    /// When the oldest of them are from.
    pub(in crate::shop::store) oldest: i64,
    /// The words of the catalog, read once a generation.
    pub(in crate::shop::store) lexicon: search::Lexicon,
}

impl Store {
    /// Opens the data folder, making it and its databases if they are not there. An empty
    /// folder has an empty catalog.
    ///
    /// # Errors
    /// [`StoreError`]: not writable, full, damaged, or written by a newer Comptoir.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|e| StoreError::file(folder, e))?;
        let orders = open_orders(&folder.join(ORDERS_FILE))?;
        let catalog = RefCell::new(Catalog::open(&folder.join(CATALOG_FILE))?);
        Ok(Self {
            folder: folder.to_owned(),
            orders,
            catalog,
        })
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest catalog: opened anew when an import has swapped it.
    fn catalog(&self) -> Result<Ref<'_, Catalog>, StoreError> {
        let path = self.folder.join(CATALOG_FILE);
        self.recover(&path)?;
        let stale = self.catalog.borrow().identity != identity(&path);
        if stale {
            let fresh = Catalog::open(&path)?;
            *self.catalog.borrow_mut() = fresh;
        }
        Ok(self.catalog.borrow())
    }
}

impl Store {
    /// Undoes what a crash left half written of a change to the live catalog: a reader cannot. A
    /// change that is under way is waited for.
    fn recover(&self, path: &Path) -> Result<(), StoreError> {
        let journal = self.folder.join(format!("{CATALOG_FILE}-journal"));
        if !journal.exists() {
            return Ok(());
        }
        let _lock = catalog_write::patch::LiveLock::take(&self.folder)?;
        if journal.exists() && path.exists() {
            drop(catalog_write::patch::open(path)?);
            // One that belongs to nothing would be looked at for ever.
            let _ = std::fs::remove_file(journal);
        }
        Ok(())
    }
}

fn open_orders(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> Result<Connection, StoreError> {
        let mut db = Connection::open(path)?;
        db.busy_timeout(BUSY)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        migrate::migrate(&mut db, ORDERS_FILE, migrate::ORDERS)?;
        Ok(db)
    };
    open().map_err(|e| name_file(e, path))
}

impl Catalog {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let open = || -> Result<Self, StoreError> {
            let identity = identity(path);
            let db = if identity.is_some() {
                reading(path)?
            } else {
                let mut db = Connection::open_in_memory()?;
                migrate::migrate(&mut db, CATALOG_FILE, migrate::CATALOG)?;
                db
            };
            db.set_prepared_statement_cache_capacity(64);
            let built_at = catalog::built_at(&db)?;
            let oldest = catalog::oldest_figures(&db, built_at)?;
            Ok(Self {
                db,
                identity,
                built_at,
                oldest,
                lexicon: search::Lexicon::default(),
            })
        };
        open().map_err(|e| name_file(e, path))
    }
}

/// Opens the live catalog for reading. One of an older schema is brought to this one first; what a
/// crash left half written is undone.
fn reading(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> Result<(Connection, usize), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY)?;
        let found = migrate::version(&db)?;
        Ok((db, found))
    };
    let known = migrate::CATALOG.len();
    match open() {
        Ok((db, found)) if found == known => Ok(db),
        Ok((_, found)) if found > known => Err(StoreError::Newer {
            database: CATALOG_FILE.to_owned(),
            found,
            known,
        }),
        Err(StoreError::Damaged { database }) => Err(StoreError::Damaged { database }),
        _ => {
            let _lock = catalog_write::patch::LiveLock::take(path.parent().unwrap_or(path))?;
            drop(catalog_write::patch::open(path)?);
            Ok(open()?.0)
        }
    }
}

/// What tells one generation of a file from the next: while it is open, no other has its inode.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino()))
}

fn name_file(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Damaged { .. } => StoreError::Damaged {
            database: path.display().to_string(),
        },
        StoreError::Sqlite(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) => {
            StoreError::file(path, std::io::Error::other(e.to_string()))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
